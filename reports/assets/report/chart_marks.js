// What happened during the run, in every chart: the warm-up as a shade, changes of the timeline as numbered lines.

function drawWarmUp(plot) {
  if (!data.warm_up_seconds) return;
  const { ctx, bbox } = plot;
  const end = Math.min(plot.valToPos(data.warm_up_seconds, "x", true), bbox.left + bbox.width);
  const start = Math.max(plot.valToPos(0, "x", true), bbox.left);
  if (end <= start) return;
  ctx.save();
  ctx.fillStyle = colour("shade");
  ctx.fillRect(start, bbox.top, end - start, bbox.height);
  ctx.restore();
}

function drawMarks(plot) {
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio;
  let taken = -Infinity;
  ctx.save();
  ctx.font = `600 ${10 * pixel}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  data.marks.forEach((mark, index) => {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) return;
    ctx.strokeStyle = colour("mark");
    ctx.lineWidth = pixel;
    ctx.setLineDash([4 * pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (x < taken + 15 * pixel) return;
    taken = x;
    ctx.setLineDash([]);
    ctx.fillStyle = colour("mark");
    ctx.beginPath();
    ctx.arc(x, bbox.top - 9 * pixel, 7.5 * pixel, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = colour("paper");
    ctx.fillText(String(index + 1), x, bbox.top - 8.5 * pixel);
  });
  ctx.restore();
}

/** The events of the timeline as buttons that zoom to their surroundings. */
function startEvents() {
  for (const button of findAll("button.event")) {
    button.addEventListener("click", () => {
      const at = Number(button.dataset.at);
      const around = Math.max(data.end_seconds / 10, 5 * data.bucket_seconds);
      zoom(Math.max(0, at - around), Math.min(data.end_seconds, at + around));
      find(".charts").scrollIntoView({ block: "start" });
    });
  }
}

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
  const shown = [];
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
    shown.push({ number: index + 1, x });
  });
  ctx.setLineDash([]);
  const radius = 7.5 * pixel;
  for (const { text, x, width } of numbered(shown, (text) => Math.max(2 * radius, ctx.measureText(text).width + 8 * pixel))) {
    ctx.fillStyle = colour("mark");
    ctx.beginPath();
    ctx.roundRect(x - width / 2, bbox.top - 9 * pixel - radius, width, 2 * radius, radius);
    ctx.fill();
    ctx.fillStyle = colour("paper");
    ctx.fillText(text, x, bbox.top - 8.5 * pixel);
  }
  ctx.restore();
}

/** The numbers of marks from left to right; where they have no room beside each other, one for several: `3–5`. */
function numbered(marks, widthOf) {
  const written = ({ first, last }) => (first === last ? String(first) : `${first}–${last}`);
  const ends = (group) => {
    const x = (group.left + group.right) / 2;
    const width = widthOf(written(group));
    return { x, width, from: x - width / 2, to: x + width / 2 };
  };
  const groups = [];
  for (const { number: mark, x } of marks) {
    groups.push({ first: mark, last: mark, left: x, right: x });
    while (groups.length > 1 && ends(groups.at(-2)).to > ends(groups.at(-1)).from) {
      const { last, right } = groups.pop();
      Object.assign(groups.at(-1), { last, right });
    }
  }
  return groups.map((group) => ({ text: written(group), ...ends(group) }));
}

/** The events of the timeline as buttons that zoom to their surroundings. */
function startEvents() {
  // A long list would stand between the reader and the charts.
  const happened = find("details.happened");
  if (happened && happened.offsetHeight > innerHeight / 3) happened.open = false;
  for (const button of findAll("button.event")) {
    button.addEventListener("click", () => {
      const at = Number(button.dataset.at);
      const around = Math.max(data.end_seconds / 10, 5 * data.bucket_seconds);
      zoom(Math.max(0, at - around), Math.min(data.end_seconds, at + around));
      find(".charts").scrollIntoView({ block: "start" });
    });
  }
}

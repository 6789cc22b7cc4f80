// Charts over time, drawn by uPlot: zoomed together, with the values at the cursor in the legend.

const plots = [];
let shownFrom = 0;
let shownTo = data.end_seconds;

const bucketCount = Math.ceil(data.end_seconds / data.bucket_seconds - 1e-9);
const bucketStarts = Array.from({ length: bucketCount }, (_, bucket) => bucket * data.bucket_seconds);
const bucketEnd = (bucket) => Math.min(data.end_seconds, (bucket + 1) * data.bucket_seconds);
const bucketMiddles = bucketStarts.map((start, bucket) => (start + bucketEnd(bucket)) / 2);

/** Draws all charts, as wide as their places or as `width` says. */
function drawCharts(width) {
  for (const { plot } of plots.splice(0)) plot.destroy();
  for (const figure of findAll("figure[data-chart]")) {
    const chart = data.charts[Number(figure.dataset.chart)];
    plots.push(drawChart(figure, chart, width));
  }
  zoom(shownFrom, shownTo);
}

/** Shows this span of time in all charts. */
function zoom(from, to) {
  shownFrom = from;
  shownTo = to;
  for (const { plot } of plots) plot.setScale("x", { min: from, max: to });
  find("#whole-run").hidden = from <= 0 && to >= data.end_seconds;
}

function drawChart(figure, chart, width) {
  const place = find(".plot", figure);
  place.replaceChildren();
  const drawn = { figure, chart, plot: null, hidden: new Set(), legend: [] };
  const columns = columnsOf(chart, drawn.hidden);
  const options = {
    width: width ?? place.clientWidth,
    height: chart.form === "spans" ? 64 + 22 * chart.rows.length : 220,
    padding: [data.marks.length ? 20 : 8, 18, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: chart.form === "lines" },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => zoom(0, data.end_seconds) },
      sync: { key: "run", filters: { pub: (kind) => kind === "mousemove" || kind === "mouseleave" } },
    },
    scales: { x: { time: false }, y: yScale(chart) },
    axes: [timeAxis(), valueAxis(chart)],
    series: [{}, ...seriesOf(chart)],
    hooks: {
      drawClear: [drawWarmUp],
      draw: [(plot) => drawSpans(plot, chart), drawMarks],
      setCursor: [(plot) => showValues(drawn, plot.cursor.idx)],
      setSelect: [zoomToSelection],
    },
  };
  drawn.plot = new uPlot(options, columns, place);
  drawn.legend = drawLegend(drawn);
  askOnClick(drawn);
  moveByKeys(drawn, place);
  return drawn;
}

/** Times and values as uPlot takes them; of a stack the sums, the highest first, so that lower ones are drawn over it. */
function columnsOf(chart, hidden) {
  if (chart.form === "spans") return [bucketMiddles, bucketMiddles.map(() => null)];
  const lines = chart.lines.map((line, index) => (hidden.has(index) ? line.values.map(() => null) : line.values));
  if (chart.form === "lines") return [bucketMiddles, ...lines];
  const sums = [];
  let below = bucketStarts.map(() => 0);
  for (const line of lines) {
    below = below.map((sum, bucket) => sum + (line[bucket] ?? 0));
    sums.push(below.map((sum, bucket) => (chart.lines[0].values[bucket] === null ? null : sum)));
  }
  const repeatLast = (column) => [...column, column[column.length - 1]];
  return [[...bucketStarts, data.end_seconds], ...sums.reverse().map(repeatLast)];
}

function seriesOf(chart) {
  if (chart.form === "spans") return [{ show: false }];
  if (chart.form === "lines") {
    return chart.lines.map((line) => ({
      stroke: colour(line.colour),
      width: 2,
      spanGaps: false,
      points: { size: 5 },
    }));
  }
  const stepped = uPlot.paths.stepped({ align: 1 });
  return [...chart.lines].reverse().map((line) => ({
    // Between the bands of a whole there is a hairline.
    stroke: colour(chart.unit === "ratio" ? "card" : line.colour),
    fill: colour(line.colour),
    width: 1,
    paths: stepped,
    points: { show: false },
  }));
}

function yScale(chart) {
  if (chart.form === "spans") return { range: [0, chart.rows.length] };
  const values = chart.lines.flatMap((line) => line.values).filter((value) => value !== null);
  const greatest = Math.max(...values, 0);
  if (chart.form === "stack" && chart.unit === "ratio") return { range: [0, 1] };
  const least = Math.min(...values.filter((value) => value > 0));
  if (chart.unit === "milliseconds" && greatest / least > 30) return { distr: 3 };
  return { range: (_plot, _min, max) => [0, max > 0 ? max * 1.06 : 1] };
}

function axis(more) {
  return {
    stroke: colour("soft"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { stroke: colour("grid"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
    ...more,
  };
}

function timeAxis() {
  const write = (_plot, splits) => splits.map((at) => moment(at, Math.abs((splits[1] ?? 1) - splits[0]) || 1));
  return axis({ values: write, size: 32, space: 64, incrs: data.end_seconds < 300 ? undefined : minutes });
}

/** Steps of an axis in minutes. */
const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

function valueAxis(chart) {
  if (chart.form === "spans") {
    const short = (name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
    return axis({
      grid: { show: false },
      splits: () => chart.rows.map((_, row) => row + 0.5),
      values: () => chart.rows.map((row) => short(row.name)).reverse(),
      size: (_plot, names) => 14 + 7 * Math.max(4, ...(names ?? []).map((name) => name.length)),
    });
  }
  const write = units[chart.unit];
  return axis({
    values: (_plot, splits) => splits.map((value) => (value === null ? "" : write(value))),
    size: (_plot, values) => Math.max(40, ...(values ?? []).map((text) => 14 + 7 * text.length)),
    space: 36,
  });
}

function zoomToSelection(plot) {
  const { left, width } = plot.select;
  if (width < 4) return;
  const from = plot.posToVal(left, "x");
  const to = plot.posToVal(left + width, "x");
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  zoom(Math.max(0, from), Math.min(data.end_seconds, to));
}

/** Bars in rows, with the row's name at its start. */
function drawSpans(plot, chart) {
  if (chart.form !== "spans") return;
  const { ctx, bbox } = plot;
  const height = bbox.height / chart.rows.length;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  chart.rows.forEach((row, index) => {
    ctx.fillStyle = colour(row.colour);
    for (const [from, to] of row.spans) {
      const start = plot.valToPos(from, "x", true);
      const end = Math.max(start + 2, plot.valToPos(to, "x", true));
      ctx.fillRect(start, bbox.top + (index + 0.2) * height, end - start, 0.6 * height);
    }
  });
  ctx.restore();
}

/** The legend: each line's name and figure; a click hides the line, or shows it again. */
function drawLegend(drawn) {
  const { figure, chart, hidden } = drawn;
  const list = find(".legend", figure);
  const parts = chart.form === "spans" ? chart.rows : chart.lines;
  const values = parts.map((part) => element("span", { class: "value" }, part.total));
  const items = parts.map((part, index) => {
    const toggle = element("button", { type: "button", "aria-pressed": "true" }, swatch(part.colour), part.name);
    toggle.disabled = chart.form === "spans";
    toggle.addEventListener("click", () => {
      if (hidden.has(index)) hidden.delete(index);
      else hidden.add(index);
      toggle.setAttribute("aria-pressed", String(!hidden.has(index)));
      drawn.plot.setData(columnsOf(chart, hidden), false);
      zoom(shownFrom, shownTo);
    });
    return element("li", {}, toggle, values[index]);
  });
  // Above each other in a stack means above each other in its legend.
  list.replaceChildren(...(chart.form === "stack" ? items.reverse() : items));
  return values;
}

function showValues(drawn, index) {
  const { chart, legend, figure } = drawn;
  if (chart.form === "spans") return;
  const bucket = index === null || index === undefined ? null : Math.min(index, bucketCount - 1);
  const write = units[chart.unit];
  chart.lines.forEach((line, place) => {
    const value = bucket === null ? null : line.values[bucket];
    const text = bucket === null ? line.total : value === null ? "–" : write(value);
    if (legend[place] && legend[place].textContent !== text) legend[place].textContent = text;
  });
  const heading = find("figcaption p", figure);
  heading.dataset.note ??= heading.textContent;
  heading.textContent = bucket === null
    ? heading.dataset.note
    : `${moment(bucketStarts[bucket])} to ${moment(bucketEnd(bucket))}`;
}

/** The line that is meant by a point of a chart: the one below it in a stack, else the nearest. */
function lineAt(drawn, bucket, value) {
  const { chart, hidden } = drawn;
  let sum = 0;
  let best = null;
  for (const [index, line] of chart.lines.entries()) {
    const at = line.values[bucket];
    if (hidden.has(index) || at === null) continue;
    if (chart.form === "stack") {
      sum += at;
      if (value <= sum) return line;
    } else if (!best || Math.abs(at - value) < best.distance) {
      best = { line, distance: Math.abs(at - value) };
    }
  }
  return chart.form === "stack" ? null : best?.line;
}

function askAbout(drawn, bucket, part) {
  explore({
    ...drawn.chart.about,
    ...part?.about,
    from: bucketStarts[bucket],
    to: bucketEnd(bucket),
  });
}

function askOnClick(drawn) {
  const { plot, chart } = drawn;
  let pressedAt = null;
  plot.over.addEventListener("mousedown", (event) => {
    pressedAt = event.clientX;
  });
  plot.over.addEventListener("click", (event) => {
    if (pressedAt !== null && Math.abs(event.clientX - pressedAt) > 3) return;
    const at = plot.posToVal(plot.cursor.left, "x");
    const bucket = Math.min(bucketCount - 1, Math.max(0, Math.floor(at / data.bucket_seconds)));
    const value = plot.posToVal(plot.cursor.top, "y");
    const row = chart.rows?.[chart.rows.length - 1 - Math.floor(value)];
    askAbout(drawn, bucket, chart.form === "spans" ? row : lineAt(drawn, bucket, value));
  });
}

/**
 * A chart is a slider over time: of all roles the one to which screen readers leave the arrow keys and whose value they
 * say whenever it changes (WAI-ARIA 1.2, `slider` and `aria-valuetext`). Arrows move the cursor, Enter asks for requests
 * of that moment, Escape shows the whole run.
 */
function moveByKeys(drawn, place) {
  const { chart, plot, figure } = drawn;
  let bucket = 0;
  const tell = () => {
    place.setAttribute("aria-valuenow", String(bucket));
    place.setAttribute("aria-valuetext", valuesInWords(chart, bucket));
  };
  const description = `${figure.id}-description`;
  const words = element("p", { id: description, class: "sr" }, place.dataset.words ?? place.getAttribute("aria-label"));
  words.append(" Arrow keys move through time, Enter shows sample requests of the moment, Escape the whole run.");
  place.dataset.words ??= place.getAttribute("aria-label");
  find(`#${CSS.escape(description)}`)?.remove();
  place.after(words);
  const slider = {
    role: "slider",
    tabindex: "0",
    "aria-label": `${chart.title} over time`,
    "aria-roledescription": "chart",
    "aria-describedby": description,
    "aria-orientation": "horizontal",
    "aria-valuemin": "0",
    "aria-valuemax": String(bucketCount - 1),
  };
  for (const [name, value] of Object.entries(slider)) place.setAttribute(name, value);
  tell();
  const steps = {
    ArrowLeft: -1,
    ArrowDown: -1,
    ArrowRight: 1,
    ArrowUp: 1,
    PageDown: -10,
    PageUp: 10,
    Home: -Infinity,
    End: Infinity,
  };
  place.onkeydown = (event) => {
    const step = steps[event.key];
    if (event.key !== "Enter" && event.key !== "Escape" && step === undefined) return;
    // What follows from the key must not happen where the focus has gone meanwhile.
    event.preventDefault();
    if (event.key === "Enter") askAbout(drawn, bucket, null);
    else if (event.key === "Escape") zoom(0, data.end_seconds);
    else {
      bucket = Math.min(bucketCount - 1, Math.max(0, bucket + step));
      plot.setCursor({ left: plot.valToPos(bucketMiddles[bucket], "x"), top: 10 });
      tell();
    }
  };
}

/** What a chart shows of one bucket. */
function valuesInWords(chart, bucket) {
  const write = units[chart.unit];
  const within = ([from, to]) => from < bucketEnd(bucket) && to > bucketStarts[bucket];
  const values = chart.form === "spans"
    ? chart.rows.filter((row) => row.spans.some(within)).map((row) => row.name)
    : chart.lines.map(({ name, values }) => `${name} ${values[bucket] === null ? "nothing" : write(values[bucket])}`);
  return `${moment(bucketStarts[bucket])}: ${values.join(", ") || "nothing"}`;
}

/** The figures of a chart as a table, made when it is asked for. */
function fillNumbers(figure) {
  const chart = data.charts[Number(figure.dataset.chart)];
  const place = find(".numbers .scroll", figure);
  if (place.firstChild) return;
  const write = units[chart.unit];
  const row = (tag, cells) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
  const head = chart.form === "spans" ? ["host", "from", "to"] : ["time", ...chart.lines.map((line) => line.name)];
  const rows = chart.form === "spans"
    ? chart.rows.flatMap((host) => host.spans.map(([from, to]) => [host.name, moment(from, 0.01), moment(to, 0.01)]))
    : bucketStarts.map((start, bucket) => [
      moment(start),
      ...chart.lines.map((line) => (line.values[bucket] === null ? "–" : write(line.values[bucket]))),
    ]);
  place.append(element(
    "table",
    {},
    element("caption", { class: "sr" }, chart.title),
    element("thead", {}, row("th", head)),
    element("tbody", {}, ...rows.map((cells) => row("td", cells))),
  ));
}

function startCharts() {
  if (!data.charts.length) return;
  find("#whole-run").addEventListener("click", () => zoom(0, data.end_seconds));
  for (const figure of findAll("figure[data-chart]")) {
    find(".numbers", figure).addEventListener("toggle", () => fillNumbers(figure));
  }
  startEvents();
  const resized = new ResizeObserver(() => {
    for (const { plot, figure } of plots) {
      const width = find(".plot", figure).clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
    }
  });
  resized.observe(find(".charts"));
}

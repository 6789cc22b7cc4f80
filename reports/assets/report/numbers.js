// Numbers as people read them, in the same way as the rest of the report.

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function number(value) {
  const size = Math.abs(value);
  const [scale, suffix] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  const scaled = value / scale;
  const shown = Math.abs(scaled);
  if (shown > 0 && shown < 0.01) return String(Number(scaled.toPrecision(2)));
  const digits = shown >= 100 ? 0 : shown >= 10 ? 1 : shown >= 1 ? 2 : 3;
  return trimmed(scaled.toFixed(digits)) + suffix;
}

function milliseconds(value) {
  if (value >= 1000) return `${number(value / 1000)} s`;
  if (value >= 1 || value <= 0) return `${number(value)} ms`;
  return `${number(value * 1000)} µs`;
}

function percent(part) {
  const value = part * 100;
  if (value > 99.9 && value < 100) return `${Math.min(99.999, Number(value.toFixed(3)))}%`;
  if (value > 0 && value < 0.01) return "<0.01%";
  return `${trimmed(value.toFixed(value >= 1 ? 1 : 2))}%`;
}

/** A moment of the run, as precise as a step of so many seconds needs. */
function moment(seconds, step = data.bucket_seconds) {
  const digits = step >= 1 ? 0 : Math.min(3, Math.ceil(-Math.log10(step)));
  if (data.end_seconds < 300) return `${trimmed(seconds.toFixed(Math.max(digits, step >= 1 ? 1 : digits)))} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${minutes}:${rest}`;
}

/** How values of a chart are written. */
const units = {
  ratio: percent,
  milliseconds,
  per_second: (value) => `${number(value)}/s`,
  count: number,
  times: (value) => `${number(value)}×`,
};

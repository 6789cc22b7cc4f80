// One sampled request as a waterfall: its requests as a tree, each with its tries, over a common time.

function waterfall(trace) {
  const ends = trace.requests.flatMap((request) => [
    request.start + request.duration,
    ...request.tries.map((one) => one.start + one.duration),
  ]);
  const whole = Math.max(trace.duration, ...ends, 0.001);
  const rows = trace.requests.flatMap((request) => requestRows(request, whole));
  return element(
    "div",
    { class: "waterfall", style: `--step:${part(roundStep(whole), whole)}` },
    ruler(whole),
    element("ol", { class: "spans" }, ...rows),
    key(),
  );
}

const part = (value, whole) => `${(100 * value / whole).toFixed(3)}%`;

/** A step of 1, 2 or 5 times a power of ten: two to five of them are a whole. */
function roundStep(whole) {
  const power = 10 ** Math.floor(Math.log10(whole));
  return [0.2, 0.5, 1].map((times) => times * power).find((step) => whole / step <= 5.5) ?? 2 * power;
}

function ruler(whole) {
  const step = roundStep(whole);
  const marks = [];
  for (let count = 0; count * step <= whole * 1.0001; count += 1) {
    const at = count * step;
    const place = at / whole > 0.93 ? "last" : "";
    marks.push(element("span", { style: `left:${part(at, whole)}`, class: place }, milliseconds(Number(at.toPrecision(6)))));
  }
  return element("div", { class: "ruler", "aria-hidden": "true" }, ...marks);
}

/** A bar at its place in time. */
function bar(kind, start, duration, whole, title) {
  return element("i", {
    class: `bar ${kind}`,
    style: `left:${part(start, whole)};width:max(2px,${part(Math.max(duration, 0), whole)})`,
    title: `${title}: ${milliseconds(Math.max(duration, 0))}`,
  });
}

/** A name without the namespace that it shares with another. */
function shortName(name, beside) {
  const [namespace, rest] = name.split("/", 2);
  return rest && beside.startsWith(`${namespace}/`) ? rest : name;
}

/** A row for a request and one for each try; a single try that went well needs none of its own. */
function requestRows(request, whole) {
  const to = request.workload || request.service || request.authority;
  const simple = request.tries.length === 1 && !isBad(request.tries[0]) && !request.failed;
  const where = simple ? request.pod || shortName(to, request.caller) : shortName(to, request.caller);
  const label = element(
    "span",
    { class: "label", title: `${request.caller} → ${to}` },
    element("b", {}, `${shortName(request.caller, to)} → ${where}`),
    element("small", {}, `${request.method} ${request.authority}${request.path}`),
  );
  const first = request.tries.find((one) => !one.mirror);
  const wait = (first ? first.start : request.start + request.duration) - request.start;
  const bars = [bar(request.failed ? "request failed" : "request", request.start, request.duration, whole, "request")];
  if (wait > 0.0005 && first) {
    const delayed = request.flags.split(",").includes("DI");
    bars.push(bar(delayed ? "delay" : "wait", request.start, wait, whole, delayed ? "delay injected" : "before the first try"));
  }
  if (simple) bars.push(...tryBars(first ?? request.tries[0], whole));
  const text = `${statusText(request)} · ${milliseconds(request.duration)}`;
  const outcome = element("span", { class: request.failed ? "outcome bad" : "outcome" }, text);
  const summary = element("summary", { class: "span" }, label, element("span", { class: "track" }, ...bars), outcome);
  const row = element(
    "li",
    { class: "request-row", style: `--depth:${request.depth}` },
    element("details", { open: request.depth === 0 ? "" : null }, summary, decisions(request), facts(request)),
  );
  return [row, ...(simple ? [] : request.tries.map((one) => tryRow(one, request, whole)))];
}

const isBad = (one) => typeof one.outcome !== "number" || one.outcome >= 500;

/** Back-off, connecting, waiting, the rest of the response. */
function tryBars(one, whole) {
  const bars = [];
  if (one.backOff) bars.push(bar("back-off", one.start - one.backOff, one.backOff, whole, "back-off"));
  const connect = one.connected ?? 0;
  if (connect > 0) bars.push(bar("connect", one.start, connect, whole, "connecting"));
  const firstByte = one.firstByte ?? one.duration;
  const kind = isBad(one) ? "first-byte bad" : "first-byte";
  bars.push(bar(kind, one.start + connect, firstByte - connect, whole, "until the first byte"));
  if (one.firstByte !== null && one.duration > one.firstByte) {
    bars.push(bar("body", one.start + one.firstByte, one.duration - one.firstByte, whole, "the rest of the response"));
  }
  return bars;
}

function tryRow(one, request, whole) {
  const name = one.mirror ? "mirrored copy" : `try ${one.number}`;
  return element(
    "li",
    { class: "span try-row", style: `--depth:${request.depth}` },
    element("span", { class: "label" }, `${name}: ${one.pod || one.host || "nobody there"}`),
    element("span", { class: "track" }, ...tryBars(one, whole)),
    element("span", { class: isBad(one) ? "outcome bad" : "outcome" }, `${outcomeText(one.outcome)} · ${milliseconds(one.duration)}`),
  );
}

function statusText(request) {
  const code = request.code === 0 ? "no response" : String(request.code);
  const grpc = request.grpc === null ? "" : ` grpc ${request.grpc}`;
  return request.flags === "-" ? code + grpc : `${code}${grpc} ${request.flags}`;
}

const outcomeText = (outcome) => (typeof outcome === "number" ? String(outcome) : outcome.replaceAll("_", " "));

/** What was decided, in sentences. */
function decisions(request) {
  const flags = request.flags === "-" ? [] : request.flags.split(",");
  const told = [];
  const tries = request.tries.filter((one) => !one.mirror);
  const first = tries[0];
  const waited = (first ? first.start : request.start + request.duration) - request.start;
  if (flags.includes("DI")) told.push(`The fault filter held it back for ${milliseconds(waited)}.`);
  else if (first && waited > 0.0005) told.push(`${milliseconds(waited)} passed before its first try was sent: for a connection, or for room in the pool.`);
  if (flags.includes("FI")) told.push("The fault filter answered in place of a server.");
  for (const one of tries) {
    const again = one.backOff === null ? "" : `After a back-off of ${milliseconds(one.backOff)}, `;
    const where = one.pod || one.host || "an address where nobody is";
    const connected = one.connected ? `, which took ${milliseconds(one.connected)} to connect to,` : "";
    const ended = typeof one.outcome === "number"
      ? `answered ${one.outcome}`
      : one.outcome === "abandoned" ? "was given up" : `ended without a response (${outcomeText(one.outcome)})`;
    told.push(`${again}${again ? "try" : "Try"} ${one.number} to ${where}${connected} ${ended} after ${milliseconds(one.duration)}.`);
  }
  for (const one of request.tries.filter((each) => each.mirror)) {
    told.push(`A copy went to ${one.pod || one.host}; its answer (${outcomeText(one.outcome)}) was dropped.`);
  }
  const why = detailMeanings[request.details];
  if (why) told.push(why);
  for (const flag of flags) {
    const meaning = data.flags[flag];
    if (meaning) told.push(`${flag}: ${meaning}.`);
  }
  if (!tries.length && !flags.includes("FI")) told.push("Nothing was sent to a server.");
  return element("ul", { class: "decisions" }, ...told.map((text) => element("li", {}, text)));
}

/** What Envoy's response code details tell beside the flags. */
const detailMeanings = {
  upstream_per_try_timeout: "The time for one try (perTryTimeout) was over.",
  response_timeout: "The time for the whole request (timeout) was over.",
  no_healthy_upstream: "No host of the cluster could be chosen.",
  overflow: "A limit of the connection pool was reached.",
};

function facts(request) {
  const known = [
    ["service", request.service],
    ["subset", request.subset],
    ["cluster", request.cluster],
    ["route", request.route],
    ["details", request.details],
    ["from pod", request.source],
    ["to pod", request.pod],
    ["first byte after", request.firstByte === null ? "" : milliseconds(request.firstByte)],
  ];
  const shown = known.filter(([, value]) => value);
  return element("dl", { class: "request-facts" }, ...shown.flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, value),
  ]));
}

function key() {
  const kinds = [
    ["request", "request"],
    ["wait", "before the first try"],
    ["delay", "delay injected"],
    ["connect", "connecting"],
    ["first-byte", "until the first byte"],
    ["first-byte bad", "try that failed"],
    ["body", "rest of the response"],
    ["back-off", "back-off"],
  ];
  return element("ul", { class: "waterfall-key" }, ...kinds.map(([kind, text]) => element(
    "li",
    {},
    element("i", { class: `bar ${kind}` }),
    text,
  )));
}

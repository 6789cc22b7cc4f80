// Sample requests of a moment, a destination, a response: a list, and the one that is chosen as a waterfall.

const explorer = { query: {}, outcome: "all", text: "", chosen: null };

/** What a query's fields are called, and how they are written. */
const queryNames = {
  traffic: ["traffic", String],
  caller: ["from", String],
  service: ["service", String],
  workload: ["to", (name) => name || "nobody"],
  pod: ["pod", String],
  code: ["status", String],
  flags: ["flags", String],
  retried: ["retried", () => "yes"],
};

const outcomes = {
  all: ["all", () => true],
  failed: ["failed", (trace) => trace.failed],
  good: ["succeeded", (trace) => !trace.failed],
  retried: ["retried", (trace) => trace.retried],
};

/** Opens the explorer on the requests that a query means. */
function explore(query) {
  explorer.query = { ...query };
  explorer.outcome = "all";
  explorer.text = "";
  explorer.chosen = null;
  find("#explorer-text").value = "";
  find("#explorer-outcome").value = "all";
  const dialog = find("#explorer");
  if (!dialog.open) dialog.showModal();
  showExplorer();
}

/** Whether a sampled request is one that the query means, whatever its time. */
function isMeant(trace, { traffic, caller, service, workload, pod, code, flags, retried }) {
  if (traffic !== undefined && trace.traffic !== traffic) return false;
  if (retried && !trace.retried) return false;
  if ([caller, service, workload, pod, code, flags].every((wanted) => wanted === undefined)) return true;
  return trace.requests.some((request) => (caller === undefined || request.caller === caller)
    && (service === undefined || request.service === service)
    && (workload === undefined || request.workload === workload)
    && (pod === undefined || request.pod === pod || request.source === pod || request.tries.some((one) => one.pod === pod || one.host === pod))
    && (code === undefined || request.code === code)
    && (flags === undefined || request.flags === flags));
}

const endOf = (trace) => trace.at + trace.duration / 1000;

function holdsText(trace, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const told = trace.requests.map((request) => [
    request.caller, request.service, request.workload, request.pod, request.path, request.method,
    request.authority, request.flags, request.details, request.code, ...request.tries.map((one) => one.pod),
  ].join(" ")).join(" ").toLowerCase();
  return words.every((word) => told.includes(word));
}

/** The requests to show, and what to say about them. */
function selected() {
  const { query, outcome, text } = explorer;
  const [, isWanted] = outcomes[outcome];
  const meant = traces.filter((trace) => isMeant(trace, query) && isWanted(trace) && holdsText(trace, text));
  if (query.from === undefined) return { list: meant, note: "" };
  const within = meant.filter((trace) => endOf(trace) >= query.from && trace.at < query.to);
  if (within.length || !meant.length) return { list: within, note: "" };
  const middle = (query.from + query.to) / 2;
  const near = [...meant].sort((a, b) => Math.abs(endOf(a) - middle) - Math.abs(endOf(b) - middle)).slice(0, 20);
  near.sort((a, b) => a.at - b.at);
  return { list: near, note: "None was kept of that moment; these are the nearest." };
}

function showExplorer() {
  const { list, note } = selected();
  showChips();
  const shown = list.slice(0, listed);
  if (!shown.includes(explorer.chosen)) {
    explorer.chosen = shown.find((trace) => trace.failed) ?? shown[0] ?? null;
  }
  const count = `${list.length} of ${traces.length} sampled requests`;
  const more = list.length > listed ? `, the first ${listed} listed` : "";
  find("#explorer-note").textContent = `${note ? `${note} ` : ""}${count}${more}.`;
  find("#explorer-list").replaceChildren(...shown.map(listRow));
  showChosen();
}

const listed = 300;

function showChips() {
  const { query } = explorer;
  const remove = (...names) => {
    for (const name of names) delete query[name];
    showExplorer();
  };
  const chip = (text, ...names) => element(
    "button",
    { type: "button", class: "chip", "aria-label": `Remove: ${text}`, onclick: () => remove(...names) },
    text,
    element("span", { "aria-hidden": "true" }, " ×"),
  );
  const chips = Object.entries(queryNames)
    .filter(([name]) => query[name] !== undefined)
    .map(([name, [word, write]]) => chip(`${word}: ${write(query[name])}`, name));
  if (query.from !== undefined) chips.unshift(chip(`${moment(query.from)} to ${moment(query.to)}`, "from", "to"));
  find("#explorer-chips").replaceChildren(...chips);
}

function listRow(trace) {
  const first = trace.requests[0];
  const choose = () => {
    explorer.chosen = trace;
    for (const row of findAll("#explorer-list tr")) row.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    showChosen();
  };
  const button = element("button", { type: "button", onclick: choose }, moment(trace.at, 0.01));
  const row = element(
    "tr",
    { onclick: choose, "aria-current": trace === explorer.chosen ? "true" : null },
    element("th", { scope: "row" }, button),
    element("td", { class: trace.failed ? "bad" : "" }, statusText(trace)),
    element("td", { class: "number" }, milliseconds(trace.duration)),
    element("td", { class: "path" }, first ? `${first.method} ${first.path}` : ""),
    element("td", { class: "path" }, trace.traffic),
    element("td", { class: "number" }, String(trace.requests.length)),
    element("td", { class: "number" }, String(trace.tries)),
  );
  return row;
}

function showChosen() {
  const place = find("#explorer-chosen");
  const trace = explorer.chosen;
  if (!trace) {
    place.replaceChildren(element("p", { class: "hint" }, "No sampled request is like that. Remove a filter above."));
    return;
  }
  const title = `${trace.traffic}, ${moment(trace.at, 0.001)}: ${statusText(trace)} after ${milliseconds(trace.duration)}`;
  place.replaceChildren(element("h3", {}, title), waterfall(trace));
}

function startExplorer() {
  document.body.append(explorerDialog());
  const dialog = find("#explorer");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  find("#explorer-text").addEventListener("input", (event) => {
    explorer.text = event.target.value;
    showExplorer();
  });
  find("#explorer-outcome").addEventListener("change", (event) => {
    explorer.outcome = event.target.value;
    showExplorer();
  });
  for (const button of findAll("button.ask")) {
    if (!traces.length) button.hidden = true;
    button.addEventListener("click", () => explore(JSON.parse(button.dataset.ask)));
  }
}

function explorerDialog() {
  const options = Object.entries(outcomes).map(([name, [word]]) => element("option", { value: name }, word));
  const heads = ["time", "response", "took", "request", "traffic", "requests", "tries"];
  const numbers = ["took", "requests", "tries"];
  return element(
    "dialog",
    { id: "explorer", "aria-labelledby": "explorer-heading" },
    element(
      "div",
      { class: "explorer" },
      element(
        "div",
        { class: "explorer-head" },
        element("h2", { id: "explorer-heading" }, "Sample requests"),
        element("button", { type: "button", onclick: () => find("#explorer").close() }, "Close"),
      ),
      element(
        "div",
        { class: "explorer-tools" },
        element("input", { type: "search", id: "explorer-text", placeholder: "filter", "aria-label": "Filter requests" }),
        element("label", {}, "outcome ", element("select", { id: "explorer-outcome" }, ...options)),
        element("span", { id: "explorer-chips" }),
      ),
      element("p", { id: "explorer-note", class: "hint", "aria-live": "polite" }),
      element(
        "div",
        { class: "scroll explorer-table", tabindex: "0", role: "region", "aria-label": "Sample requests" },
        element(
          "table",
          {},
          element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col", class: numbers.includes(head) ? "number" : "" }, head)))),
          element("tbody", { id: "explorer-list" }),
        ),
      ),
      element("div", { id: "explorer-chosen" }),
    ),
  );
}

// The list of exercises, by domain, with what was done.

import { element, find } from "./dom.js";

const DOMAINS = { INS: "Installation", TM: "Traffic Management", SEC: "Securing Workloads", TS: "Troubleshooting" };

/** Shows the list; `choose` is told the id of an exercise. */
export function showList({ exercises, current }, choose) {
  const list = find("#list");
  list.replaceChildren();
  for (const [prefix, name] of Object.entries(DOMAINS)) {
    const own = exercises.filter((one) => one.competencies[0]?.startsWith(prefix));
    if (own.length === 0) continue;
    list.append(element("h3", {}, name), element("ol", {}, ...own.map((one) => row(one, one.id === current, choose))));
  }
  const passed = exercises.filter((one) => one.passed).length;
  find("#progress").textContent = `Exercises: ${passed} of ${exercises.length} passed`;
}

function row(one, isCurrent, choose) {
  const mark = one.passed ? "✓" : one.started ? "…" : "";
  const told = one.passed ? "passed" : one.started ? "started" : "not started";
  return element("li", {}, element("button", {
    type: "button", class: one.passed ? "passed" : "", "aria-current": isCurrent ? "true" : null, "data-id": one.id,
    onclick: () => choose(one.id),
  },
  element("span", { class: "mark", "aria-hidden": "true" }, mark),
  element("span", {}, `${one.number}. ${one.title}`),
  element("span", { class: "level" }, `${one.level}, ${one.competencies[0]}`),
  element("span", { class: "sr" }, told)));
}

// What became of an answer: each check, one request that shows why it is missed, and the plots of the run.

import { coded, element, find } from "./dom.js";

export function showVerdict(answer, title) {
  const verdict = find("#verdict");
  verdict.hidden = false;
  verdict.replaceChildren();
  if (answer.refused) {
    verdict.append(heading(false, "A cluster would refuse it"), element("pre", { class: "story refused" }, answer.refused.join("\n")));
    return;
  }
  const missed = answer.checks.filter((check) => !check.passed).length;
  const told = answer.passed ? `Passed: ${title}` : `Missed ${missed} of ${answer.checks.length} checks`;
  const shown = new Set();
  verdict.append(
    heading(answer.passed, told),
    element("ul", { class: "expectations" }, ...answer.checks.map((check) => row(check, answer.load, shown))),
  );
}

const heading = (passed, told) => element("h2", {},
  element("span", { class: `badge ${passed ? "passed" : "failed"}`, "aria-hidden": "true" }, passed ? "✓" : "✗"), told);

function row(check, load, shown) {
  const passed = check.passed;
  const body = element("div", {}, element("h3", {}, ...coded(check.name)));
  if (!passed) {
    body.append(element("p", {}, `want ${check.want}`), element("p", { class: "observed" }, `got ${check.got}`));
    if (check.hidden_run) {
      body.append(element("p", { class: "evidence" },
        `it holds in the first run, and not in the second, with other dice and ${load} times the load`));
    }
    if (check.why) body.append(reason(check, shown));
  }
  return element("li", { class: passed ? "" : "failed" },
    element("span", { class: "icon", "aria-label": passed ? "passed" : "missed" }, passed ? "✓" : "✗"), body);
}

/** The request that counts against a check; the first is open, and none is shown twice. */
function reason(check, shown) {
  if (shown.has(check.story)) return element("p", { class: "evidence" }, `${check.why} (shown above)`);
  const isFirst = shown.size === 0;
  shown.add(check.story);
  return element("details", { class: "offending", open: isFirst ? "" : null },
    element("summary", {}, check.why), element("pre", { class: "story" }, check.story));
}

export function showPlots(plots) {
  const section = find("#plots");
  section.hidden = plots.length === 0;
  const figures = plots.map(([name, svg]) => element("figure", {},
    element("img", { alt: `Plot: ${name.replaceAll("_", " ")}`, src: `data:image/svg+xml,${encodeURIComponent(svg)}` })));
  section.replaceChildren(element("details", {},
    element("summary", {}, `Plots of the run (${plots.length})`), element("div", { class: "plots" }, ...figures)));
}

// Uses the page as a reader would, and leaves what it found in `#told` of the page around it.
(async () => {
  const checks = {};
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const soon = () => new Promise((done) => setTimeout(done, 60));
  const check = (name, holds, evidence = "") => {
    checks[name] = holds ? "ok" : `NOT SO ${evidence}`;
  };

  /** How many colours a canvas shows. */
  function colours(canvas) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  }

  const mouse = (target, kind, x, y) => {
    const { left, top } = target.getBoundingClientRect();
    const at = { clientX: left + x, clientY: top + y, movementX: 1 };
    target.dispatchEvent(new MouseEvent(kind, { bubbles: true, button: 0, ...at }));
  };

  try {
    await soon();
    const charts = all("figure[data-chart]");
    check("there are charts", charts.length >= 10, charts.length);
    const empty = charts.filter((chart) => !one("canvas", chart) || colours(one("canvas", chart)) < 4);
    check("each chart is drawn", !empty.length, empty.map((chart) => chart.id));
    const distributions = all("#distribution svg");
    check("distributions are drawn", distributions.length > 0 && distributions.every((svg) => svg.getBoundingClientRect().height > 80));
    check("each chart is described", charts.every((chart) => one(`#${one(".plot", chart).getAttribute("aria-describedby")}`).textContent.length > 30));
    check("nothing is wider than the window", document.documentElement.scrollWidth <= innerWidth, document.documentElement.scrollWidth);

    // The values at the cursor, in all charts.
    const over = one(".u-over", charts[0]);
    over.dispatchEvent(new MouseEvent("mouseenter", { bubbles: true }));
    mouse(over, "mousemove", over.clientWidth / 2, 40);
    await soon();
    const captions = charts.filter((chart) => !chart.id.includes("ejections")).map((chart) => one("figcaption p", chart).textContent);
    check("charts are synchronised", captions.every((text) => /\d s to \d/.test(text)), captions.join(" | "));

    // Zoom.
    one("button.event").click();
    await soon();
    check("an event zooms", !one("#whole-run").hidden);
    one("#whole-run").click();
    check("and back", one("#whole-run").hidden);
    mouse(over, "mousedown", 40, 40);
    mouse(over, "mousemove", 140, 40);
    mouse(over, "mouseup", 140, 40);
    await soon();
    check("dragging zooms", !one("#whole-run").hidden);
    one("#whole-run").click();

    // A legend hides its line.
    const before = one("canvas", charts[0]).toDataURL();
    one(".legend button", charts[0]).click();
    await soon();
    check("a legend hides its line", one("canvas", charts[0]).toDataURL() !== before);
    one(".legend button", charts[0]).click();

    // What happened: every event has its number in every chart, alone or in a span of them.
    const events = all("button.event").length;
    const numbers_of = (text) => {
      const [from, to] = text.split("–").map(Number);
      return Array.from({ length: (to ?? from) - from + 1 }, (_, at) => from + at);
    };
    const written = new Set(window.written.filter((text) => /^\d+(–\d+)?$/.test(text)).flatMap(numbers_of));
    check("each event has its number in the charts", events > 6 && Array.from({ length: events }, (_, at) => at + 1).every((at) => written.has(at)), [...written]);
    const happened = one("details.happened");
    check("a long list of events leaves room for the charts", happened.getBoundingClientRect().height < innerHeight / 2);

    // Figures as a table.
    const numbers = one(".numbers", charts[0]);
    numbers.open = true;
    await soon();
    check("a chart is a table too", all("tbody tr", numbers).length >= 30, all("tbody tr", numbers).length);
    numbers.open = false;

    // Names beside numbers, whatever their length.
    const texts = (cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getBoundingClientRect();
    };
    const over_the_edge = all(".table td, .table tbody th").filter((cell) => texts(cell).right > cell.getBoundingClientRect().right + 1);
    check("no name runs over the next cell", !over_the_edge.length, over_the_edge.map((cell) => cell.textContent).slice(0, 3));
    const heads = all("#table-traffic thead th").map((head) => head.textContent);
    check("there are no columns of nothing", !all("#table-destinations thead th").some((head) => head.textContent.includes("mirrored")) && heads.length > 6);
    const narrow = all(".table .scroll").filter((frame) => frame.scrollWidth > frame.clientWidth + 1);
    check("what scrolls has a shade", getComputedStyle(all(".table .scroll")[0]).backgroundImage.includes("gradient"));
    if (innerWidth > 1000) check("tables need not scroll in a wide window", !narrow.length, narrow.map((frame) => frame.ariaLabel));
    const nameless = all(".node").filter((node) => one(".sidecar", node)
      && one(".name", node).getBoundingClientRect().right > one(".sidecar", node).getBoundingClientRect().left);
    check("names stop before the symbol of a sidecar", !nameless.length && all(".node .sidecar").length > 0, nameless.map((node) => node.ariaLabel));

    // Tables sort and filter.
    const table = one("#table-pods");
    const column = all("thead th", table).findIndex((head) => head.textContent.includes("tries"));
    const sort = one("button", all("thead th", table)[column]);
    const values = () => all("tbody tr", table).map((row) => Number(row.cells[column].dataset.value));
    const isSorted = (list, sign) => list.every((value, at) => at === 0 || sign * (value - list[at - 1]) >= 0);
    sort.click();
    check("a column sorts, the greatest first", isSorted(values(), -1), values());
    sort.click();
    check("and the other way round", isSorted(values(), 1) && !isSorted(values(), -1), values());
    const filter = one("input[type=search]", table);
    filter.value = "reviews-v2";
    filter.dispatchEvent(new Event("input"));
    const shown = all("tbody tr", table).filter((row) => !row.hidden);
    check("a filter keeps what it names", shown.length === 3 && shown.every((row) => row.textContent.includes("reviews-v2")), shown.length);

    // From a point of a chart to its requests.
    const explorer = one("#explorer");
    const failures = one("#chart-failures .u-over");
    failures.dispatchEvent(new MouseEvent("mouseenter", { bubbles: true }));
    for (const kind of ["mousemove", "mousedown", "mouseup", "click"]) mouse(failures, kind, failures.clientWidth / 2, failures.clientHeight - 8);
    await soon();
    check("a point of a chart leads to requests", explorer.open && all("#explorer-list tr").length > 0);
    check("of that moment", one("#explorer-chips").textContent.includes(" s to "), one("#explorer-chips").textContent);
    check("which failed", all("#explorer-list tr").every((row) => /^(0|[45]\d\d|no response)/.test(row.cells[1].textContent)));
    check("the first is shown as a waterfall", all(".waterfall .bar.request").length > 0);
    explorer.close();

    // From a row to its requests.
    const overflow = all("#table-responses tbody tr").find((row) => [...row.cells].some((cell) => cell.textContent === "UO"));
    one(".ask", overflow).click();
    await soon();
    const responses = all("#explorer-list tr").map((row) => row.cells[1].textContent);
    check("a row leads to requests like it", responses.length > 0 && responses.every((text) => text === "503 UO"), responses.slice(0, 5));
    explorer.close();

    // Tries and back-offs.
    one("#chart-retries .ask").click();
    await soon();
    check("tries are shown", all(".waterfall .try-row").length >= 2, all(".waterfall .try-row").length);
    check("with their back-off", all(".waterfall .spans .bar.back-off").length >= 1);
    check("and in words", one(".decisions").textContent.includes("back-off"), one(".decisions").textContent);
    const ticks = all(".ruler span").map((tick) => Number.parseFloat(tick.textContent)).slice(1);
    check("the ruler has round numbers", ticks.length >= 2 && ticks.every((tick) => /^[1-9]0*$/.test(String(tick).replace(/^0|\./g, ""))), ticks);
    const listed = all("#explorer-list tr").length;
    one("#explorer-outcome").value = "failed";
    one("#explorer-outcome").dispatchEvent(new Event("change"));
    check("an outcome narrows the list", all("#explorer-list tr").length < listed);
    explorer.close();

    // The graph.
    const edge = one("#graph-view .edge");
    edge.dispatchEvent(new PointerEvent("pointerenter"));
    check("an edge tells its figures", /requests.*p99/.test(one(".graph-details").textContent), one(".graph-details").textContent);
    edge.dispatchEvent(new PointerEvent("pointerleave"));
    one("#graph-find").value = "no such service";
    one("#graph-find").dispatchEvent(new Event("input"));
    check("the graph dims what is not meant", all("#graph-view .node").every((node) => node.classList.contains("dim")));
    one("#graph-find").value = "";
    one("#graph-find").dispatchEvent(new Event("input"));
    edge.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    check("an edge leads to its requests", explorer.open && all("#explorer-list tr").length > 0);
    explorer.close();

    // Both themes.
    const paper = () => getComputedStyle(document.body).backgroundColor;
    const first = paper();
    one("#theme").click();
    await soon();
    check("there are two themes", paper() !== first, first);
    const redrawn = all("figure[data-chart]").filter((chart) => colours(one("canvas", chart)) < 4);
    check("charts are drawn in both", !redrawn.length && all("figure[data-chart] canvas").length === charts.length);

    check("no name became markup", !one("h1 script, main img, main b b") && one("h1").textContent.includes("<" + "/script>"));
  } catch (error) {
    check("the checks ran to their end", false, `${error.stack}`);
  }
  check("nothing went wrong", !window.wrongs.length, window.wrongs.join("; "));
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = Object.entries(checks).map(([name, outcome]) => `${name}: ${outcome}`).join("\n");
  parent.document.body.append(told);
})();

// Tables that sort by a column and keep the rows that hold a text.

function startTables() {
  for (const frame of findAll("div.table")) {
    const table = find("table", frame);
    findAll("thead th:not(.asks)", table).forEach((head, column) => makeSortable(table, head, column));
    if (table.tBodies[0].rows.length > 5) addFilter(frame, table);
  }
}

function makeSortable(table, head, column) {
  const button = element("button", { type: "button", class: "sort" }, head.textContent);
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const descending = head.getAttribute("aria-sort") === "ascending"
      || (!head.hasAttribute("aria-sort") && head.classList.contains("number"));
    for (const other of findAll("[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    sortRows(table.tBodies[0], column, descending);
  });
}

const order = new Intl.Collator("en", { numeric: true });

function sortRows(body, column, descending) {
  const key = (row) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    // What has no value comes last, whichever way it is sorted.
    if (typeof a !== typeof b) return (typeof a === "number" ? -1 : 1) * (descending ? -1 : 1);
    return order.compare(a, b);
  };
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => compare(a, b) * (descending ? -1 : 1));
  body.append(...rows.map(([, row]) => row));
}

function addFilter(frame, table) {
  const name = table.caption.textContent;
  const rows = [...table.tBodies[0].rows];
  const count = element("span", { class: "count", "aria-live": "polite" }, `${rows.length} rows`);
  const input = element("input", { type: "search", placeholder: "filter", "aria-label": `Filter: ${name}` });
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
  });
  frame.prepend(element("div", { class: "table-tools script-only" }, input, count));
}

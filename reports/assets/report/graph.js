// The service graph: zoom, find, and what is said about the part that is pointed at.

function startGraph() {
  const view = find("#graph-view");
  if (!view) return;
  const svg = find("svg", view);
  const size = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
  let scale = 1;
  const show = (wanted) => {
    scale = Math.min(3, Math.max(0.02, wanted));
    svg.setAttribute("width", size.width * scale);
    svg.setAttribute("height", size.height * scale);
  };
  const highest = () => Number.parseFloat(getComputedStyle(view).maxHeight) || size.height;
  const fitting = () => Math.min(1, (view.clientWidth - 1) / size.width, (highest() - 3) / size.height);
  const fit = () => show(fitting());
  for (const button of findAll("[data-zoom]")) {
    const factor = Number(button.dataset.zoom);
    button.addEventListener("click", () => (factor ? show(scale * factor) : fit()));
  }
  dragToScroll(view);
  pointAtParts(svg);
  findParts(svg, view);
  // Names shall be read at first sight, even where not all of a large mesh is seen then.
  show(Math.max(fitting(), READABLE));
  // Where requests come in is what is seen first.
  const first = find(".node.traffic", svg);
  if (first) scrollTo(view, first, 14);
}

/** The least scale at first. */
const READABLE = 0.4;

/** Brings a part of the graph into the view: upright to the middle, and at least so far from the left. */
function scrollTo(view, part, left = view.clientWidth / 4) {
  const [frame, at] = [view.getBoundingClientRect(), part.getBoundingClientRect()];
  view.scrollTop += (at.top + at.bottom) / 2 - (frame.top + frame.bottom) / 2;
  view.scrollLeft += at.left - frame.left - left;
}

/** The view scrolls when it is dragged. */
function dragToScroll(view) {
  let from = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button) return;
    from = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop, start: event.clientX };
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    view.scrollLeft = from.x - event.clientX;
    view.scrollTop = from.y - event.clientY;
  });
  addEventListener("pointerup", () => {
    from = null;
  });
}

function pointAtParts(svg) {
  const details = find(".graph-details");
  const parts = findAll(".edge, .node", svg);
  const labels = findAll(".label", svg);
  const clear = () => {
    svg.classList.remove("pointing");
    for (const part of [...parts, ...labels]) part.classList.remove("lit");
  };
  const light = (part) => {
    clear();
    svg.classList.add("pointing");
    details.textContent = part.getAttribute("aria-label");
    const { node, from, to } = part.dataset;
    const near = new Set(node === undefined ? [from, to] : [node]);
    for (const edge of findAll(".edge", svg)) {
      const touches = node === undefined ? edge === part : edge.dataset.from === node || edge.dataset.to === node;
      if (!touches) continue;
      edge.classList.add("lit");
      labels[Number(edge.dataset.edge)].classList.add("lit");
      near.add(edge.dataset.from).add(edge.dataset.to);
    }
    for (const other of findAll(".node", svg)) {
      if (near.has(other.dataset.node)) other.classList.add("lit");
    }
  };
  for (const part of parts) {
    part.addEventListener("pointerenter", () => light(part));
    part.addEventListener("pointerleave", clear);
    part.addEventListener("focus", () => light(part));
    part.addEventListener("blur", clear);
    part.addEventListener("click", () => explore(JSON.parse(part.dataset.ask)));
    part.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        explore(JSON.parse(part.dataset.ask));
      }
    });
  }
}

/** Dims what is not looked for, and shows the first of what is. */
function findParts(svg, view) {
  const input = find("#graph-find");
  const failing = find("#graph-failing");
  const labels = findAll(".label", svg);
  const update = () => {
    const text = input.value.trim().toLowerCase();
    const wanted = (node) => !text || node.dataset.names.toLowerCase().includes(text);
    const found = new Set(findAll(".node", svg).filter(wanted).map((node) => node.dataset.node));
    const near = new Set();
    for (const edge of findAll(".edge", svg)) {
      const { from, to } = edge.dataset;
      const shown = (found.has(from) || found.has(to)) && !(failing.checked && edge.classList.contains("ok"));
      edge.classList.toggle("dim", !shown);
      labels[Number(edge.dataset.edge)].classList.toggle("dim", !shown);
      if (shown) near.add(from).add(to);
    }
    for (const node of findAll(".node", svg)) {
      const shown = near.has(node.dataset.node) || (!failing.checked && found.has(node.dataset.node));
      node.classList.toggle("dim", !shown);
    }
    const hit = text
      ? findAll(".node:not(.dim)", svg).find((node) => found.has(node.dataset.node))
      : failing.checked && find(".edge:not(.dim) .line", svg);
    if (hit && !isWithin(view, hit)) scrollTo(view, hit);
  };
  input.addEventListener("input", update);
  failing.addEventListener("change", update);
}

/** Whether all of a part is seen. */
function isWithin(view, part) {
  const [frame, at] = [view.getBoundingClientRect(), part.getBoundingClientRect()];
  return at.left >= frame.left && at.right <= frame.right && at.top >= frame.top && at.bottom <= frame.bottom;
}

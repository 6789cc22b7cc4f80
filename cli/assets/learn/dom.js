// Elements. Text is only ever set as text; only Markdown that the server has rendered is set as HTML.

export const find = (selector, within = document) => within.querySelector(selector);

/** An element with attributes and children; children are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text, in which what stands between backticks is code. */
export const coded = (text) => text.split("`").map((part, number, all) => {
  if (number % 2 === 0) return part;
  // A backtick that none follows stands for itself.
  return number === all.length - 1 ? `\`${part}` : element("code", {}, part);
});

/** Markdown that the server has rendered. */
export function rendered(html) {
  const made = element("div", { class: "prose" });
  made.innerHTML = html;
  return made;
}

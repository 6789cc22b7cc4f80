// Elements. Text is only ever set as text, since names come from manifests.

const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

/** An element with attributes and children; children are elements or text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A small square in a colour of the style. */
const swatch = (colour) => element("i", { class: "swatch", style: `background:var(--${colour})` });

/** What the page knows beside what it shows. */
const data = JSON.parse(find("#data").textContent);

/** Tells those who do not see what just changed. */
function announce(text) {
  find("#announcement").textContent = text;
}

// Which fields and values may stand at a place of a manifest, and what a field is for: told from the kind of the object and
// from the keys above, by their indentation.

import { element } from "./dom.js";

const KEY = /^(\s*(?:- +)*)([A-Za-z][\w.-]*)\s*:/;
const TOP = ["apiVersion", "kind", "metadata", "spec"].map((name) => ({ name }));

/** The lines of the document that a line is in. */
function documentAt(lines, line) {
  let first = line;
  while (first > 0 && !lines[first - 1].startsWith("---")) first -= 1;
  let last = line;
  while (last + 1 < lines.length && !lines[last + 1].startsWith("---")) last += 1;
  return [first, last];
}

/** The kind and API version of the object, and the keys above a place. */
export function placeOf(text, line, column) {
  const lines = text.split("\n");
  const [first, last] = documentAt(lines, line);
  const named = (what) => lines.slice(first, last + 1).map((one) => what.exec(one)?.[1]).find(Boolean);
  const path = [];
  let depth = column;
  for (let at = line - 1; at >= first && depth > 0; at -= 1) {
    const found = KEY.exec(lines[at]);
    if (!found || found[1].length >= depth) continue;
    // Items of a list may stand as far left as the key of the list.
    path.unshift(found[2]);
    depth = found[1].length;
  }
  return { kind: named(/^kind:\s*(\w+)/), version: named(/^apiVersion:\s*([\w./-]+)/), path };
}

/** Where a key begins that stands behind these spaces and dashes, as its parents see it. */
const columnOf = (indent) => (indent.includes("-") ? indent.indexOf("-") + 1 : indent.length);

/** The kind of a place; kinds of the same name are told apart by the group of their version. */
function kindAt(kinds, { kind, version = "" }) {
  const group = (one) => (one.includes("/") ? one.split("/")[0] : "");
  const all = kinds.filter((one) => one.kind === kind);
  return all.find((one) => one.apiVersions.some((known) => group(known) === group(version))) ?? all[0];
}

/** The fields of the object at a place; keys that are the author's words are `*` in the paths of its kind. */
function fieldsAt(kinds, place) {
  const found = kindAt(kinds, place);
  if (!found) return place.path.length === 0 ? TOP : [];
  const paths = Object.keys(found.objects);
  let path = "";
  for (const key of place.path) {
    const below = path ? `${path}.${key}` : key;
    const isKnown = paths.some((one) => one === below || one.startsWith(`${below}.`));
    path = isKnown ? below : `${path}.*`;
  }
  return found.objects[path] ?? [];
}

/** What may stand behind a key. */
function valuesOf(kinds, place, key) {
  if (place.path.length === 0 && key === "kind") return [...new Set(kinds.map((one) => one.kind))];
  if (place.path.length === 0 && key === "apiVersion") {
    const own = kindAt(kinds, place);
    return own ? own.apiVersions : [...new Set(kinds.flatMap((one) => one.apiVersions))];
  }
  return fieldsAt(kinds, place).find((field) => field.name === key)?.values ?? [];
}

const holds = ({ holds: what = "", list }) => (list ? `list of ${what === "object" ? "objects" : what}` : what);

/** A key as it is written: what holds more goes on in the next line. */
function written({ name, holds: what, list }, indent) {
  if (list) return `${name}:\n${" ".repeat(indent)}- `;
  return what === "object" || what === "map" ? `${name}:\n${" ".repeat(indent + 2)}` : `${name}: `;
}

/** A source of completions for CodeMirror. */
export const completions = (kinds) => (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const isLast = line.text.slice(before.length).trim() === "";
  const place = (indent) => placeOf(context.state.doc.toString(), line.number - 1, columnOf(indent));
  const value = /^(\s*(?:- +)*)([A-Za-z][\w.-]*):\s+([\w./-]*)$/.exec(before);
  if (value) {
    const [, indent, key, word] = value;
    const options = valuesOf(kinds, place(indent), key).map((label) => ({ label, type: "enum" }));
    return options.length ? { from: context.pos - word.length, options, validFor: /^[\w./-]*$/ } : null;
  }
  const word = /^(\s*(?:- +)*)([A-Za-z]*)$/.exec(before);
  if (!word || (!context.explicit && word[2] === "")) return null;
  const fields = fieldsAt(kinds, place(word[1]));
  if (!fields.length) return null;
  return {
    from: line.from + word[1].length,
    options: fields.map((field) => ({
      label: field.name,
      apply: isLast ? written(field, word[1].length) : `${field.name}: `,
      type: "property",
      detail: holds(field),
      info: field.doc ?? undefined,
      boost: field.required ? 1 : 0,
    })),
    validFor: /^[A-Za-z]*$/,
  };
};

/** What is said of the key at a position; none if it is not known. */
export const explanations = (kinds) => (view, position) => {
  const { doc } = view.state;
  const line = doc.lineAt(position);
  const found = KEY.exec(line.text);
  if (!found) return null;
  const [, indent, key] = found;
  const [from, to] = [line.from + indent.length, line.from + indent.length + key.length];
  if (position < from || position > to) return null;
  const place = placeOf(doc.toString(), line.number - 1, columnOf(indent));
  const field = fieldsAt(kinds, place).find((one) => one.name === key);
  if (!field || !(field.holds || field.doc)) return null;
  const values = field.holds === "one of these" ? field.values.join(", ") : "";
  const dom = element("div", { class: "explained" },
    element("p", {}, element("code", {}, [...place.path, key].join(".")), ` ${holds(field)}${field.required ? ", required" : ""}`),
    values ? element("p", {}, values) : null,
    field.doc ? element("p", {}, field.doc) : null);
  return { pos: from, end: to, above: true, create: () => ({ dom }) };
};

// Which fields may stand at a place of a manifest: told from the kind of the object and from the keys above, by their
// indentation.

const KEY = /^(\s*(?:- +)*)([A-Za-z][\w.-]*)\s*:/;

/** The lines of the document that a line is in. */
function documentAt(lines, line) {
  let first = line;
  while (first > 0 && !lines[first - 1].startsWith("---")) first -= 1;
  let last = line;
  while (last + 1 < lines.length && !lines[last + 1].startsWith("---")) last += 1;
  return [first, last];
}

/** The kind of the object, and the path of keys above a place: `spec.http`. */
export function placeOf(text, line, column) {
  const lines = text.split("\n");
  const [first, last] = documentAt(lines, line);
  const kind = lines.slice(first, last + 1).map((one) => /^kind:\s*(\w+)/.exec(one)?.[1]).find(Boolean);
  const path = [];
  let depth = column;
  for (let at = line - 1; at >= first && depth > 0; at -= 1) {
    const found = KEY.exec(lines[at]);
    if (!found || found[1].length >= depth) continue;
    // Items of a list may stand as far left as the key of the list.
    path.unshift(found[2]);
    depth = found[1].length;
  }
  return { kind, path: path.join(".") };
}

/** A source of completions for CodeMirror. */
export const completions = (fields) => (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const word = /^(\s*(?:- +)*)([A-Za-z]*)$/.exec(before);
  if (!word || (!context.explicit && word[2] === "")) return null;
  const isItem = word[1].includes("-");
  const column = isItem ? word[1].indexOf("-") + 1 : word[1].length;
  const { kind, path } = placeOf(context.state.doc.toString(), line.number - 1, column);
  const options = kind ? fields[kind]?.[path] : ["apiVersion", "kind", "metadata", "spec"];
  if (!options) return null;
  return {
    from: line.from + word[1].length,
    options: options.map((label) => ({ label, apply: `${label}: `, type: "property" })),
    validFor: /^[A-Za-z]*$/,
  };
};

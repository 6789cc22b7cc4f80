// The editor: CodeMirror with YAML, the findings of `analyze` at their lines, fields and values to choose from, and what is
// said of a field.

import { completions, explanations } from "./completion.js";

const {
  EditorView, EditorState, keymap, lineNumbers, highlightActiveLine, defaultKeymap, history, historyKeymap, indentWithTab,
  yaml, lintGutter, lintKeymap, setDiagnostics, autocompletion, completionKeymap, syntaxHighlighting, HighlightStyle,
  indentUnit, bracketMatching, hoverTooltip, tags,
} = CodeMirror;

const looks = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--ink)", fontSize: "13.5px" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-1px" },
  ".cm-content": { caretColor: "var(--ink)", fontFamily: "ui-monospace, Menlo, Consolas, monospace" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--shade)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": { backgroundColor: "var(--pale-blue)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--link)", color: "var(--paper)" },
});

const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--link)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--passed)" },
  { tag: [tags.content, tags.attributeValue], color: "var(--ink)" },
  { tag: [tags.comment, tags.meta], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--soft)" },
]));

/** An editor in an element; `changed` is told each new text, `check` is run by Ctrl-Enter. */
export function makeEditor(parent, { kinds, changed, check }) {
  const state = (text, isFixed) => EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(), highlightActiveLine(), history(), bracketMatching(), yaml(), indentUnit.of("  "),
      EditorState.tabSize.of(2), lintGutter(), looks, colours, EditorView.lineWrapping,
      autocompletion({ override: [completions(kinds)] }), hoverTooltip(explanations(kinds)),
      keymap.of([
        { key: "Mod-Enter", run: () => { check(); return true; } },
        ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap, indentWithTab,
      ]),
      EditorState.readOnly.of(isFixed),
      EditorView.contentAttributes.of({ "aria-label": isFixed ? "A file of the world, to be read" : "Your manifest; Escape, then Tab leaves it" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString());
      }),
    ],
  });
  const view = new EditorView({ parent, state: state("", true) });
  return {
    view,
    show: (text, isFixed) => view.setState(state(text, isFixed)),
    /** Marks what was found in the text that is shown. */
    mark: (findings) => {
      const length = view.state.doc.length;
      const marks = findings.map(({ from, to, level, message, help, code }) => ({
        from: Math.min(from, length),
        to: Math.min(Math.max(to, from), length),
        severity: level,
        message: `[${code}] ${message}${help ? `\n${help}` : ""}`,
      }));
      view.dispatch(setDiagnostics(view.state, marks));
    },
    goTo: (position) => {
      view.dispatch({ selection: { anchor: Math.min(position, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
  };
}

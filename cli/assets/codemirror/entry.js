export {EditorView, keymap, lineNumbers, highlightActiveLine, drawSelection, hoverTooltip} from "@codemirror/view";
export {EditorState, Compartment} from "@codemirror/state";
export {defaultKeymap, history, historyKeymap, indentWithTab} from "@codemirror/commands";
export {yaml} from "@codemirror/lang-yaml";
export {linter, lintGutter, lintKeymap, setDiagnostics, forceLinting} from "@codemirror/lint";
export {autocompletion, completionKeymap, startCompletion} from "@codemirror/autocomplete";
export {syntaxHighlighting, HighlightStyle, indentUnit, bracketMatching} from "@codemirror/language";
export {tags} from "@lezer/highlight";

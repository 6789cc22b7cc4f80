//! What a browser loads: the page, its style and its scripts, all from the binary.

use super::Answer;

/// A file of the page.
pub(super) fn file(path: &str) -> Option<Answer> {
    let answer = |content_type, text: String| {
        Some(Answer {
            status: 200,
            content_type,
            bytes: text.into_bytes(),
        })
    };
    if path == "/page.css" {
        return answer(CSS, reports::look::STYLES.concat() + STYLE);
    }
    let (_, content_type, text) = FILES.iter().find(|(name, _, _)| *name == path)?;
    answer(content_type, (*text).to_owned())
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const STYLE: &str = include_str!("../../../assets/learn/page.css");

/// CodeMirror 6 is vendored (cli/assets/codemirror/LICENSE).
const FILES: [(&str, &str, &str); 10] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../../assets/learn/index.html"),
    ),
    ("/early.js", JS, reports::look::EARLY_SCRIPT),
    (
        "/codemirror.js",
        JS,
        include_str!("../../../assets/codemirror/codemirror.min.js"),
    ),
    ("/dom.js", JS, include_str!("../../../assets/learn/dom.js")),
    ("/api.js", JS, include_str!("../../../assets/learn/api.js")),
    (
        "/completion.js",
        JS,
        include_str!("../../../assets/learn/completion.js"),
    ),
    (
        "/editor.js",
        JS,
        include_str!("../../../assets/learn/editor.js"),
    ),
    (
        "/list.js",
        JS,
        include_str!("../../../assets/learn/list.js"),
    ),
    (
        "/verdict.js",
        JS,
        include_str!("../../../assets/learn/verdict.js"),
    ),
    (
        "/main.js",
        JS,
        include_str!("../../../assets/learn/main.js"),
    ),
];

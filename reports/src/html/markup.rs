//! Text and data inside a page, so that nothing in them can be taken for markup.

use serde::Serialize;

/// Text between tags or in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON inside a `script` element: nothing in it ends the element or opens a comment.
pub(super) fn embedded(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("text keys and finite numbers are JSON");
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

/// JSON in a quoted attribute.
pub(super) fn attribute(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("text keys and finite numbers are JSON");
    escaped(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_markup() {
        let name = "</script><script>alert(1)//--><b a='\"'>&amp;";
        for written in [escaped(name), embedded(&name), attribute(&name)] {
            assert!(!written.contains(['<', '>']), "{written}");
        }
        let read: String = serde_json::from_str(&embedded(&name)).expect("it stays JSON");
        assert_eq!(read, name);
        assert!(!attribute(&name).contains(['"', '\'']));
    }
}

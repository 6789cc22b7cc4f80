//! A file into its documents.
//!
//! Kubernetes cuts a stream at lines that begin with `---`, before any YAML is read; so a faulty document does not
//! hide the next one. Source: k8s.io/apimachinery, pkg/util/yaml/decoder.go (YAMLReader).

use std::ops::Range;

/// One document of a file, or a separator that is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The bytes of a document, its separators left out.
    Document(Range<usize>),
    /// The bytes of a line that begins with `---` and goes on with more than a comment.
    BadSeparator(Range<usize>),
}

/// The pieces of `text`, in order.
pub(crate) fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix('\u{FEFF}').unwrap_or(line);
        if let Some(rest) = rest.strip_prefix("---") {
            pieces.push(Piece::Document(start..at));
            start = at + line.len();
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                pieces.push(Piece::BadSeparator(at..at + line.trim_end().len()));
            }
        }
        at += line.len();
    }
    pieces.push(Piece::Document(start..text.len()));
    pieces.retain(|piece| match piece {
        Piece::Document(range) => !is_blank(&text[range.clone()]),
        Piece::BadSeparator(_) => true,
    });
    pieces
}

/// Whether a document holds nothing but space and comments.
fn is_blank(document: &str) -> bool {
    document.lines().all(|line| {
        let line = line.trim_start_matches('\u{FEFF}').trim();
        line.is_empty() || line.starts_with('#') || line == "..."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = split(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Document(range) => text[range].to_owned(),
                Piece::BadSeparator(range) => format!("!{}", &text[range]),
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn cuts_at_separators_only() {
        check("", &[]);
        check("# nothing\n\n---\n...\n", &[]);
        check("a: 1", &["a: 1"]);
        check("---\na: 1\n--- # two\r\nb: 2\n---\n", &["a: 1\n", "b: 2\n"]);
        check("a: |\n  ---\n", &["a: |\n  ---\n"]);
        check("a: 1\n--- b\nc: 1\n", &["a: 1\n", "!--- b", "c: 1\n"]);
        check("\u{FEFF}---\na: 1\n", &["a: 1\n"]);
    }
}

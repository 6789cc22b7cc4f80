//! Diagnostics as a terminal shows them: the line they are about, with a mark under it.

use annotate_snippets::{AnnotationKind, Group, Level as Heading, Origin, Renderer, Snippet};

use base::Location;

use crate::diagnostic::{Diagnostic, Level};
use crate::source::Source;

/// How a diagnostic is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// With the terminal's colours.
    Always,
    /// Without.
    Never,
}

/// The diagnostic with the line of its source, as compilers show it; without the line if no source has its file's name.
///
/// ```text
/// error[unknown-field]: unknown field "spec.http[0].route[0].destination.subsetz"
///   --> vs.yaml:20:9
///    |
/// 20 |         subsetz: v2
///    |         ^^^^^^^ did you mean `subset`?
/// ```
pub fn render(diagnostic: &Diagnostic, sources: &[Source], color: Color) -> String {
    let renderer = match color {
        Color::Always => Renderer::styled(),
        Color::Never => Renderer::plain(),
    };
    let heading = match diagnostic.level {
        Level::Error => Heading::ERROR,
        Level::Warning => Heading::WARNING,
        Level::Info => Heading::INFO,
    };
    let title = heading
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code);
    let source = sources
        .iter()
        .find(|source| source.name == diagnostic.location.file);
    let group = match source.and_then(|source| line(&source.text, diagnostic)) {
        Some((line, mark)) => {
            let annotation = AnnotationKind::Primary
                .span(mark)
                .label(diagnostic.help.as_deref());
            let snippet = Snippet::source(line)
                .line_start(diagnostic.location.line as usize)
                .path(&*diagnostic.location.file)
                .annotation(annotation);
            title.element(snippet)
        }
        None => without_line(title.element(origin(diagnostic)), diagnostic),
    };
    renderer.render(&[group])
}

fn without_line<'a>(group: Group<'a>, diagnostic: &'a Diagnostic) -> Group<'a> {
    match &diagnostic.help {
        Some(help) => group.element(Heading::HELP.message(help.as_str())),
        None => group,
    }
}

fn origin(diagnostic: &Diagnostic) -> Origin<'_> {
    Origin::path(&*diagnostic.location.file)
        .line(diagnostic.location.line as usize)
        .char_column(diagnostic.location.column as usize)
}

/// The first line of a diagnostic's span, and what of it is marked; none if the line is too long to be shown.
fn line<'s>(text: &'s str, diagnostic: &Diagnostic) -> Option<(&'s str, std::ops::Range<usize>)> {
    const LONG: usize = 1000;
    let span = if diagnostic.span.is_empty() {
        word(text, &diagnostic.location)?
    } else {
        diagnostic.span.clone()
    };
    let before = text.get(..span.start)?;
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let rest = &text[start..];
    let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
    if line.len() > LONG {
        return None;
    }
    let mark = span.start - start..span.end.saturating_sub(start).min(line.len());
    Some((line, mark.start..mark.end.max(mark.start)))
}

/// The word at a place, for findings that know no more of where they are.
fn word(text: &str, at: &Location) -> Option<std::ops::Range<usize>> {
    let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
    let before: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let line = text[before..].split('\n').next()?;
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let (offset, _) = line.char_indices().nth(column)?;
    let rest = &line[offset..];
    let length = rest
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}'))
        .unwrap_or(rest.len());
    let start = before + offset;
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed_file::from_yaml;

    #[derive(Debug, serde::Deserialize)]
    struct Load {
        #[expect(dead_code, reason = "only read from the file")]
        rate: u8,
    }

    fn check(text: &str, expected: &str) {
        let source = Source::new("a.yaml", text);
        let (_, diagnostics) = from_yaml::<Load>(&source);
        let shown: Vec<String> = diagnostics
            .iter()
            .map(|diagnostic| render(diagnostic, std::slice::from_ref(&source), Color::Never))
            .collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn shows_the_line() {
        check(
            "rate: 3\n# ü\nrat: 2\r\n",
            "error[unknown-field]: unknown field \"rat\"\n --> a.yaml:3:1\n  |\n3 | rat: 2\n  | ^^^ did you mean `rate`?",
        );
        check(
            "rate:\n  a: 3\n  b: 4\n",
            "error[wrong-type]: rate: expected integer, got object\n --> a.yaml:2:3\n  |\n2 |   a: 3\n  |   ^^^^",
        );
    }

    #[test]
    fn leaves_the_line_out_if_it_has_none() {
        let source = Source::new("a.yaml", "rat: 2");
        let (_, diagnostics) = from_yaml::<Load>(&source);
        let shown = render(&diagnostics[0], &[], Color::Never);
        assert_eq!(
            shown,
            "error[unknown-field]: unknown field \"rat\"\n--> a.yaml:1:1\n = help: did you mean `rate`?"
        );
    }

    #[test]
    fn findings_without_a_span_mark_the_word_at_their_place() {
        let text = "a: 1\nhosts: [ü, reviews]\n";
        for (line, column, word) in [(1, 4, "1"), (2, 9, "ü"), (2, 12, "reviews")] {
            let at = Location {
                file: "a.yaml".into(),
                line,
                column,
            };
            assert_eq!(super::word(text, &at).map(|span| &text[span]), Some(word));
        }
    }
}

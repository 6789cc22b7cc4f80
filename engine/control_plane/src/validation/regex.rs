//! Whether a text can be an expression, as Istio's webhook judges it: by Go's reader of RE2's syntax.
//!
//! Only what is surely refused is refused here: unclosed groups and classes, look-around, references back, repetition
//! of nothing or of a repetition. Where readers differ the expression is decided on when it is compiled.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (validateStringRegexp); Go, regexp/syntax.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, ErrorKind, RepetitionKind, RepetitionRange, Span, Visitor, visit};

/// Why an expression is refused in the field `place`.
pub(super) fn regex(expression: &str, place: &str) -> Result<(), String> {
    if expression.is_empty() {
        return Err(format!("{place:?}: regex string match should not be empty"));
    }
    pattern(expression, place)
}

/// The same, for an expression that may be empty.
pub(super) fn pattern(expression: &str, place: &str) -> Result<(), String> {
    if expression.len() > 1024 {
        return Err(format!(
            "{place:?}: regex is too large, max length allowed is 1024"
        ));
    }
    syntax(expression).map_err(|why| {
        format!(
            "{place:?}: error parsing regexp: {why}; Istio uses RE2 style regex-based match \
             (https://github.com/google/re2/wiki/Syntax)"
        )
    })
}

/// Go's complaint, with the part that it is about.
fn syntax(expression: &str) -> Result<(), String> {
    let error = match Parser::new().parse(expression) {
        Ok(tree) => return visit(&tree, Repetitions(expression)),
        Err(error) => error,
    };
    let span = error.span();
    let from = &expression[span.start.offset..];
    let (reason, part) = match error.kind() {
        ErrorKind::ClassUnclosed => ("missing closing ]", from),
        ErrorKind::ClassRangeInvalid => ("invalid character class range", part(expression, span)),
        ErrorKind::GroupUnclosed => ("missing closing )", expression),
        ErrorKind::GroupUnopened => ("unexpected )", expression),
        ErrorKind::EscapeUnexpectedEof => ("trailing backslash at end of expression", ""),
        ErrorKind::UnsupportedLookAround => (
            "invalid or unsupported Perl syntax",
            from.get(..3).unwrap_or(from),
        ),
        ErrorKind::UnsupportedBackreference => {
            ("invalid escape sequence", from.get(..2).unwrap_or(from))
        }
        ErrorKind::RepetitionCountInvalid => ("invalid repeat count", part(expression, span)),
        // A brace that counts nothing is itself.
        ErrorKind::RepetitionMissing if !from.starts_with('{') => {
            ("missing argument to repetition operator", &from[..1])
        }
        _ => return Ok(()),
    };
    Err(format!("{reason}: `{part}`"))
}

/// Looks for repetitions of repetitions and for counts beyond Go's limit.
struct Repetitions<'a>(&'a str);

impl Visitor for Repetitions<'_> {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), String> {
        const LIMIT: u32 = 1000;
        let Ast::Repetition(outer) = tree else {
            return Ok(());
        };
        if let Ast::Repetition(inner) = &*outer.ast {
            let operators = Span::new(inner.op.span.start, outer.op.span.end);
            let part = part(self.0, &operators);
            return Err(format!("invalid nested repetition operator: `{part}`"));
        }
        if let RepetitionKind::Range(
            RepetitionRange::Exactly(count)
            | RepetitionRange::AtLeast(count)
            | RepetitionRange::Bounded(_, count),
        ) = outer.op.kind
            && count > LIMIT
        {
            let part = part(self.0, &outer.op.span);
            return Err(format!("invalid repeat count: `{part}`"));
        }
        Ok(())
    }
}

fn part<'a>(expression: &'a str, span: &Span) -> &'a str {
    &expression[span.start.offset..span.end.offset]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_refused_is_refused() {
        for (expression, refused) in [
            (".*", None),
            ("/users/{id}", None),
            ("{", None),
            ("a{2,3}", None),
            ("a+?", None),
            (r"\Qa.b\E", None),
            (r"\d+", None),
            ("(", Some("missing closing ): `(`")),
            ("a)", Some("unexpected ): `a)`")),
            ("b[a", Some("missing closing ]: `[a`")),
            ("[z-a]", Some("invalid character class range: `z-a`")),
            ("a|*", Some("missing argument to repetition operator: `*`")),
            ("a**", Some("invalid nested repetition operator: `**`")),
            ("a{2,1}", Some("invalid repeat count: `{2,1}`")),
            ("a{1001}", Some("invalid repeat count: `{1001}`")),
            ("a(?=b)", Some("invalid or unsupported Perl syntax: `(?=`")),
            (r"(a)\1", Some(r"invalid escape sequence: `\1`")),
            (r"a\", Some("trailing backslash at end of expression: ``")),
        ] {
            assert_eq!(syntax(expression).err().as_deref(), refused, "{expression}");
        }
    }
}

//! RE2 expressions as Envoy runs them: RE2's syntax, bytes (Latin-1) instead of characters, the whole text.
//!
//! The Rust engines read another syntax (`\d` means other things, `[a&&b]` is a set operation, `a{,2}` a repetition), so
//! an expression is parsed here, by RE2's rules, into the engine's own tree. What RE2 refuses is refused, in its words.
//!
//! Source: google/re2, doc/syntax.txt and the behaviour of `RE2::FullMatch` with `Options::Latin1`; envoyproxy/envoy 1.40
//! sets Latin-1 (source/common/common/regex.cc).

mod class;
mod parser;

use regex_automata::util::captures::Captures;
use regex_automata::{Input, MatchKind, PatternSet, meta};
use regex_syntax::hir::{Hir, HirKind, Look};
use std::fmt;

/// One expression, compiled.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What each matching text starts with: most others are told apart by it.
    prefix: Box<str>,
    whole: meta::Regex,
}

impl Pattern {
    /// Compiles an expression that has to match whole texts.
    ///
    /// # Errors
    /// Where RE2 refuses the expression, or it grows too large.
    pub fn new(expression: &str) -> Result<Self, Re2Error> {
        let tree = parser::parse(expression)?;
        Ok(Self {
            prefix: literal_prefix(&tree).into(),
            whole: compile(&[whole(tree)], MatchKind::LeftmostFirst)?,
        })
    }

    /// What each text that matches starts with.
    pub(crate) fn literal_prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the whole text matches.
    pub fn is_full_match(&self, text: &str) -> bool {
        text.starts_with(&*self.prefix) && self.whole.is_match(text)
    }
}

/// Many expressions, asked at once which of them match.
#[derive(Clone, Debug)]
pub(crate) struct PatternGroup {
    all: meta::Regex,
}

impl PatternGroup {
    /// Compiles expressions that have to match whole texts; each has to be valid by itself.
    pub(crate) fn new(expressions: &[&str]) -> Result<Self, Re2Error> {
        let mut trees = Vec::with_capacity(expressions.len());
        for expression in expressions {
            trees.push(whole(parser::parse(expression)?));
        }
        Ok(Self {
            all: compile(&trees, MatchKind::All)?,
        })
    }

    /// The positions of the expressions that match the whole text, ascending.
    pub(crate) fn matches(&self, text: &str) -> PatternSet {
        let mut set = PatternSet::new(self.all.pattern_len());
        self.all
            .which_overlapping_matches(&Input::new(text), &mut set);
        set
    }
}

/// An expression whose matches are replaced (`RE2::GlobalReplace`).
#[derive(Clone, Debug)]
pub struct Substitution {
    pattern: meta::Regex,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Substitution {
    /// Compiles an expression and its replacement, in which `\0` to `\9` are groups and `\\` a backslash.
    ///
    /// # Errors
    /// Where RE2 refuses the expression or the replacement.
    pub fn new(expression: &str, replacement: &str) -> Result<Self, Re2Error> {
        let pattern = compile(&[parser::parse(expression)?], MatchKind::LeftmostFirst)?;
        let parts = replacement_parts(replacement)?;
        let groups = pattern.captures_len() - 1;
        let missing = parts.iter().find_map(|part| match part {
            Part::Group(group) if *group > groups => Some(*group),
            Part::Group(_) | Part::Text(_) => None,
        });
        match missing {
            Some(group) => Err(Re2Error(format!(
                "the replacement names group {group}, the expression has {groups}"
            ))),
            None => Ok(Self { pattern, parts }),
        }
    }

    /// The text with all matches replaced; none if nothing matches.
    pub fn replace_all(&self, text: &str) -> Option<String> {
        let mut out = Vec::new();
        let mut end = 0;
        let mut found = false;
        for captures in self.pattern.captures_iter(text) {
            let Some(whole) = captures.get_match() else {
                continue;
            };
            found = true;
            out.extend_from_slice(&text.as_bytes()[end..whole.start()]);
            self.expand(&captures, text, &mut out);
            end = whole.end();
        }
        out.extend_from_slice(&text.as_bytes()[end..]);
        found.then(|| String::from_utf8_lossy(&out).into_owned())
    }

    fn expand(&self, captures: &Captures, text: &str, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Group(group) => {
                    if let Some(span) = captures.get_group(*group) {
                        out.extend_from_slice(&text.as_bytes()[span.start..span.end]);
                    }
                }
            }
        }
    }
}

/// Why an expression is refused, in RE2's words where RE2 refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Re2Error(pub(crate) String);

impl fmt::Display for Re2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Re2Error {}

fn whole(tree: Hir) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), tree, Hir::look(Look::End)])
}

/// The literal text that an expression begins with, as far as it is whole characters.
fn literal_prefix(tree: &Hir) -> &str {
    let bytes: &[u8] = match tree.kind() {
        HirKind::Literal(literal) => &literal.0,
        HirKind::Concat(parts) => {
            let first = parts
                .iter()
                .find(|part| !matches!(part.kind(), HirKind::Look(Look::Start)));
            return first.map_or("", |first| match first.kind() {
                HirKind::Literal(_) => literal_prefix(first),
                _ => "",
            });
        }
        _ => &[],
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

fn compile(trees: &[Hir], kind: MatchKind) -> Result<meta::Regex, Re2Error> {
    meta::Regex::builder()
        .configure(
            meta::Config::new()
                .match_kind(kind)
                .utf8_empty(false)
                .nfa_size_limit(Some(NFA_BYTES)),
        )
        .build_many_from_hir(trees)
        .map_err(|_| Re2Error("pattern too large - compile failed".to_owned()))
}

/// Far more than Istio's program size limit of 32768 instructions for one expression.
const NFA_BYTES: usize = 256 << 20;

fn replacement_parts(replacement: &str) -> Result<Vec<Part>, Re2Error> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('\\') => text.push('\\'),
            Some(digit @ '0'..='9') => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Group(digit as usize - '0' as usize));
            }
            _ => {
                return Err(Re2Error(
                    "Rewrite schema error: '\\' must be followed by a digit or '\\'.".to_owned(),
                ));
            }
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, matching: &[&str], other: &[&str]) {
        let pattern = Pattern::new(expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
        for text in matching {
            assert!(
                pattern.is_full_match(text),
                "{expression} should match {text:?}"
            );
        }
        for text in other {
            assert!(
                !pattern.is_full_match(text),
                "{expression} should not match {text:?}"
            );
        }
    }

    #[test]
    fn the_whole_text_matches() {
        check(
            "/re/[a-z]+",
            &["/re/abc"],
            &["/re/abc/", "x/re/abc", "/re/"],
        );
        check("/ra|/rab", &["/ra", "/rab"], &["/rabc"]);
        check(".*", &["", "anything"], &["two\nlines"]);
        check("", &[""], &["x"]);
        check("^/a$", &["/a"], &["/a\n"]);
    }

    #[test]
    fn expressions_work_on_bytes() {
        check("..", &["é"], &["e"]);
        check(".", &["e"], &["é"]);
        check("é", &["é"], &["e"]);
        // In Latin-1 the second byte of `É` is no letter, the first folds to `ã`'s.
        check("(?i)É", &["É"], &["é", "E"]);
        check(r"\x{e9}", &[], &["é"]);
    }

    /// Expressions that the Rust engines read otherwise or not at all.
    #[test]
    fn the_syntax_is_re2s() {
        check(r"\d+", &["123"], &["١٢"]);
        check(r"\w+", &["a_1"], &["é"]);
        check(r"\s", &[" ", "\t", "\x0c"], &["\x0b", "\u{a0}"]);
        check("[a&&b]", &["a", "&", "b"], &["c"]);
        check("[[a]", &["[", "a"], &["]"]);
        check("[[a]]", &["[]", "a]"], &["a"]);
        check("[a~~b]", &["~"], &["c"]);
        check("a{,2}", &["a{,2}"], &["aa", ""]);
        check("a{", &["a{"], &["a"]);
        check("{", &["{"], &[]);
        check("x{2}{", &["xx{"], &[]);
        check(r"[\w-.]+", &["a-b.c"], &["a/b"]);
        check("[]a]+", &["]a"], &["b"]);
        check("[^]a]", &["b"], &["]", "a"]);
        check(r"\Qa.b\E+", &["a.b", "a.bb"], &["axb"]);
        check(r"\Q.*", &[".*"], &["x"]);
        check(r"a\C", &["ab", "a\n"], &["a"]);
        check(r"\123", &["S"], &[]);
        check(r"\07", &["\x07"], &[]);
        check("[[:alpha:][:digit:]]+", &["a1"], &["-"]);
        check("[[:^alpha:]]", &["1"], &["a"]);
        check(r"[^\d]", &["a", "\n"], &["1"]);
        check(r"\pL+", &["abc"], &["1"]);
        check(r"\p{^Greek}", &["a"], &[]);
        check(r"\PL", &["1"], &["a"]);
        check("(?i)abc", &["ABC", "abc"], &["abd"]);
        check("(?i:a)b", &["Ab", "ab"], &["AB"]);
        check("(?i)[a-c]+", &["AbC"], &["d"]);
        check("a(?i)b|c", &["ab", "aB", "C"], &["A"]);
        check("(?s).", &["\n"], &[]);
        check("(?m)^a$\n^b$", &["a\nb"], &["ab"]);
        check("(?U)a+b", &["aab"], &["b"]);
        check("(?P<n>a)(?P<n>b)", &["ab"], &[]);
        check("(?<n>a)", &["a"], &[]);
        check("(a|b)*?c", &["c", "abc"], &["ab"]);
        check("()|a", &["", "a"], &["b"]);
        check("a||b", &["a", "", "b"], &["ab"]);
        check("a{2,3}", &["aa", "aaa"], &["a", "aaaa"]);
        check("a{2,}", &["aa", "aaaaa"], &["a"]);
        check(r"\ba\b", &["a"], &["b"]);
        check(r"\Aa\z", &["a"], &["b"]);
        check("(?:^)*a", &["a"], &[]);
        check(r"a\.b\-c\_d", &["a.b-c_d"], &["axb-c_d"]);
    }

    #[test]
    fn literal_prefixes_are_found() {
        for (expression, prefix) in [
            ("/a/b", "/a/b"),
            ("^/a/[0-9]+", "/a/"),
            ("/ab*", "/a"),
            ("/a|/b", ""),
            ("(?i)/a", "/"),
            ("(/a)/b", ""),
            (".*", ""),
            ("/é.", "/é"),
            (r"/a\.b.*", "/a.b"),
        ] {
            let pattern = Pattern::new(expression).unwrap();
            assert_eq!(pattern.literal_prefix(), prefix, "{expression}");
        }
        check("^/a/[0-9]+", &["/a/1"], &["/a/", "/b/1"]);
        check("(?m)^/a", &["/a"], &["\n/a"]);
    }

    #[test]
    fn re2_refuses_with_its_own_words() {
        for (expression, message) in [
            ("*", "no argument for repetition operator: *"),
            ("a|*", "no argument for repetition operator: *"),
            ("(*)", "no argument for repetition operator: *"),
            ("a**", "bad repetition operator: **"),
            ("a++", "bad repetition operator: ++"),
            ("a*+", "bad repetition operator: *+"),
            ("a??*", "bad repetition operator: ??*"),
            ("a{2}{3}", "bad repetition operator: {2}{3}"),
            ("a{1001}", "invalid repetition size: {1001}"),
            ("a{3,2}", "invalid repetition size: {3,2}"),
            ("(a{500}){3}", "invalid repetition size: {3}"),
            ("(?=a)", "invalid perl operator: (?="),
            ("(?<=a)", "invalid perl operator: (?<="),
            ("(?x)a", "invalid perl operator: (?x"),
            ("(?i", "invalid perl operator: (?i"),
            (r"(a)\1", r"invalid escape sequence: \1"),
            (r"\u0041", r"invalid escape sequence: \u"),
            (r"\x{100}", r"invalid escape sequence: \x{100"),
            ("a\\", "trailing \\"),
            ("(a", "missing ): (a"),
            ("a)", "unexpected ): a)"),
            ("[a", "missing ]: [a"),
            ("[b-a]", "invalid character class range: b-a"),
            ("[[:foo:]]", "invalid character class range: [:foo:]"),
            (r"\p{Nope}", r"invalid character class range: \p{Nope}"),
            ("(?P<n", "invalid named capture group: (?P<n"),
            ("(?P<a-b>c)", "invalid named capture group: (?P<a-b>"),
        ] {
            assert_eq!(
                Pattern::new(expression).map(|_| ()),
                Err(Re2Error(message.to_owned())),
                "{expression}"
            );
        }
    }

    #[test]
    fn all_matches_are_replaced() {
        for (expression, replacement, text, result) in [
            ("a", "b", "/ra/aaa", Some("/rb/bbb")),
            ("^/x/(.*)$", "/y/\\1", "/x/1/2", Some("/y/1/2")),
            ("(a)(b)?", "\\2\\1\\\\", "ab", Some("ba\\")),
            ("(a)(c)?", "<\\2>", "ab", Some("<>b")),
            ("z", "b", "/ra", None),
            ("x*", "-", "abc", Some("-a-b-c-")),
        ] {
            let substitution = Substitution::new(expression, replacement).unwrap();
            assert_eq!(
                substitution.replace_all(text).as_deref(),
                result,
                "{expression} on {text}"
            );
        }
        assert!(Substitution::new("a", "\\1").is_err());
        assert!(Substitution::new("a", "\\x").is_err());
    }

    #[test]
    fn a_group_names_each_expression_that_matches() {
        let group = PatternGroup::new(&["/a.*", "/ab", "/c"]).unwrap();
        let matching = |text| {
            group
                .matches(text)
                .iter()
                .map(|id| id.as_usize())
                .collect::<Vec<_>>()
        };
        assert_eq!(matching("/ab"), [0, 1]);
        assert_eq!(matching("/c"), [2]);
        assert!(matching("/d").is_empty());
    }
}

//! Expressions as google-re2 1.1.20251105 reads and matches them.
//!
//! `goldens/re2.tsv` was written by RE2 itself (Latin-1, full match): its first line has the texts, each further line an
//! expression and `-` where it is refused, else one bit per text, the first text in the highest bit.

use proxy::re2::Pattern;

#[test]
fn expressions_match_what_re2_matches() {
    let mut lines = include_str!("goldens/re2.tsv").lines();
    let texts = lines.next().expect("the first line has the texts");
    let texts: Vec<String> = texts.split('\t').map(unescape).collect();
    let mut accepted = 0;
    for line in lines {
        let (expression, want) = line.rsplit_once('\t').expect("two columns");
        let expression = unescape(expression);
        let seen = match Pattern::new(&expression) {
            Ok(pattern) => {
                accepted += 1;
                let bits = texts.iter().fold(0_u64, |bits, text| {
                    bits << 1 | u64::from(pattern.is_full_match(text))
                });
                format!("{bits:x}")
            }
            Err(_) => "-".to_owned(),
        };
        assert_eq!(seen, want, "{expression:?} against {texts:?}");
    }
    assert!(accepted > 500, "{accepted}");
}

/// `\\`, `\t`, `\n` and `\u{…}`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('u') => {
                let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let code = u32::from_str_radix(&digits, 16).expect("hexadecimal");
                out.push(char::from_u32(code).expect("a character"));
            }
            other => out.push(other.expect("something is escaped")),
        }
    }
    out
}

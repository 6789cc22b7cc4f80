//! Mutated files and any text: refused or read, but never a panic.

use super::*;
use proptest::prelude::*;

/// Lines of a good file, some of them replaced, doubled or left out.
fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = EVERYTHING.lines().collect();
    let count = lines.len();
    proptest::collection::vec((0..count, 0..count, 0..4_u8), 0..8).prop_map(move |edits| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for (at, other, kind) in edits {
            let at = at.min(lines.len() - 1);
            let other = lines[other.min(lines.len() - 1)].clone();
            match kind {
                0 => lines[at] = other,
                1 => lines.insert(at, other),
                2 if lines.len() > 1 => drop(lines.remove(at)),
                _ => {
                    let half = lines[at].chars().count() / 2;
                    lines[at] = lines[at].chars().take(half).collect();
                }
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #[test]
    fn mutated_files_never_panic(text in mutated()) {
        let _ = read(&text, &[]);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC*", path in "[a-z.\\[\\]0-9]{0,12}", value in "\\PC{0,12}") {
        let _ = read(&text, &[]);
        if let Some(change) = Override::parse(&format!("{path}={value}")) {
            let options = LoadOptions { name: String::new(), overrides: vec![change] };
            let _ = load(&Source::new("s.yaml", EVERYTHING), &options, &files);
        }
    }
}

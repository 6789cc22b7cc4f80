//! A few lines of a manifest, with their numbers.

/// The lines of a YAML value that begins at a place: those that follow it and are indented no less.
pub(crate) fn excerpt(text: &str, line: usize, column: usize) -> Vec<(usize, String)> {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut lines = text.lines().map(str::trim_end).enumerate().skip(line - 1);
    let first = lines.next();
    let more = lines.take_while(|(_, line)| indentation(line) + 1 >= column);
    first
        .into_iter()
        .chain(more)
        .take(QUOTED)
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

/// How many lines of a manifest are quoted.
const QUOTED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_the_indentation_does() {
        let text = "http:\n- match:\n  - uri:\n      prefix: /a\n  route:\n  - a\n  - b\n  - c\n";
        let numbers = |line, column| -> Vec<usize> {
            let lines = excerpt(text, line, column);
            lines.into_iter().map(|(number, _)| number).collect()
        };
        assert_eq!(numbers(3, 5), [3, 4]);
        assert_eq!(numbers(2, 3), [2, 3, 4], "three lines at most");
        assert_eq!(numbers(8, 5), [8]);
        assert_eq!(excerpt(text, 99, 1), []);
    }
}

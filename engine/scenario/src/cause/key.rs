//! The line of a key: values that are read know where they begin, and a key stands above the block that it has.

use base::Location;
use manifest::Source;
use std::sync::Arc;

/// The key of a block: values know where they begin, which is below their key where they are blocks.
pub(super) fn above(source: &Source, at: &Location, key: &str) -> Location {
    let until = source.text.lines().zip(1..).take(at.line as usize);
    let numbered: Vec<(&str, u32)> = until.collect();
    (numbered.into_iter().rev().take(COMMENT))
        .find_map(|(line, number)| place(source, line, number, key))
        .unwrap_or_else(|| at.clone())
}

/// A key in the block that begins at a place.
pub(super) fn below(source: &Source, at: &Location, key: &str) -> Option<Location> {
    let from = at.line.saturating_sub(1) as usize;
    let mut numbered = source.text.lines().zip(1..).skip(from);
    // The place of a block is that of its first key, so whatever stands further to the left ends it.
    let ends = |line: &str, number: u32| {
        let indent = line.len() - line.trim_start().len();
        number > at.line && !line.trim().is_empty() && indent + 1 < at.column as usize
    };
    numbered
        .by_ref()
        .take_while(|(line, number)| !ends(line, *number))
        .find_map(|(line, number)| place(source, line, number, key))
}

fn place(source: &Source, line: &str, number: u32, key: &str) -> Option<Location> {
    let start = line.find(&format!("{key}:"))?;
    Some(Location {
        file: Arc::clone(&source.name),
        line: number,
        column: u32::try_from(line[..start].chars().count()).ok()? + 1,
    })
}

/// Lines of comment between a key and its block that are looked over.
const COMMENT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Location {
        Location {
            file: "m.yaml".into(),
            line,
            column,
        }
    }

    #[test]
    fn keys_are_found_around_their_blocks() {
        let text = "pool:\n  # why\n  http:\n    most: 1\n  tcp: {}\nother:\n  least: 2\n";
        let source = Source::new("m.yaml", text);
        let line = |place: Location| (place.line, place.column);
        assert_eq!(line(above(&source, &at(3, 3), "pool")), (1, 1));
        assert_eq!(line(above(&source, &at(3, 3), "none")), (3, 3));
        assert_eq!(
            below(&source, &at(3, 3), "most").map(line),
            Some((4, 5)),
            "inside"
        );
        assert_eq!(
            below(&source, &at(3, 3), "least").map(line),
            None,
            "of another block"
        );
    }
}

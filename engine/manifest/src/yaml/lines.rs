//! Byte offsets as lines and columns.

/// Where the lines of a text begin.
pub(crate) struct Lines<'s> {
    text: &'s str,
    starts: Vec<u32>,
}

impl<'s> Lines<'s> {
    /// The lines of `text`, which ends before 4 GiB.
    pub(crate) fn new(text: &'s str) -> Self {
        let bytes = text.as_bytes();
        let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            // A lone carriage return breaks the line as well.
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at as u32 + 1))
            .collect();
        Self { text, starts }
    }

    /// The line and the column in characters, both from one. A byte-order mark takes no column.
    pub(crate) fn position(&self, offset: usize) -> (u32, u32) {
        let line = self
            .starts
            .partition_point(|start| *start as usize <= offset);
        let start = self.starts[line - 1] as usize;
        let before = self.text.get(start..offset).unwrap_or_default();
        let column = before.trim_start_matches('\u{FEFF}').chars().count() as u32 + 1;
        (line as u32, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_all_kinds_of_breaks() {
        let lines = Lines::new("\u{FEFF}a\r\nbß→c\rd\n");
        for (offset, position) in [
            (0, (1, 1)),
            (3, (1, 1)),
            (4, (1, 2)),
            (6, (2, 1)),
            (9, (2, 3)),
            (12, (2, 4)),
            (14, (3, 1)),
            (16, (4, 1)),
            (99, (4, 1)),
        ] {
            assert_eq!(lines.position(offset), position, "{offset}");
        }
    }
}

//! How words and figures are put on a line: colours, symbols, and the width there is.

use super::{Detail, Symbols, TextStyle};

/// A style at work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen(TextStyle);

impl Pen {
    pub(super) const fn new(style: TextStyle) -> Self {
        Self(style)
    }

    pub(super) const fn style(&self) -> &TextStyle {
        &self.0
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(super) fn bar_colour(self, text: &str) -> String {
        self.with("34", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self.0.colour {
            false => text.to_owned(),
            true => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    /// One of two, by the symbols that there are.
    pub(super) const fn symbol(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.0.symbols {
            Symbols::Unicode => unicode,
            Symbols::Ascii => ascii,
        }
    }

    /// What was met, or was not.
    pub(super) fn mark(self, passed: bool) -> String {
        match passed {
            true => self.good(self.symbol("✓", "+")),
            false => self.bad(self.symbol("✗", "x")),
        }
    }

    /// A bar of so many characters at most; with blocks it is exact to an eighth of one.
    pub(super) fn bar(self, share: f64, most: usize) -> String {
        let share = share.clamp(0.0, 1.0);
        let bar = match self.0.symbols {
            Symbols::Ascii => {
                let full = (share * most as f64 + 0.5) as usize;
                let least = usize::from(share > 0.0);
                "#".repeat(full.max(least))
            }
            Symbols::Unicode => {
                const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
                let eighths = (share * (most * 8) as f64 + 0.5) as usize;
                let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
                let mut bar = "█".repeat(eighths / 8);
                if !eighths.is_multiple_of(8) {
                    bar.push(EIGHTHS[eighths % 8]);
                }
                bar
            }
        };
        padded(&bar, most)
    }

    /// A line of heights, one character for each, of the largest that there is.
    pub(super) fn spark(self, values: &[u64], largest: u64) -> String {
        const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '#', '@'];
        let levels = match self.0.symbols {
            Symbols::Unicode => BLOCKS,
            Symbols::Ascii => ASCII,
        };
        let height = |value: u64| match (value, largest) {
            (0, _) | (_, 0) => 0,
            (value, largest) => {
                let share = value as f64 / largest as f64;
                ((share * 8.0 + 0.5) as usize).clamp(1, 8)
            }
        };
        values.iter().map(|value| levels[height(*value)]).collect()
    }

    /// A name that has this much room at most, where there is a width: its middle goes, since names of one kind differ
    /// in how they end.
    pub(super) fn fitted(self, name: &str, room: usize) -> String {
        let letters: Vec<char> = name.chars().collect();
        if self.0.width.is_none() || letters.len() <= room {
            return name.to_owned();
        }
        let kept = room.saturating_sub(1);
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let head = letters[..head].iter().copied();
        let tail = letters[letters.len() - tail..].iter().copied();
        let dots = self.symbol("…", "~").chars();
        head.chain(dots).chain(tail).collect()
    }

    /// A line, cut at the terminal's width.
    pub(super) fn clipped(self, text: &str) -> String {
        let width = self.0.width.unwrap_or(usize::MAX);
        if text.chars().count() <= width {
            return text.to_owned();
        }
        let kept: String = text.chars().take(width.saturating_sub(1)).collect();
        kept + self.symbol("…", "~")
    }

    /// A text over as many lines as it takes, those after the first indented.
    pub(super) fn wrapped(self, text: &str, indent: usize) -> Vec<String> {
        let Some(width) = self.0.width else {
            return vec![text.to_owned()];
        };
        let mut lines = vec![String::new()];
        for word in text.split_inclusive(' ') {
            let line = lines.last_mut().expect("there is a first line");
            let begun = !line.trim().is_empty();
            if begun && line.chars().count() + word.trim_end().chars().count() > width {
                lines.push(" ".repeat(indent) + word);
            } else {
                line.push_str(word);
            }
        }
        let trimmed = lines.iter().map(|line| line.trim_end().to_owned());
        trimmed.collect()
    }

    /// The lines that each part may have.
    pub(super) fn room(self) -> Room {
        match (self.0.detail, self.0.height) {
            (Detail::Full, _) => FULL,
            (_, Some(height)) if height < SCREEN => COMPACT,
            (_, _) => ROOMY,
        }
    }

    /// `… 3 more services in report.html`
    pub(super) fn more(self, count: usize, what: &str, place: &str) -> String {
        let dots = self.symbol("…", "...");
        let plural = if count == 1 || what.is_empty() {
            ""
        } else {
            "s"
        };
        let space = if what.is_empty() { "" } else { " " };
        self.dim(format!("  {dots} {count} more{space}{what}{plural} {place}").trim_end())
    }

    /// At most so many of the lines, and a last one that says how many more there are and where.
    pub(super) fn capped(
        self,
        mut lines: Vec<String>,
        most: usize,
        what: &str,
        place: &str,
    ) -> Vec<String> {
        if lines.len() > most {
            let more = lines.len() - (most - 1);
            lines.truncate(most - 1);
            lines.push(self.more(more, what, place));
        }
        lines
    }
}

/// The lines that each part may have at most, so that all of it fits a screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) expectations: usize,
    /// Its head included.
    pub(super) traffic: usize,
    /// Services with their destinations.
    pub(super) splits: usize,
    /// Destinations of one Service.
    pub(super) parts: usize,
    pub(super) intervals: usize,
    /// Ways to fail, of two to three lines each.
    pub(super) failures: usize,
    pub(super) notes: usize,
}

/// The lines of a terminal with room for [`ROOMY`], what is said on standard error and the prompt included.
const SCREEN: usize = 40;

const ROOMY: Room = Room {
    expectations: 8,
    traffic: 6,
    splits: 8,
    parts: 6,
    intervals: 4,
    failures: 3,
    notes: 2,
};

const COMPACT: Room = Room {
    expectations: 4,
    traffic: 4,
    splits: 4,
    parts: 3,
    intervals: 2,
    failures: 1,
    notes: 1,
};

const FULL: Room = Room {
    expectations: usize::MAX,
    traffic: usize::MAX,
    splits: usize::MAX,
    parts: usize::MAX,
    intervals: usize::MAX,
    failures: usize::MAX,
    notes: usize::MAX,
};

/// The width of the widest.
pub(super) fn column(texts: impl Iterator<Item = impl AsRef<str>>) -> usize {
    let widths = texts.map(|text| text.as_ref().chars().count());
    widths.max().unwrap_or(0)
}

pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen(symbols: Symbols, width: Option<usize>) -> Pen {
        Pen::new(TextStyle {
            symbols,
            width,
            ..TextStyle::default()
        })
    }

    #[test]
    fn bars_are_exact_to_an_eighth() {
        for (share, blocks, ascii) in [
            (0.0, "", ""),
            (0.001, "▏", "#"),
            (0.5, "████████████", "############"),
            (1.0, "████████████████████████", "########################"),
        ] {
            for (symbols, shown) in [(Symbols::Unicode, blocks), (Symbols::Ascii, ascii)] {
                let bar = pen(symbols, None).bar(share, 24);
                assert_eq!(bar.trim_end(), shown);
                assert_eq!(bar.chars().count(), 24);
            }
        }
    }

    #[test]
    fn heights_are_of_the_largest() {
        let spark = |symbols| pen(symbols, None).spark(&[0, 1, 50, 100], 100);
        assert_eq!(spark(Symbols::Unicode), " ▁▄█");
        assert_eq!(spark(Symbols::Ascii), " .=@");
        assert_eq!(pen(Symbols::Ascii, None).spark(&[0, 0], 0), "  ");
    }

    #[test]
    fn lines_keep_to_the_width_where_there_is_one() {
        let narrow = pen(Symbols::Unicode, Some(12));
        assert_eq!(narrow.clipped("a name too long"), "a name too …");
        assert_eq!(
            narrow.wrapped("  one two three four", 4),
            ["  one two", "    three", "    four"]
        );
        let wide = pen(Symbols::Unicode, None);
        assert_eq!(wide.clipped("a name too long"), "a name too long");
        assert_eq!(wide.wrapped("one two three four", 4).len(), 1);
    }

    #[test]
    fn what_is_cut_is_counted() {
        let lines = || (0..5).map(|line| line.to_string()).collect::<Vec<_>>();
        let pen = pen(Symbols::Unicode, None);
        assert_eq!(
            pen.capped(lines(), 3, "row", "there"),
            ["0", "1", "  … 3 more rows there"]
        );
        assert_eq!(pen.capped(lines(), 5, "", "there"), lines());
        assert_eq!(pen.more(1, "row", ""), "  … 1 more row");
    }
}

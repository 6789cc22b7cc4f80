//! Markdown as people read it in a terminal; in files and pipes it stays Markdown.

use std::io::{IsTerminal as _, stdout};

use pulldown_cmark::{Event, Parser};
use termimad::MadSkin;
use termimad::crossterm::style::{Attribute, Color};

use crate::args::Format;
use crate::output::Output;
use crate::terminal;

/// Markdown as it is printed here: with emphasis and lines as wide as the terminal, if it is one.
pub(crate) fn printed(markdown: &str, output: &Output) -> String {
    match output.format {
        Format::Text if stdout().is_terminal() => rendered(markdown, terminal::columns()),
        Format::Text | Format::Markdown | Format::Json => markdown.to_owned(),
    }
}

/// Markdown with its emphasis as colours and its paragraphs in lines of some columns.
fn rendered(markdown: &str, columns: usize) -> String {
    let mut skin = MadSkin::no_style();
    skin.bold.add_attr(Attribute::Bold);
    skin.italic.add_attr(Attribute::Italic);
    skin.inline_code.set_fg(Color::Cyan);
    skin.code_block.set_fg(Color::Cyan);
    let text = skin
        .text(&paragraphs_in_one_line(markdown), Some(columns))
        .to_string();
    text.trim_end().to_owned()
}

/// The same text, without the ends of lines that mean a blank; what draws it takes each line for a paragraph.
fn paragraphs_in_one_line(markdown: &str) -> String {
    let mut text = String::new();
    let mut written = 0;
    for (event, place) in Parser::new(markdown).into_offset_iter() {
        if matches!(event, Event::SoftBreak) {
            text.push_str(&markdown[written..place.start]);
            text.push(' ');
            let rest = &markdown[place.end..];
            written = markdown.len() - rest.trim_start_matches(' ').len();
        }
    }
    text + &markdown[written..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_filled_and_emphasis_is_drawn() {
        let task = "Send **a tenth** to\n`v2`.\n\n- one that\n  goes on\n- two\n\n```yaml\na: 1\nb: 2\n```\n";
        let plain = |columns| anstream::adapter::strip_str(&rendered(task, columns)).to_string();
        assert!(rendered(task, 60).contains("\u{1b}["));
        assert_eq!(
            plain(60).lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "Send a tenth to v2.",
                "",
                "• one that goes on",
                "• two",
                "",
                "a: 1",
                "b: 2"
            ]
        );
        assert!(
            plain(12)
                .lines()
                .all(|line| line.trim_end().chars().count() <= 12)
        );
    }
}

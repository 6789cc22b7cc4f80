//! A run on one screen: were the expectations met, what did traffic experience, where did it go, what failed and what to do.
//!
//! The verdict comes first, and every part has its share of the lines: at most forty in all, however large the mesh is.
//! What is cut says how much there is more. The same run and style give the same bytes.

mod failures;
mod pen;
mod splits;
mod traffic;
mod verdict;

pub(crate) use self::failures::{failure_lines, meaning};
use self::pen::Pen;
pub(crate) use self::splits::splits_of;
pub(crate) use self::verdict::judged;
use crate::intervals;
use crate::model::RunReport;

/// How a summary is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStyle {
    /// The columns of the terminal; none: lines are as long as they get, as for files and pipes.
    pub width: Option<usize>,
    /// The lines of the terminal; none: as many as the summary of a large mesh takes.
    pub height: Option<usize>,
    /// The characters of bars and marks.
    pub symbols: Symbols,
    /// ANSI colours are used.
    pub colour: bool,
    /// The time that the run took is told, which differs from one run to the next.
    pub wall_time: bool,
    /// How much is told.
    pub detail: Detail,
}

/// The characters of bars and marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symbols {
    /// Blocks, ticks and arrows.
    #[default]
    Unicode,
    /// For terminals that know nothing else. Names are written as they are.
    Ascii,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The verdict, and the expectations that were missed.
    Verdict,
    /// A screenful.
    #[default]
    Summary,
    /// All of it, and of each missed expectation a request with its way through the proxies.
    Full,
}

/// What `run` prints for people.
pub fn text(report: &RunReport, style: &TextStyle) -> String {
    let pen = Pen::new(*style);
    let mut blocks = vec![verdict::lines(report, pen)];
    if style.detail != Detail::Verdict {
        blocks.push(traffic::lines(report, pen));
        blocks.push(splits::lines(report, pen));
        blocks.push(spread(report, pen));
        let mut last = failures::lines(report, pen);
        last.extend(notes(report, pen));
        blocks.push(last);
    }
    let mut text = String::new();
    for lines in blocks {
        if !lines.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        for line in lines {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Figures over replications.
fn spread(report: &RunReport, pen: Pen) -> Vec<String> {
    let mut lines = intervals::lines(report).into_iter();
    let Some(head) = lines.next() else {
        return Vec::new();
    };
    let figures: Vec<String> = lines.map(|line| pen.clipped(&line)).collect();
    let mut lines = vec![pen.bold(&pen.clipped(&head))];
    lines.extend(pen.capped(figures, pen.room().intervals, "", "in intervals.csv"));
    lines
}

fn notes(report: &RunReport, pen: Pen) -> Vec<String> {
    let all = report.notes.iter();
    let lines = all.map(|note| pen.dim(&pen.clipped(&format!("note: {note}"))));
    pen.capped(lines.collect(), pen.room().notes, "note", "in report.html")
}

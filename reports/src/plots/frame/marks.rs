//! The labels of marks.

use super::{Area, LEFT, MARK_LINE, Mark, SMALL, SOFT, WIDTH};
use crate::plots::axis::Axis;
use crate::plots::palette::INK;
use crate::plots::svg::{Anchor, Style, Svg, text_width};

/// Where the labels of marks stand: in rows above a panel, each beside its line like a flag, so that neither they nor
/// the lines below them run into each other.
pub(super) struct MarkRows<'a> {
    /// Each mark with its label's row and start.
    places: Vec<(&'a Mark, usize, f64)>,
    count: usize,
    /// Marks whose labels have no room.
    unnamed: usize,
}

impl<'a> MarkRows<'a> {
    pub(super) fn of(marks: &[&'a Mark], axis: &Axis, right: f64) -> Self {
        let mut ends = [f64::MIN; MARK_ROWS];
        let mut places = Vec::new();
        for mark in marks {
            let x = LEFT + axis.place(mark.x) * (right - LEFT);
            let width = text_width(&mark.label, SMALL, false);
            let start = if x + FLAG + width < WIDTH - 12.0 {
                x + FLAG
            } else {
                x - FLAG - width
            };
            // Its line goes down through the rows below.
            let fits = |row: usize| {
                ends[row] + FLAG < start.min(x) && ends[row + 1..].iter().all(|end| end + FLAG < x)
            };
            if let Some(row) = (0..MARK_ROWS).find(|row| fits(*row)) {
                ends[row] = (start + width).max(x);
                places.push((*mark, row, start));
            }
        }
        let count = places.iter().map(|(_, row, _)| row + 1).max();
        Self {
            unnamed: marks.len() - places.len(),
            places,
            count: count.unwrap_or(0),
        }
    }

    pub(super) fn height(&self) -> f64 {
        (self.count + usize::from(self.unnamed > 0)) as f64 * MARK_ROW
    }

    /// The labels, the first row highest, each with a line down to the panel.
    pub(super) fn draw(&self, svg: &mut Svg, axis: &Axis, area: Area) {
        let baseline = |row: usize| area.top - 7.0 - (self.count - 1 - row) as f64 * MARK_ROW;
        let soft = Style {
            anchor: Anchor::End,
            ..SOFT
        };
        if self.unnamed > 0 {
            let events = if self.unnamed == 1 { "event" } else { "events" };
            let more = format!("{} more {events}, named in report.html", self.unnamed);
            let above = area.top - 7.0 - self.count as f64 * MARK_ROW;
            svg.text((WIDTH - 12.0, above), &more, soft);
        }
        let mut drawn = f64::MIN;
        for (mark, row, start) in &self.places {
            let x = area.x(axis, mark.x);
            if x > drawn {
                svg.line(&[(x, baseline(*row) - 11.0), (x, area.top)], MARK_LINE);
                drawn = x;
            }
            let style = Style {
                colour: INK,
                ..SOFT
            };
            svg.text((*start, baseline(*row)), &mark.label, style);
        }
    }
}

const MARK_ROW: f64 = 19.0;
const MARK_ROWS: usize = 5;
/// Between a mark's line and its label.
const FLAG: f64 = 5.0;

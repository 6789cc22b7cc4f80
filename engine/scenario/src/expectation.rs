//! What is expected: of a run, a figure, the requests it is taken over, and its bound; of a single request, where it goes
//! and what becomes of it.

mod bound;
mod decision;
mod grammar;
mod measure;
mod selector;

use crate::expectation::grammar::{REQUESTS, WINDOW, object_of};
use crate::place::Place;
use crate::reader::{Cursor, Reader};
use base::SimTime;

pub use bound::{Bound, DEFAULT_CONFIDENCE};
pub(crate) use decision::REQUEST_EXPECTATION;
pub use decision::{Decision, RequestExpectation};
pub(crate) use grammar::EXPECTATION;
pub use measure::{Measure, Unit};
pub use selector::{Selector, StatusClass};

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Of a run.
    Figure(Box<FigureExpectation>),
    /// Of a single request, which is decided without a run.
    Request(Box<RequestExpectation>),
}

/// An expectation of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureExpectation {
    /// Its name.
    pub name: String,
    /// What is measured.
    pub measure: Measure,
    /// What it is measured over.
    pub select: Selector,
    /// Of a share: what it is a share of.
    pub of: Option<Selector>,
    /// When the requests began; none: any time after the warm-up.
    pub window: Option<WindowSpan>,
    /// What it must be.
    pub bound: Bound,
    /// Where it is written.
    pub place: Place,
}

/// A span of time; its end is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSpan {
    /// Its start.
    pub from: SimTime,
    /// Its end.
    pub to: SimTime,
}

impl Expectation {
    /// Reads an entry of `expect`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        if node.entries().iter().any(|entry| entry.name() == "request") {
            let request = RequestExpectation::read(reader, node)?;
            return Some(Self::Request(Box::new(request)));
        }
        let figure = FigureExpectation::read(reader, node)?;
        Some(Self::Figure(Box::new(figure)))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Figure(figure) => &figure.name,
            Self::Request(request) => &request.name,
        }
    }

    /// The figure that it is about; none if it is about a single request.
    pub fn figure(&self) -> Option<&FigureExpectation> {
        match self {
            Self::Figure(figure) => Some(figure),
            Self::Request(_) => None,
        }
    }
}

impl FigureExpectation {
    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &EXPECTATION)?;
        let chosen = fields
            .iter()
            .find_map(|node| Some((Measure::from_name(node.name())?, node)));
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let window = fields
            .get("window")
            .and_then(|node| read_window(reader, &node));
        let (measure, node_of_measure) = chosen?;
        let select = Selector::read(reader, &node_of_measure, object_of(measure));
        let of = fields.get("of").and_then(|node| {
            if measure == Measure::Share {
                return Selector::read(reader, &node, &REQUESTS);
            }
            reader.invalid(&node, "`of` goes with `share`".to_owned(), "");
            None
        });
        let bound = bound::read(reader, &fields, measure);
        let select = select?;
        if measure == Measure::Share && of.is_none() && select == select.identity() {
            let message = "this is a share of itself, and always 100 %".to_owned();
            let help = "say of what, such as `of: {traffic: users}`, or which part, such as `subset` or `responseCode`";
            reader.invalid(&node_of_measure, message, help);
        }
        if matches!(
            measure,
            Measure::Tries | Measure::Retries | Measure::Mirrors
        ) {
            let of_requests = [
                "destinationPod",
                "responseFlags",
                "requestProtocol",
                "grpcResponseStatus",
            ];
            for label in node_of_measure.entries() {
                if of_requests.contains(&label.name()) {
                    let message = format!("`{}` belong to requests, not to tries", label.name());
                    let help = "leave them out, or `count` requests";
                    reader.invalid(&node_of_measure, message, help);
                }
            }
        }
        let bound = bound?;
        Some(Self {
            name: name.unwrap_or_else(|| describe(&node_of_measure, &bound, measure)),
            measure,
            of: (measure == Measure::Share).then(|| of.unwrap_or_else(|| select.identity())),
            select,
            window,
            bound,
            place: node.place(),
        })
    }
}

fn read_window(reader: &mut Reader, node: &Cursor<'_>) -> Option<WindowSpan> {
    let fields = reader.object(node, &WINDOW)?;
    let times = reader.times();
    let from = match fields.get("from") {
        Some(node) => reader.time(&node)?,
        None => SimTime::ZERO + times.warm_up,
    };
    let to = match fields.get("to") {
        Some(node) => reader.time(&node)?,
        None => SimTime::ZERO + times.duration,
    };
    if to <= from {
        reader.invalid(
            node,
            format!("the window is empty: it ends at {to} and begins at {from}"),
            "",
        );
        return None;
    }
    if to > SimTime::ZERO + times.duration {
        reader.invalid(
            node,
            format!(
                "the window ends at {to}, after the run, which takes {}",
                times.duration
            ),
            "",
        );
        return None;
    }
    Some(WindowSpan { from, to })
}

/// A name for an expectation that has none.
fn describe(node: &Cursor<'_>, bound: &Bound, measure: Measure) -> String {
    let unit = measure.unit();
    let conditions: Vec<String> = node
        .entries()
        .iter()
        .map(|entry| format!("{} {}", entry.name(), entry.source_text()))
        .collect();
    let over = if conditions.is_empty() {
        String::new()
    } else {
        format!(" of {}", conditions.join(", "))
    };
    format!("{}{over} {}", node.name(), bound.show(unit))
}

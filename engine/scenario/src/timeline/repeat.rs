//! Entries that happen again.

use crate::reader::{Cursor, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::{SimDuration, SimTime};

/// How often an entry happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    every: SimDuration,
    /// None: until the end of the run.
    times: Option<u32>,
}

/// `repeat`
pub(super) const REPEAT: Field = field(
    "repeat",
    Shape::Object(&REPEAT_OBJECT),
    "The same happens again and again.",
);

static REPEAT_OBJECT: Object = Object {
    name: "repeat",
    about: "How often an entry of the timeline happens.",
    fields: &[
        field("every", Shape::Duration, "From one time to the next."),
        field(
            "times",
            Shape::Whole(1),
            "How many times in all; to the end of the run if not written.",
        ),
    ],
    required: &["every"],
    one_of: &[],
};

impl Repeat {
    pub(super) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &REPEAT_OBJECT)?;
        let every = fields
            .get("every")
            .and_then(|node| reader.positive_duration(&node));
        let times = fields
            .get("times")
            .and_then(|node| reader.whole_within(&node, 1, MOST as u32));
        let repeat = Self {
            every: every?,
            times,
        };
        let count = reader.times().duration.as_nanos() / repeat.every.as_nanos();
        if times.is_none() && count > MOST {
            let message = format!("it would happen {count} times: {MOST} at most");
            reader.invalid(node, message, "write `times`, or a longer `every`");
            return None;
        }
        Some(repeat)
    }

    /// When something happens that happens at `first`, before `end`.
    pub(super) fn times_from(self, first: SimTime, end: SimTime) -> Vec<SimTime> {
        let most = self.times.map_or(MOST, u64::from);
        let all = (0..most).map(|number| first + self.every * number);
        // What is listed late is refused like any late entry.
        all.take_while(|at| self.times.is_some() || *at < end)
            .collect()
    }
}

/// Entries that one may stand for.
const MOST: u64 = 10_000;

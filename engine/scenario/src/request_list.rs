//! Requests at given times: entries of `requests` that say when.

use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Shape, field};
use crate::traffic::{REQUEST, Template};
use base::SimDuration;
use sim::plan::Listed;

/// `at`
pub(crate) const AT: Field = field(
    "at",
    Shape::Duration,
    "When it is sent, from the start of the run, instead of by a `rate` or by `users`. All `requests` of a source say so, \
     or none.",
);
/// `count`
pub(crate) const COUNT: Field = field(
    "count",
    Shape::Whole(1),
    "How often it is sent, with `at`; once if not written.",
);
/// `every`
pub(crate) const EVERY: Field = field(
    "every",
    Shape::Duration,
    "The time from one of its `count` to the next; all are sent at once if not written.",
);
/// `connection`
pub(crate) const CONNECTION: Field = field(
    "connection",
    Shape::Text,
    "The client's connection, by any name, with `at`: requests of one connection wait for each other, as in HTTP/1.1. A \
     connection of its own if not written.",
);
/// `worker`
pub(crate) const WORKER: Field = field(
    "worker",
    Shape::Whole(0),
    "The worker thread of the first proxy that takes its connection, counted from 0, with `at`; drawn if not written.",
);

const NAMES: [&str; 4] = ["count", "every", "connection", "worker"];

/// A list under construction.
#[derive(Debug, Default)]
pub(crate) struct RequestList {
    /// The requests, in the order of the file.
    listed: Vec<Listed>,
    /// What is sent, by place.
    templates: Vec<Template>,
    /// Names of connections, by their number.
    connections: Vec<String>,
}

impl RequestList {
    /// Whether an entry of `requests` says when.
    pub(crate) fn is_listed(item: &Cursor<'_>) -> bool {
        item.entries().iter().any(|field| field.name() == "at")
    }

    /// Reads `requests`: when they are sent, in order of time, equal times as in the file; and what is sent.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> (Vec<Listed>, Vec<Template>) {
        let mut list = Self::default();
        reader.list(node, |reader, item| list.add(reader, item));
        list.listed.sort_by_key(|request| request.at);
        (list.listed, list.templates)
    }

    fn add(&mut self, reader: &mut Reader, item: &Cursor<'_>) -> Option<()> {
        let fields = reader.object(item, &REQUEST)?;
        if let Some(node) = fields.get("weight") {
            let message = "`weight` does not go with `at`".to_owned();
            reader.invalid(&node, message, "say how often with `count`");
        }
        let Some(at) = fields.get("at") else {
            reader.missing(&fields, "`at`, which others of the list have");
            return None;
        };
        let at = reader.time(&at);
        let count = match fields.get("count") {
            Some(node) => reader.whole(&node, 1)?,
            None => 1,
        };
        let every = fields
            .get("every")
            .and_then(|node| reader.duration(&node))
            .unwrap_or(SimDuration::ZERO);
        let worker = fields
            .get("worker")
            .and_then(|node| read_worker(reader, &node));
        let connection = fields
            .get("connection")
            .and_then(|node| reader.text(&node))
            .map(|name| self.connection(name));
        let sent = Template::read_what(reader, &fields)?;
        let at = at?;
        if self.listed.len() + count as usize > MOST {
            let message = format!("more than {MOST} requests are listed");
            reader.invalid_object(&fields, message, "write a `rate` for so many requests");
            return None;
        }
        let template = self.templates.len() as u32;
        self.templates.push(sent);
        for number in 0..u64::from(count) {
            self.listed.push(Listed {
                at: at + every * number,
                template,
                connection,
                worker,
            });
        }
        Some(())
    }

    fn connection(&mut self, name: String) -> u32 {
        let known = self.connections.iter().position(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            self.connections.push(name);
            self.connections.len() - 1
        });
        number as u32
    }
}

/// Reports fields of an entry that mean something only with `at`.
pub(crate) fn refuse_without_at(reader: &mut Reader, fields: &Fields<'_>) {
    for name in NAMES {
        if let Some(node) = fields.get(name) {
            let message = format!("`{name}` goes with `at`");
            reader.invalid(&node, message, "say when it is sent, such as `at: 0s`");
        }
    }
}

fn read_worker(reader: &mut Reader, node: &Cursor<'_>) -> Option<u16> {
    let worker = reader.whole_within(node, 0, u32::from(u16::MAX))?;
    Some(u16::try_from(worker).expect("within 16 bits, as was checked"))
}

/// More than this is no list that anybody wrote.
const MOST: usize = 1_000_000;

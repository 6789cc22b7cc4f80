//! Who sends requests, how many, and which.

use crate::call::{RETRIES, TIMEOUT, read_patience};
use crate::distribution;
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::request::{HEADERS, METHOD, Request, URL};
use crate::shape::{Object, Shape, field};
use base::{Distribution, SimDuration, SimTime};
use sim::plan::{ApplicationRetries, Arrivals, Load};

/// A source of requests.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Its name.
    pub name: String,
    /// The workload whose pods send in turn, or the pod that sends.
    pub from: Placed<ObjectName>,
    /// How requests are paced.
    pub load: Load,
    /// Request templates with their weights.
    pub requests: Vec<(u32, Request)>,
    /// How long it waits for each try.
    pub timeout: Option<SimDuration>,
    /// What it does about failures.
    pub retries: ApplicationRetries,
    /// When it starts.
    pub start: SimTime,
    /// When it stops; none: at the end of the run.
    pub stop: Option<SimTime>,
    /// Where it is written.
    pub place: Place,
}

/// An entry of `traffic`.
pub(crate) static TRAFFIC: Object = Object {
    name: "traffic",
    about: "A source of requests. It is open (`rate`: arrivals do not wait for responses) or closed (`users`: each \
            waits for its response, thinks, and sends again).",
    fields: &[
        field(
            "name",
            Shape::Text,
            "Its name in expectations and reports; if not written, the name of the workload in `from`.",
        ),
        field(
            "from",
            Shape::Text,
            "The workload whose pods send in turn, or the pod that sends, written `namespace/name`.",
        ),
        field(
            "rate",
            Shape::Rate,
            "Requests per second, minute or hour, such as `200/s`.",
        ),
        field(
            "arrivals",
            Shape::Word(&["poisson", "constant"]),
            "The spacing of arrivals at a rate: independent of each other (`poisson`, the default) or even.",
        ),
        field(
            "users",
            Shape::Whole(1),
            "Users who send one request at a time.",
        ),
        field(
            "thinkTime",
            Shape::Distribution,
            "The pause of a user between a response and the next request; none if not written.",
        ),
        URL,
        METHOD,
        HEADERS,
        field(
            "requests",
            Shape::List(&Shape::TextOr(&REQUEST)),
            "Several request templates, drawn by weight, instead of one `url`.",
        ),
        TIMEOUT,
        RETRIES,
        field(
            "start",
            Shape::Duration,
            "When it starts; `0s` if not written.",
        ),
        field(
            "stop",
            Shape::Duration,
            "When it stops; at the end of the run if not written.",
        ),
    ],
    required: &["from"],
    one_of: &[&["rate", "users"], &["url", "requests"]],
};

static REQUEST: Object = Object {
    name: "request",
    about: "A request template.",
    fields: &[
        field(
            "weight",
            Shape::Whole(1),
            "How often it is drawn, relative to the others; 1 if not written.",
        ),
        URL,
        METHOD,
        HEADERS,
    ],
    required: &["url"],
    one_of: &[],
};

impl Traffic {
    /// Reads an entry of `traffic`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &TRAFFIC)?;
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let from = fields
            .get("from")
            .and_then(|node| reader.object_name(&node));
        let load = read_load(reader, &fields);
        let requests = read_requests(reader, &fields);
        let (timeout, retries) = read_patience(reader, &fields);
        let start = fields.get("start").and_then(|node| reader.time(&node));
        let stop = fields.get("stop").and_then(|node| reader.time(&node));
        if let (Some(start), Some(stop), Some(node)) = (start, stop, fields.get("stop"))
            && stop <= start
        {
            reader.invalid(&node, "`stop` must be later than `start`".to_owned(), "");
        }
        let from = from?;
        Some(Self {
            name: name.unwrap_or_else(|| from.name.clone()),
            from,
            load: load?,
            requests,
            timeout,
            retries,
            start: start.unwrap_or(SimTime::ZERO),
            stop,
            place: node.place(),
        })
    }
}

fn read_load(reader: &mut Reader, fields: &Fields<'_>) -> Option<Load> {
    let arrivals = fields
        .get("arrivals")
        .and_then(|node| reader.word(&node, &["poisson", "constant"]));
    let think_time = fields
        .get("thinkTime")
        .and_then(|node| distribution::read(reader, &node));
    let Some(users) = fields.get("users") else {
        if let Some(node) = fields.get("thinkTime") {
            reader.invalid(&node, "`thinkTime` goes with `users`".to_owned(), "");
        }
        let rate = fields.get("rate").and_then(|node| reader.rate(&node))?;
        return Some(Load::Open {
            rate,
            arrivals: match arrivals {
                Some("constant") => Arrivals::Constant,
                _ => Arrivals::Poisson,
            },
        });
    };
    if let Some(node) = fields.get("arrivals") {
        reader.invalid(&node, "`arrivals` goes with `rate`".to_owned(), "");
    }
    Some(Load::Closed {
        users: read_users(reader, &users)?,
        think_time: think_time.unwrap_or(Distribution::ZERO),
    })
}

fn read_users(reader: &mut Reader, node: &Cursor<'_>) -> Option<u32> {
    let users = reader.whole(node, 1)?;
    if users <= MAX_USERS {
        return Some(users);
    }
    reader.invalid(
        node,
        format!("`{users}` is out of range: expected 1 to {MAX_USERS}"),
        "write a `rate` for the requests of many users",
    );
    None
}

/// Each user takes a place in memory for the whole run.
const MAX_USERS: u32 = 10_000_000;

fn read_requests(reader: &mut Reader, fields: &Fields<'_>) -> Vec<(u32, Request)> {
    let Some(list) = fields.get("requests") else {
        return Request::read(reader, fields)
            .map(|request| (1, request))
            .into_iter()
            .collect();
    };
    for name in ["method", "headers"] {
        if let Some(node) = fields.get(name) {
            reader.invalid(
                &node,
                format!("`{name}` goes with `url`"),
                "write it inside each of the `requests`",
            );
        }
    }
    let requests = reader.list(&list, |reader, item| {
        if item.is_text() {
            return Some((1, Request::read_short(reader, item)?));
        }
        let fields = reader.object(item, &REQUEST)?;
        let weight = match fields.get("weight") {
            Some(node) => reader.whole(&node, 1)?,
            None => 1,
        };
        Some((weight, Request::read(reader, &fields)?))
    });
    if requests.is_empty() && list.is_empty_list() {
        reader.invalid(&list, "`requests` is empty".to_owned(), "give at least one");
    }
    requests
}

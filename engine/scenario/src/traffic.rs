//! Who sends requests, how many, and which.

use crate::call::{RETRIES, TIMEOUT, read_patience};
use crate::file::Files;
use crate::load::{self, BURSTS_FIELD, DIURNAL_FIELD, FORTIO_FIELD, LOAD, Paced};
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::replay::{Replay, TRACE_FIELD};
use crate::request::{BODY_BYTES, COOKIES, HEADERS, METHOD, QUERY, Request, UPLOAD, URL};
use crate::request_list::{self, AT, CONNECTION, COUNT, EVERY, RequestList, WORKER};
use crate::shape::{Object, Shape, field};
use crate::values::{self, SESSIONS_FIELD, VALUES_FIELD, Values};
use base::{SimDuration, SimTime};
use manifest::Source;
use sim::plan::{ApplicationRetries, Listed, Load, Sessions};

/// A source of requests.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Its name.
    pub name: String,
    /// The workload whose pods send in turn, or the pod that sends; or the Gateway at whose pods requests enter.
    pub from: Placed<ObjectName>,
    /// `from` names a Gateway: requests come from outside of the mesh.
    pub through_gateway: bool,
    /// The listener of the Envoy in `envoy` at which its requests arrive; none: that of the URL's address.
    pub listener: Option<Placed<String>>,
    /// How requests are paced.
    pub load: Load,
    /// Request templates with their weights; those of a list in the order of the file.
    pub requests: Vec<Template>,
    /// What is drawn for requests.
    pub values: Vec<Values>,
    /// Whose requests they are, where users keep what is drawn for them.
    pub sessions: Option<Sessions>,
    /// The recorded trace that is sent again.
    pub trace: Option<Source>,
    /// How many requests of that come after the end of the run, and are left out.
    pub cut: usize,
    /// Requests of its trace that others of the trace led to.
    pub caused: usize,
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

/// A request that is sent again and again.
#[derive(Clone, Debug)]
pub struct Template {
    /// How often it is drawn, relative to the others.
    pub weight: u32,
    /// What is sent.
    pub request: Request,
    /// How long each try is waited for, where it differs from what the source says.
    pub timeout: Option<SimDuration>,
    /// Which of the source's values it uses, by their places.
    pub uses: Vec<u32>,
}

/// An entry of `traffic`.
pub(crate) static TRAFFIC: Object = Object {
    name: "traffic",
    about: "A source of requests. It is open (`rate`, `load`, `bursts`, `diurnal`: arrivals do not wait for responses), \
            closed (`users`, `fortio`: each waits for its response, thinks, and sends again), a list (`requests` that say \
            `at` what time they are sent), or a recorded `trace`.",
    fields: &[
        field(
            "name",
            Shape::Text,
            "Its name in expectations and reports; if not written, the name of the workload in `from`.",
        ),
        field(
            "from",
            Shape::Text,
            "The workload whose pods send in turn, or the pod that sends, written `namespace/name`; not written with \
             `envoy`.",
        ),
        field(
            "gateway",
            Shape::Text,
            "Instead of `from`: the Gateway, Istio's or the Gateway API's, at whose pods requests from outside of the mesh \
             enter in turn, written `namespace/name`. The URL's port is that of one of its servers; times are measured at \
             the gateway.",
        ),
        field(
            "listener",
            Shape::Text,
            "The name of the Envoy's listener at which its requests arrive, with `envoy`; that of the URL's address and \
             port if not written.",
        ),
        field(
            "rate",
            Shape::Rate,
            "Requests per second, minute or hour, such as `200/s`.",
        ),
        LOAD,
        BURSTS_FIELD,
        DIURNAL_FIELD,
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
        field(
            "each",
            Shape::Whole(1),
            "Requests of each user, such as 10 for fortio's `-c 2 -n 20`; no limit if not written.",
        ),
        FORTIO_FIELD,
        TRACE_FIELD,
        URL,
        METHOD,
        HEADERS,
        COOKIES,
        QUERY,
        BODY_BYTES,
        UPLOAD,
        field(
            "requests",
            Shape::List(&Shape::TextOr(&REQUEST)),
            "Several request templates, drawn by weight, instead of one `url`; or a list of requests at given times.",
        ),
        VALUES_FIELD,
        SESSIONS_FIELD,
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
    required: &[],
    one_of: &[&["url", "requests", "trace"]],
};

/// An entry of `requests`.
pub(crate) static REQUEST: Object = Object {
    name: "request",
    about: "A request template, or a request at a given time.",
    fields: &[
        field(
            "weight",
            Shape::Whole(1),
            "How often it is drawn, relative to the others; 1 if not written.",
        ),
        AT,
        COUNT,
        EVERY,
        CONNECTION,
        WORKER,
        URL,
        METHOD,
        HEADERS,
        COOKIES,
        QUERY,
        BODY_BYTES,
        UPLOAD,
        TIMEOUT,
    ],
    required: &["url"],
    one_of: &[],
};

impl Traffic {
    /// Reads an entry of `traffic`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>, files: &Files<'_>) -> Option<Self> {
        let fields = reader.object(node, &TRAFFIC)?;
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let from = read_from(reader, &fields);
        let listener = read_listener(reader, &fields);
        let start = fields.get("start").and_then(|node| reader.time(&node));
        let stop = fields.get("stop").and_then(|node| reader.time(&node));
        if let (Some(start), Some(stop), Some(node)) = (start, stop, fields.get("stop"))
            && stop <= start
        {
            reader.invalid(&node, "`stop` must be later than `start`".to_owned(), "");
        }
        let start = start.unwrap_or(SimTime::ZERO);
        let replay = fields
            .get("trace")
            .and_then(|node| Replay::read(reader, &node, start, files));
        let mut what = What::read(reader, &fields, replay.as_ref());
        let paced = what.paced(reader, &fields);
        let values = values::read(reader, &fields);
        let is_closed = (paced.as_ref()).is_some_and(|p| matches!(p.load, Load::Closed { .. }));
        let sessions = values::read_sessions(reader, &fields, is_closed);
        for template in &mut what.requests {
            template.uses = values::uses(&template.request, &values);
        }
        let requests: Vec<&Request> = what.requests.iter().map(|t| &t.request).collect();
        values::check(reader, &fields, &values, &requests);
        let (timeout, retries) = read_patience(reader, &fields);
        let (from, Paced { load, lasts }) = (from?, paced?);
        let ends = lasts.map(|lasts| start + lasts);
        Some(Self {
            name: name.unwrap_or_else(|| from.name.clone()),
            from,
            through_gateway: fields.get("gateway").is_some(),
            listener,
            load,
            requests: what.requests,
            values,
            sessions,
            cut: replay.as_ref().map_or(0, |replay| replay.cut),
            caused: replay.as_ref().map_or(0, |replay| replay.caused),
            trace: replay.map(|replay| replay.source),
            timeout,
            retries,
            start,
            stop: stop.into_iter().chain(ends).min(),
            place: node.place(),
        })
    }
}

impl Template {
    fn of(request: Request) -> Self {
        Self {
            weight: 1,
            request,
            timeout: None,
            uses: Vec::new(),
        }
    }

    fn read(reader: &mut Reader, item: &Cursor<'_>) -> Option<Self> {
        if item.is_text() {
            return Request::read_short(reader, item).map(Self::of);
        }
        let fields = reader.object(item, &REQUEST)?;
        request_list::refuse_without_at(reader, &fields);
        let weight = match fields.get("weight") {
            Some(node) => reader.whole(&node, 1)?,
            None => 1,
        };
        Some(Self {
            weight,
            ..Self::read_what(reader, &fields)?
        })
    }

    /// What is sent, and how long it is waited for.
    pub(crate) fn read_what(reader: &mut Reader, fields: &Fields<'_>) -> Option<Self> {
        let timeout = fields
            .get("timeout")
            .and_then(|node| reader.positive_duration(&node));
        Some(Self {
            timeout,
            ..Self::of(Request::read(reader, fields)?)
        })
    }
}

fn read_from(reader: &mut Reader, fields: &Fields<'_>) -> Option<Placed<ObjectName>> {
    let from = match (fields.get("from"), fields.get("gateway")) {
        (Some(_), Some(gateway)) => {
            let message = "`from` and `gateway` exclude each other: give one".to_owned();
            reader.invalid(&gateway, message, "");
            return None;
        }
        (from, gateway) => from.or(gateway),
    };
    match (from, reader.envoy()) {
        (Some(node), None) => reader.object_name(&node),
        (None, Some(envoy)) => Some(Placed::new(envoy, fields.place())),
        (None, None) => {
            reader.missing(fields, "`from` or `gateway`");
            None
        }
        (Some(node), Some(envoy)) => {
            let message = "`from` does not go with `envoy`".to_owned();
            let help = "leave it out: requests arrive at the Envoy's listeners";
            reader.invalid(&node, message, help);
            Some(Placed::new(envoy, node.place()))
        }
    }
}

fn read_listener(reader: &mut Reader, fields: &Fields<'_>) -> Option<Placed<String>> {
    let node = fields.get("listener")?;
    if reader.envoy().is_none() {
        reader.invalid(&node, "`listener` goes with `envoy`".to_owned(), "");
        return None;
    }
    reader.placed_text(&node)
}

/// What is sent, and when where a list says so.
struct What {
    requests: Vec<Template>,
    listed: Option<Vec<Listed>>,
}

impl What {
    fn read(reader: &mut Reader, fields: &Fields<'_>, replay: Option<&Replay>) -> Self {
        let Some(list) = fields.get("requests") else {
            if fields.get("trace").is_some() {
                refuse(reader, fields, &REQUEST_FIELDS, "does not go with `trace`");
                return Self {
                    requests: replay.map_or_else(Vec::new, |replay| replay.requests.clone()),
                    listed: Some(replay.map_or_else(Vec::new, |replay| replay.listed.clone())),
                };
            }
            let one = Request::read(reader, fields).map(Template::of);
            return Self {
                requests: one.into_iter().collect(),
                listed: None,
            };
        };
        for name in REQUEST_FIELDS {
            if let Some(node) = fields.get(name) {
                reader.invalid(
                    &node,
                    format!("`{name}` goes with `url`"),
                    "write it inside each of the `requests`",
                );
            }
        }
        if list.is_empty_list() {
            reader.invalid(&list, "`requests` is empty".to_owned(), "give at least one");
        }
        let mut items = list.items().into_iter().flatten();
        if items.any(|item| RequestList::is_listed(&item)) {
            let (listed, requests) = RequestList::read(reader, &list);
            return Self {
                requests,
                listed: Some(listed),
            };
        }
        Self {
            requests: reader.list(&list, Template::read),
            listed: None,
        }
    }

    /// How it is paced.
    fn paced(&self, reader: &mut Reader, fields: &Fields<'_>) -> Option<Paced> {
        let Some(listed) = &self.listed else {
            return load::read(reader, fields);
        };
        let others = ["arrivals", "thinkTime", "each", "sessions", "values"];
        let why = match fields.get("trace") {
            Some(_) => "does not go with `trace`",
            None => "does not go with `requests` that say `at`",
        };
        refuse(reader, fields, &load::KINDS, why);
        refuse(reader, fields, &others, why);
        if fields.get("trace").is_none() {
            refuse(reader, fields, &["start", "stop"], why);
        }
        Some(Paced {
            load: Load::Listed(listed.clone()),
            lasts: None,
        })
    }
}

/// The fields beside `url` that say what is sent.
const REQUEST_FIELDS: [&str; 6] = [
    "method",
    "headers",
    "cookies",
    "query",
    "bodyBytes",
    "upload",
];

fn refuse(reader: &mut Reader, fields: &Fields<'_>, names: &[&str], why: &str) {
    for name in names {
        if let Some(node) = fields.get(name) {
            reader.invalid(&node, format!("`{name}` {why}"), "");
        }
    }
}

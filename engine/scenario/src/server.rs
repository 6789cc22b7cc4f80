//! How a pod serves: a queueing station, and what it does for each method and path.

use crate::call::{self, Step};
use crate::condition::{Condition, ENDPOINT_WHEN};
use crate::discipline::Discipline;
use crate::distribution;
use crate::header;
use crate::path::{read_path, read_variable};
use crate::place::Place;
use crate::reader::{Cursor, Fields, Reader};
use crate::request::read_method;
use crate::script::Script;
use crate::server_patch::ServerPatch;
use crate::size;
use crate::workload::ENDPOINT;
use base::{Distribution, Ratio, SimDuration, Sizes};
use sim::act::Accept;
use sim::application::{
    HeaderCondition, PathPattern, RequestMatch, Requested, RequestedBody, RequestedDelay, Variable,
};
use sim::plan::{Abandonment, Overflow};

/// How a pod serves requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Requests served at once; none: no limit.
    pub concurrency: Option<u32>,
    /// Requests that may wait; none: no limit.
    pub queue: Option<u32>,
    /// Where that is written, if it is.
    pub queue_place: Option<Place>,
    /// What a request that finds the queue full meets.
    pub on_full: Overflow,
    /// How its workers share the work.
    pub discipline: Discipline,
    /// What becomes of work whose client has given up.
    pub on_abandon: Abandonment,
    /// Connections are refused.
    pub refuse: bool,
    /// How connections are accepted.
    pub accept: Accept,
    /// Whether it takes TLS alone, or plain text alone; none: whatever comes.
    pub tls: Option<bool>,
    /// How long connections may be idle; none: for ever.
    pub keep_alive: Option<SimDuration>,
    /// Headers that calls take over from the request being served, names in lower case.
    pub propagate_headers: Vec<String>,
    /// What is done for requests; the first that matches counts, and the last matches all.
    pub endpoints: Vec<Endpoint>,
}

/// What is done for some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Which requests.
    pub matches: RequestMatch,
    /// How long a worker is busy with its own work.
    pub service_time: Distribution,
    /// How long the request waits then for what needs no processor.
    pub delay: Distribution,
    /// What requests ask for themselves.
    pub requested: Requested,
    /// How many requests fail, without making calls.
    pub error_rate: Ratio,
    /// The status of those that fail.
    pub error_status: u16,
    /// The status of those that do not.
    pub status: u16,
    /// What their response lacks; empty: nothing.
    pub degraded: String,
    /// What their response says; empty where nothing is known.
    pub body: String,
    /// How long that is; none: as long as `body`.
    pub body_bytes: Option<Sizes>,
    /// From the headers to the end of the body.
    pub body_time: Distribution,
    /// Headers of responses, names in lower case.
    pub response_headers: Vec<(String, String)>,
    /// What is done about one request after the other, in place of `status` and `error_rate`.
    pub script: Option<Script>,
    /// Calls made once the own work is done, one step after the other.
    pub calls: Vec<Step>,
}

/// Headers that Istio asks applications to pass on, so that traces hold together.
///
/// Source: istio.io, «Distributed Tracing: Overview», trace context propagation.
pub const TRACING_HEADERS: [&str; 14] = [
    "x-request-id",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "b3",
    "traceparent",
    "tracestate",
    "x-cloud-trace-context",
    "grpc-trace-bin",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-ot-span-context",
];

impl Default for Server {
    /// Answers 200 at once, without limits.
    fn default() -> Self {
        Self {
            concurrency: None,
            queue: None,
            queue_place: None,
            on_full: Overflow::Respond(503),
            discipline: Discipline::default(),
            on_abandon: Abandonment::Continue,
            refuse: false,
            accept: Accept::AT_ONCE,
            tls: None,
            keep_alive: None,
            propagate_headers: TRACING_HEADERS.map(str::to_owned).to_vec(),
            endpoints: vec![Endpoint::default()],
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            matches: RequestMatch::default(),
            service_time: Distribution::ZERO,
            delay: Distribution::ZERO,
            requested: Requested::default(),
            error_rate: Ratio::ZERO,
            error_status: 500,
            status: 200,
            degraded: String::new(),
            body: String::new(),
            body_bytes: None,
            body_time: Distribution::ZERO,
            response_headers: Vec::new(),
            script: None,
            calls: Vec::new(),
        }
    }
}

impl Server {
    /// Reads the fields of an entry of `workloads` that say how its pods serve; those that are not there are as in `base`,
    /// whose endpoints come after its own.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>, base: Self) -> Self {
        let mut server = base;
        ServerPatch::read_station(reader, fields).apply(&mut server);
        let work = Work::read(reader, fields, &PathPattern::default());
        for endpoint in &mut server.endpoints {
            work.apply(endpoint);
        }
        server.discipline.read(reader, fields);
        let default = server.endpoints.last().expect("a server has an endpoint");
        let default = Endpoint {
            matches: RequestMatch::default(),
            ..default.clone()
        };
        if let Some(node) = fields.get("endpoints") {
            let mut own: Vec<Endpoint> = Vec::new();
            let mut places = Vec::new();
            reader.list(&node, |reader, item| {
                let fields = reader.object(item, &ENDPOINT)?;
                let endpoint = Endpoint::read(reader, &fields, &default);
                let mut earlier = own.iter().zip(&places);
                if let Some((_, line)) = earlier.find(|(own, _)| own.takes_all_of(&endpoint)) {
                    let message = format!(
                        "no request reaches it: the endpoint in line {line} takes them all"
                    );
                    reader.invalid(item, message, "write it before that one, or leave it out");
                }
                own.push(endpoint);
                places.push(item.place().location.line);
                Some(())
            });
            server.endpoints.splice(0..0, own);
        }
        if let Some(overflow) = fields
            .get("onFull")
            .and_then(|node| read_overflow(reader, &node))
        {
            server.on_full = overflow;
        }
        if let Some(node) = fields.get("tls") {
            server.tls = reader.boolean(&node);
            if fields.get("address").is_none() {
                let message = "`tls` goes with `address`".to_owned();
                let help = "pods of the mesh take what their manifests and PeerAuthentication say";
                reader.invalid(&node, message, help);
            }
        }
        if let Some(word) = fields
            .get("onAbandon")
            .and_then(|node| reader.word(&node, &["continue", "stop"]))
        {
            server.on_abandon = match word {
                "stop" => Abandonment::Stop,
                _ => Abandonment::Continue,
            };
        }
        if let Some(node) = fields.get("propagateHeaders") {
            server.propagate_headers = reader.list(&node, header::read_name);
        }
        server
    }
}

impl Endpoint {
    /// Whether each request that another endpoint is for is one of its own.
    fn takes_all_of(&self, other: &Self) -> bool {
        let (own, other) = (&self.matches, &other.matches);
        let is_any_method = own.method.is_none() || own.method == other.method;
        let takes_paths = match (&own.path, &other.path) {
            (PathPattern::Prefix(own), PathPattern::Prefix(other) | PathPattern::Exact(other)) => {
                own == "/" || other.starts_with(own.as_str())
            }
            (PathPattern::Prefix(own), PathPattern::Template(_)) => matches!(&**own, "" | "/"),
            (own, other) => own == other,
        };
        let takes = |condition: &HeaderCondition| {
            let mut others = other
                .headers
                .iter()
                .filter(|other| other.name == condition.name);
            others.any(|other| condition.value.is_none() || condition.value == other.value)
        };
        is_any_method && takes_paths && own.headers.iter().all(takes)
    }

    /// Reads the fields of an endpoint; those that are not there are as in `default`.
    fn read(reader: &mut Reader, fields: &Fields<'_>, default: &Self) -> Self {
        let mut endpoint = default.clone();
        if let Some(node) = fields.get("method") {
            endpoint.matches.method = read_method(reader, &node);
        }
        if let Some(path) = fields.get("path").and_then(|node| read_path(reader, &node)) {
            endpoint.matches.path = path;
        }
        if let Some(when) = fields
            .get("when")
            .and_then(|node| Condition::read(reader, &node, &ENDPOINT_WHEN))
        {
            endpoint.matches.headers = when.headers;
        }
        Work::read(reader, fields, &endpoint.matches.path).apply(&mut endpoint);
        endpoint
    }
}

/// What is done for requests, as far as it is written.
struct Work {
    patch: ServerPatch,
    asked_status: Option<Variable>,
    delay: Option<(Distribution, Option<RequestedDelay>)>,
    degraded: Option<String>,
    body: Option<String>,
    body_bytes: Option<(Sizes, Option<RequestedBody>)>,
    calls: Option<Vec<Step>>,
}

impl Work {
    /// Reads what is done for requests of this path.
    fn read(reader: &mut Reader, fields: &Fields<'_>, path: &PathPattern) -> Self {
        let mut patch = ServerPatch::read_work(reader, fields);
        let asked_status = fields.get("status").filter(Cursor::is_text);
        if let Some(node) = fields.get("responses") {
            if fields.get("script").is_some() {
                let message = "`responses` does not go with `script`".to_owned();
                reader.invalid(&node, message, "leave one of them out");
            }
            patch.script = Script::read_responses(reader, &node).or(patch.script);
        }
        Self {
            patch,
            asked_status: asked_status.and_then(|node| read_variable(reader, &node, path)),
            delay: read_delay(reader, fields, path),
            degraded: fields.get("degraded").and_then(|node| reader.text(&node)),
            body: fields.get("body").and_then(|node| reader.text(&node)),
            body_bytes: read_body_bytes(reader, fields, path),
            calls: fields
                .get("calls")
                .map(|node| call::read_steps(reader, &node)),
        }
    }

    /// What is not written stays.
    fn apply(&self, endpoint: &mut Endpoint) {
        self.patch.apply_to_endpoint(endpoint);
        if let Some(from) = &self.asked_status {
            endpoint.requested.status = Some(from.clone());
        }
        if let Some((delay, requested)) = &self.delay {
            endpoint.delay = delay.clone();
            endpoint.requested.delay = requested.clone();
        }
        if let Some(degraded) = &self.degraded {
            endpoint.degraded = degraded.clone();
        }
        if let Some(body) = &self.body {
            endpoint.body = body.clone();
            endpoint.body_bytes = None;
            endpoint.requested.body = None;
        }
        if let Some((bytes, requested)) = &self.body_bytes {
            endpoint.body_bytes = Some(bytes.clone());
            endpoint.requested.body = requested.clone();
        }
        if let Some(calls) = &self.calls {
            endpoint.calls = calls.clone();
        }
    }
}

/// Reads `delay`, a time or what the request asks for, and `delayAtMost`.
fn read_delay(
    reader: &mut Reader,
    fields: &Fields<'_>,
    path: &PathPattern,
) -> Option<(Distribution, Option<RequestedDelay>)> {
    let at_most = fields.get("delayAtMost");
    let node = fields.get("delay");
    let is_asked = node.as_ref().is_some_and(Cursor::is_template);
    for limit in [&at_most, &fields.get("delayBeyond")].into_iter().flatten() {
        if !is_asked {
            let name = limit.name();
            let message = format!("`{name}` goes with a `delay` that requests ask for");
            let help = "write `delay: \"{n}\"` with a capture of `path`, or leave it out";
            reader.invalid(limit, message, help);
        }
    }
    let node = node?;
    if !is_asked {
        return Some((distribution::read(reader, &node)?, None));
    }
    let requested = RequestedDelay {
        from: read_variable(reader, &node, path)?,
        at_most: at_most.and_then(|node| reader.duration(&node)),
        refuses_more: fields
            .get("delayBeyond")
            .and_then(|node| reader.word(&node, &["cap", "refuse"]))
            .is_some_and(|word| word == "refuse"),
    };
    Some((Distribution::ZERO, Some(requested)))
}

/// Reads `bodyBytes`, a size or what the request asks for, and `bodyBytesAtMost`.
fn read_body_bytes(
    reader: &mut Reader,
    fields: &Fields<'_>,
    path: &PathPattern,
) -> Option<(Sizes, Option<RequestedBody>)> {
    let at_most = fields.get("bodyBytesAtMost");
    let beyond = fields.get("bodyBytesBeyond");
    let node = fields.get("bodyBytes");
    let is_asked = node.as_ref().is_some_and(Cursor::is_template);
    for limit in [&at_most, &beyond].into_iter().flatten() {
        if !is_asked {
            let name = limit.name();
            let message = format!("`{name}` goes with `bodyBytes` that requests ask for");
            let help = "write `bodyBytes: \"{n}\"` with a capture of `path`, or leave it out";
            reader.invalid(limit, message, help);
        }
    }
    let node = node?;
    if !is_asked {
        return Some((size::read(reader, &node)?, None));
    }
    let requested = RequestedBody {
        from: read_variable(reader, &node, path)?,
        at_most: at_most.and_then(|node| reader.size(&node)),
        refuses_more: beyond
            .and_then(|node| reader.word(&node, &["cap", "refuse"]))
            .is_some_and(|word| word == "refuse"),
    };
    Some((Sizes::ZERO, Some(requested)))
}

fn read_overflow(reader: &mut Reader, node: &Cursor<'_>) -> Option<Overflow> {
    if !node.is_text() {
        return reader.status(node).map(Overflow::Respond);
    }
    let text = reader.text(node)?;
    if text == "refuse" {
        return Some(Overflow::Refuse);
    }
    let message = format!("unsupported value \"{text}\": expected a status or `refuse`");
    reader.invalid(node, message, "");
    None
}

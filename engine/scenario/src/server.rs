//! How a pod serves: a queueing station, and what it does for each method and path.

use crate::call::{self, Step};
use crate::reader::{Cursor, Fields, Reader};
use crate::request::read_method;
use crate::script::Script;
use crate::server_patch::ServerPatch;
use crate::workload::ENDPOINT;
use base::{Distribution, Ratio, SimDuration};
use sim::act::Accept;
use sim::plan::{Abandonment, Overflow};

/// How a pod serves requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Requests served at once; none: no limit.
    pub concurrency: Option<u32>,
    /// Requests that may wait; none: no limit.
    pub queue: Option<u32>,
    /// What a request that finds the queue full meets.
    pub on_full: Overflow,
    /// What becomes of work whose client has given up.
    pub on_abandon: Abandonment,
    /// Connections are refused.
    pub refuse: bool,
    /// How connections are accepted.
    pub accept: Accept,
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
    /// The method; none: any.
    pub method: Option<String>,
    /// The start of the path; empty: any.
    pub path: String,
    /// How long a worker is busy with its own work.
    pub service_time: Distribution,
    /// How many requests fail, without making calls.
    pub error_rate: Ratio,
    /// The status of those that fail.
    pub error_status: u16,
    /// The status of those that do not.
    pub status: u16,
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
            on_full: Overflow::Respond(503),
            on_abandon: Abandonment::Continue,
            refuse: false,
            accept: Accept::AT_ONCE,
            keep_alive: None,
            propagate_headers: TRACING_HEADERS.map(str::to_owned).to_vec(),
            endpoints: vec![Endpoint::default()],
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            method: None,
            path: String::new(),
            service_time: Distribution::ZERO,
            error_rate: Ratio::ZERO,
            error_status: 500,
            status: 200,
            body_time: Distribution::ZERO,
            response_headers: Vec::new(),
            script: None,
            calls: Vec::new(),
        }
    }
}

impl Server {
    /// Reads the fields of an entry of `workloads` that say how its pods serve.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let mut server = Self::default();
        ServerPatch::read_station(reader, fields).apply(&mut server);
        let default = server.endpoints.pop().expect("a server has an endpoint");
        let default = Endpoint::read(reader, fields, &default);
        if let Some(node) = fields.get("endpoints") {
            server.endpoints = reader.list(&node, |reader, item| {
                let fields = reader.object(item, &ENDPOINT)?;
                Some(Endpoint::read(reader, &fields, &default))
            });
        }
        server.endpoints.push(default);
        if let Some(overflow) = fields
            .get("onFull")
            .and_then(|node| read_overflow(reader, &node))
        {
            server.on_full = overflow;
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
            server.propagate_headers = reader
                .list(&node, Reader::text)
                .into_iter()
                .map(|name| name.to_ascii_lowercase())
                .collect();
        }
        server
    }
}

impl Endpoint {
    /// Reads the fields of an endpoint; those that are not there are as in `default`.
    fn read(reader: &mut Reader, fields: &Fields<'_>, default: &Self) -> Self {
        let mut endpoint = default.clone();
        ServerPatch::read_work(reader, fields).apply_to_endpoint(&mut endpoint);
        if let Some(node) = fields.get("method") {
            endpoint.method = read_method(reader, &node);
        }
        if let Some(path) = fields.get("path").and_then(|node| read_path(reader, &node)) {
            endpoint.path = path;
        }
        if let Some(node) = fields.get("calls") {
            endpoint.calls = call::read_steps(reader, &node);
        }
        endpoint
    }
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

fn read_path(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let path = reader.text(node)?;
    if path.is_empty() || path.starts_with('/') {
        return Some(path);
    }
    reader.invalid(
        node,
        format!("`{path}` is not a path: it does not begin with `/`"),
        format!("write `/{path}`"),
    );
    None
}

//! How containers behave: pods as queueing stations, and the calls that they make.

use crate::call::{self, STEP, Step};
use crate::distribution;
use crate::reader::{Cursor, Fields, Reader};
use crate::request::read_method;
use crate::shape::{Field, Object, Shape, field};
use crate::target::{IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};
use base::{Distribution, Ratio};
use sim::plan::{Abandonment, Overflow};

/// Pods and how their containers behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Which pods; the first entry that matches a pod tells all about it.
    pub target: Target,
    /// How each of them serves.
    pub server: Server,
}

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
    /// Calls made once the own work is done, one step after the other.
    pub calls: Vec<Step>,
}

/// Fields of a server that change; those that are none stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerPatch {
    /// Requests served at once.
    pub concurrency: Option<Option<u32>>,
    /// Requests that may wait.
    pub queue: Option<Option<u32>>,
    /// Whether connections are refused.
    pub refuse: Option<bool>,
    /// How long a worker is busy, at all endpoints.
    pub service_time: Option<Distribution>,
    /// How many requests fail, at all endpoints.
    pub error_rate: Option<Ratio>,
    /// The status of those that fail, at all endpoints.
    pub error_status: Option<u16>,
    /// The status of those that do not, at all endpoints.
    pub status: Option<u16>,
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

const CONCURRENCY: Field = field(
    "concurrency",
    Shape::Limit(1),
    "Requests that each pod serves at once (threads, workers); `unlimited` if not written.",
);
const QUEUE: Field = field(
    "queue",
    Shape::Limit(0),
    "Requests that may wait for a worker of a pod; `unlimited` if not written.",
);
const REFUSE: Field = field(
    "refuse",
    Shape::Boolean,
    "Connections are refused, as where nobody listens; `false` if not written.",
);
const SERVICE_TIME: Field = field(
    "serviceTime",
    Shape::Distribution,
    "How long a worker is busy with a request, calls to others not included; no time if not written.",
);
const ERROR_RATE: Field = field(
    "errorRate",
    Shape::Percentage,
    "How many requests fail, at random, after their service time and without making calls; `0%` if not written.",
);
const ERROR_STATUS: Field = field(
    "errorStatus",
    Shape::Status,
    "The status of requests that fail; 500 if not written.",
);
const STATUS: Field = field(
    "status",
    Shape::Status,
    "The status of requests that do not fail; 200 if not written.",
);
const CALLS: Field = field(
    "calls",
    Shape::List(&STEP),
    "Calls to others, made one after the other when the service time is over. Each is a URL, or a map with more to \
     say; `parallel` holds calls made at the same time.",
);

/// An entry of `workloads`.
pub(crate) static WORKLOAD_OBJECT: Object = Object {
    name: "workload",
    about: "How the containers of some pods behave. The first entry that matches a pod tells all about it; pods that \
            no entry matches answer 200 at once.",
    fields: &[
        WORKLOAD,
        POD,
        SELECTOR,
        NAMESPACE,
        IMAGE,
        CONCURRENCY,
        QUEUE,
        field(
            "onFull",
            Shape::Any(&[Shape::Status, Shape::Word(&["refuse"])]),
            "What a request that finds the queue full meets: a status, or `refuse` for a refused connection; 503 if \
             not written.",
        ),
        field(
            "onAbandon",
            Shape::Word(&["continue", "stop"]),
            "What becomes of work whose client has given up: most servers `continue`, which is the default.",
        ),
        REFUSE,
        SERVICE_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        CALLS,
        field(
            "endpoints",
            Shape::List(&Shape::Object(&ENDPOINT)),
            "What is done for some methods and paths; the first that matches a request counts. What an endpoint does \
             not say is as the workload says.",
        ),
        field(
            "propagateHeaders",
            Shape::List(&Shape::Text),
            "Headers that calls take over from the request being served; if not written, the tracing headers that \
             Istio asks applications to pass on.",
        ),
    ],
    required: &[],
    one_of: &[],
};

static ENDPOINT: Object = Object {
    name: "endpoint",
    about: "What is done for some methods and paths.",
    fields: &[
        field("method", Shape::Text, "The method; any if not written."),
        field(
            "path",
            Shape::Text,
            "How the path begins; any if not written.",
        ),
        SERVICE_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        CALLS,
    ],
    required: &[],
    one_of: &[],
};

/// The fields of a [`ServerPatch`].
pub(crate) const PATCH_FIELDS: [Field; 7] = [
    CONCURRENCY,
    QUEUE,
    REFUSE,
    SERVICE_TIME,
    ERROR_RATE,
    ERROR_STATUS,
    STATUS,
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
            calls: Vec::new(),
        }
    }
}

impl Workload {
    /// Reads an entry of `workloads`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &WORKLOAD_OBJECT)?;
        let server = Server::read(reader, &fields);
        let target = Target::read(reader, &fields)?;
        Some(Self { target, server })
    }
}

impl Server {
    fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
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

impl ServerPatch {
    /// Reads the fields of a patch.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let Self {
            concurrency,
            queue,
            refuse,
            ..
        } = Self::read_station(reader, fields);
        Self {
            concurrency,
            queue,
            refuse,
            ..Self::read_work(reader, fields)
        }
    }

    /// Reads what is the same for all endpoints.
    fn read_station(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        Self {
            concurrency: fields
                .get("concurrency")
                .and_then(|node| reader.limit(&node, 1)),
            queue: fields.get("queue").and_then(|node| reader.limit(&node, 0)),
            refuse: fields.get("refuse").and_then(|node| reader.boolean(&node)),
            ..Self::default()
        }
    }

    /// Reads what can differ between endpoints.
    fn read_work(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        Self {
            service_time: fields
                .get("serviceTime")
                .and_then(|node| distribution::read(reader, &node)),
            error_rate: fields.get("errorRate").and_then(|node| reader.ratio(&node)),
            error_status: fields
                .get("errorStatus")
                .and_then(|node| reader.status(&node)),
            status: fields.get("status").and_then(|node| reader.status(&node)),
            ..Self::default()
        }
    }

    /// Changes a server.
    pub fn apply(&self, server: &mut Server) {
        let Self {
            concurrency,
            queue,
            refuse,
            service_time: _,
            error_rate: _,
            error_status: _,
            status: _,
        } = self;
        server.concurrency = concurrency.unwrap_or(server.concurrency);
        server.queue = queue.unwrap_or(server.queue);
        server.refuse = refuse.unwrap_or(server.refuse);
        for endpoint in &mut server.endpoints {
            self.apply_to_endpoint(endpoint);
        }
    }

    fn apply_to_endpoint(&self, endpoint: &mut Endpoint) {
        if let Some(service_time) = &self.service_time {
            endpoint.service_time = service_time.clone();
        }
        endpoint.error_rate = self.error_rate.unwrap_or(endpoint.error_rate);
        endpoint.error_status = self.error_status.unwrap_or(endpoint.error_status);
        endpoint.status = self.status.unwrap_or(endpoint.status);
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

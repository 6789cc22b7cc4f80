//! Fields of a server that may be written or left out: on top of a default, and as a change during a run.

use crate::distribution;
use crate::header;
use crate::place::Place;
use crate::reader::{Cursor, Fields, Reader};
use crate::script::{BODY_TIME, RESPONSE_HEADERS, SCRIPT, Script};
use crate::server::{Endpoint, Server};
use crate::shape::{Field, Shape, field};
use base::{Distribution, Ratio, SimDuration};
use sim::act::Accept;

/// Fields of a server that change; those that are none stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerPatch {
    /// Requests served at once.
    pub concurrency: Option<Option<u32>>,
    /// Requests that may wait.
    pub queue: Option<Option<u32>>,
    /// Where that is written.
    pub queue_place: Option<Place>,
    /// Whether connections are refused.
    pub refuse: Option<bool>,
    /// How connections are accepted.
    pub accept: Option<Accept>,
    /// How long connections may be idle; none: for ever.
    pub keep_alive: Option<Option<SimDuration>>,
    /// How long a worker is busy, at all endpoints.
    pub service_time: Option<Distribution>,
    /// How many requests fail, at all endpoints.
    pub error_rate: Option<Ratio>,
    /// The status of those that fail, at all endpoints.
    pub error_status: Option<u16>,
    /// The status of those that do not, at all endpoints.
    pub status: Option<u16>,
    /// From the headers to the end of the body, at all endpoints.
    pub body_time: Option<Distribution>,
    /// Headers of responses, at all endpoints.
    pub response_headers: Option<Vec<(String, String)>>,
    /// What is done about one request after the other, at all endpoints.
    pub script: Option<Script>,
}

pub(crate) const CONCURRENCY: Field = field(
    "concurrency",
    Shape::Limit(1),
    "Requests that each pod serves at once (threads, workers); `unlimited` if not written.",
);

pub(crate) const QUEUE: Field = field(
    "queue",
    Shape::Limit(0),
    "Requests that may wait for a worker of a pod; `unlimited` if not written.",
);

pub(crate) const REFUSE: Field = field(
    "refuse",
    Shape::Boolean,
    "Connections are refused, as where nobody listens; `false` if not written.",
);

pub(crate) const ACCEPT: Field = field(
    "accept",
    Shape::Any(&[Shape::Duration, Shape::Word(&["never"])]),
    "How long a connection takes beyond the network's time, or `never`, so that clients run into their connect timeout; \
     no time if not written.",
);

pub(crate) const KEEP_ALIVE: Field = field(
    "keepAlive",
    Shape::Any(&[Shape::Duration, Shape::Word(&["unlimited"])]),
    "How long a connection may be idle before the server closes it: a request that is under way at this time meets a \
     closed connection. `unlimited` if not written.",
);

pub(crate) const SERVICE_TIME: Field = field(
    "serviceTime",
    Shape::Distribution,
    "How long a worker is busy with a request, calls to others not included; no time if not written.",
);

pub(crate) const ERROR_RATE: Field = field(
    "errorRate",
    Shape::Percentage,
    "How many requests fail, at random, after their service time and without making calls; `0%` if not written.",
);

pub(crate) const ERROR_STATUS: Field = field(
    "errorStatus",
    Shape::Status,
    "The status of requests that fail; 500 if not written.",
);

pub(crate) const STATUS: Field = field(
    "status",
    Shape::Status,
    "The status of requests that do not fail; 200 if not written.",
);

/// The fields of a [`ServerPatch`].
pub(crate) const PATCH_FIELDS: [Field; 12] = [
    CONCURRENCY,
    QUEUE,
    REFUSE,
    ACCEPT,
    KEEP_ALIVE,
    SERVICE_TIME,
    BODY_TIME,
    ERROR_RATE,
    ERROR_STATUS,
    STATUS,
    RESPONSE_HEADERS,
    SCRIPT,
];

impl ServerPatch {
    /// Reads the fields of a patch.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let mut patch = Self::read_work(reader, fields);
        patch.read_station_into(reader, fields);
        patch
    }

    /// Reads what is the same for all endpoints.
    pub(crate) fn read_station(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let mut patch = Self::default();
        patch.read_station_into(reader, fields);
        patch
    }

    fn read_station_into(&mut self, reader: &mut Reader, fields: &Fields<'_>) {
        self.concurrency = fields
            .get("concurrency")
            .and_then(|node| reader.limit(&node, 1));
        self.queue = fields.get("queue").and_then(|node| reader.limit(&node, 0));
        self.queue_place = fields.get("queue").map(|node| node.place());
        self.refuse = fields.get("refuse").and_then(|node| reader.boolean(&node));
        self.accept = fields
            .get("accept")
            .and_then(|node| read_accept(reader, &node));
        self.keep_alive = fields
            .get("keepAlive")
            .and_then(|node| read_keep_alive(reader, &node));
    }

    /// Reads what can differ between endpoints.
    pub(crate) fn read_work(reader: &mut Reader, fields: &Fields<'_>) -> Self {
        Self {
            service_time: fields
                .get("serviceTime")
                .and_then(|node| distribution::read(reader, &node)),
            error_rate: fields.get("errorRate").and_then(|node| reader.ratio(&node)),
            error_status: fields
                .get("errorStatus")
                .and_then(|node| reader.status(&node)),
            status: fields
                .get("status")
                .filter(|node| !node.is_text())
                .and_then(|node| reader.status(&node)),
            body_time: fields
                .get("bodyTime")
                .and_then(|node| distribution::read(reader, &node)),
            response_headers: fields
                .get("responseHeaders")
                .map(|node| header::read(reader, &node)),
            script: fields
                .get("script")
                .and_then(|node| Script::read(reader, &node)),
            ..Self::default()
        }
    }

    /// Changes a server.
    pub fn apply(&self, server: &mut Server) {
        let Self {
            concurrency,
            queue,
            queue_place,
            refuse,
            accept,
            keep_alive,
            service_time: _,
            error_rate: _,
            error_status: _,
            status: _,
            body_time: _,
            response_headers: _,
            script: _,
        } = self;
        server.concurrency = concurrency.unwrap_or(server.concurrency);
        server.queue = queue.unwrap_or(server.queue);
        if queue_place.is_some() {
            server.queue_place.clone_from(queue_place);
        }
        server.refuse = refuse.unwrap_or(server.refuse);
        server.accept = accept.unwrap_or(server.accept);
        server.keep_alive = keep_alive.unwrap_or(server.keep_alive);
        for endpoint in &mut server.endpoints {
            self.apply_to_endpoint(endpoint);
        }
    }

    /// Changes an endpoint.
    pub(crate) fn apply_to_endpoint(&self, endpoint: &mut Endpoint) {
        if let Some(service_time) = &self.service_time {
            endpoint.service_time = service_time.clone();
        }
        if let Some(body_time) = &self.body_time {
            endpoint.body_time = body_time.clone();
        }
        if let Some(headers) = &self.response_headers {
            endpoint.response_headers = headers.clone();
        }
        if let Some(script) = &self.script {
            endpoint.script = Some(script.clone());
        }
        endpoint.error_rate = self.error_rate.unwrap_or(endpoint.error_rate);
        endpoint.error_status = self.error_status.unwrap_or(endpoint.error_status);
        if let Some(status) = self.status {
            endpoint.status = status;
            endpoint.requested.status = None;
        }
    }
}

fn read_accept(reader: &mut Reader, node: &Cursor<'_>) -> Option<Accept> {
    if node.is_word("never") {
        return Some(Accept::Never);
    }
    reader.duration(node).map(Accept::After)
}

fn read_keep_alive(reader: &mut Reader, node: &Cursor<'_>) -> Option<Option<SimDuration>> {
    if node.is_word("unlimited") {
        return Some(None);
    }
    reader.positive_duration(node).map(Some)
}

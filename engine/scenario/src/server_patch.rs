//! Fields of a server that may be written or left out: on top of a default, and as a change during a run.

use crate::distribution;
use crate::reader::{Fields, Reader};
use crate::server::{Endpoint, Server};
use crate::shape::{Field, Shape, field};
use base::{Distribution, Ratio};

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
pub(crate) const PATCH_FIELDS: [Field; 7] = [
    CONCURRENCY,
    QUEUE,
    REFUSE,
    SERVICE_TIME,
    ERROR_RATE,
    ERROR_STATUS,
    STATUS,
];

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
    pub(crate) fn read_station(reader: &mut Reader, fields: &Fields<'_>) -> Self {
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
    pub(crate) fn read_work(reader: &mut Reader, fields: &Fields<'_>) -> Self {
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

    /// Changes an endpoint.
    pub(crate) fn apply_to_endpoint(&self, endpoint: &mut Endpoint) {
        if let Some(service_time) = &self.service_time {
            endpoint.service_time = service_time.clone();
        }
        endpoint.error_rate = self.error_rate.unwrap_or(endpoint.error_rate);
        endpoint.error_status = self.error_status.unwrap_or(endpoint.error_status);
        endpoint.status = self.status.unwrap_or(endpoint.status);
    }
}

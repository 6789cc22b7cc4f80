//! Which requests, stations or ejections a figure is taken over.

use crate::object_name::{ObjectName, nearest};
use crate::place::Placed;
use crate::reader::{Cursor, Reader};
use crate::shape::Object;
use proxy::response_flag::ResponseFlag;
use telemetry::RequestProtocol;

/// Conditions on the labels of requests; those that are none or empty hold for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    /// The traffic source that made them.
    pub traffic: Option<Placed<String>>,
    /// The workload that sent them.
    pub source_workload: Option<Placed<ObjectName>>,
    /// Label `version` of that workload.
    pub source_version: Option<Placed<String>>,
    /// The Service they went to: `<namespace>/<name>`, or a host that no Service has.
    pub destination_service: Option<Placed<String>>,
    /// The subset of that Service.
    pub subset: Option<Placed<String>>,
    /// The workload whose pod answered.
    pub destination_workload: Option<Placed<ObjectName>>,
    /// Label `version` of that workload.
    pub destination_version: Option<Placed<String>>,
    /// The pod that was tried last.
    pub destination_pod: Option<Placed<ObjectName>>,
    /// Any of these final statuses.
    pub response_code: Vec<StatusClass>,
    /// Any of these texts of response flags, such as `UO` or `-`.
    pub response_flags: Vec<String>,
    /// What the response lacks; empty for whole ones.
    pub degraded: Option<Placed<String>>,
    /// What proxies take the requests for.
    pub request_protocol: Option<RequestProtocol>,
    /// Any of these gRPC statuses.
    pub grpc_status: Vec<u8>,
    /// Of stations: their workload.
    pub workload: Option<Placed<ObjectName>>,
    /// Of stations and ejections: the pod.
    pub pod: Option<Placed<ObjectName>>,
}

/// Statuses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusClass {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Selector {
    /// Reads a selector.
    pub(super) fn read(
        reader: &mut Reader,
        node: &Cursor<'_>,
        object: &'static Object,
    ) -> Option<Self> {
        let fields = reader.object(node, object)?;
        let text = |reader: &mut Reader, name: &str| {
            fields.get(name).and_then(|node| reader.placed_text(&node))
        };
        let named = |reader: &mut Reader, name: &str| {
            fields.get(name).and_then(|node| reader.object_name(&node))
        };
        Some(Self {
            traffic: text(reader, "traffic"),
            source_workload: named(reader, "sourceWorkload"),
            source_version: text(reader, "sourceVersion"),
            destination_service: fields
                .get("destinationService")
                .and_then(|node| read_service(reader, &node)),
            subset: text(reader, "subset"),
            destination_workload: named(reader, "destinationWorkload"),
            destination_version: text(reader, "destinationVersion"),
            destination_pod: named(reader, "destinationPod"),
            response_code: fields
                .get("responseCode")
                .map(|node| reader.one_or_more(&node, read_status_class))
                .unwrap_or_default(),
            response_flags: fields
                .get("responseFlags")
                .map(|node| reader.one_or_more(&node, read_flags))
                .unwrap_or_default(),
            degraded: text(reader, "degraded"),
            request_protocol: fields
                .get("requestProtocol")
                .and_then(|node| reader.word(&node, &PROTOCOLS))
                .map(|word| match word {
                    "grpc" => RequestProtocol::Grpc,
                    "tcp" => RequestProtocol::Tcp,
                    _ => RequestProtocol::Http,
                }),
            grpc_status: fields
                .get("grpcResponseStatus")
                .map(|node| reader.one_or_more(&node, read_grpc_status))
                .unwrap_or_default(),
            workload: named(reader, "workload"),
            pod: named(reader, "pod"),
        })
    }

    /// The same requests, whatever became of them: who made them and where they went.
    pub(crate) fn identity(&self) -> Self {
        Self {
            traffic: self.traffic.clone(),
            source_workload: self.source_workload.clone(),
            source_version: self.source_version.clone(),
            destination_service: self.destination_service.clone(),
            request_protocol: self.request_protocol,
            ..Self::default()
        }
    }

    /// Whether it speaks about requests as a traffic source's users see them.
    pub fn is_of_journeys(&self) -> bool {
        let Self {
            traffic,
            source_workload,
            source_version,
            destination_service,
            subset,
            destination_workload,
            destination_version,
            destination_pod,
            response_code: _,
            response_flags: _,
            request_protocol,
            grpc_status: _,
            degraded: _,
            workload,
            pod,
        } = self;
        traffic.is_some()
            && source_workload.is_none()
            && source_version.is_none()
            && destination_service.is_none()
            && subset.is_none()
            && destination_workload.is_none()
            && destination_version.is_none()
            && destination_pod.is_none()
            && request_protocol.is_none()
            && workload.is_none()
            && pod.is_none()
    }
}

impl StatusClass {
    /// Whether a status belongs to it.
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

/// Istio's words for protocols.
pub(super) const PROTOCOLS: [&str; 3] = ["http", "grpc", "tcp"];

/// Reads response flags as an access log has them: `-`, one, or several with commas between.
fn read_flags(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let text = reader.text(node)?;
    let known = || {
        ResponseFlag::ALL
            .map(ResponseFlag::as_str)
            .into_iter()
            .chain(["-"])
    };
    let unknown = text
        .split(',')
        .find(|flag| known().all(|known| known != *flag));
    let Some(flag) = unknown else {
        return Some(text);
    };
    let message = format!("no request has the response flag `{flag}`");
    let help = match nearest(flag, known()).filter(|near| near.len() > 1) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
    };
    reader.invalid(node, message, help);
    None
}

/// Reads a status of gRPC.
fn read_grpc_status(reader: &mut Reader, node: &Cursor<'_>) -> Option<u8> {
    let status = reader.whole(node, 0)?;
    match u8::try_from(status) {
        Ok(status) if status <= 16 => Some(status),
        _ => {
            let message = format!("`{status}` is not a gRPC status: expected 0 to 16");
            reader.invalid(node, message, "");
            None
        }
    }
}

/// Reads a Service's name as measurements have it: `namespace/name`, or a host as it is.
fn read_service(reader: &mut Reader, node: &Cursor<'_>) -> Option<Placed<String>> {
    let text = reader.text(node)?;
    let name = if text.contains('/') {
        text
    } else if let Some((name, namespace)) = text
        .strip_suffix(".svc.cluster.local")
        .and_then(|rest| rest.split_once('.'))
    {
        format!("{namespace}/{name}")
    } else if text.contains('.') {
        text
    } else {
        format!("{}/{text}", reader.namespace())
    };
    Some(Placed::new(name, node.place()))
}

/// Reads a status, 0 for none, or a class such as `5xx`.
fn read_status_class(reader: &mut Reader, node: &Cursor<'_>) -> Option<StatusClass> {
    if node.is_text() {
        let text = reader.text(node)?;
        let class = match text.as_bytes() {
            [digit @ b'1'..=b'5', b'x', b'x'] => u16::from(digit - b'0'),
            _ => {
                reader.invalid(
                    node,
                    format!("`{text}` is not a class of statuses"),
                    "write a status such as `503`, or a class such as `5xx`",
                );
                return None;
            }
        };
        return Some(StatusClass {
            first: class * 100,
            last: class * 100 + 99,
        });
    }
    let status = reader.whole(node, 0)?;
    match u16::try_from(status) {
        Ok(status) if status == 0 || (100..600).contains(&status) => Some(StatusClass {
            first: status,
            last: status,
        }),
        _ => {
            reader.invalid(
                node,
                format!("`{status}` is not an HTTP status"),
                "write a status such as `503`, or 0 for none",
            );
            None
        }
    }
}

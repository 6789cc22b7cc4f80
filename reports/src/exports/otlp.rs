//! Sampled requests as OTLP in JSON: one `TracesData`, which collectors and tracing backends read.
//!
//! Resources are who made the requests, so that a hop stands under the service that sent it. Attributes are those of
//! OpenTelemetry's semantic conventions for HTTP clients and those that Envoy's tracing adds. A run begins at the start of
//! 1970. Sources: OTLP specification 1.x, "JSON Protobuf Encoding" (ids are hexadecimal, 64-bit numbers are text); Envoy
//! documentation, "Tracing".

use super::spans::{Span, What, spans};
use crate::model::RunReport;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use telemetry::{AccessLogEntry, AccessLogTry, TryOutcome, is_success};

/// The file.
pub(super) fn text(report: &RunReport) -> String {
    let mut resources: BTreeMap<(String, String, String), Vec<Value>> = BTreeMap::new();
    for span in spans(report) {
        let service = resource(&span.what);
        resources.entry(service).or_default().push(written(&span));
    }
    let resources: Vec<Value> = (resources.into_iter())
        .map(|((namespace, name, version), spans)| {
            let mut attributes = Attributes::default();
            attributes.text("service.name", &name);
            attributes.text("service.namespace", &namespace);
            attributes.text("service.version", &version);
            attributes.text("k8s.namespace.name", &namespace);
            let scope = json!({"name": "meshsim", "version": report.version});
            json!({
                "resource": {"attributes": attributes.0},
                "scopeSpans": [{"scope": scope, "spans": spans}],
            })
        })
        .collect();
    format!("{}\n", json!({ "resourceSpans": resources }))
}

/// Namespace, name and version of whom a span belongs to.
fn resource(what: &What<'_>) -> (String, String, String) {
    let entry = match what {
        What::Journey(trace) => return (String::new(), trace.traffic.clone(), String::new()),
        What::Request(entry) | What::Try(entry, _) => entry,
    };
    let source = &entry.source;
    let name = match source.workload.as_str() {
        "" => entry.caller.as_str(),
        name => name,
    };
    (
        source.namespace.clone(),
        name.to_owned(),
        source.version.clone(),
    )
}

fn written(span: &Span<'_>) -> Value {
    let (name, kind, attributes, failed) = match &span.what {
        What::Journey(trace) => {
            let mut attributes = Attributes::default();
            attributes.answer(
                trace.response_code,
                trace.grpc_response_status,
                &trace.response_flags,
            );
            let failed = !is_success(trace.response_code, trace.grpc_response_status);
            (trace.traffic.clone(), INTERNAL, attributes, failed)
        }
        What::Request(entry) => {
            let failed = !is_success(entry.response_code, entry.grpc_response_status);
            (name_of(entry), CLIENT, of_request(entry), failed)
        }
        What::Try(entry, one) => {
            let failed = match one.outcome {
                TryOutcome::Response(status) => status >= 400,
                TryOutcome::Reset(_) | TryOutcome::Abandoned => true,
            };
            let name = match one.mirror {
                true => format!("mirror {}", entry.authority),
                false => format!("try {} {}", one.number, entry.authority),
            };
            (name, CLIENT, of_try(entry, one), failed)
        }
    };
    let mut value = json!({
        "traceId": span.trace_id,
        "spanId": span.id,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": span.started.as_nanos().to_string(),
        "endTimeUnixNano": (span.started + span.duration).as_nanos().to_string(),
        "attributes": attributes.0,
        "status": if failed { json!({"code": ERROR}) } else { json!({}) },
    });
    if let Some(parent) = &span.parent {
        value["parentSpanId"] = parent.as_str().into();
    }
    value
}

/// The method and the authority: paths may have too many values for a name.
fn name_of(entry: &AccessLogEntry) -> String {
    match entry.method.as_str() {
        "" => entry.authority.clone(),
        method => format!("{method} {}", entry.authority),
    }
}

fn of_request(entry: &AccessLogEntry) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.http(entry);
    attributes.answer(
        entry.response_code,
        entry.grpc_response_status,
        &entry.response_flags,
    );
    attributes.text("response_code_details", &entry.response_code_details);
    attributes.text("upstream_cluster", &entry.upstream_cluster);
    attributes.text("upstream_cluster.name", &entry.upstream_cluster);
    attributes.text("node_id", &entry.source_pod);
    attributes.text("k8s.pod.name", &entry.source_pod);
    attributes.text("route_name", &entry.route_name);
    attributes
}

fn of_try(entry: &AccessLogEntry, one: &AccessLogTry) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.http(entry);
    attributes.text("upstream_cluster.name", &entry.upstream_cluster);
    attributes.text("upstream_address", &one.host);
    attributes.text("network.peer.address", &one.host);
    attributes.text("meshsim.destination.pod", &one.pod);
    match one.outcome {
        TryOutcome::Response(status) => attributes.number("http.response.status_code", status),
        TryOutcome::Reset(reason) => attributes.text("error.type", reason),
        TryOutcome::Abandoned => attributes.text("error.type", "abandoned"),
    }
    if one.number > 1 && !one.mirror {
        attributes.number("http.request.resend_count", one.number - 1);
    }
    attributes
}

/// Attributes as OTLP writes them; those without a value are left out.
#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.0
                .push(json!({"key": key, "value": {"stringValue": value}}));
        }
    }

    fn number(&mut self, key: &str, value: u16) {
        let value = json!({"intValue": value.to_string()});
        self.0.push(json!({"key": key, "value": value}));
    }

    fn http(&mut self, entry: &AccessLogEntry) {
        self.text("component", "proxy");
        self.text("http.request.method", &entry.method);
        self.text("server.address", &entry.authority);
        let path = entry.path.split('?').next().unwrap_or_default();
        self.text("url.path", path);
        let version = entry.protocol.strip_prefix("HTTP/").unwrap_or_default();
        self.text("network.protocol.version", version.trim_end_matches(".0"));
        self.text("user_agent.original", &entry.user_agent);
    }

    fn answer(&mut self, code: u16, grpc: Option<u8>, flags: &str) {
        if code > 0 {
            self.number("http.response.status_code", code);
        }
        if let Some(status) = grpc {
            self.number("rpc.grpc.status_code", status.into());
        }
        self.text("response_flags", flags);
    }
}

/// `SPAN_KIND_INTERNAL`
const INTERNAL: u8 = 1;
/// `SPAN_KIND_CLIENT`
const CLIENT: u8 = 3;
/// `STATUS_CODE_ERROR`
const ERROR: u8 = 2;

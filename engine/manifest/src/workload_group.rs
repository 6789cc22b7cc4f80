//! WorkloadGroup: what WorkloadEntries that register themselves have in common.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/workload_group.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::workload_entry::WorkloadEntrySpec;
use crate::yaml::path::Path;

/// A WorkloadGroup.
pub type WorkloadGroup = Resource<WorkloadGroupSpec>;

/// `spec` of a WorkloadGroup.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkloadGroupSpec {
    /// The metadata of its WorkloadEntries.
    pub metadata: Option<Spanned<WorkloadMetadata>>,
    /// The content of its WorkloadEntries.
    pub template: Spanned<WorkloadEntrySpec>,
    /// How their health is asked for.
    pub probe: Option<Spanned<ReadinessProbe>>,
}

/// The metadata of a group's WorkloadEntries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WorkloadMetadata {
    /// Their labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Their annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Istio's ReadinessProbe. Zero means not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessProbe {
    /// Seconds before the first; 0.
    #[serde(default)]
    pub initial_delay_seconds: u32,
    /// Seconds that one may take; 1.
    #[serde(default)]
    pub timeout_seconds: u32,
    /// Seconds between two; 10.
    #[serde(default)]
    pub period_seconds: u32,
    /// Successes in a row that count; 1.
    #[serde(default)]
    pub success_threshold: u32,
    /// Failures in a row that count; 3.
    #[serde(default)]
    pub failure_threshold: u32,
    /// A request that must succeed.
    pub http_get: Option<HttpHealthCheck>,
    /// A connection that must succeed.
    pub tcp_socket: Option<TcpHealthCheck>,
    /// A command that must succeed.
    pub exec: Option<ExecHealthCheck>,
    /// A gRPC health check that must succeed.
    pub grpc: Option<GrpcHealthCheck>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpHealthCheck {
    /// Its path; empty means `/`.
    #[serde(default)]
    pub path: String,
    /// Its port.
    pub port: u32,
    /// Its host; empty means the workload.
    #[serde(default)]
    pub host: String,
    /// `HTTP` or `HTTPS`; empty means `HTTP`.
    #[serde(default)]
    pub scheme: String,
    /// Its headers.
    #[serde(default)]
    pub http_headers: Vec<HttpHeader>,
}

/// A header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HttpHeader {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TcpHealthCheck {
    /// Its host; empty means the workload.
    #[serde(default)]
    pub host: String,
    /// Its port.
    pub port: u32,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExecHealthCheck {
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// A gRPC health check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GrpcHealthCheck {
    /// Its port; none means the workload's.
    pub port: Option<u32>,
    /// The service that is asked about.
    #[serde(default)]
    pub service: String,
}

impl ReadinessProbe {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.exclusive(path, ["httpGet", "tcpSocket", "exec", "grpc"]);
        let ports = [
            ("httpGet", self.http_get.as_ref().map(|http| http.port)),
            ("tcpSocket", self.tcp_socket.as_ref().map(|tcp| tcp.port)),
            ("grpc", self.grpc.as_ref().and_then(|grpc| grpc.port)),
        ];
        for (field, port) in ports {
            if let Some(port) = port {
                check.port(&path.key(field).key("port"), port);
            }
        }
        if let Some(http) = &self.http_get {
            http.check(&path.key("httpGet"), check);
        }
        if let Some(exec) = &self.exec
            && let Some(empty) = exec.command.iter().position(String::is_empty)
        {
            let command = path.key("exec");
            let command = command.key("command");
            check.invalid(&Path::Index(&command, empty), "must not be empty");
        }
    }
}

impl HttpHealthCheck {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        if !["", "HTTP", "HTTPS"].contains(&self.scheme.as_str()) {
            check.invalid(&path.key("scheme"), "expected `HTTP` or `HTTPS`");
        }
        let headers = path.key("httpHeaders");
        for (index, header) in self.http_headers.iter().enumerate() {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let name = Path::Index(&headers, index);
            let name = name.key("name");
            if check.is_written(&name)
                && (header.name.is_empty() || !header.name.bytes().all(is_letter))
            {
                check.invalid(&name, "must consist of letters, digits, `-` and `_`");
            }
        }
    }
}

impl Kind for WorkloadGroupSpec {
    type Status = ();
    const KIND: &'static str = "WorkloadGroup";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<WorkloadGroup> {
        &mut all.workload_groups
    }

    fn check(group: &WorkloadGroup, check: &mut Check<'_, '_>) {
        let path = Path::Root.key("spec");
        let spec = &group.spec;
        spec.template.check_template(&path.key("template"), check);
        if let Some(metadata) = &spec.metadata {
            let path = path.key("metadata");
            check.items(&path.key("labels"), metadata.labels.len(), 0..=256);
            let annotations = path.key("annotations");
            check.items(&annotations, metadata.annotations.len(), 0..=256);
        }
        if let Some(probe) = &spec.probe {
            probe.check(&path.key("probe"), check);
        }
    }
}

//! Who asked, who answered and how: the labels that figures are grouped by, after Istio's standard metrics.
//!
//! Source: Istio documentation, "Istio Standard Metrics"; who reports is said by where figures stand. An empty text means what Istio
//! writes as `unknown`.

use serde::{Deserialize, Serialize};

/// The labels of requests that ended at their source.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestLabels {
    /// Who made them: a traffic source's name, or a workload's `<namespace>/<name>` for calls made while serving.
    pub caller: String,
    /// The workload of the pod that sent them.
    pub source: WorkloadLabels,
    /// Where they went.
    pub destination: DestinationLabels,
    /// What their proxy takes them for.
    pub request_protocol: RequestProtocol,
    /// The final HTTP status; 0 where there was none. Of TCP, 200 stands for an exchange that was answered.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags as its access log shows them; `-` if there are none.
    pub response_flags: String,
    /// What the answer lacks, in the scenario's word; empty if it is whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub degraded: String,
    /// `<namespace>/<name>` of the last pod that was tried, where requests are told apart by it; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub destination_pod: String,
}

/// What a proxy takes a request for: Istio's `request_protocol`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RequestProtocol {
    /// HTTP.
    #[default]
    Http,
    /// gRPC.
    Grpc,
    /// Bytes.
    Tcp,
}

impl RequestProtocol {
    /// Istio's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
        }
    }
}

impl RequestLabels {
    /// Whether the request succeeded: a status of 200 to 399 and, for gRPC, `grpc-status: 0`.
    pub fn is_success(&self) -> bool {
        is_success(self.response_code, self.grpc_response_status)
    }
}

/// The labels of journeys: requests of a traffic source with all their application retries.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JourneyLabels {
    /// The traffic source's name.
    pub traffic: String,
    /// The final HTTP status; 0 where there was none.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags as its access log shows them; `-` if there are none.
    pub response_flags: String,
    /// What the answer lacks, in the scenario's word; empty if it is whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub degraded: String,
}

impl JourneyLabels {
    /// Whether the journey succeeded: a status of 200 to 399 and, for gRPC, `grpc-status: 0`.
    pub fn is_success(&self) -> bool {
        is_success(self.response_code, self.grpc_response_status)
    }
}

/// The labels of tries: requests on their way from a source's proxy to one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptLabels {
    /// Who made the request.
    pub caller: String,
    /// The workload of the pod that sent it.
    pub source: WorkloadLabels,
    /// Where the try went.
    pub destination: DestinationLabels,
    /// What kind of try.
    pub kind: AttemptKind,
    /// How it ended.
    pub outcome: Outcome,
}

/// What kind of try.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// The first try of a request.
    #[default]
    First,
    /// A later try.
    Retry,
    /// A mirrored copy, whose answer nobody waits for.
    Mirror,
}

/// How a try ended.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a response of this status.
    Response(u16),
    /// Without a response: refused, reset, or nobody there.
    #[default]
    Reset,
    /// Its proxy gave up first.
    Abandoned,
}

/// The labels of a workload; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadLabels {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub workload: String,
    /// Label `app.kubernetes.io/name` or `app`.
    pub app: String,
    /// Label `app.kubernetes.io/version` or `version`.
    pub version: String,
}

impl WorkloadLabels {
    /// `<namespace>/<name>`; empty where there is no workload.
    pub fn full_name(&self) -> String {
        if self.workload.is_empty() {
            String::new()
        } else {
            format!("{}/{}", self.namespace, self.workload)
        }
    }
}

/// The labels of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DestinationLabels {
    /// `<namespace>/<name>` of the Service, or the host where there is none. Where no cluster was chosen: what was
    /// dialled.
    pub service: String,
    /// Istio's `destination_service`: the Service's full name, or the host.
    pub host: String,
    /// The subset of the cluster; empty if none.
    pub subset: String,
    /// The workload of the last pod that was tried; empty where none was.
    pub workload: WorkloadLabels,
}

impl DestinationLabels {
    /// Istio's `destination_service_name`: the Service's name without its namespace, or the host.
    pub fn service_name(&self) -> &str {
        self.service
            .split_once('/')
            .map_or(&self.service, |(_, name)| name)
    }

    /// Istio's `destination_service_namespace`; empty where there is no Service.
    pub fn service_namespace(&self) -> &str {
        self.service
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }
}

/// Whether an answer is a success: a status of 200 to 399 and, for gRPC, `grpc-status: 0`.
pub fn is_success(response_code: u16, grpc_response_status: Option<u8>) -> bool {
    (200..400).contains(&response_code) && grpc_response_status.is_none_or(|status| status == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_needs_a_good_status_in_http_and_grpc() {
        for (code, grpc, success) in [
            (200, None, true),
            (301, None, true),
            (404, None, false),
            (503, None, false),
            (0, None, false),
            (200, Some(0), true),
            (200, Some(14), false),
        ] {
            assert_eq!(is_success(code, grpc), success, "{code} {grpc:?}");
        }
    }

    #[test]
    fn names_are_cut_at_the_namespace() {
        let mut labels = DestinationLabels {
            service: "default/reviews".to_owned(),
            ..DestinationLabels::default()
        };
        assert_eq!(labels.service_name(), "reviews");
        assert_eq!(labels.service_namespace(), "default");
        labels.service = "api.example.com".to_owned();
        assert_eq!(labels.service_name(), "api.example.com");
        assert_eq!(labels.service_namespace(), "");
    }
}

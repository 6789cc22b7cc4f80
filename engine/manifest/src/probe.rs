//! How the health of a container is asked for, and what happens when it starts and stops.

use serde::Deserialize;

use crate::int_or_string::IntOrString;

/// A readiness, liveness or startup probe. What is not written has Kubernetes' default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// A request that must succeed.
    pub http_get: Option<HttpGetAction>,
    /// A connection that must succeed.
    pub tcp_socket: Option<TcpSocketAction>,
    /// A gRPC health check that must succeed.
    pub grpc: Option<GrpcAction>,
    /// A command that must succeed.
    pub exec: Option<ExecAction>,
    /// Seconds before the first; 0.
    pub initial_delay_seconds: Option<u32>,
    /// Seconds between two; 10.
    pub period_seconds: Option<u32>,
    /// Seconds that one may take; 1.
    pub timeout_seconds: Option<u32>,
    /// Successes in a row that count; 1.
    pub success_threshold: Option<u32>,
    /// Failures in a row that count; 3.
    pub failure_threshold: Option<u32>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HttpGetAction {
    /// Its path; empty means `/`.
    #[serde(default)]
    pub path: String,
    /// Its port, by number or name.
    pub port: IntOrString,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TcpSocketAction {
    /// Its port, by number or name.
    pub port: IntOrString,
}

/// A gRPC health check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrpcAction {
    /// Its port.
    pub port: u16,
    /// The service that is asked about.
    #[serde(default)]
    pub service: String,
}

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ExecAction {
    /// The program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
}

/// What happens when a container starts and stops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Before it is asked to stop: usually a pause that lets traffic drain.
    pub pre_stop: Option<LifecycleHandler>,
}

/// What happens at one point of a container's life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LifecycleHandler {
    /// A command.
    pub exec: Option<ExecAction>,
    /// A pause.
    pub sleep: Option<SleepAction>,
}

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SleepAction {
    /// Its length.
    pub seconds: u64,
}

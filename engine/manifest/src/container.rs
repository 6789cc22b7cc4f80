//! A container of a pod: what it runs, where it listens, how its health is asked for.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::probe::{Lifecycle, Probe};
use crate::quantity::Quantity;
use crate::service::TransportProtocol;
use crate::span::Spanned;

/// A container, as far as it matters to traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What it runs.
    #[serde(default)]
    pub image: String,
    /// The program, instead of the image's.
    #[serde(default)]
    pub command: Vec<String>,
    /// The program's arguments, instead of the image's.
    #[serde(default)]
    pub args: Vec<String>,
    /// Where it listens; this informs, it does not open ports.
    #[serde(default)]
    pub ports: Vec<Spanned<ContainerPort>>,
    /// Its environment, in order.
    #[serde(default)]
    pub env: Vec<EnvVar>,
    /// What it may use, and what is set aside for it.
    #[serde(default)]
    pub resources: ResourceRequirements,
    /// When traffic may come.
    pub readiness_probe: Option<Probe>,
    /// When it is restarted.
    pub liveness_probe: Option<Probe>,
    /// When the other probes begin.
    pub startup_probe: Option<Probe>,
    /// What happens when it starts and stops.
    pub lifecycle: Option<Lifecycle>,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
    /// Whom it runs as, if not as its pod says.
    pub security_context: Option<SecurityContext>,
}

/// Whom a pod or a container runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContext {
    /// The user's number; none means what the image says.
    pub run_as_user: Option<i64>,
}

/// A port that a container listens on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    /// Its name, by which a service may choose it.
    #[serde(default)]
    pub name: String,
    /// Its number.
    pub container_port: u16,
    /// The transport.
    #[serde(default)]
    pub protocol: TransportProtocol,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value; empty if it comes from elsewhere.
    #[serde(default)]
    pub value: String,
}

/// What a container may use (`limits`) and what is set aside for it (`requests`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ResourceRequirements {
    /// The most it may use, by resource.
    #[serde(default)]
    pub limits: BTreeMap<String, Quantity>,
    /// What is set aside, by resource.
    #[serde(default)]
    pub requests: BTreeMap<String, Quantity>,
}

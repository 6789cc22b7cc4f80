//! Pod: its containers, and what decides where it runs and whether it gets a sidecar.
//!
//! Here stands what matters to traffic. All other fields of core/v1 are accepted and checked (see `schema`), and not
//! kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::container::Container;
use crate::metadata::ObjectMeta;
use crate::resource::Resource;
use crate::span::Spanned;

/// A Pod.
pub type Pod = Resource<PodSpec, PodStatus>;

/// `spec` of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// Its containers.
    pub containers: Vec<Spanned<Container>>,
    /// Containers that run before, or (with `restartPolicy: Always`) beside, the others.
    #[serde(default)]
    pub init_containers: Vec<Spanned<Container>>,
    /// Whether it shares the node's network; such pods get no sidecar.
    #[serde(default)]
    pub host_network: bool,
    /// The node it runs on, if that is decided.
    pub node_name: Option<String>,
    /// Labels that its node must have.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// The account it acts as.
    #[serde(default)]
    pub service_account_name: String,
    /// Its host name, if not its name.
    pub hostname: Option<String>,
    /// The headless service under which it has a DNS name.
    pub subdomain: Option<String>,
    /// How long it may take to stop; 30 seconds if not written.
    pub termination_grace_period_seconds: Option<u32>,
}

/// `spec.template` of a workload: the pods it makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PodTemplateSpec {
    /// Their labels and annotations.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Their content.
    pub spec: PodSpec,
}

/// `status` of an exported Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// Where it is in its life: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Option<String>,
    /// Its address.
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    /// Its addresses.
    #[serde(rename = "podIPs", default)]
    pub pod_ips: Vec<PodIp>,
    /// Its node's address.
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    /// What is true of it, such as `Ready`.
    #[serde(default)]
    pub conditions: Vec<PodCondition>,
}

/// One of a pod's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PodIp {
    /// The address.
    #[serde(default)]
    pub ip: String,
}

/// Something that is true of a pod, or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PodCondition {
    /// What: `Ready`, `PodScheduled` and others.
    #[serde(rename = "type")]
    pub condition_type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

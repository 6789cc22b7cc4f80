//! Service: a name for pods, and their ports.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::int_or_string::IntOrString;
use crate::resource::Resource;
use crate::span::Spanned;

/// A Service.
pub type Service = Resource<ServiceSpec, ServiceStatus>;

/// `spec` of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSpec {
    /// How it is reached.
    #[serde(rename = "type", default)]
    pub service_type: ServiceType,
    /// The ports it offers.
    #[serde(default)]
    pub ports: Vec<Spanned<ServicePort>>,
    /// The labels of its pods; none means that its endpoints are managed by someone else.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// Its address; `None` makes it headless, none lets the cluster choose.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// Its addresses, the first one `clusterIP`.
    #[serde(rename = "clusterIPs", default)]
    pub cluster_ips: Vec<String>,
    /// Further addresses at which nodes accept its traffic.
    #[serde(rename = "externalIPs", default)]
    pub external_ips: Vec<String>,
    /// The name that an `ExternalName` service stands for.
    pub external_name: Option<Spanned<String>>,
    /// Whether a client keeps its pod.
    #[serde(default)]
    pub session_affinity: SessionAffinity,
    /// How long a client keeps its pod.
    pub session_affinity_config: Option<SessionAffinityConfig>,
    /// Which pods traffic from inside may reach.
    #[serde(default)]
    pub internal_traffic_policy: TrafficScope,
    /// Which pods traffic from outside may reach.
    #[serde(default)]
    pub external_traffic_policy: TrafficScope,
    /// Whether pods that are not ready are published as well.
    #[serde(default)]
    pub publish_not_ready_addresses: bool,
    /// A preference among endpoints: `PreferClose`, `PreferSameZone` or `PreferSameNode`.
    pub traffic_distribution: Option<Spanned<String>>,
    /// The address that a load balancer was asked for.
    #[serde(rename = "loadBalancerIP")]
    pub load_balancer_ip: Option<String>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Its name; Istio reads the protocol from it.
    #[serde(default)]
    pub name: String,
    /// The transport.
    #[serde(default)]
    pub protocol: TransportProtocol,
    /// The application protocol, which wins over the name.
    pub app_protocol: Option<String>,
    /// Its number.
    pub port: u16,
    /// The container's port by number or name; none means the same number.
    pub target_port: Option<IntOrString>,
    /// The nodes' port; none lets the cluster choose.
    pub node_port: Option<u16>,
}

/// How a Service is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ServiceType {
    /// By an address inside the cluster.
    #[default]
    ClusterIP,
    /// And by a port on each node.
    NodePort,
    /// And by a load balancer.
    LoadBalancer,
    /// It is another name for a host elsewhere.
    ExternalName,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TransportProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// Whether a client keeps its pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SessionAffinity {
    /// No.
    #[default]
    None,
    /// Yes, by its address.
    ClientIP,
}

/// How long a client keeps its pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAffinityConfig {
    /// For affinity by address.
    #[serde(rename = "clientIP")]
    pub client_ip: Option<ClientIpConfig>,
}

/// How long a client keeps its pod, by its address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientIpConfig {
    /// Seconds; three hours if not written.
    pub timeout_seconds: Option<u32>,
}

/// Which pods traffic may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TrafficScope {
    /// All.
    #[default]
    Cluster,
    /// Those on the same node.
    Local,
}

/// `status` of an exported Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// What the load balancer got.
    #[serde(default)]
    pub load_balancer: LoadBalancerStatus,
}

/// What a load balancer got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LoadBalancerStatus {
    /// Its addresses.
    #[serde(default)]
    pub ingress: Vec<LoadBalancerIngress>,
}

/// An address of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LoadBalancerIngress {
    /// As an address.
    pub ip: Option<String>,
    /// As a name.
    pub hostname: Option<String>,
}

impl ServiceSpec {
    /// Whether it has no address of its own: clients see its pods.
    pub fn is_headless(&self) -> bool {
        self.service_type != ServiceType::ExternalName && self.cluster_ip.as_deref() == Some("None")
    }
}

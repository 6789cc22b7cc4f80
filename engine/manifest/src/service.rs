//! Service: a name for pods, and their ports.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use crate::check::Check;
use crate::int_or_string::IntOrString;
use crate::kind::{Format, Kind};
use crate::names::{self, NameRule};
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::span::Spanned;
use crate::yaml::path::Path;

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

impl Kind for ServiceSpec {
    type Status = ServiceStatus;
    const KIND: &'static str = "Service";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const NAME: NameRule = NameRule::Label;
    const FORMAT: Format = Format::Native {
        spec: &schema::SERVICE,
        required: true,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Service> {
        &mut all.services
    }

    /// Source: kubernetes/kubernetes, pkg/apis/core/validation/validation.go (ValidateService).
    fn check(service: &Service, check: &mut Check<'_, '_>) {
        let spec = &service.spec;
        let path = Path::Root.key("spec");
        check.labels(&path.key("selector"), &spec.selector);
        check_ports(spec, &path.key("ports"), check);
        if spec.service_type == ServiceType::ExternalName {
            match &spec.external_name {
                Some(name) if !name.is_empty() => {
                    let host = name.strip_suffix('.').unwrap_or(name);
                    check.name(
                        &path.key("externalName"),
                        name,
                        names::check_subdomain(host),
                    );
                }
                _ => check.missing(&path.key("externalName")),
            }
        }
        check_cluster_ip(spec, &path.key("clusterIP"), check);
    }
}

fn check_ports(spec: &ServiceSpec, path: &Path<'_>, check: &mut Check<'_, '_>) {
    if spec.ports.is_empty()
        && !spec.is_headless()
        && spec.service_type != ServiceType::ExternalName
    {
        check.missing(path);
    }
    let mut names = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    for (index, port) in spec.ports.iter().enumerate() {
        let path = &Path::Index(path, index);
        if !port.name.is_empty() {
            check.name(
                &path.key("name"),
                &port.name,
                names::check_dns_label(&port.name),
            );
            if let Some(first) = names.insert(&port.name, index) {
                let message = format!(
                    "`{}` is the name of `spec.ports[{first}]` already",
                    port.name
                );
                check.invalid(&path.key("name"), message);
            }
        } else if spec.ports.len() > 1 {
            check.missing(&path.key("name"));
        }
        if let Some(first) = numbers.insert((port.port, port.protocol as u8), index) {
            let message = format!(
                "`{}` is the number of `spec.ports[{first}]` already",
                port.port
            );
            check.invalid(&path.key("port"), message);
        }
        if let Some(target) = &port.target_port {
            check_target_port(target, &path.key("targetPort"), check);
        }
    }
}

fn check_target_port(target: &IntOrString, path: &Path<'_>, check: &mut Check<'_, '_>) {
    match target {
        IntOrString::Int(1..=65535) => {}
        // As everywhere in this API, zero means not written.
        IntOrString::Int(0) => {}
        IntOrString::Int(number) => check.invalid(
            path,
            format_args!("`{number}` is out of range: expected 1 to 65535"),
        ),
        IntOrString::String(name) if name.is_empty() => {}
        IntOrString::String(name) => check.name(path, name, names::check_port_name(name)),
    }
}

fn check_cluster_ip(spec: &ServiceSpec, path: &Path<'_>, check: &mut Check<'_, '_>) {
    match spec.cluster_ip.as_deref() {
        None | Some("") => {}
        Some(_) if spec.service_type == ServiceType::ExternalName => {
            check.invalid(path, "may not be set for services of type `ExternalName`");
        }
        Some("None") if spec.service_type != ServiceType::ClusterIP => {
            check.invalid(path, "only a service of type `ClusterIP` may be headless");
        }
        Some("None") => {}
        Some(address) if address.parse::<IpAddr>().is_err() => {
            check.invalid(
                path,
                format_args!("`{address}` is neither an address nor `None`"),
            );
        }
        Some(_) => {}
    }
}

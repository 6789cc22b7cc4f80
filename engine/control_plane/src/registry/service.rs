//! A service and its ports.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::int_or_string::IntOrString;
use manifest::service::TransportProtocol;
use manifest::timestamp::Timestamp;

use super::{Pod, PodId, ServiceId, WorkloadEntryId};
use crate::export_to::ExportTo;
use crate::protocol::Protocol;

/// A service: one per Service, and one per host and address of a ServiceEntry.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name; the host, where a ServiceEntry makes it.
    pub name: String,
    /// Its full name: `<name>.<namespace>.svc.<domain suffix>`, or the host of a ServiceEntry.
    pub hostname: String,
    /// What kind of object makes it.
    pub provider: Provider,
    /// Its address.
    pub address: Address,
    /// The address that Istio gives it for clients whose DNS goes through their proxies.
    pub auto_allocated_ip: Option<IpAddr>,
    /// How connections find an endpoint.
    pub resolution: Resolution,
    /// Whether it lies outside of the mesh, so that its endpoints have no sidecars.
    pub is_external: bool,
    /// Its ports, as written.
    pub ports: Vec<ServicePort>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The labels of its endpoints; none: they are listed elsewhere, or not known.
    pub selector: BTreeMap<String, String>,
    /// The pods and workload entries that it selects or lists, terminating pods left out.
    pub endpoints: Vec<Endpoint>,
    /// Those that EndpointSlices and Endpoints list for it, with ports of their own.
    pub listed: Vec<ListedEndpoint>,
    /// All services of its host and namespace, which share their endpoints: ServiceEntries' first. Empty: it is alone.
    pub(super) siblings: Vec<ServiceId>,
    /// Whether pods that are not ready count as ready.
    pub publish_not_ready_addresses: bool,
    /// Whether clients reach pods of their own node only.
    pub is_node_local: bool,
    /// Which endpoints clients prefer.
    pub traffic_distribution: TrafficDistribution,
    /// When it was created, if that is known.
    pub created: Option<Timestamp>,
    /// Who sees it.
    pub export_to: ExportTo,
    /// The ExternalName services that stand for it.
    pub aliases: Vec<Alias>,
    /// The object.
    pub location: Location,
}

/// What kind of object makes a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A Service.
    Kubernetes,
    /// A ServiceEntry.
    ServiceEntry,
}

/// The address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// None: it is told apart by names only.
    Unspecified,
    /// One.
    Ip(IpAddr),
    /// A range in CIDR form.
    Range(String),
}

/// How connections to a service find an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The proxy chooses (Kubernetes' normal services, `STATIC`).
    ClientSideLb,
    /// Where the client dialled (headless services, `NONE`).
    Passthrough,
    /// The proxy asks DNS and uses all addresses (`DNS`).
    Dns,
    /// The proxy asks DNS and uses one address at a time (`DNS_ROUND_ROBIN`).
    DnsRoundRobin,
    /// The proxy asks DNS for the name that each request is for (`DYNAMIC_DNS`).
    DynamicDns,
    /// It is another name of this host (ExternalName services).
    Alias(String),
}

/// Which endpoints the clients of a service prefer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficDistribution {
    /// None.
    #[default]
    Any,
    /// Those of their own zone (`PreferClose`, `PreferSameZone`).
    PreferSameZone,
    /// Those of their own node (`PreferSameNode`).
    PreferSameNode,
}

/// An ExternalName service that stands for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// Its namespace.
    pub namespace: String,
    /// Its full name.
    pub hostname: String,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u16,
    /// The transport below its protocol.
    pub transport: TransportProtocol,
    /// What it speaks.
    pub protocol: Protocol,
    /// The endpoints' port, by number or name.
    pub target_port: IntOrString,
    /// The port that connections are sent to instead of the dialled one, where a ServiceEntry without resolution says so.
    pub passthrough_port: Option<u16>,
    /// Where it is written.
    pub location: Location,
}

/// What requests to a service can end at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A pod.
    Pod(PodId),
    /// Something that is no pod of these manifests.
    Workload(WorkloadEntryId),
}

/// An endpoint that an EndpointSlice or Endpoints object lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Whether the list calls it ready.
    pub is_ready: bool,
    /// Its ports, by the names of the service's ports.
    pub ports: Arc<BTreeMap<String, u16>>,
}

impl Service {
    /// Its port of this number.
    pub fn port(&self, number: u16) -> Option<&ServicePort> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// Whether it is another name of a host.
    pub fn is_alias(&self) -> bool {
        matches!(self.resolution, Resolution::Alias(_))
    }

    /// Whether it is one of Kubernetes' own without an address: clients see its pods.
    pub fn is_headless(&self) -> bool {
        self.resolution == Resolution::Passthrough && self.provider == Provider::Kubernetes
    }

    /// Whether its endpoints are found by DNS, their names being a part of the cluster.
    pub fn is_dns(&self) -> bool {
        matches!(self.resolution, Resolution::Dns | Resolution::DnsRoundRobin)
    }

    /// Whether a pod of it receives traffic.
    pub fn accepts(&self, pod: &Pod) -> bool {
        pod.is_ready || self.publish_not_ready_addresses
    }

    /// Its pods, terminating ones left out.
    pub fn pods(&self) -> impl Iterator<Item = PodId> {
        let listed = self.listed.iter().map(|listed| listed.endpoint);
        let all = self.endpoints.iter().copied().chain(listed);
        all.filter_map(|endpoint| match endpoint {
            Endpoint::Pod(pod) => Some(pod),
            Endpoint::Workload(_) => None,
        })
    }
}

impl Address {
    /// It, where it is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Unspecified | Self::Range(_) => None,
        }
    }
}

impl ServicePort {
    /// The container's port, where it is written as a number.
    pub(crate) fn numbered_target(&self) -> Option<u16> {
        match &self.target_port {
            IntOrString::Int(number) => u16::try_from(*number).ok(),
            IntOrString::String(_) => None,
        }
    }
}

//! A pod, and what it shares with its siblings.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::Location;
use manifest::int_or_string::IntOrString;
use manifest::pod::PodSpec;
use manifest::service::TransportProtocol;
use xds::Locality;

use super::service::ServicePort;
use crate::injection::Injection;
use crate::mesh_config::{MeshConfig, ProxyConfig};

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name; a pod of a Deployment is named `<deployment>-<n>`.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// What made it: a Deployment, a StatefulSet, ..., or the pod itself.
    pub workload: WorkloadRef,
    /// What it shares with its siblings.
    pub template: Arc<PodTemplate>,
    /// Whether it takes part in its services.
    pub is_ready: bool,
    /// Whether its end was asked for.
    pub is_terminating: bool,
    /// Its node, if that is known.
    pub node: Option<String>,
    /// Where it is, as far as its labels and those of its node say.
    pub locality: Locality,
}

/// What pods of one template share.
#[derive(Clone, Debug)]
pub struct PodTemplate {
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// Their annotations.
    pub annotations: BTreeMap<String, String>,
    /// Their containers.
    pub spec: PodSpec,
    /// Whether they have a sidecar, and why.
    pub injection: Injection,
    /// How their proxies are set up, where they say so themselves.
    pub proxy_config: Option<ProxyConfig>,
    /// Whether they are proxies on their own: a Gateway selects them, or Istio makes them so.
    pub is_gateway: bool,
    /// The object that describes them.
    pub location: Location,
}

/// What made a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Pod {
    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.template.labels
    }

    /// How its proxy is set up.
    pub fn proxy_config<'a>(&'a self, mesh: &'a MeshConfig) -> &'a ProxyConfig {
        let own = self.template.proxy_config.as_ref();
        own.unwrap_or(&mesh.default_config)
    }

    /// Whether it has a sidecar.
    pub fn has_sidecar(&self) -> bool {
        !self.is_gateway() && self.template.injection.is_injected()
    }

    /// Whether it is a proxy on its own.
    pub fn is_gateway(&self) -> bool {
        self.template.is_gateway
    }

    /// Whether it has a proxy, or is one.
    pub fn has_proxy(&self) -> bool {
        self.is_gateway() || self.has_sidecar()
    }

    /// The container port that a service's port leads to; none where it names a port that the pod has not.
    pub fn target_port(&self, port: &ServicePort) -> Option<u16> {
        match &port.target_port {
            IntOrString::Int(number) => u16::try_from(*number).ok(),
            IntOrString::String(name) => self.container_port(name, port.transport),
        }
    }

    /// The number of a container's port of this name.
    pub(crate) fn container_port(&self, name: &str, transport: TransportProtocol) -> Option<u16> {
        let spec = &self.template.spec;
        let containers = spec.containers.iter().chain(
            spec.init_containers
                .iter()
                .filter(|container| container.restart_policy.as_deref() == Some("Always")),
        );
        containers
            .flat_map(|container| &container.ports)
            .find(|port| port.name == name && port.protocol == transport)
            .map(|port| port.container_port)
    }
}

/// The annotation by which a pod says how its proxy is set up.
pub(crate) const PROXY_CONFIG: &str = "proxy.istio.io/config";

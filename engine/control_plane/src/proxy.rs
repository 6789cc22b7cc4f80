//! A proxy, as the builders of its configuration see it.

use std::collections::BTreeMap;

use crate::destination_rule::{self, DestinationRule};
use crate::mesh_config::MeshConfig;
use crate::registry::{Registry, Service, ServiceId};
use crate::sidecar_scope::SidecarScope;

/// The proxy of a pod, by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxyRef {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
}

impl ProxyRef {
    /// The proxy of this pod.
    pub fn new(namespace: impl Into<String>, pod: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            pod: pod.into(),
        }
    }
}

/// A proxy's client side: who asks, and what it may see.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) mesh: &'a MeshConfig,
    pub(crate) registry: &'a Registry,
    pub(crate) scope: &'a SidecarScope,
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
}

impl<'a> Client<'a> {
    /// The service with this host, if the proxy sees it.
    pub(crate) fn service(&self, hostname: &str) -> Option<ServiceId> {
        let id = self.registry.service_by_hostname(hostname)?;
        self.scope.sees(id).then_some(id)
    }

    /// The service with this host, if the proxy sees it and it has the port.
    pub(crate) fn service_on_port(&self, hostname: &str, port: u16) -> Option<&'a Service> {
        let service = self.registry.service(self.service(hostname)?);
        service.port(port).map(|_| service)
    }

    /// The rule that holds for this proxy's requests to a service.
    pub(crate) fn destination_rule(&self, service: ServiceId) -> Option<&'a DestinationRule> {
        let rules = self.scope.destination_rules(service);
        destination_rule::for_outbound(rules, self.namespace, self.labels).map(|rule| &**rule)
    }
}

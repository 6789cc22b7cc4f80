//! A proxy, as the builders of its configuration see it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use xds::{Locality, NodeType};

use crate::destination_rule::{self, DestinationRule};
use crate::mesh_config::{MeshConfig, ProxyConfig};
use crate::peer_authentication::PeerAuthentications;
use crate::push_context::PushContext;
use crate::registry::{self, Address, Pod, Registry, Service, ServiceId};
use crate::request_authentication::RequestAuthentications;
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
    /// How it is set up.
    pub(crate) proxy_config: &'a ProxyConfig,
    pub(crate) registry: &'a Registry,
    pub(crate) peer_authentications: &'a PeerAuthentications,
    pub(crate) request_authentications: &'a RequestAuthentications,
    pub(crate) scope: &'a SidecarScope,
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) node_type: NodeType,
    pub(crate) ip: IpAddr,
    /// Where it is.
    pub(crate) locality: &'a Locality,
    /// The node it runs on, if that is known.
    pub(crate) node: Option<&'a str>,
}

impl<'a> Client<'a> {
    /// The service with this host, if the proxy sees it.
    pub(crate) fn service(&self, hostname: &str) -> Option<ServiceId> {
        self.scope.by_hostname(hostname, self.registry)
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

    /// The proxy of a pod.
    pub(crate) fn of_pod(
        pod: &'a Pod,
        node_type: NodeType,
        scope: &'a SidecarScope,
        push: &'a PushContext,
    ) -> Self {
        Self {
            mesh: &push.mesh,
            proxy_config: pod.proxy_config(&push.mesh),
            registry: &push.registry,
            peer_authentications: &push.peer_authentications,
            request_authentications: &push.request_authentications,
            scope,
            namespace: &pod.namespace,
            labels: pod.labels(),
            node_type,
            ip: pod.ip,
            locality: &pod.locality,
            node: pod.node.as_deref(),
        }
    }

    /// The value of its label, those that Istio adds included.
    pub(crate) fn label(&self, key: &str) -> Option<&'a str> {
        registry::added_label(key, self.locality, self.node)
            .or_else(|| self.labels.get(key).map(String::as_str))
    }

    /// The address of a service as this proxy sees it.
    pub(crate) fn address<'s>(&self, service: &'s Service) -> Cow<'s, Address> {
        match (&service.address, service.auto_allocated_ip) {
            (Address::Unspecified, Some(ip)) if self.mesh.dns_capture => {
                Cow::Owned(Address::Ip(ip))
            }
            (address, _) => Cow::Borrowed(address),
        }
    }
}

//! Gateways with the names of their hosts completed, in the order of age: which ports and hosts the proxies at the edge
//! of the mesh open, and which of them a proxy is asked to open.
//!
//! Source: istio/istio, pilot/pkg/model/gateway.go (sanitizeServerHostNamespace), push_context.go (mergeGateways).

pub(crate) mod merge;
pub(crate) mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::gateway_api;
use crate::push_context::PushContext;
use crate::virtual_service::{self, VirtualService, VirtualServiceId, age};
pub(crate) use server::Server;

/// All Gateways, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gateways(Vec<Gateway>);

/// A Gateway.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// `<namespace>/<name>`, as VirtualServices call it.
    pub(crate) object: Arc<str>,
    pub(crate) applies_to: AppliesTo,
    pub(crate) servers: Vec<Server>,
}

/// Which proxies a Gateway is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppliesTo {
    /// All gateway pods.
    All,
    /// Gateway pods with these labels, of whatever namespace.
    Labels(BTreeMap<String, String>),
    /// Pods with these labels in the Gateway's own namespace: those of a Gateway of the Gateway API.
    Own(BTreeMap<String, String>),
}

impl Gateways {
    /// All Gateways of these objects, and those that listeners of the Gateway API became.
    pub(crate) fn new(written: &[manifest::Gateway], listeners: &[manifest::Gateway]) -> Self {
        let mut sorted: Vec<_> = written.iter().map(|object| (object, false)).collect();
        sorted.extend(listeners.iter().map(|object| (object, true)));
        sorted.sort_by_key(|(object, _)| age(&object.meta));
        let gateway = |(object, is_listener): (&manifest::Gateway, bool)| {
            let gateway = Gateway::new(object);
            match gateway.applies_to {
                AppliesTo::Labels(labels) if is_listener => Gateway {
                    applies_to: AppliesTo::Own(labels),
                    ..gateway
                },
                _ => gateway,
            }
        };
        Self(sorted.into_iter().map(gateway).collect())
    }

    /// All of them, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Gateway> + Clone {
        self.0.iter()
    }

    /// The Gateway of this name, Istio's or else the first listener of one of the Gateway API.
    pub(crate) fn named(&self, namespace: &str, name: &str) -> Option<&Gateway> {
        let mut own = self.iter().filter(|gateway| gateway.namespace == namespace);
        own.clone()
            .find(|gateway| gateway.name == name)
            .or_else(|| own.find(|gateway| gateway_api::written_name(&gateway.name) == name))
    }

    /// The labels that selectors ask for.
    pub(crate) fn labels(&self) -> BTreeSet<&str> {
        let selectors = self.iter().filter_map(|gateway| match &gateway.applies_to {
            AppliesTo::Labels(labels) | AppliesTo::Own(labels) => {
                Some(labels.keys().map(String::as_str))
            }
            AppliesTo::All => None,
        });
        selectors.flatten().collect()
    }
}

impl Gateway {
    fn new(written: &manifest::Gateway) -> Self {
        let (namespace, name) = (&written.meta.namespace, &written.meta.name);
        let servers = written.spec.servers.iter();
        Self {
            namespace: namespace.clone(),
            name: name.clone(),
            object: format!("{namespace}/{name}").into(),
            applies_to: match &written.spec.selector {
                None => AppliesTo::All,
                Some(labels) => AppliesTo::Labels(labels.value.clone()),
            },
            servers: servers
                .map(|server| Server::new(server, namespace))
                .collect(),
        }
    }

    /// Whether a gateway pod of a namespace with these labels serves it.
    pub(crate) fn selects(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        let has = |wanted: &BTreeMap<String, String>| {
            wanted
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        };
        match &self.applies_to {
            AppliesTo::All => true,
            AppliesTo::Labels(wanted) => has(wanted),
            AppliesTo::Own(wanted) => namespace == self.namespace && has(wanted),
        }
    }
}

/// The VirtualServices bound to a gateway that its pods in `namespace` see, those that come first first.
pub(crate) fn virtual_services_of(
    gateway: &Gateway,
    namespace: &str,
    push: &PushContext,
) -> Vec<VirtualServiceId> {
    let is_bound = |virtual_service: &VirtualService| {
        let mut gateways = virtual_service.gateways.iter();
        gateways.any(|name| **name == *gateway.object)
    };
    virtual_service::ranked(&push.virtual_services, namespace, is_bound)
}

//! Parents: where a route asks to attach, and whether it may.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (extractParentReferenceInfo, referenceAllowed,
//! hostnameAllowedByIsolation), conditions.go (createRouteStatus).

use std::collections::BTreeMap;

use base::Location;
use manifest::gateway_api::GROUP;
use manifest::gateway_api::reference::ParentReference;
use manifest::span::Spanned;

use super::Context;
use super::condition::Fault;
use super::listener::OpenListener;
use crate::host;

/// All listeners, by the namespace and the name of their Gateways.
pub(super) struct Parents(BTreeMap<(String, String), Vec<ListenerParent>>);

/// A listener as routes see it.
#[derive(Clone, Debug)]
pub(super) struct ListenerParent {
    /// `<namespace>/<name>` of its Istio Gateway.
    internal: String,
    section: String,
    hostname: String,
    hosts: Vec<String>,
    port: u16,
    protocol: String,
    kinds: Vec<&'static str>,
}

/// What a route asks of its parents.
pub(super) struct Request<'a> {
    pub(super) kind: &'static str,
    pub(super) namespace: &'a str,
    pub(super) hostnames: &'a [Spanned<String>],
}

/// One listener or service that a route names.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) to: Target,
    /// Why the route may not attach.
    pub(super) denied: Option<Fault>,
}

/// What a route attaches to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A listener.
    Listener {
        /// `<namespace>/<name>` of its Istio Gateway.
        internal: String,
        /// Its host as it is written; empty if it is not.
        hostname: String,
        /// The hosts of other listeners of the same port and protocol.
        others: Vec<String>,
    },
    /// A service, for the clients of the mesh.
    Service {
        /// Its full names.
        hosts: Vec<String>,
        /// Its port, if one is named.
        port: Option<u16>,
    },
}

impl Parents {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add(&mut self, listener: &OpenListener) {
        let namespace = &listener.gateway.meta.namespace;
        let key = (namespace.clone(), listener.parent.clone());
        self.0.entry(key).or_default().push(ListenerParent {
            internal: format!("{namespace}/{}", listener.gateway.meta.name),
            section: listener.section.clone(),
            hostname: listener.hostname.clone(),
            hosts: listener.hosts.clone(),
            port: listener.port,
            protocol: listener.protocol.clone(),
            kinds: listener.kinds.clone(),
        });
    }

    /// All listeners and services that a reference names; none if it is for another controller.
    pub(super) fn find(
        &self,
        reference: &ParentReference,
        request: &Request<'_>,
        context: Context<'_>,
    ) -> Vec<Attachment> {
        let namespace = reference.namespace(request.namespace);
        match (reference.group(), reference.kind()) {
            (GROUP, "Gateway") => {
                let key = (namespace.to_owned(), reference.name.value.clone());
                let listeners = self.0.get(&key).map_or(&[] as &[_], Vec::as_slice);
                let attach = |listener: &ListenerParent| Attachment {
                    denied: listener.denies(reference, request),
                    to: Target::Listener {
                        internal: listener.internal.clone(),
                        hostname: listener.hostname.clone(),
                        others: listener.rivals(listeners),
                    },
                };
                listeners.iter().map(attach).collect()
            }
            ("" | "core", "Service") => {
                let mut services = context.resources.services.iter();
                let exists = services.any(|service| {
                    service.meta.name == reference.name.value && service.meta.namespace == namespace
                });
                let suffix = &context.mesh.domain_suffix;
                let host = format!("{}.{namespace}.svc.{suffix}", reference.name.value);
                vec![service(exists.then(|| vec![host]), "service", reference)]
            }
            ("networking.istio.io", "ServiceEntry") => {
                let mut entries = context.resources.service_entries.iter();
                let entry = entries.find(|entry| {
                    entry.meta.name == reference.name.value && entry.meta.namespace == namespace
                });
                let hosts = entry.map(|entry| {
                    let hosts = entry.spec.hosts.iter();
                    hosts.map(|host| host.value.clone()).collect()
                });
                vec![service(hosts, "service entry", reference)]
            }
            _ => Vec::new(),
        }
    }
}

fn service(hosts: Option<Vec<String>>, what: &str, reference: &ParentReference) -> Attachment {
    let missing = || {
        let message = format!("parent {what}: {:?} not found", reference.name.value);
        Fault::new(NO_MATCHING_PARENT, message)
    };
    Attachment {
        denied: hosts.is_none().then(missing),
        to: Target::Service {
            hosts: hosts.unwrap_or_default(),
            port: reference.port,
        },
    }
}

impl ListenerParent {
    /// Why a route may not attach.
    fn denies(&self, reference: &ParentReference, request: &Request<'_>) -> Option<Fault> {
        if let Some(port) = reference.port.filter(|port| *port != self.port) {
            let message = format!("port {port} not found");
            return Some(Fault::new(NO_MATCHING_PARENT, message));
        }
        let section = reference.section_name.as_ref();
        if let Some(section) = section.filter(|section| **section != self.section) {
            let message = format!("sectionName {section:?} not found");
            return Some(Fault::new(NO_MATCHING_PARENT, message));
        }
        let everything = [Spanned::new("*".to_owned(), Location::start_of(""))];
        let hostnames = match request.hostnames {
            [] => everything.as_slice(),
            some => some,
        };
        let claims = |(of, host): &(&str, &str)| {
            let is_known = hostnames.iter().any(|name| host::matches(host, name));
            (is_known, *of == "*" || *of == request.namespace)
        };
        let hosts = self.hosts.iter();
        let claims: Vec<_> = hosts
            .filter_map(|entry| entry.split_once('/'))
            .map(|entry| claims(&entry))
            .collect();
        if !claims.contains(&(true, true)) {
            let (reason, message) = if claims.iter().any(|(is_known, _)| *is_known) {
                let message = format!(
                    "hostnames matched parent hostname {:?}, but namespace {:?} is not allowed by the parent",
                    self.hostname, request.namespace
                );
                (NOT_ALLOWED, message)
            } else {
                let message = format!("no hostnames matched parent hostname {:?}", self.hostname);
                (NO_MATCHING_HOSTNAME, message)
            };
            return Some(Fault::new(reason, message));
        }
        (!self.kinds.contains(&request.kind)).then(|| {
            let message = format!("kind {GROUP}/v1/{} is not allowed", request.kind);
            Fault::new(NOT_ALLOWED, message)
        })
    }

    /// The hosts of other listeners of the same port and protocol.
    fn rivals(&self, all: &[Self]) -> Vec<String> {
        all.iter()
            .filter(|other| other.port == self.port && other.protocol == self.protocol)
            .filter(|other| other.hostname != self.hostname)
            .map(|other| other.hostname.clone())
            .collect()
    }
}

impl Attachment {
    /// Whether a route's host belongs to this listener, and to none with a closer host.
    pub(super) fn owns(&self, route_host: &str) -> bool {
        let Target::Listener {
            hostname, others, ..
        } = &self.to
        else {
            return true;
        };
        if !hostname.is_empty() && !host::is_wildcard(hostname) {
            return true;
        }
        if !hostname.is_empty() && !host::matches(route_host, hostname) {
            return false;
        }
        !others
            .iter()
            .any(|other| hostname.len() <= other.len() && host::is_subset_of(route_host, other))
    }
}

/// The one answer of all listeners that a reference names: any that takes the route counts.
pub(super) fn verdict(attachments: &[Attachment]) -> Option<Fault> {
    let rank = |attachment: &Attachment| match attachment.denied.as_ref().map(|why| why.reason) {
        None => 0,
        Some(NOT_ALLOWED) => 1,
        Some(NO_MATCHING_HOSTNAME) => 2,
        Some(_) => 3,
    };
    let best = attachments.iter().map(rank).min()?;
    let mut said = attachments
        .iter()
        .filter(|attachment| rank(attachment) == best)
        .filter_map(|attachment| attachment.denied.clone());
    let first = said.next()?;
    Some(said.fold(first, |all, more| all.and(Some(more))))
}

const NO_MATCHING_PARENT: &str = "NoMatchingParent";
const NOT_ALLOWED: &str = "NotAllowedByListeners";
const NO_MATCHING_HOSTNAME: &str = "NoMatchingListenerHostname";

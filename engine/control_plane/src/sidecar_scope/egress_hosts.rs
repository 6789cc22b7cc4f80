//! `egress[].hosts` of a Sidecar: which services and VirtualServices a listener imports.
//!
//! An entry is `<namespace>/<host>`; `.` is the sidecar's own namespace, `*` any, and `~` before a namespace excludes.
//! What is excluded stays out whatever else imports it.
//!
//! Source: istio/istio, pilot/pkg/model/sidecar.go (hostClassification, convertIstioListenerToWrapper,
//! selectServices), virtualservice.go (SelectVirtualServices).

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::host;
use crate::registry::{Alias, Service};
use crate::virtual_service::VirtualService;

/// What a listener imports, by namespace.
#[derive(Clone, Debug)]
pub(super) struct EgressHosts(BTreeMap<String, Hosts>);

/// The hosts of one namespace, or of any.
#[derive(Clone, Debug, Default)]
struct Hosts {
    exact: FxHashSet<String>,
    wildcards: Vec<String>,
    excluded: Vec<String>,
}

impl EgressHosts {
    /// The entries of a listener of `namespace`.
    pub(super) fn new<'a>(entries: impl Iterator<Item = &'a str>, namespace: &str) -> Self {
        let mut by_namespace = BTreeMap::<String, Hosts>::new();
        for entry in entries {
            let Some((of, name)) = entry.split_once('/') else {
                continue;
            };
            let (of, is_excluded) = match of.strip_prefix('~') {
                Some("") => (ANY, true),
                Some(of) => (of, true),
                None => (of, false),
            };
            let of = if of == "." { namespace } else { of };
            let hosts = by_namespace.entry(of.to_owned()).or_default();
            if is_excluded {
                hosts.excluded.push(name.to_owned());
            } else if host::is_wildcard(name) {
                hosts.wildcards.push(name.to_owned());
            } else {
                hosts.exact.insert(name.to_owned());
            }
        }
        Self(by_namespace)
    }

    /// Everything.
    pub(super) fn all() -> Self {
        let hosts = Hosts {
            wildcards: vec!["*".to_owned()],
            ..Hosts::default()
        };
        Self(BTreeMap::from([(ANY.to_owned(), hosts)]))
    }

    /// Whether a service is imported, and by which names of its own it may be called.
    pub(super) fn import(&self, service: &Service) -> Option<Aliases> {
        let lists = self.lists(&service.namespace);
        if lists.clone().any(|hosts| hosts.excludes(&service.hostname)) {
            return None;
        }
        let importing = lists
            .into_iter()
            .find(|hosts| hosts.covers(&service.hostname))?;
        let kept: Vec<_> = service
            .aliases
            .iter()
            .filter(|alias| importing.covers(&alias.hostname))
            .cloned()
            .collect();
        Some(if kept.len() == service.aliases.len() {
            Aliases::All
        } else {
            Aliases::Some(kept)
        })
    }

    /// Whether a VirtualService is imported: one of its hosts is, and is not excluded.
    pub(super) fn imports(&self, virtual_service: &VirtualService) -> bool {
        let lists = self.lists(&virtual_service.namespace);
        virtual_service.hosts.iter().any(|host| {
            lists.clone().any(|hosts| hosts.overlaps(host))
                && !lists.clone().any(|hosts| hosts.excludes(host))
        })
    }

    /// The lists that hold for objects of a namespace: its own, then that of any.
    fn lists<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Hosts> + Clone + use<'a> {
        let own = self.0.get(namespace).filter(|_| namespace != ANY);
        own.into_iter().chain(self.0.get(ANY))
    }
}

/// The ExternalName services that stand for an imported service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Aliases {
    /// All that there are.
    All,
    /// Those that are imported as well.
    Some(Vec<Alias>),
}

impl Hosts {
    fn covers(&self, host: &str) -> bool {
        if self.exact.contains(host) {
            return true;
        }
        self.wildcards
            .iter()
            .any(|wildcard| host::is_subset_of(host, wildcard))
    }

    /// Unlike services, VirtualServices are imported for less than their hosts cover.
    fn overlaps(&self, host: &str) -> bool {
        if self.exact.contains(host) {
            return true;
        }
        self.wildcards
            .iter()
            .any(|wildcard| host::matches(host, wildcard))
            || (host::is_wildcard(host) && self.exact.iter().any(|name| host::matches(host, name)))
    }

    fn excludes(&self, host: &str) -> bool {
        self.excluded
            .iter()
            .any(|excluded| host::is_subset_of(host, excluded))
    }
}

const ANY: &str = "*";

//! The hosts of Services and ServiceEntries as `istioctl analyze` knows them: by full name and by who sees them.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/util/service_lookup.go, hosts.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Resources;
use manifest::span::Spanned;

use crate::host;

/// All hosts.
pub(crate) struct KnownHosts<'a> {
    /// By scope, which is a namespace or [`ALL`], and by full name.
    hosts: BTreeMap<(String, String), KnownHost<'a>>,
}

/// A host that something answers to.
#[derive(Clone)]
pub(super) struct KnownHost<'a> {
    /// Its ports.
    pub(super) ports: Vec<u32>,
    /// The labels of a ServiceEntry's workloads.
    pub(super) selector: Option<&'a BTreeMap<String, String>>,
}

impl<'a> KnownHosts<'a> {
    pub(super) fn new(resources: &'a Resources) -> Self {
        let mut hosts = BTreeMap::new();
        for object in &resources.service_entries {
            let (spec, namespace) = (&object.spec, &object.meta.namespace);
            let known = KnownHost {
                ports: spec.ports.iter().map(|port| *port.number).collect(),
                selector: spec.workload_selector.as_ref().map(|chosen| &chosen.labels),
            };
            for scope in scopes(&spec.export_to, namespace) {
                for host in &spec.hosts {
                    hosts.insert((scope.clone(), full_name(host, namespace)), known.clone());
                }
            }
        }
        for object in &resources.services {
            let namespace = &object.meta.namespace;
            let ports = object.spec.ports.iter();
            let known = KnownHost {
                ports: ports.map(|port| u32::from(port.port)).collect(),
                selector: None,
            };
            let annotation = object.meta.annotations.get("networking.istio.io/exportTo");
            let scopes = annotation.filter(|text| !text.is_empty()).map_or_else(
                || vec![ALL.to_owned()],
                |text| {
                    let entries = text.split(',').map(str::trim);
                    entries.map(|entry| scope(entry, namespace)).collect()
                },
            );
            for scope in scopes {
                let name = full_name(&object.meta.name, namespace);
                hosts.insert((scope, name), known.clone());
            }
        }
        Self { hosts }
    }

    /// What a host means in an object of `namespace` that is exported like this.
    pub(super) fn find(
        &self,
        host: &str,
        namespace: &str,
        export_to: &[Spanned<String>],
    ) -> Option<&KnownHost<'a>> {
        let full = full_name(host, namespace);
        let own = [namespace.to_owned()];
        let exported: Vec<_> = export_to
            .iter()
            .map(|entry| scope(entry, namespace))
            .collect();
        let scopes = if exported.is_empty() {
            &own[..]
        } else {
            &exported
        };
        let exact = std::iter::once(ALL)
            .chain(scopes.iter().map(String::as_str))
            .find_map(|scope| self.hosts.get(&(scope.to_owned(), full.clone())));
        exact.or_else(|| {
            let suffix = host.trim_start_matches('*');
            let covers = |(scope, known): &(String, String)| {
                (scope == ALL || scope == namespace)
                    && known.starts_with('*')
                    && suffix.ends_with(known.trim_start_matches('*'))
            };
            let mut hosts = self.hosts.iter();
            hosts.find(|(key, _)| covers(key)).map(|(_, known)| known)
        })
    }
}

/// The full name of a host. Wildcards are full names already.
pub(super) fn full_name(host: &str, namespace: &str) -> String {
    if host::is_wildcard(host) || host.contains('.') {
        return host.to_owned();
    }
    format!("{host}.{namespace}.svc.cluster.local")
}

/// The namespaces that see an object of `namespace`, or [`ALL`] of them.
pub(super) fn scopes(export_to: &[Spanned<String>], namespace: &str) -> BTreeSet<String> {
    if export_to.is_empty() || export_to.iter().any(|entry| entry.value == ALL) {
        return BTreeSet::from([ALL.to_owned()]);
    }
    export_to
        .iter()
        .map(|entry| scope(entry, namespace))
        .collect()
}

fn scope(entry: &str, namespace: &str) -> String {
    let scope = if entry == "." { namespace } else { entry };
    scope.to_owned()
}

/// The scope of what every namespace sees.
pub(super) const ALL: &str = "*";

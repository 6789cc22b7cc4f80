//! Which DestinationRule holds for a service and a client, and how several for one host become one.
//!
//! Rules are indexed by namespace: those that a namespace keeps for its own clients, and those that it shows to others.
//! Within one such index rules for the same host are merged: the older one keeps its traffic policy, subsets add up.
//! For a client the first namespace with a rule for the host decides: its own, the service's, the root namespace;
//! nothing is merged across namespaces.
//!
//! Source: istio/istio, pilot/pkg/model/destination_rule.go (mergeDestinationRule), push_context.go
//! (setDestinationRules, destinationRule), sidecar.go (DestinationRule).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::Location;
use manifest::destination_rule::Subset;
use manifest::span::Spanned;
use manifest::traffic_policy::TrafficPolicy;
use rustc_hash::FxHashMap;
use xds::Origin;

use crate::host::resolve_short_name;
use crate::host_map::HostMap;
use crate::mesh_config::MeshConfig;
use crate::virtual_service::age;

/// A DestinationRule, others for the same host merged into it.
#[derive(Clone, Debug)]
pub(crate) struct DestinationRule {
    pub(crate) namespace: String,
    /// `<namespace>/<name>` of the first one.
    pub(crate) object: Arc<str>,
    pub(crate) location: Location,
    pub(crate) traffic_policy: Option<TrafficPolicy>,
    pub(crate) subsets: Vec<Spanned<Subset>>,
    /// The labels of the clients it is for.
    pub(crate) workload_selector: Option<BTreeMap<String, String>>,
    /// `exportTo` as written; that of a rule with a selector is `.`.
    export_to: BTreeSet<String>,
}

impl DestinationRule {
    /// Its subset of this name.
    pub(crate) fn subset(&self, name: &str) -> Option<&Spanned<Subset>> {
        self.subsets.iter().find(|subset| *subset.name == name)
    }

    /// Where a cluster's policy came from.
    pub(crate) fn origin(&self, location: &Location) -> Origin {
        Origin {
            kind: "DestinationRule",
            object: Arc::clone(&self.object),
            rule: None,
            match_block: None,
            location: location.clone(),
        }
    }
}

/// All DestinationRules.
#[derive(Clone, Debug, Default)]
pub(crate) struct DestinationRules {
    root_namespace: String,
    local: FxHashMap<String, Index>,
    exported: FxHashMap<String, Index>,
    root_local: Index,
}

type Index = HostMap<Vec<Arc<DestinationRule>>>;

impl DestinationRules {
    /// Indexes and merges.
    pub(crate) fn new(written: &[manifest::DestinationRule], mesh: &MeshConfig) -> Self {
        let mut sorted: Vec<_> = written.iter().collect();
        sorted.sort_by_key(|object| (object.spec.workload_selector.is_none(), age(&object.meta)));
        let mut rules = Self {
            root_namespace: mesh.root_namespace.clone(),
            ..Self::default()
        };
        let is_private_by_default = mesh
            .default_destination_rule_export_to
            .iter()
            .any(|entry| entry == ".");
        for object in sorted {
            let namespace = object.meta.namespace.as_str();
            let host = resolve_short_name(&object.spec.host, namespace, &mesh.domain_suffix);
            let rule = convert(object);
            let names = |entry: &str| rule.export_to.contains(entry);
            if rule.export_to.is_empty() || names("*") || names(".") || names(namespace) {
                let index = rules.local.entry(namespace.to_owned()).or_default();
                insert(index.entry(&host), rule.clone());
            }
            let is_private = (rule.export_to.is_empty() && is_private_by_default)
                || (rule.export_to.len() == 1 && (names(".") || names(namespace)));
            if !is_private {
                let index = rules.exported.entry(namespace.to_owned()).or_default();
                insert(index.entry(&host), rule);
            } else if namespace == mesh.root_namespace {
                insert(rules.root_local.entry(&host), rule);
            }
        }
        rules
    }

    /// The rules for a service as clients of a namespace see it; those with selectors are for some of them.
    pub(crate) fn for_service(
        &self,
        client_namespace: &str,
        service_namespace: &str,
        hostname: &str,
    ) -> Vec<Arc<DestinationRule>> {
        let own = if client_namespace == self.root_namespace {
            Some(&self.root_local)
        } else {
            self.local.get(client_namespace)
        };
        if let Some((_, rules)) = own.and_then(|index| index.most_specific(hostname)) {
            return rules.clone();
        }
        let exported = self.exported_by(service_namespace, hostname, client_namespace);
        if !exported.is_empty() {
            return exported;
        }
        self.exported_by(&self.root_namespace, hostname, client_namespace)
    }

    fn exported_by(&self, owner: &str, hostname: &str, client: &str) -> Vec<Arc<DestinationRule>> {
        let Some((_, rules)) = self
            .exported
            .get(owner)
            .and_then(|index| index.most_specific(hostname))
        else {
            return Vec::new();
        };
        let visible = rules.iter().filter(|rule| {
            let export_to = &rule.export_to;
            export_to.is_empty() || export_to.contains("*") || export_to.contains(client)
        });
        visible.cloned().collect()
    }
}

/// The one of a service's rules that holds for a client with these labels.
pub(crate) fn for_outbound<'a>(
    rules: &'a [Arc<DestinationRule>],
    client_namespace: &str,
    client_labels: &BTreeMap<String, String>,
) -> Option<&'a Arc<DestinationRule>> {
    let selected = rules.iter().find(|rule| {
        rule.namespace == client_namespace
            && rule.workload_selector.as_ref().is_some_and(|selector| {
                selector
                    .iter()
                    .all(|(key, value)| client_labels.get(key) == Some(value))
            })
    });
    selected.or_else(|| for_inbound(rules))
}

/// The one of a service's rules that holds for its own pods.
pub(crate) fn for_inbound(rules: &[Arc<DestinationRule>]) -> Option<&Arc<DestinationRule>> {
    rules.iter().rfind(|rule| rule.workload_selector.is_none())
}

fn convert(object: &manifest::DestinationRule) -> DestinationRule {
    let (meta, spec) = (&object.meta, &object.spec);
    DestinationRule {
        namespace: meta.namespace.clone(),
        object: format!("{}/{}", meta.namespace, meta.name).into(),
        location: object.location.clone(),
        traffic_policy: spec
            .traffic_policy
            .as_ref()
            .map(|policy| policy.value.clone()),
        subsets: spec.subsets.clone(),
        workload_selector: spec
            .workload_selector
            .as_ref()
            .map(|selector| selector.match_labels.clone()),
        export_to: if spec.workload_selector.is_some() {
            BTreeSet::from([".".to_owned()])
        } else {
            spec.export_to
                .iter()
                .map(|entry| entry.value.clone())
                .collect()
        },
    }
}

/// Merges a rule into those of the same host, or puts it beside them.
fn insert(stored: &mut Vec<Arc<DestinationRule>>, incoming: DestinationRule) {
    let mut separately = true;
    for rule in stored.iter_mut() {
        if incoming.export_to == rule.export_to {
            separately = false;
        } else {
            separately = true;
            let covers =
                !rule.export_to.is_empty() && incoming.export_to.is_superset(&rule.export_to);
            if !covers {
                continue;
            }
        }
        match (&rule.workload_selector, &incoming.workload_selector) {
            (Some(old), Some(new)) if old != new => {
                separately = true;
                continue;
            }
            (Some(_), Some(_)) | (None, None) => separately = false,
            (Some(_), None) | (None, Some(_)) => {}
        }
        let merged = Arc::make_mut(rule);
        for subset in &incoming.subsets {
            if merged.subset(&subset.name).is_none() {
                merged.subsets.push(subset.clone());
            }
        }
        if merged.traffic_policy.is_none() {
            merged.traffic_policy.clone_from(&incoming.traffic_policy);
        }
    }
    if separately {
        stored.push(Arc::new(incoming));
    }
}

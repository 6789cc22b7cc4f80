//! Delegation: the rules of a VirtualService without hosts stand in for a rule of one with hosts.
//!
//! A root rule that delegates is replaced by the delegate's rules, each narrowed by the root's conditions; a delegate's
//! rule whose conditions cannot be met together with the root's is dropped. What the delegate leaves out it inherits
//! from the root, block by block. There is one level of delegation, and only for HTTP.
//!
//! Source: istio/istio, pilot/pkg/model/virtualservice_controller.go, virtualservice.go (mergeHTTPRoute, hasConflict).

use std::collections::BTreeMap;

use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::{Delegate, HttpMatchRequest, HttpRoute, VirtualServiceSpec};
use rustc_hash::FxHashMap;

use crate::export_to::ExportTo;
use crate::mesh_config::MeshConfig;
use crate::virtual_service::{HttpRule, export_to};

/// All VirtualServices without hosts, by namespace and name.
pub(crate) struct Delegates<'a>(FxHashMap<(&'a str, &'a str), (&'a VirtualServiceSpec, ExportTo)>);

impl<'a> Delegates<'a> {
    /// Finds the delegates among all VirtualServices.
    pub(crate) fn new(
        all: &'a [(&'a manifest::VirtualService, VirtualServiceSpec)],
        mesh: &MeshConfig,
    ) -> Self {
        let delegates = all.iter().filter(|(_, spec)| spec.hosts.is_empty());
        Self(
            delegates
                .map(|(object, spec)| {
                    let (namespace, name) = (&object.meta.namespace, &object.meta.name);
                    let visible = export_to(spec, namespace, mesh);
                    ((namespace.as_str(), name.as_str()), (spec, visible))
                })
                .collect(),
        )
    }

    /// The rules of a root in `namespace`, with the rules of delegates in their places.
    pub(crate) fn expand(&self, namespace: &str, rules: &[Spanned<HttpRoute>]) -> Vec<HttpRule> {
        let mut expanded = Vec::with_capacity(rules.len());
        for (index, rule) in (0..).zip(rules) {
            match &rule.delegate {
                None => expanded.push(HttpRule {
                    index,
                    at: rule.at.clone(),
                    route: rule.value.clone(),
                    first_match: 0,
                    of: None,
                }),
                Some(delegate) => {
                    let found = self.find(namespace, delegate).into_iter();
                    expanded.extend(found.flatten().filter_map(|delegated| {
                        Some(HttpRule {
                            index,
                            at: delegated.at.clone(),
                            route: merge_rule(rule, delegated)?,
                            first_match: 0,
                            of: None,
                        })
                    }));
                }
            }
        }
        expanded
    }

    /// The delegate's rules, if there is such a delegate and the root's namespace sees it.
    fn find(&self, namespace: &str, delegate: &Delegate) -> Option<&'a [Spanned<HttpRoute>]> {
        let owner = if delegate.namespace.is_empty() {
            namespace
        } else {
            &delegate.namespace
        };
        let (spec, visible) = self.0.get(&(owner, delegate.name.as_str()))?;
        visible.includes(namespace).then_some(spec.http.as_slice())
    }
}

/// The delegate's rule, narrowed and completed by the root's; none if they contradict each other.
fn merge_rule(root: &HttpRoute, delegate: &HttpRoute) -> Option<HttpRoute> {
    let own = delegate.clone();
    Some(HttpRoute {
        matches: merge_matches(&root.matches, &delegate.matches)?,
        name: join_names(&root.name, &delegate.name),
        delegate: None,
        rewrite: own.rewrite.or_else(|| root.rewrite.clone()),
        direct_response: own.direct_response.or_else(|| root.direct_response.clone()),
        timeout: own.timeout.or_else(|| root.timeout.clone()),
        retries: own.retries.or_else(|| root.retries.clone()),
        fault: own.fault.or_else(|| root.fault.clone()),
        mirror: own.mirror.or_else(|| root.mirror.clone()),
        mirrors: if own.mirrors.is_empty() {
            root.mirrors.clone()
        } else {
            own.mirrors
        },
        mirror_percent: own.mirror_percent.or(root.mirror_percent),
        mirror_percent_snake_case: own
            .mirror_percent_snake_case
            .or(root.mirror_percent_snake_case),
        mirror_percentage: own.mirror_percentage.or(root.mirror_percentage),
        cors_policy: own.cors_policy.or_else(|| root.cors_policy.clone()),
        headers: own.headers.or_else(|| root.headers.clone()),
        route: own.route,
        redirect: own.redirect,
    })
}

/// The conditions under which a delegate's rule holds; none if some of its blocks can never be met.
fn merge_matches(
    root: &[Spanned<HttpMatchRequest>],
    delegate: &[Spanned<HttpMatchRequest>],
) -> Option<Vec<Spanned<HttpMatchRequest>>> {
    if root.is_empty() {
        return Some(delegate.to_vec());
    }
    if delegate.is_empty() {
        return Some(root.to_vec());
    }
    let mut merged = Vec::new();
    for own in delegate {
        let before = merged.len();
        merged.extend(
            root.iter()
                .filter(|outer| !is_conflict(outer, own))
                .map(|outer| Spanned::new(merge_match(outer, own), own.at.clone())),
        );
        if merged.len() == before {
            return None;
        }
    }
    Some(merged)
}

fn merge_match(root: &HttpMatchRequest, own: &HttpMatchRequest) -> HttpMatchRequest {
    let or = |own: &Option<Spanned<StringMatch>>, root: &Option<Spanned<StringMatch>>| {
        own.as_ref().or(root.as_ref()).cloned()
    };
    let or_text = |own: &str, root: &str| if own.is_empty() { root } else { own }.to_owned();
    HttpMatchRequest {
        name: join_names(&root.name, &own.name),
        uri: or(&own.uri, &root.uri),
        scheme: or(&own.scheme, &root.scheme),
        method: or(&own.method, &root.method),
        authority: or(&own.authority, &root.authority),
        headers: union(&root.headers, &own.headers),
        without_headers: union(&root.without_headers, &own.without_headers),
        query_params: union(&root.query_params, &own.query_params),
        ignore_uri_case: own.ignore_uri_case,
        port: if own.port == 0 { root.port } else { own.port },
        source_labels: union(&root.source_labels, &own.source_labels),
        gateways: if own.gateways.is_empty() {
            root.gateways.clone()
        } else {
            own.gateways.clone()
        },
        source_namespace: or_text(&own.source_namespace, &root.source_namespace),
        stat_prefix: or_text(&own.stat_prefix, &root.stat_prefix),
    }
}

/// Whether no request can meet both, as Istio judges it.
fn is_conflict(root: &HttpMatchRequest, own: &HttpMatchRequest) -> bool {
    type Conditions = BTreeMap<String, Spanned<StringMatch>>;
    let single = |root: &Option<Spanned<StringMatch>>, own: &Option<Spanned<StringMatch>>| matches!((root, own), (Some(root), Some(own)) if is_string_conflict(root, own));
    let keyed = |root: &Conditions, own: &Conditions| {
        own.iter().any(|(key, own)| {
            root.get(key)
                .is_some_and(|root| is_string_conflict(root, own))
        })
    };
    single(&root.uri, &own.uri)
        || single(&root.scheme, &own.scheme)
        || single(&root.method, &own.method)
        || single(&root.authority, &own.authority)
        || keyed(&root.headers, &own.headers)
        || keyed(&root.without_headers, &own.without_headers)
        || keyed(&root.query_params, &own.query_params)
        || root.ignore_uri_case != own.ignore_uri_case
        || (root.port > 0 && own.port > 0 && root.port != own.port)
        || (!root.source_namespace.is_empty() && root.source_namespace != own.source_namespace)
        || own.source_labels.iter().any(|(key, value)| {
            root.source_labels
                .get(key)
                .is_some_and(|root| root != value)
        })
        || (!root.gateways.is_empty()
            && (root.gateways.len() < own.gateways.len()
                || own
                    .gateways
                    .iter()
                    .any(|gateway| !root.gateways.contains(gateway))))
}

fn is_string_conflict(root: &StringMatch, own: &StringMatch) -> bool {
    use StringMatch::{Exact, Prefix, Regex};
    let is_set = |condition: &StringMatch| match condition {
        Exact(text) | Prefix(text) | Regex(text) => !text.is_empty(),
        StringMatch::Present => false,
    };
    match (root, own) {
        (Regex(text), own) if !text.is_empty() && is_set(own) => true,
        (root, Regex(text)) if !text.is_empty() && is_set(root) => true,
        (Exact(root), own) if !root.is_empty() => !matches!(own, Exact(own) if own == root),
        (Prefix(root), Prefix(own) | Exact(own)) if !root.is_empty() && !own.is_empty() => {
            !own.starts_with(root.as_str())
        }
        _ => true,
    }
}

fn join_names(root: &str, own: &str) -> String {
    match (root, own) {
        (name, "") | ("", name) => name.to_owned(),
        (root, own) => format!("{root}-{own}"),
    }
}

/// Both maps; where they share a key the delegate's own value counts.
fn union<T: Clone>(root: &BTreeMap<String, T>, own: &BTreeMap<String, T>) -> BTreeMap<String, T> {
    let mut all = root.clone();
    all.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_judged_as_istio_does() {
        use StringMatch::{Exact, Prefix, Present, Regex};
        let text = |text: &str| text.to_owned();
        for (root, own, conflict) in [
            (Prefix(text("/a")), Prefix(text("/a/b")), false),
            (Prefix(text("/a")), Exact(text("/a/b")), false),
            (Prefix(text("/a")), Prefix(text("/b")), true),
            (Exact(text("/a")), Exact(text("/a")), false),
            (Exact(text("/a")), Exact(text("/b")), true),
            (Exact(text("/a")), Prefix(text("/a")), true),
            (Regex(text(".*")), Exact(text("/a")), true),
            (Exact(text("/a")), Regex(text(".*")), true),
            (Present, Exact(text("/a")), true),
            (Prefix(text("/a")), Present, true),
        ] {
            assert_eq!(
                is_string_conflict(&root, &own),
                conflict,
                "{root:?} {own:?}"
            );
        }
    }
}

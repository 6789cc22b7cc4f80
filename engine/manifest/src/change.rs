//! Objects that are applied or deleted later, as `kubectl apply` and `kubectl delete` do it.

use crate::diagnostic::ObjectRef;
use crate::kind::{KINDS, Kind, Row, group_of};
use crate::resource::{Other, Resource, Resources};

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The object is gone.
    Deleted,
    /// There was none of this name.
    NoSuchObject,
    /// No kind that is read has this name.
    NoSuchKind,
}

impl Resources {
    /// Adds objects; those of the same kind, namespace and name are replaced where they stand.
    pub fn apply(&mut self, mut newer: Self) {
        for row in KINDS {
            (row.apply)(self, &mut newer);
        }
        for other in newer.others {
            match self.others.iter_mut().find(|kept| is_same(kept, &other)) {
                Some(kept) => *kept = other,
                None => self.others.push(other),
            }
        }
        self.conditions.retain(|kept| {
            let mut newer = newer.conditions.iter();
            !newer.any(|condition| condition.is_of_same(kept))
        });
        self.conditions.append(&mut newer.conditions);
    }

    /// Removes an object. `kind` is written as kubectl takes it: `VirtualService`, `virtualservices`, `vs`, also with
    /// its group behind a dot.
    pub fn delete(&mut self, kind: &str, namespace: &str, name: &str) -> Deletion {
        let mut rows = KINDS.iter().filter(|row| is_named(row, kind)).peekable();
        if rows.peek().is_none() {
            return Deletion::NoSuchKind;
        }
        // Two groups may have a kind of the same name.
        let Some(row) = rows.find(|row| (row.delete)(self, namespace, name)) else {
            return Deletion::NoSuchObject;
        };
        let group = group_of(row.api_versions[0]);
        let object = ObjectRef {
            kind: row.kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        self.conditions
            .retain(|condition| !condition.is_of(group, &object));
        Deletion::Deleted
    }
}

/// Moves the objects of one kind.
pub(crate) fn apply<K: Kind>(into: &mut Resources, from: &mut Resources) {
    for resource in std::mem::take(K::resources(from)) {
        let kept = K::resources(into);
        let (namespace, name) = (&resource.meta.namespace, &resource.meta.name);
        match position(kept, namespace, name) {
            Some(at) => kept[at] = resource,
            None => kept.push(resource),
        }
    }
}

/// Removes an object of one kind; false if there is none.
pub(crate) fn delete<K: Kind>(from: &mut Resources, namespace: &str, name: &str) -> bool {
    let namespace = if K::NAMESPACED { namespace } else { "" };
    let kept = K::resources(from);
    match position(kept, namespace, name) {
        Some(at) => {
            kept.remove(at);
            true
        }
        None => false,
    }
}

fn position<K, S>(kept: &[Resource<K, S>], namespace: &str, name: &str) -> Option<usize> {
    kept.iter()
        .position(|resource| resource.meta.namespace == namespace && resource.meta.name == name)
}

fn is_same(a: &Other, b: &Other) -> bool {
    (&a.api_version, &a.kind, &a.namespace, &a.name)
        == (&b.api_version, &b.kind, &b.namespace, &b.name)
}

/// Whether `kind` names the kind of a row.
fn is_named(row: &Row, kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let (kind, group) = match kind.split_once('.') {
        Some((kind, group)) => (kind, Some(group)),
        None => (kind.as_str(), None),
    };
    if group.is_some_and(|group| group != group_of(row.api_versions[0])) {
        return false;
    }
    let singular = row.kind.to_ascii_lowercase();
    let short = SHORT_NAMES
        .iter()
        .any(|(short, of)| *short == kind && *of == row.kind);
    short || kind == singular || kind == plural(&singular)
}

/// The plural as Kubernetes builds it.
fn plural(singular: &str) -> String {
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ if singular.ends_with("ts") => singular.to_owned(),
        _ if singular.ends_with("ss") => format!("{singular}es"),
        _ => format!("{singular}s"),
    }
}

/// Source: Kubernetes, `kubectl api-resources`; istio/api, kubernetes/customresourcedefinitions.gen.yaml.
const SHORT_NAMES: [(&str, &str); 18] = [
    ("ns", "Namespace"),
    ("po", "Pod"),
    ("deploy", "Deployment"),
    ("rs", "ReplicaSet"),
    ("sts", "StatefulSet"),
    ("svc", "Service"),
    ("vs", "VirtualService"),
    ("dr", "DestinationRule"),
    ("gw", "Gateway"),
    ("se", "ServiceEntry"),
    ("we", "WorkloadEntry"),
    ("wg", "WorkloadGroup"),
    ("no", "Node"),
    ("ep", "Endpoints"),
    ("pa", "PeerAuthentication"),
    ("ra", "RequestAuthentication"),
    ("gc", "GatewayClass"),
    ("btlspolicy", "BackendTLSPolicy"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, parse};

    fn rule(name: &str, host: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {name}}}\nspec: {{host: {host}}}\n---\n"
        )
    }

    fn read(text: &str) -> Resources {
        let (resources, diagnostics) = parse(&[Source::new("f.yaml", text)], "default");
        assert_eq!(diagnostics, [], "{text}");
        resources
    }

    fn hosts(resources: &Resources) -> Vec<String> {
        resources
            .destination_rules
            .iter()
            .map(|rule| rule.spec.host.to_string())
            .collect()
    }

    #[test]
    fn later_objects_replace_earlier_ones_where_they_stand() {
        let mut resources = read(&(rule("a", "h1") + &rule("b", "h2")));
        resources.apply(read(&(rule("c", "h3") + &rule("a", "h4"))));
        assert_eq!(hosts(&resources), ["h4", "h2", "h3"]);
    }

    #[test]
    fn conditions_come_and_go_with_their_objects() {
        let service = |reason| {
            read(&format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec: {{ports: [{{port: 80}}]}}\n\
                 status: {{conditions: [{{type: Ready, status: 'False', reason: {reason}}}]}}\n"
            ))
        };
        let reasons = |resources: &Resources| -> Vec<String> {
            let conditions = resources.conditions.iter();
            conditions
                .map(|condition| condition.reason.clone())
                .collect()
        };
        let mut resources = service("Early");
        assert_eq!(reasons(&resources), ["Early"]);
        resources.apply(service("Late"));
        assert_eq!(reasons(&resources), ["Late"]);
        resources.delete("svc", "default", "a");
        assert_eq!(reasons(&resources), [""; 0]);
    }

    #[test]
    fn kinds_are_named_as_kubectl_names_them() {
        for kind in [
            "DestinationRule",
            "destinationrule",
            "destinationrules",
            "dr",
            "destinationrules.networking.istio.io",
        ] {
            let mut resources = read(&rule("a", "x"));
            assert_eq!(
                resources.delete(kind, "default", "b"),
                Deletion::NoSuchObject,
                "{kind}"
            );
            assert_eq!(
                resources.delete(kind, "default", "a"),
                Deletion::Deleted,
                "{kind}"
            );
            assert!(hosts(&resources).is_empty());
        }
        let mut resources =
            read("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\n");
        assert_eq!(
            resources.delete("gateways.gateway.networking.k8s.io", "default", "a"),
            Deletion::NoSuchObject
        );
        assert_eq!(
            resources.delete("gateways", "default", "a"),
            Deletion::Deleted
        );
        assert_eq!(
            resources.delete("serviceentries", "default", "a"),
            Deletion::NoSuchObject
        );
        let mut resources = read("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
        assert_eq!(resources.delete("ns", "default", "shop"), Deletion::Deleted);
        assert_eq!(
            resources.delete("destinationrulez", "default", "a"),
            Deletion::NoSuchKind
        );
    }
}

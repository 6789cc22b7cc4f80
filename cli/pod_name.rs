//! Which pod the user means: by its own name or its workload's, as kubectl and istioctl spell them.

use std::collections::BTreeSet;

use control_plane::{PodId, Registry};

use crate::refusal::Refusal;
use crate::similar::most_similar;

/// The pod called `text`, or the first pod of the workload called so.
///
/// `NS/NAME` names both; a lone `NAME` is in `namespace`; istioctl's `NAME.NS` and kubectl's `deployment/NAME` are
/// understood where nothing has the name otherwise.
pub(crate) fn find_pod(registry: &Registry, text: &str, namespace: &str) -> Result<PodId, Refusal> {
    readings(text, namespace)
        .into_iter()
        .find_map(|(namespace, name)| by_name(registry, namespace, name))
        .ok_or_else(|| unknown(registry, text, namespace))
}

/// What the text may mean, in the order of preference.
fn readings<'a>(text: &'a str, namespace: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut readings = Vec::new();
    match text.split_once('/') {
        Some((first, name)) => {
            readings.push((first, name));
            if KINDS.contains(&first) {
                readings.push((namespace, name));
                readings.extend(
                    name.rsplit_once('.')
                        .map(|(name, namespace)| (namespace, name)),
                );
            }
        }
        None => {
            readings.push((namespace, text));
            readings.extend(
                text.rsplit_once('.')
                    .map(|(name, namespace)| (namespace, name)),
            );
        }
    }
    readings
}

/// What kubectl lets a name begin with.
const KINDS: [&str; 12] = [
    "pod",
    "pods",
    "po",
    "deployment",
    "deployments",
    "deploy",
    "statefulset",
    "statefulsets",
    "sts",
    "replicaset",
    "replicasets",
    "rs",
];

fn by_name(registry: &Registry, namespace: &str, name: &str) -> Option<PodId> {
    registry.pod_by_name(namespace, name).or_else(|| {
        registry.pod_ids().find(|id| {
            let workload = &registry.pod(*id).workload;
            workload.namespace == namespace && workload.name == name
        })
    })
}

fn unknown(registry: &Registry, text: &str, namespace: &str) -> Refusal {
    let names: BTreeSet<String> = registry
        .pods()
        .iter()
        .flat_map(|pod| {
            [
                format!("{}/{}", pod.namespace, pod.name),
                format!("{}/{}", pod.workload.namespace, pod.workload.name),
            ]
        })
        .collect();
    let (namespace, name) = readings(text, namespace)[0];
    let asked = format!("{namespace}/{name}");
    let refusal = Refusal::new(format!("no pod or workload is called `{asked}`"));
    if names.is_empty() {
        return refusal.with_help("the manifests make no pods");
    }
    let same_name = names.iter().find(|known| {
        known
            .split_once('/')
            .is_some_and(|(_, known)| known == name)
    });
    let similar = same_name
        .map(String::as_str)
        .or_else(|| most_similar(&asked, names.iter().map(String::as_str)));
    match similar {
        Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
        None => {
            let few: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
            refusal.with_help(format!("there are, among others: {}", few.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_kubectl_and_istioctl_read_them() {
        let table: [(&str, &[(&str, &str)]); 5] = [
            ("shop/web", &[("shop", "web")]),
            ("web", &[("default", "web")]),
            ("web.shop", &[("default", "web.shop"), ("shop", "web")]),
            ("deploy/web", &[("deploy", "web"), ("default", "web")]),
            (
                "deploy/web.shop",
                &[
                    ("deploy", "web.shop"),
                    ("default", "web.shop"),
                    ("shop", "web"),
                ],
            ),
        ];
        for (text, want) in table {
            assert_eq!(readings(text, "default"), want, "{text}");
        }
    }
}

//! Which pod is meant: by its own name or its workload's, as kubectl and istioctl spell them.

use control_plane::{PodId, Registry};

/// The pod called `text`, or the first pod of the workload called so.
///
/// `NS/NAME` names both; a lone `NAME` is in `namespace`; istioctl's `NAME.NS` and kubectl's `deployment/NAME` are
/// understood where nothing has the name otherwise.
pub fn pod(registry: &Registry, text: &str, namespace: &str) -> Option<PodId> {
    readings(text, namespace)
        .into_iter()
        .find_map(|(namespace, name)| by_name(registry, namespace, name))
}

/// The namespaces and names that the text may mean, in the order of preference.
pub fn readings<'a>(text: &'a str, namespace: &'a str) -> Vec<(&'a str, &'a str)> {
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

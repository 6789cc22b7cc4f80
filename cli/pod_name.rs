//! Which pod the user means: by its own name or its workload's, as kubectl and istioctl spell them.

use std::collections::BTreeSet;

use control_plane::{PodId, Registry};
use explain::find;

use crate::refusal::Refusal;
use crate::similar::most_similar;

/// The pod called `text`, or the first pod of the workload called so.
pub(crate) fn find_pod(registry: &Registry, text: &str, namespace: &str) -> Result<PodId, Refusal> {
    find::pod(registry, text, namespace).ok_or_else(|| unknown(registry, text, namespace))
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
    let (namespace, name) = find::readings(text, namespace)[0];
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

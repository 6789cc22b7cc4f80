//! Objects of kinds that are not read and would change what traffic meets: those of the mesh, those that make or stop
//! pods, and those that refuse connections.

use manifest::Resources;
use manifest::resource::Other;

/// An object of a kind that is not read, and what that means; empty where its kind says it.
pub fn other_kinds(resources: &Resources) -> impl Iterator<Item = (&Other, &'static str)> {
    let others = resources.others.iter();
    others.filter_map(|other| Some((other, meaning(other)?)))
}

fn meaning(other: &Other) -> Option<&'static str> {
    let group = other
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    if ["istio.io", "gateway.networking.k8s.io"]
        .iter()
        .any(|suffix| group.ends_with(suffix))
    {
        return Some("");
    }
    match (group, other.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => Some(NO_CONNECTION_IS_REFUSED),
        ("apps", "DaemonSet") | ("batch", "Job" | "CronJob") => Some(NO_PODS),
        ("argoproj.io", "AnalysisRun" | "Experiment") => {
            Some("a Rollout makes the runs that it needs by itself")
        }
        _ => None,
    }
}

/// Of NetworkPolicies.
pub(super) const NO_CONNECTION_IS_REFUSED: &str = "no connection is refused for it";
/// Of kinds that make pods.
pub(super) const NO_PODS: &str =
    "its pods are not made; a Deployment or a lone Pod in its place is";

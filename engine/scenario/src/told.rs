//! Whether what is told of a request by its explanation is what became of it in the run.

use explain::model::{Explanation, Hop};
use telemetry::AccessLogEntry;

/// Whether a story ends as the request did, and has the pod among its hops that was tried last.
pub fn is_told(explanation: &Explanation, entry: &AccessLogEntry) -> bool {
    !contradicts(explanation, entry) && leads_to_last_try(explanation, entry)
}

/// Whether the request was answered otherwise than proxies answer it by themselves, or went where none is sent.
fn contradicts(explanation: &Explanation, entry: &AccessLogEntry) -> bool {
    let outcome = &explanation.outcome;
    let is_given_up = entry.response_code == 0;
    let ends_otherwise = (outcome.status).is_some_and(|status| {
        status != entry.response_code || !has_flags(entry, &outcome.response_flags)
    });
    (ends_otherwise && !is_given_up) || !is_sent(explanation.hops.first(), entry)
}

fn has_flags(entry: &AccessLogEntry, flags: &str) -> bool {
    let all: Vec<&str> = entry.response_flags.split(',').collect();
    flags.split(',').all(|flag| all.contains(&flag))
}

/// Whether the first proxy sends any request to the cluster that this one went to.
fn is_sent(first: Option<&Hop>, entry: &AccessLogEntry) -> bool {
    let clusters = first.map_or(&[][..], |hop| &hop.clusters[..]);
    let mut weighted = clusters.iter().filter(|cluster| cluster.weight > 0);
    clusters.is_empty()
        || entry.upstream_cluster.is_empty()
        || weighted.any(|cluster| cluster.name == entry.upstream_cluster)
}

/// Whether the pod that was tried last is on the way, or the way ends where no try was made.
fn leads_to_last_try(explanation: &Explanation, entry: &AccessLogEntry) -> bool {
    // A way that leads to no hop of its own leads to wherever a request of it went.
    let beyond = explanation.hops.get(1..).unwrap_or_default();
    match entry.tries.last() {
        Some(last) if !last.pod.is_empty() => {
            let is_last = |hop: &Hop| hop.proxy.rsplit('/').next() == Some(&last.pod);
            beyond.is_empty() || beyond.iter().any(is_last)
        }
        Some(_) => true,
        None => beyond.is_empty(),
    }
}

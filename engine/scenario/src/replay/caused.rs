//! Which lines of an access log tell of a request that others of its lines led to. A simulated workload makes its calls
//! itself: whoever sent the recorded ones beside would send them twice.
//!
//! A line is one of those
//! - if it has the request id of a line whose time holds its own: the same request at the next proxy, or a call with the
//!   headers that applications hand on;
//! - if it left a pod that is a server in the same log, which Envoy says by `outbound|` and the pod's address;
//! - if it has no id where others have: our own log gives ids to what traffic sources sent.

use super::Recorded;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A line of an access log.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Nanoseconds from some beginning.
    pub(super) at: i128,
    /// How long it took.
    pub(super) millis: u64,
    /// `x-request-id`, empty if it has none.
    pub(super) id: String,
    /// The upstream cluster.
    pub(super) cluster: String,
    /// The address at which it arrived, with its port.
    pub(super) local: String,
    /// The address that it came from, with its port.
    pub(super) remote: String,
    pub(super) request: Recorded,
}

/// The requests that no other line led to, and how many others there are.
pub(super) fn without_caused(mut entries: Vec<Entry>) -> (Vec<Recorded>, usize) {
    let inbound = entries.iter().filter(|e| e.cluster.starts_with("inbound|"));
    let servers: BTreeSet<String> = inbound.filter_map(|entry| host(&entry.local)).collect();
    let have_ids = entries.iter().any(|entry| !entry.id.is_empty());
    let all = entries.len();
    // A proxy logs a request when it ends: of those that begin at once the last one holds the others.
    entries.reverse();
    entries.sort_by_key(|entry| (entry.at, Reverse(entry.millis)));
    let mut ends: BTreeMap<String, i128> = BTreeMap::new();
    entries.retain(|entry| {
        if entry.id.is_empty() {
            return !have_ids;
        }
        let of_server = entry.cluster.starts_with("outbound|")
            && host(&entry.remote).is_some_and(|host| servers.contains(&host));
        let is_within = ends.get(&entry.id).is_some_and(|end| entry.at <= *end);
        if is_within || of_server {
            return false;
        }
        let end = entry.at + i128::from(entry.millis) * 1_000_000;
        ends.insert(entry.id.clone(), end);
        true
    });
    let caused = all - entries.len();
    let recorded = entries.into_iter().map(|entry| entry.request);
    (recorded.collect(), caused)
}

/// An address without its port.
fn host(address: &str) -> Option<String> {
    let (host, _) = address.rsplit_once(':')?;
    Some(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start and duration in milliseconds, id, cluster, local and remote address.
    type Line = (
        i128,
        u64,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    );

    fn kept(lines: &[Line]) -> (Vec<i128>, usize) {
        let entry = |&(at, millis, id, cluster, local, remote): &Line| Entry {
            at: at * 1_000_000,
            millis,
            id: id.to_owned(),
            cluster: cluster.to_owned(),
            local: local.to_owned(),
            remote: remote.to_owned(),
            request: Recorded {
                at,
                method: "GET".to_owned(),
                host: String::new(),
                path: "/".to_owned(),
                headers: Vec::new(),
                body_bytes: 0,
                offset: 0,
            },
        };
        let (recorded, caused) = without_caused(lines.iter().map(entry).collect());
        (recorded.iter().map(|one| one.at).collect(), caused)
    }

    #[test]
    fn calls_while_a_request_is_served_are_caused() {
        let (own, other) = ("10.0.0.1:80", "10.0.0.9:3333");
        let (to, from) = ("outbound|80||db", "inbound|80||");
        // At a server: its calls with the same id, and those without by the address of the pod.
        assert_eq!(
            kept(&[
                (1, 5, "a", to, "10.9.9.9:80", "10.0.0.7:5"),
                (0, 10, "a", from, own, other),
                (3, 2, "b", to, "10.9.9.9:80", "10.0.0.1:5"),
                (20, 1, "c", from, own, other),
            ]),
            (vec![0, 20], 2)
        );
        // At a client: all of them, and a second one with an old id.
        assert_eq!(
            kept(&[
                (0, 5, "a", to, "", "10.0.0.9:1"),
                (6, 5, "a", to, "", "10.0.0.9:1"),
            ]),
            (vec![0, 6], 0)
        );
        // At both: once. They begin in the same millisecond, and the inner one ends first.
        assert_eq!(
            kept(&[(4, 1, "a", from, own, other), (4, 1, "a", to, "", other)]),
            (vec![4], 1)
        );
    }

    #[test]
    fn without_ids_nothing_is_known() {
        assert_eq!(
            kept(&[(0, 5, "", "", "", ""), (1, 1, "", "", "", "")]),
            (vec![0, 1], 0)
        );
        assert_eq!(
            kept(&[(0, 5, "users-1", "", "", ""), (1, 1, "", "", "", "")]),
            (vec![0], 1)
        );
    }
}

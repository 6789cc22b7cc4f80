//! What happens to many requests that differ in nothing but chance: the proxy that `run` simulates handles each, and
//! every server answers 200 at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Seed, SimTime};
use proxy::effect::{Effect, Reply, TimerKind};
use proxy::input::{Arrival, Input};
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::response::ResponseHead;
use proxy::response_flag::Details;
use proxy::table::{self, Resolution, Table};

use crate::model::{Cluster, Drawn, Draws, Outcome, OutcomeKind};

/// How many requests are drawn, and where randomness begins.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How many requests.
    pub count: u32,
    /// Where randomness begins.
    pub seed: u64,
}

/// What tells one thing that happened from another.
type What = (OutcomeKind, Option<u16>, String, Option<String>);

/// Handles HTTP requests and counts what happens to them.
pub(crate) fn requests(
    sample: Sample,
    (table, resolution): (&Table, &Resolution),
    explained: &Outcome,
    names: &Names,
) -> Draws {
    let mut proxy = Proxy::new(Arc::new(table.clone()), key(sample));
    let mut outcomes = BTreeMap::new();
    let mut mirrored = BTreeMap::new();
    let name = |id| names.cluster_name(id).to_owned();
    for identity in 0..u64::from(sample.count) {
        let request = Input::Request {
            tag: 0,
            identity,
            resolution,
            arrival: Arrival::WHOLE,
        };
        let (reply, copies) = handle(&mut proxy, request);
        let what = match (&resolution.outcome, reply.details) {
            // The proxy has no host to choose there, and the world sends the request where it was dialled.
            (
                table::Outcome::Passthrough(id),
                Details::NoHealthyUpstream | Details::ViaUpstream,
            ) => (explained.kind, None, "-".to_owned(), Some(name(*id))),
            _ => {
                let kind = kind_of(&reply, explained.kind);
                let is_local = kind != OutcomeKind::Forwarded;
                let status = is_local.then_some(reply.status);
                (
                    kind,
                    status,
                    reply.flags.to_string(),
                    reply.cluster.map(name),
                )
            }
        };
        *outcomes.entry(what).or_insert(0) += 1;
        for id in copies {
            *mirrored.entry(name(id)).or_insert(0) += 1;
        }
    }
    counted(sample, outcomes, mirrored)
}

/// Draws the cluster of connections, of which nothing else is left to chance.
pub(crate) fn connections(sample: Sample, clusters: &[Cluster], explained: &Outcome) -> Draws {
    let total: u64 = clusters
        .iter()
        .map(|cluster| u64::from(cluster.weight))
        .sum();
    let mut outcomes = BTreeMap::new();
    for identity in 0..u64::from(sample.count) {
        let mut left = base::Draws::new(key(sample), identity, 0).next_u64() % total.max(1);
        let chosen = clusters.iter().find(|cluster| {
            let is_chosen = left < u64::from(cluster.weight);
            left = left.saturating_sub(u64::from(cluster.weight));
            is_chosen
        });
        let what: What = (
            explained.kind,
            explained.status,
            explained.response_flags.clone(),
            chosen.map(|cluster| cluster.name.clone()),
        );
        *outcomes.entry(what).or_insert(0) += 1;
    }
    counted(sample, outcomes, BTreeMap::new())
}

fn key(sample: Sample) -> u64 {
    Seed::new(sample.seed).key("explain")
}

fn counted(
    sample: Sample,
    outcomes: BTreeMap<What, u32>,
    mirrored: BTreeMap<String, u32>,
) -> Draws {
    let drawn = |((kind, status, response_flags, cluster), count)| Drawn {
        kind,
        status,
        response_flags,
        cluster,
        count,
    };
    Draws {
        count: sample.count,
        seed: sample.seed,
        outcomes: outcomes.into_iter().map(drawn).collect(),
        mirrored,
    }
}

/// The reply to a request, and the clusters that got copies.
fn handle(proxy: &mut Proxy, request: Input<'_>) -> (Reply, Vec<proxy::names::ClusterId>) {
    let mut now = SimTime::ZERO;
    let mut copies = Vec::new();
    let mut reply = None;
    let mut effects = Vec::new();
    proxy.handle(now, request, &mut effects);
    while !effects.is_empty() {
        let mut next = Vec::new();
        for effect in effects {
            match effect {
                Effect::Connect(connect) => {
                    let connection = connect.connection;
                    proxy.handle(now, Input::Connected { connection }, &mut next);
                }
                Effect::Send(send) => {
                    if send.mirror {
                        copies.push(send.cluster);
                    }
                    let attempt = send.attempt;
                    let response = Input::Response {
                        attempt,
                        response: &ResponseHead::of(200),
                        complete: true,
                    };
                    proxy.handle(now, response, &mut next);
                }
                Effect::Reply { reply: given, .. } => reply = Some(given),
                // Nothing else takes time here, so no other timer ever expires.
                Effect::SetTimer { timer, at } if timer.kind == TimerKind::FaultDelay => {
                    now = at;
                    proxy.handle(now, Input::Timer(timer), &mut next);
                }
                Effect::ReplyStarted { .. }
                | Effect::Close(_)
                | Effect::Waits(_)
                | Effect::Unsent { .. }
                | Effect::SetTimer { .. }
                | Effect::CancelTimer(_)
                | Effect::Abandon(_)
                | Effect::Cancelled { .. }
                | Effect::Session(_)
                | Effect::Ejection { .. } => {}
            }
        }
        effects = next;
    }
    (
        reply.expect("every request is answered once its servers have answered"),
        copies,
    )
}

/// The kind of a reply; what chance cannot change is as it was explained.
const fn kind_of(reply: &Reply, explained: OutcomeKind) -> OutcomeKind {
    match reply.details {
        Details::FaultFilterAbort => OutcomeKind::FaultAbort,
        Details::ViaUpstream => OutcomeKind::Forwarded,
        Details::ClusterNotFound => OutcomeKind::NoCluster,
        Details::NoHealthyUpstream => OutcomeKind::NoHealthyUpstream,
        _ => explained,
    }
}

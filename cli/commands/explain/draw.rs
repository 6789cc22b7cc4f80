//! What happens to many requests that differ in nothing but chance: the proxy that `run` simulates handles each, and
//! every server answers 200 at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Seed, SimTime};
use proxy::effect::{Effect, Reply, TimerKind};
use proxy::input::Input;
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::response_flag::Details;
use proxy::table::{self, Resolution, Table};

use super::model::{Drawn, Draws, OutcomeKind};

/// Handles `count` requests and counts what happens to them.
pub(crate) fn draw(
    (table, resolution): (Table, Resolution),
    kind: OutcomeKind,
    names: &Names,
    count: u32,
    seed: u64,
) -> Draws {
    let mut proxy = Proxy::new(Arc::new(table), Seed::new(seed).key("explain"));
    let mut outcomes = BTreeMap::new();
    let mut mirrored = BTreeMap::new();
    for identity in 0..u64::from(count) {
        let request = Input::Request {
            tag: 0,
            identity,
            resolution: &resolution,
        };
        let (reply, copies) = handle(&mut proxy, request);
        let has_no_balancer = matches!(resolution.outcome, table::Outcome::Passthrough(_));
        let kind = kind_of(&reply, kind, has_no_balancer);
        let is_answered_elsewhere =
            matches!(kind, OutcomeKind::Forwarded | OutcomeKind::Passthrough);
        let key = (
            kind,
            (!is_answered_elsewhere).then_some(reply.status),
            if is_answered_elsewhere && has_no_balancer {
                "-".to_owned()
            } else {
                reply.flags.to_string()
            },
            reply.cluster.map(|id| names.cluster_name(id).to_owned()),
        );
        *outcomes.entry(key).or_insert(0) += 1;
        for cluster in copies {
            *mirrored
                .entry(names.cluster_name(cluster).to_owned())
                .or_insert(0) += 1;
        }
    }
    Draws {
        count,
        seed,
        outcomes: outcomes
            .into_iter()
            .map(|((kind, status, response_flags, cluster), count)| Drawn {
                kind,
                status,
                response_flags,
                cluster,
                count,
            })
            .collect(),
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
                Effect::Send(send) => {
                    if send.mirror {
                        copies.push(send.cluster);
                    }
                    let attempt = send.attempt;
                    if send.new_connection {
                        proxy.handle(now, Input::Connected { attempt }, &mut next);
                    }
                    let response = Input::Response {
                        attempt,
                        status: 200,
                        grpc_status: None,
                    };
                    proxy.handle(now, response, &mut next);
                }
                Effect::Reply { reply: given, .. } => reply = Some(given),
                // Nothing else takes time here, so no other timer ever expires.
                Effect::SetTimer { timer, at } if timer.kind == TimerKind::FaultDelay => {
                    now = at;
                    proxy.handle(now, Input::Timer(timer), &mut next);
                }
                Effect::SetTimer { .. }
                | Effect::CancelTimer(_)
                | Effect::Abandon(_)
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
fn kind_of(reply: &Reply, explained: OutcomeKind, has_no_balancer: bool) -> OutcomeKind {
    match reply.details {
        Details::FaultFilterAbort => OutcomeKind::FaultAbort,
        Details::ViaUpstream => OutcomeKind::Forwarded,
        Details::ClusterNotFound => OutcomeKind::NoCluster,
        Details::NoHealthyUpstream if !has_no_balancer => OutcomeKind::NoHealthyUpstream,
        _ => explained,
    }
}

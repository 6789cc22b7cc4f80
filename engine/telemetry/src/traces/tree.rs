//! A journey as a tree of requests, with names.

use crate::access_log::AccessLogEntry;
use crate::access_log::entry;
use crate::names::PlanNames;
use base::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};
use sim::observation::{Attempt, Exchange, Journey};
use sim::plan::Plan;
use std::collections::BTreeMap;

/// A request of a traffic source with all that it led to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The traffic source's name.
    pub traffic: String,
    /// When it began.
    #[serde(rename = "started_ns", with = "crate::written::time")]
    pub started: SimTime,
    /// From then until its end.
    #[serde(rename = "duration_ns", with = "crate::written::duration")]
    pub duration: SimDuration,
    /// The final status; 0 where there was none.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags; `-` if there are none.
    pub response_flags: String,
    /// Its requests: each comes after the one that it was made for.
    pub requests: Vec<TracedRequest>,
}

/// A request of a journey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedRequest {
    /// The place of the request that it was made for; none for requests of the traffic source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// What happened.
    #[serde(flatten)]
    pub entry: AccessLogEntry,
}

impl Trace {
    pub(super) fn of(
        journey: &Journey,
        exchanges: &[Exchange],
        attempts: &[Attempt],
        plan: &Plan,
        names: &PlanNames,
    ) -> Self {
        let mut tries: BTreeMap<u64, Vec<Attempt>> = BTreeMap::new();
        for attempt in attempts {
            tries.entry(attempt.exchange).or_default().push(*attempt);
        }
        let requests = in_order(exchanges).into_iter().map(|(parent, exchange)| {
            let tries = tries.get(&exchange.identity).map_or(&[][..], Vec::as_slice);
            TracedRequest {
                parent,
                entry: entry(exchange, tries, plan, names),
            }
        });
        Self {
            traffic: plan.traffic[journey.traffic.index()].name.clone(),
            started: journey.started,
            duration: journey.ended.since(journey.started),
            response_code: journey.reply.status,
            grpc_response_status: journey.reply.grpc_status,
            response_flags: journey.reply.flags.to_string(),
            requests: requests.collect(),
        }
    }
}

/// Each exchange after its parent, with the parent's place, and siblings in the order in which they began.
fn in_order(exchanges: &[Exchange]) -> Vec<(Option<usize>, &Exchange)> {
    let mut sorted: Vec<&Exchange> = exchanges.iter().collect();
    sorted.sort_by_key(|exchange| (exchange.started, exchange.identity));
    let known = |identity: u64| exchanges.iter().any(|other| other.identity == identity);
    let (mut tops, mut children) = (Vec::new(), BTreeMap::<u64, Vec<&Exchange>>::new());
    for exchange in sorted {
        let parent = exchange.trace.parent;
        // A parent that had not ended when the simulation did was not seen.
        if exchange.traffic.is_some() || parent == exchange.identity || !known(parent) {
            tops.push(exchange);
        } else {
            children.entry(parent).or_default().push(exchange);
        }
    }
    let mut order = Vec::with_capacity(exchanges.len());
    let mut next: Vec<(Option<usize>, &Exchange)> = Vec::new();
    next.extend(tops.into_iter().rev().map(|top| (None, top)));
    while let Some((parent, exchange)) = next.pop() {
        let place = order.len();
        order.push((parent, exchange));
        let below = children.remove(&exchange.identity).unwrap_or_default();
        next.extend(below.into_iter().rev().map(|child| (Some(place), child)));
    }
    order
}

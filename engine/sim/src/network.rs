//! How long a message takes from pod to pod: by workloads, by where they run, and by what happens to links meanwhile.
//!
//! What is lost is sent again, as TCP does it: after 200 ms, then 400 ms, and so on; the first packet of a connection after
//! 1 s, 2 s, and so on. Nothing is lost for good; who has a timeout gives up.
//!
//! Source: RFC 6298; Linux, include/net/tcp.h (TCP_RTO_MIN, TCP_TIMEOUT_INIT).

use crate::plan::network::{Disturbance, Ends, Link, Place, Tier};
use crate::plan::{Plan, PodId};
use base::{Distribution, Draws, SimDuration, SimTime};

/// One-way latencies between pods, ready for look-up.
#[derive(Debug)]
pub(crate) struct Latencies {
    /// By (source workload × number of workloads + target workload): an index into `links`, or none for the default.
    by_pair: Vec<Option<u16>>,
    workloads: usize,
    /// Where pods are; empty where that does not matter.
    places: Vec<Place>,
    /// Nothing ever happens to a link.
    is_calm: bool,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The first of a connection.
    Connection,
    /// Any other.
    Data,
}

impl Latencies {
    pub(crate) fn new(plan: &Plan) -> Self {
        let workloads = plan.workloads.len();
        let network = &plan.network;
        let is_lossy = |tier: &Tier| tier.loss > 0.0;
        let has_tiers = network.tiers.iter().any(Option::is_some);
        let places = if has_tiers || !network.disturbances.is_empty() {
            network.places.clone()
        } else {
            Vec::new()
        };
        let is_calm =
            network.disturbances.is_empty() && !network.tiers.iter().flatten().any(is_lossy);
        let mut by_pair = Vec::new();
        if !network.links.is_empty() {
            by_pair = vec![None; workloads * workloads];
        }
        for (index, link) in network.links.iter().enumerate().rev() {
            let index = u16::try_from(index).expect("fewer than 65536 links");
            by_pair[link.a.index() * workloads + link.b.index()] = Some(index);
            by_pair[link.b.index() * workloads + link.a.index()] = Some(index);
        }
        Self {
            by_pair,
            workloads,
            places,
            is_calm,
        }
    }

    /// A pod is on this node from now on.
    pub(crate) fn place(&mut self, pod: PodId, node: u32) {
        if let Some(place) = self.places.get_mut(pod.index()) {
            place.node = Some(node);
        }
    }

    /// The distribution of one way between two pods, as long as nothing happens to their link.
    #[inline]
    pub(crate) fn between<'a>(&self, plan: &'a Plan, from: PodId, to: PodId) -> &'a Distribution {
        let link = self.link(plan, from, to);
        if let Some(latency) = link.and_then(|link| link.latency.as_ref()) {
            return latency;
        }
        let tier = self.tier(plan, from, to);
        tier.and_then(|tier| tier.latency.as_ref())
            .unwrap_or(&plan.network.latency)
    }

    /// What is written about the link between two pods' workloads.
    #[inline]
    fn link<'a>(&self, plan: &'a Plan, from: PodId, to: PodId) -> Option<&'a Link> {
        if self.by_pair.is_empty() {
            return None;
        }
        let workload = |pod: PodId| plan.pods[pod.index()].workload.index();
        let pair = workload(from) * self.workloads + workload(to);
        self.by_pair[pair].map(|link| &plan.network.links[usize::from(link)])
    }

    /// How long a body of so many bytes takes from its first to its last.
    pub(crate) fn transfer(
        &self,
        plan: &Plan,
        (from, to): (PodId, PodId),
        bytes: u64,
    ) -> SimDuration {
        let link = self.link(plan, from, to);
        let bandwidth = link
            .and_then(|link| link.bandwidth)
            .or(plan.network.bandwidth);
        bandwidth.map_or(SimDuration::ZERO, |bits| {
            SimDuration::from_secs_f64(bytes as f64 * 8.0 / bits as f64)
        })
    }

    #[inline]
    fn tier<'a>(&self, plan: &'a Plan, from: PodId, to: PodId) -> Option<&'a Tier> {
        if self.places.is_empty() {
            return None;
        }
        let (a, b) = (&self.places[from.index()], &self.places[to.index()]);
        plan.network.tiers[a.distance_to(b) as usize].as_ref()
    }

    /// How long a message takes that sets out now; `draws` is only asked where chance matters.
    #[inline]
    pub(crate) fn way(
        &self,
        plan: &Plan,
        now: SimTime,
        (from, to): (PodId, PodId),
        message: Message,
        draws: impl Fn() -> Draws,
    ) -> SimDuration {
        let time = sample(self.between(plan, from, to), &draws);
        if self.is_calm {
            return time;
        }
        time + self.disturbed(plan, now, (from, to), message, draws)
    }

    /// How much longer it takes because of what happens to the link.
    fn disturbed(
        &self,
        plan: &Plan,
        now: SimTime,
        (from, to): (PodId, PodId),
        message: Message,
        draws: impl Fn() -> Draws,
    ) -> SimDuration {
        let of_tier = self.tier(plan, from, to).map_or(0.0, |tier| tier.loss);
        let mut draws = draws();
        // The first is for the latency itself.
        draws.unit();
        let mut after = SimDuration::ZERO;
        let mut pause = match message {
            Message::Connection => FIRST_CONNECTION_TIMEOUT,
            Message::Data => FIRST_TIMEOUT,
        };
        loop {
            let at = now + after;
            let mut arrives = 1.0 - of_tier;
            let mut delay = SimDuration::ZERO;
            for disturbance in self.disturbances(plan, at, from, to) {
                arrives *= 1.0 - disturbance.loss;
                delay += sample(&disturbance.delay, || draws);
            }
            if arrives >= 1.0 || draws.unit() <= arrives {
                return after + delay;
            }
            if at > SimTime::ZERO + plan.duration {
                return after;
            }
            after += pause;
            pause = (pause * 2).min(LONGEST_TIMEOUT);
        }
    }

    fn disturbances<'a>(
        &'a self,
        plan: &'a Plan,
        at: SimTime,
        from: PodId,
        to: PodId,
    ) -> impl Iterator<Item = &'a Disturbance> {
        let here = move |ends: &Ends, pod: PodId| match ends {
            Ends::Any => true,
            Ends::Pods(pods) => pods[pod.index()],
            Ends::Node(node) => self.places[pod.index()].node == Some(*node),
        };
        plan.network.disturbances.iter().filter(move |one| {
            let [a, b] = &one.between;
            one.from <= at
                && at < one.to
                && ((here(a, from) && here(b, to)) || (here(a, to) && here(b, from)))
        })
    }
}

/// A sample; `draws` is only asked where chance matters.
#[inline]
pub(crate) fn sample(distribution: &Distribution, mut draws: impl FnMut() -> Draws) -> SimDuration {
    match distribution {
        Distribution::Constant(value) => *value,
        Distribution::Uniform { .. }
        | Distribution::Exponential { .. }
        | Distribution::Lognormal(_)
        | Distribution::Empirical(_) => distribution.quantile(draws().unit()),
    }
}

/// When what was lost is first sent again.
const FIRST_TIMEOUT: SimDuration = SimDuration::from_millis(200);
/// The same of a connection's first packet.
const FIRST_CONNECTION_TIMEOUT: SimDuration = SimDuration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_TIMEOUT: SimDuration = SimDuration::from_secs(120);

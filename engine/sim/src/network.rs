//! How long a message takes from pod to pod.

use crate::plan::{Plan, PodId};
use base::{Distribution, Draws, SimDuration};

/// One-way latencies between workloads, ready for look-up.
#[derive(Debug)]
pub(crate) struct Latencies {
    /// By (source workload × number of workloads + target workload): an index into `links`, or none for the default.
    by_pair: Vec<Option<u16>>,
    workloads: usize,
}

impl Latencies {
    pub(crate) fn new(plan: &Plan) -> Self {
        let workloads = plan.workloads.len();
        if plan.network.links.is_empty() {
            return Self {
                by_pair: Vec::new(),
                workloads,
            };
        }
        let mut by_pair = vec![None; workloads * workloads];
        for (index, link) in plan.network.links.iter().enumerate().rev() {
            let index = u16::try_from(index).expect("fewer than 65536 links");
            by_pair[link.a.index() * workloads + link.b.index()] = Some(index);
            by_pair[link.b.index() * workloads + link.a.index()] = Some(index);
        }
        Self { by_pair, workloads }
    }

    /// The distribution of one way between two pods.
    #[inline]
    pub(crate) fn between<'a>(&self, plan: &'a Plan, from: PodId, to: PodId) -> &'a Distribution {
        if self.by_pair.is_empty() {
            return &plan.network.latency;
        }
        let workload = |pod: PodId| plan.pods[pod.index()].workload.index();
        match self.by_pair[workload(from) * self.workloads + workload(to)] {
            Some(link) => &plan.network.links[usize::from(link)].latency,
            None => &plan.network.latency,
        }
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

//! Traffic sources: when the next request arrives, from which pod, of which template.

use crate::plan::{Arrivals, Load, Plan, PodId, SiteId, Traffic};
use base::math::ln;
use base::rng::mix;
use base::{Draws, SimDuration, Stream};

/// The state of one traffic source.
#[derive(Debug)]
pub(crate) struct Client {
    /// Keys its requests' identities.
    key: u64,
    /// The gaps between arrivals, or the pauses of users.
    gaps: Stream,
    /// Requests begun so far.
    pub(crate) begun: u64,
    /// The current rate of an open load, requests a second.
    rate: f64,
    /// Tells arrivals scheduled before a change of rate from those after.
    pub(crate) epoch: u32,
    total_weight: u64,
}

impl Client {
    pub(crate) fn new(plan: &Plan, traffic: &Traffic) -> Self {
        Self {
            key: plan.seed.key(&format!("traffic/{}", traffic.name)),
            gaps: plan.seed.stream(&format!("arrivals/{}", traffic.name)),
            begun: 0,
            rate: match traffic.load {
                Load::Open { rate, .. } => rate,
                Load::Closed { .. } => 0.0,
            },
            epoch: 0,
            total_weight: traffic
                .templates
                .iter()
                .map(|(weight, _)| u64::from(*weight))
                .sum(),
        }
    }

    /// The time to the next arrival of an open load; none while its rate is zero.
    #[inline]
    pub(crate) fn gap(&mut self, arrivals: Arrivals) -> Option<SimDuration> {
        if self.rate <= 0.0 {
            return None;
        }
        let mean = 1e9 / self.rate;
        let nanos = match arrivals {
            Arrivals::Constant => mean,
            Arrivals::Poisson => -ln(self.gaps.unit()) * mean,
        };
        Some(SimDuration::from_nanos((nanos + 0.5) as u64))
    }

    /// The load goes on at another rate; arrivals scheduled so far are void.
    pub(crate) fn change_rate(&mut self, rate: f64) {
        self.rate = rate;
        self.epoch += 1;
    }

    /// A user's pause.
    pub(crate) fn think(&mut self, distribution: &base::Distribution) -> SimDuration {
        match distribution.constant() {
            Some(pause) => pause,
            None => distribution.quantile(self.gaps.unit()),
        }
    }

    /// The next request: its identity, pod and template.
    #[inline]
    pub(crate) fn next(&mut self, traffic: &Traffic) -> (u64, PodId, SiteId) {
        let identity = mix(self.key.wrapping_add(self.begun));
        let pod = traffic.from[(self.begun % traffic.from.len() as u64) as usize];
        self.begun += 1;
        (identity, pod, self.template(traffic, identity))
    }

    #[inline]
    fn template(&self, traffic: &Traffic, identity: u64) -> SiteId {
        if let [(_, only)] = traffic.templates[..] {
            return only;
        }
        let mut left = Draws::new(self.key, identity, 0).next_u64() % self.total_weight;
        for (weight, site) in &traffic.templates {
            if left < u64::from(*weight) {
                return *site;
            }
            left -= u64::from(*weight);
        }
        unreachable!("the draw is below the sum of the weights")
    }
}

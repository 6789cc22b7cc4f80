//! Which host of a list a try goes to.
//!
//! A list is all hosts of a priority, or its healthy ones, or those of one locality; each keeps its own place in the
//! rotation. What the list is, is [`crate::cluster`]'s to decide. With equal weights the algorithms are those of their
//! files; with different ones ROUND_ROBIN and LEAST_REQUEST follow an [`edf`] schedule, and RANDOM ignores weights.
//! RING_HASH and MAGLEV ask tables of their own ([`consistent_hash`]).
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc.

pub(crate) mod consistent_hash;
pub(crate) mod edf;
pub(crate) mod least_request;
pub(crate) mod maglev;
pub(crate) mod random;
pub(crate) mod ring_hash;
pub(crate) mod round_robin;
pub(crate) mod slow_start;

use crate::table::LbKind;
use base::Draws;
use edf::Schedule;

/// What a pick may depend on: a host's weight and the streams attached to it.
pub(crate) trait Hosts {
    /// The configured weight, at least one.
    fn weight(&self, host: u32) -> u32;
    /// Requests that hold a connection of the host.
    fn active(&self, host: u32) -> u32;
    /// The part of its weight that the host has while it warms up; none: it does not.
    fn warmth(&self, host: u32) -> Option<f64>;
}

/// Hosts among which one is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostList {
    pub(crate) hosts: Vec<u32>,
    /// How many picks ROUND_ROBIN has made, from its random start on.
    cursor: u64,
    /// In force while weights differ, or hosts warm up.
    schedule: Option<Schedule>,
}

impl HostList {
    /// An empty list with its place in the rotation.
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            hosts: Vec::new(),
            cursor: seed,
            schedule: None,
        }
    }

    /// The hosts have changed: a schedule begins anew, the place in the rotation stays.
    pub(crate) fn rebuild(&mut self, lb: LbKind, seed: u64, hosts: &impl Hosts) {
        let first = self.hosts.first().map(|host| hosts.weight(*host));
        let equal = self
            .hosts
            .iter()
            .all(|host| Some(hosts.weight(*host)) == first && hosts.warmth(*host).is_none());
        self.schedule = match lb {
            LbKind::RoundRobin | LbKind::LeastRequest if !equal => Some(Schedule::new(
                &self.hosts,
                |host| scheduled_weight(lb, hosts, host),
                seed as u32,
            )),
            LbKind::RoundRobin
            | LbKind::LeastRequest
            | LbKind::Random
            | LbKind::Hash(_)
            | LbKind::Provided => None,
        };
    }

    /// Chooses a host; none if there is none.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        lb: LbKind,
        hosts: &impl Hosts,
        draws: &mut Draws,
    ) -> Option<u32> {
        if self.hosts.len() < 2 {
            return self.hosts.first().copied();
        }
        if let Some(schedule) = &mut self.schedule {
            return Some(schedule.pick(|host| scheduled_weight(lb, hosts, host)));
        }
        match lb {
            LbKind::RoundRobin => Some(round_robin::pick(&self.hosts, &mut self.cursor)),
            LbKind::LeastRequest => Some(least_request::pick(&self.hosts, hosts, draws)),
            LbKind::Random => Some(random::pick(&self.hosts, draws)),
            LbKind::Hash(_) | LbKind::Provided => None,
        }
    }
}

fn scheduled_weight(lb: LbKind, hosts: &impl Hosts, host: u32) -> f64 {
    let warmth = hosts.warmth(host).unwrap_or(1.0);
    let weight = match lb {
        LbKind::LeastRequest => least_request::weight(hosts, host),
        LbKind::RoundRobin | LbKind::Random | LbKind::Hash(_) | LbKind::Provided => {
            f64::from(hosts.weight(host))
        }
    };
    weight * warmth
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::Hosts;

    /// Hosts with these weights and active requests.
    pub(crate) struct Given {
        pub(crate) weights: Vec<u32>,
        pub(crate) active: Vec<u32>,
    }

    impl Hosts for Given {
        fn weight(&self, host: u32) -> u32 {
            self.weights[host as usize]
        }
        fn active(&self, host: u32) -> u32 {
            self.active[host as usize]
        }
        fn warmth(&self, _host: u32) -> Option<f64> {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::Given;
    use super::*;

    #[test]
    fn different_weights_bring_a_schedule() {
        let hosts = Given {
            weights: vec![1, 3],
            active: vec![0, 0],
        };
        let mut draws = Draws::new(1, 1, 1);
        for (lb, counts) in [
            (LbKind::RoundRobin, Some([1000, 3000])),
            (LbKind::LeastRequest, Some([1000, 3000])),
            (LbKind::Random, None),
        ] {
            let mut list = HostList::new(0);
            list.hosts = vec![0, 1];
            list.rebuild(lb, 12_345, &hosts);
            let mut seen = [0, 0];
            for _ in 0..4000 {
                let host = list.pick(lb, &hosts, &mut draws).expect("there are hosts");
                seen[host as usize] += 1;
            }
            match counts {
                Some(counts) => assert_eq!(seen, counts, "{lb:?}"),
                None => assert!((1870..2130).contains(&seen[0]), "{lb:?}: {seen:?}"),
            }
        }
    }

    #[test]
    fn a_change_of_hosts_keeps_the_place_in_the_rotation() {
        let hosts = Given {
            weights: vec![1; 3],
            active: vec![0; 3],
        };
        let mut draws = Draws::new(1, 1, 1);
        let mut list = HostList::new(0);
        let mut pick =
            |list: &mut HostList| list.pick(LbKind::RoundRobin, &hosts, &mut draws).unwrap();
        list.hosts = vec![0, 1, 2];
        list.rebuild(LbKind::RoundRobin, 0, &hosts);
        assert_eq!([pick(&mut list), pick(&mut list)], [0, 1]);
        list.hosts = vec![0, 1];
        list.rebuild(LbKind::RoundRobin, 0, &hosts);
        assert_eq!([pick(&mut list), pick(&mut list)], [0, 1]);
    }
}

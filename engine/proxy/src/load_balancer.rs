//! Which host of a list a try goes to.
//!
//! A list is all hosts of a priority, or its healthy ones, or those of one locality. What the list is, is
//! [`crate::cluster`]'s to decide, and the same for all workers of a proxy; whose turn it is, each worker knows for
//! itself ([`worker::Worker`]), for each list ([`Turns`]). With equal weights the algorithms are those of their files;
//! with different ones ROUND_ROBIN and LEAST_REQUEST follow an [`edf`] schedule, and RANDOM ignores weights.
//! RING_HASH and MAGLEV ask tables that workers share ([`consistent_hash`]).
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc.

pub(crate) mod bounded_load;
pub(crate) mod consistent_hash;
pub(crate) mod edf;
pub(crate) mod least_request;
pub(crate) mod maglev;
pub(crate) mod random;
pub(crate) mod ring_hash;
pub(crate) mod round_robin;
pub(crate) mod slow_start;
pub(crate) mod worker;

use crate::table::LbKind;
use base::Draws;
use edf::Schedule;

/// What a pick may depend on: a host's weight and the streams attached to it.
pub(crate) trait Hosts {
    /// The configured weight, at least one.
    fn weight(&self, host: u32) -> u32;
    /// Requests that hold a connection of the host.
    fn active(&self, host: u32) -> u32;
    /// The part of its weight that the host has: less than one while it warms up.
    fn warmth(&self, host: u32) -> f64;
    /// Whether any host of the cluster may be warming up: then there are schedules whatever the weights.
    fn any_warming(&self) -> bool;
}

/// One worker's place in the rotation of one list of hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    /// How many picks ROUND_ROBIN has made, from its random start on.
    cursor: u64,
    /// In force while weights differ, or hosts warm up.
    schedule: Option<Schedule>,
}

impl Turns {
    /// A place in the rotation of a list that is empty yet.
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            cursor: seed,
            schedule: None,
        }
    }

    /// The list has changed: a schedule begins anew, the place in the rotation stays.
    pub(crate) fn rebuild(&mut self, list: &[u32], lb: LbKind, seed: u64, hosts: &impl Hosts) {
        let first = list.first().map(|host| hosts.weight(*host));
        let equal = list.iter().all(|host| Some(hosts.weight(*host)) == first);
        self.schedule = match lb {
            LbKind::RoundRobin | LbKind::LeastRequest(_)
                if list.len() > 1 && (!equal || hosts.any_warming()) =>
            {
                let weight = |host| scheduled_weight(lb, hosts, host);
                Some(Schedule::new(list, weight, seed as u32))
            }
            LbKind::RoundRobin
            | LbKind::LeastRequest(_)
            | LbKind::Random
            | LbKind::Hash(_)
            | LbKind::Provided => None,
        };
    }

    /// Chooses a host; none if there is none.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        list: &[u32],
        lb: LbKind,
        hosts: &impl Hosts,
        draws: &mut Draws,
    ) -> Option<u32> {
        if let Some(schedule) = &mut self.schedule {
            return Some(schedule.pick(|host| scheduled_weight(lb, hosts, host)));
        }
        if list.len() < 2 && !matches!(lb, LbKind::RoundRobin) {
            return list.first().copied();
        }
        match lb {
            LbKind::RoundRobin => round_robin::pick(list, &mut self.cursor),
            LbKind::LeastRequest(policy) => Some(policy.pick(list, hosts, draws)),
            LbKind::Random => Some(random::pick(list, draws)),
            LbKind::Hash(_) | LbKind::Provided => None,
        }
    }
}

fn scheduled_weight(lb: LbKind, hosts: &impl Hosts, host: u32) -> f64 {
    let weight = match lb {
        LbKind::LeastRequest(policy) => policy.weight(hosts, host),
        LbKind::RoundRobin | LbKind::Random | LbKind::Hash(_) | LbKind::Provided => {
            f64::from(hosts.weight(host))
        }
    };
    weight * hosts.warmth(host)
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
        fn warmth(&self, _host: u32) -> f64 {
            1.0
        }
        fn any_warming(&self) -> bool {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::Given;
    use super::least_request::LeastRequest;
    use super::*;

    #[test]
    fn different_weights_bring_a_schedule() {
        let hosts = Given {
            weights: vec![1, 3],
            active: vec![0, 0],
        };
        let mut draws = Draws::new(1, 1, 1);
        let least_request = LbKind::LeastRequest(LeastRequest::new(&xds::LeastRequest::default()));
        for (lb, counts) in [
            (LbKind::RoundRobin, Some([1000, 3000])),
            (least_request, Some([1000, 3000])),
            (LbKind::Random, None),
        ] {
            let list = [0, 1];
            let mut turns = Turns::new(0);
            turns.rebuild(&list, lb, 12_345, &hosts);
            let mut seen = [0, 0];
            for _ in 0..4000 {
                let host = turns.pick(&list, lb, &hosts, &mut draws);
                seen[host.expect("there are hosts") as usize] += 1;
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
        let mut turns = Turns::new(0);
        let lb = LbKind::RoundRobin;
        let mut pick = |turns: &mut Turns, list: &[u32]| {
            turns.rebuild(list, lb, 0, &hosts);
            [0; 2].map(|_| turns.pick(list, lb, &hosts, &mut draws).unwrap_or(9))
        };
        assert_eq!(pick(&mut turns, &[0, 1, 2]), [0, 1]);
        assert_eq!(pick(&mut turns, &[0, 1]), [0, 1]);
        assert_eq!(pick(&mut turns, &[1]), [1, 1]);
        assert_eq!(pick(&mut turns, &[]), [9, 9]);
        assert_eq!(
            pick(&mut turns, &[0, 1, 2]),
            [0, 1],
            "one pick counts as one"
        );
    }
}

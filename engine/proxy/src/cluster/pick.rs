//! The choice of a host for a try: priority, panic, and then the load balancer of the request's worker.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/load_balancing_policies/common/load_balancer_impl.cc
//! (hostSourceToUse), thread_aware_lb_impl.cc.

use super::ClusterState;
use super::host::{Health, Host};
use super::panic::{self, Availability, Loads};
use super::priority_set::Members;
use crate::draws;
use crate::load_balancer::Hosts;
use crate::load_balancer::slow_start::SlowStart;
use crate::load_balancer::worker::Worker;
use crate::names::EndpointId;
use crate::stats::ClusterStats;
use crate::table::LbKind;
use base::{Draws, SimTime};
use smallvec::SmallVec;

/// What one try's host selection may depend on, beside the hosts.
pub(crate) struct Selection {
    priority: Draws,
    host: Draws,
    /// The worker that serves the request.
    pub(crate) worker: u16,
    /// The request's hash, where it has one.
    pub(crate) hash: Option<u64>,
    /// How many hosts have been picked for this try and rejected.
    pub(crate) rejected: u32,
}

impl Selection {
    /// For the try numbered `number` of a request, or its mirror at that position; on the first worker and without a
    /// hash.
    #[inline]
    pub(crate) const fn new(key: u64, identity: u64, number: u16, mirror: bool) -> Self {
        let (pick, priority) = if mirror {
            (draws::MIRROR_PICK, draws::MIRROR_PRIORITY)
        } else {
            (draws::PICK, draws::PRIORITY)
        };
        Self {
            priority: Draws::new(key, identity, priority + number as u32),
            host: Draws::new(key, identity, pick + number as u32),
            worker: 0,
            hash: None,
            rejected: 0,
        }
    }

    /// The number that chooses the priority.
    fn priority(&mut self, lb: LbKind) -> u64 {
        match lb {
            // RANDOM uses one number for the priority and the host, and so do the hashing ones.
            LbKind::Random => {
                let mut peek = self.host;
                peek.next_u64()
            }
            LbKind::Hash(_) => self.hash(),
            LbKind::RoundRobin | LbKind::LeastRequest(_) | LbKind::Provided => {
                self.priority.next_u64()
            }
        }
    }

    /// The request's hash, or a random one in its place.
    fn hash(&mut self) -> u64 {
        *self.hash.get_or_insert_with(|| self.host.next_u64())
    }
}

impl ClusterState {
    /// Chooses a host for a try; none if there is none to choose. `retry_loads` replace the loads of priorities, where
    /// hosts are not chosen by hash.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        now: SimTime,
        selection: &mut Selection,
        retry_loads: Option<&Loads>,
        stats: &mut ClusterStats,
    ) -> Option<u32> {
        let lb = self.settings.lb;
        let hashed = matches!(lb, LbKind::Hash(_));
        let loads = retry_loads
            .filter(|_| !hashed)
            .unwrap_or(&self.priority_set.loads);
        let (priority, availability) = match loads.first()?.healthy {
            100 => (0, Availability::Healthy),
            _ => panic::choose(loads, selection.priority(lb)),
        };
        let level = &self.priority_set.levels[priority];
        let is_panicking = self.priority_set.loads[priority].panic;
        if let Some(table) = &level.hash_table {
            stats.lb_healthy_panic += u64::from(is_panicking && selection.rejected == 0);
            let hosts = &self.hosts;
            let order = &self.order;
            let active = |position: u32| hosts[order[position as usize] as usize].active;
            let attempt = selection.rejected;
            let position =
                table.pick(selection.hash(), attempt, self.usage.requests.get(), active)?;
            return Some(self.order[position as usize]);
        }
        self.worker(selection.worker, now);
        let hosts = HostsAt::new(
            &self.hosts,
            self.settings.slow_start,
            self.last_warming,
            now,
        );
        let worker = &mut self.workers[usize::from(selection.worker)];
        let worker = worker.as_mut()?;
        let level = (priority, &self.priority_set.levels[priority]);
        if is_panicking {
            stats.lb_healthy_panic += 1;
            if self.settings.fail_traffic_on_panic {
                return None;
            }
            return worker.pick_any(level, lb, &hosts, &mut selection.host);
        }
        worker.pick(level, availability, lb, &hosts, &mut selection.host)
    }

    /// Makes the load balancer of a worker that has none yet.
    #[inline]
    fn worker(&mut self, number: u16, now: SimTime) {
        let index = usize::from(number);
        if self.workers.get(index).is_some_and(Option::is_some) {
            return;
        }
        if self.workers.len() <= index {
            self.workers.resize_with(index + 1, || None);
        }
        let mut worker = Worker::new(number, self.seed, self.identity);
        let hosts = HostsAt::new(
            &self.hosts,
            self.settings.slow_start,
            self.last_warming,
            now,
        );
        worker.rebuild(&self.priority_set, self.settings.lb, self.identity, &hosts);
        self.workers[index] = Some(worker);
    }

    /// The loads of a retry after tries on these hosts, where each `frequency` tries leave the priorities that were
    /// tried; none where nothing is left out, or nobody is available at all.
    ///
    /// Source: envoyproxy/envoy 1.40, source/extensions/retry/priority/previous_priorities/previous_priorities.cc.
    pub(crate) fn retry_loads(&self, tried: &[EndpointId], frequency: u32) -> Option<Loads> {
        let health = self.priority_set.health(&self.members());
        let loads_without = |excluded: &[u32]| {
            let is_excluded =
                |priority: usize| excluded.iter().any(|one| *one as usize == priority);
            panic::loads_without(&health, self.policy.overprovisioning_factor, is_excluded)
        };
        let priority = |tried: &EndpointId| {
            let mut hosts = self.hosts.iter();
            hosts
                .find(|host| host.endpoint == *tried)
                .map(|host| host.priority)
        };
        let mut loads = None;
        let mut excluded: SmallVec<[u32; 4]> = SmallVec::new();
        let mut attempted = 0;
        for tried in tried {
            excluded.extend(priority(tried));
            attempted += 1;
            if attempted % frequency.max(1) != 0 {
                // What was left out before stays left out; nothing is from the begin.
                loads = loads.filter(|_| attempted > frequency);
                continue;
            }
            loads = loads_without(&excluded);
            if loads.is_none() {
                // All have been tried: from the begin.
                excluded.clear();
                attempted = 0;
                loads = loads_without(&excluded);
            }
        }
        loads
    }

    fn members(&self) -> Members<'_> {
        Members {
            hosts: &self.hosts,
            order: &self.order,
            localities: &self.localities,
            locality_weighted: self.settings.locality_weighted,
            policy: &self.policy,
            panic_threshold: self.settings.panic_threshold,
            hash_tables: self.hash_tables.as_deref(),
        }
    }

    /// Tells the load balancers about all hosts.
    pub(super) fn rebuild(&mut self, now: SimTime) {
        let mut set = std::mem::take(&mut self.priority_set);
        set.rebuild(&self.members());
        self.priority_set = set;
        if self.settings.slow_start.is_some() {
            for index in &self.order {
                let host = &mut self.hosts[*index as usize];
                if host.is_healthy() && host.warming_since.is_none() {
                    host.warming_since = Some(now);
                    self.last_warming = now;
                }
            }
        }
        let hosts = HostsAt::new(
            &self.hosts,
            self.settings.slow_start,
            self.last_warming,
            now,
        );
        for worker in self.workers.iter_mut().flatten() {
            worker.rebuild(&self.priority_set, self.settings.lb, self.identity, &hosts);
        }
    }
}

/// The hosts as a load balancer sees them at one time.
struct HostsAt<'a> {
    hosts: &'a [Host],
    /// The policy, while some host may be warming up.
    slow_start: Option<SlowStart>,
    now: SimTime,
}

impl<'a> HostsAt<'a> {
    #[inline]
    fn new(
        hosts: &'a [Host],
        slow_start: Option<SlowStart>,
        last_warming: SimTime,
        now: SimTime,
    ) -> Self {
        Self {
            hosts,
            slow_start: slow_start.filter(|policy| policy.lasts(last_warming, now)),
            now,
        }
    }
}

impl Hosts for HostsAt<'_> {
    #[inline]
    fn weight(&self, host: u32) -> u32 {
        self.hosts[host as usize].weight
    }

    #[inline]
    fn active(&self, host: u32) -> u32 {
        self.hosts[host as usize].active
    }

    fn warmth(&self, host: u32) -> f64 {
        let host = &self.hosts[host as usize];
        match (self.slow_start, host.warming_since) {
            (Some(policy), Some(since)) if host.health() == Health::Healthy => {
                policy.factor(since, self.now)
            }
            _ => 1.0,
        }
    }

    fn any_warming(&self) -> bool {
        self.slow_start.is_some()
    }
}

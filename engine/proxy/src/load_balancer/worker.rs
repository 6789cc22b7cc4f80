//! What one worker of a proxy knows of a cluster's rotations: each has its own, from its own random start.

use super::{Hosts, Turns};
use crate::cluster::{Availability, Level, PrioritySet};
use crate::draws;
use crate::load_balancer::edf::Schedule;
use crate::table::LbKind;
use base::{Draws, rng};

/// One worker's load balancer of one cluster.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What its random numbers are keyed by.
    key: u64,
    /// Where its rotations begin.
    seed: u64,
    levels: Vec<LevelTurns>,
    /// Locality schedules built so far.
    schedules: u64,
}

/// The rotations of one priority.
#[derive(Debug)]
struct LevelTurns {
    all: Turns,
    healthy: AvailableTurns,
    degraded: AvailableTurns,
}

/// The rotations of its healthy, or of its degraded hosts.
#[derive(Debug)]
struct AvailableTurns {
    whole: Turns,
    /// By locality, where localities are chosen by weight.
    localities: Vec<Turns>,
    /// Whose turn it is among localities.
    schedule: Option<Schedule>,
}

impl Worker {
    /// The load balancer of the worker with this number, in the proxy with this seed, for the cluster with this
    /// identity.
    pub(crate) fn new(number: u16, proxy_seed: u64, identity: u64) -> Self {
        let key = match number {
            0 => proxy_seed,
            number => rng::mix(proxy_seed ^ u64::from(number)),
        };
        Self {
            key,
            seed: draws::draw(key, identity, draws::LB_SEED),
            levels: Vec::new(),
            schedules: 0,
        }
    }

    /// Hosts, their health or their weights have changed.
    pub(crate) fn rebuild(
        &mut self,
        set: &PrioritySet,
        lb: LbKind,
        identity: u64,
        hosts: &impl Hosts,
    ) {
        let seed = self.seed;
        self.levels.resize_with(set.levels.len(), || LevelTurns {
            all: Turns::new(seed),
            healthy: AvailableTurns::new(seed),
            degraded: AvailableTurns::new(seed),
        });
        for (turns, level) in self.levels.iter_mut().zip(&set.levels) {
            turns.all.rebuild(&level.all, lb, seed, hosts);
            let site = draws::LOCALITY_SEED + (self.schedules & 0xFFFF) as u32;
            let start = draws::draw(self.key, identity, site) as u32;
            self.schedules += 1;
            for availability in [Availability::Healthy, Availability::Degraded] {
                turns.available(availability).rebuild(
                    level,
                    availability,
                    lb,
                    (seed, start),
                    hosts,
                );
            }
        }
    }

    /// Chooses among all hosts of a priority, healthy or not.
    #[inline]
    pub(crate) fn pick_any(
        &mut self,
        (priority, level): (usize, &Level),
        lb: LbKind,
        hosts: &impl Hosts,
        draws: &mut Draws,
    ) -> Option<u32> {
        self.levels[priority].all.pick(&level.all, lb, hosts, draws)
    }

    /// Chooses among the healthy or degraded hosts of a priority, in the locality whose turn it is.
    #[inline]
    pub(crate) fn pick(
        &mut self,
        (priority, level): (usize, &Level),
        availability: Availability,
        lb: LbKind,
        hosts: &impl Hosts,
        draws: &mut Draws,
    ) -> Option<u32> {
        let turns = self.levels[priority].available(availability);
        let (turns, list) = match &mut turns.schedule {
            Some(schedule) => {
                let shares = level.localities(availability);
                let chosen = schedule.pick(|locality| shares[locality as usize].share);
                let locality = chosen as usize;
                (&mut turns.localities[locality], &shares[locality].hosts[..])
            }
            None => (&mut turns.whole, level.available(availability)),
        };
        turns.pick(list, lb, hosts, draws)
    }
}

impl LevelTurns {
    #[inline]
    const fn available(&mut self, availability: Availability) -> &mut AvailableTurns {
        match availability {
            Availability::Healthy => &mut self.healthy,
            Availability::Degraded => &mut self.degraded,
        }
    }
}

impl AvailableTurns {
    const fn new(seed: u64) -> Self {
        Self {
            whole: Turns::new(seed),
            localities: Vec::new(),
            schedule: None,
        }
    }

    fn rebuild(
        &mut self,
        level: &Level,
        availability: Availability,
        lb: LbKind,
        (seed, start): (u64, u32),
        hosts: &impl Hosts,
    ) {
        self.whole
            .rebuild(level.available(availability), lb, seed, hosts);
        let localities = level.localities(availability);
        self.localities
            .resize_with(localities.len(), || Turns::new(seed));
        for (turns, locality) in self.localities.iter_mut().zip(localities) {
            turns.rebuild(&locality.hosts, lb, seed, hosts);
        }
        let chosen: Vec<u32> = (0_u32..)
            .zip(localities)
            .filter(|(_, locality)| locality.share > 0.0)
            .map(|(index, _)| index)
            .collect();
        let share = |index: u32| localities[index as usize].share;
        self.schedule = (!chosen.is_empty()).then(|| Schedule::new(&chosen, share, start));
    }
}

//! Outlier detection of a whole cluster: what is reported of its hosts, and its sweeps.

use super::host_monitor::Report;
use super::success_rate::Origin;
use super::{Detection, Ejection};
use crate::cluster::connection_pool::Pool;
use crate::cluster::{ClusterState, World};
use crate::draws;
use crate::effect::{Effect, TimerKind};
use crate::stats::ClusterStats;

impl ClusterState {
    /// Tells outlier detection what happened to a try.
    #[inline]
    pub(crate) fn report(
        &mut self,
        index: u32,
        report: Report,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        let Some(settings) = &self.outlier else {
            return;
        };
        let monitor = &mut self.hosts[index as usize].monitor;
        for detection in monitor.report(settings, report) {
            self.detected(index, detection, world, stats);
        }
        if self.rates_matter && !self.sweeping {
            self.schedule_sweep(world);
        }
    }

    /// Errors in a row: nothing new about a host that is ejected or has gone.
    fn detected(
        &mut self,
        index: u32,
        detection: Detection,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) {
        let host = &self.hosts[index as usize];
        if !host.configured || host.is_ejected() {
            return;
        }
        if self.judge(index, detection, world, stats) {
            self.health_changed(world);
        }
        self.hosts[index as usize].monitor.reset(detection);
    }

    /// Decides about a detected host; true if it is ejected.
    fn judge(
        &mut self,
        index: u32,
        detection: Detection,
        world: &mut World<'_>,
        stats: &mut ClusterStats,
    ) -> bool {
        let Some(settings) = &self.outlier else {
            return false;
        };
        stats.detected(detection);
        let members = u32::try_from(self.order.len()).expect("fewer than 2^32 hosts");
        let (seed, identity, number) = (world.seed, self.identity, &mut self.enforcing_draws);
        let mut draw = |site| {
            *number += 1;
            draws::draw(seed, identity ^ *number, site)
        };
        let verdict = settings.decide(detection, self.ejected, members, || draw(draws::ENFORCING));
        match verdict {
            Ejection::NotEnforced => return false,
            Ejection::Overflow => {
                stats.ejections_overflow += 1;
                return false;
            }
            Ejection::Yes => {}
        }
        stats.enforced(detection);
        self.ejected += 1;
        let jitter = match settings.max_ejection_time_jitter.is_zero() {
            true => settings.max_ejection_time_jitter,
            false => settings.jitter(draw(draws::EJECTION_JITTER)),
        };
        let host = &mut self.hosts[index as usize];
        host.monitor.eject(settings, jitter, world.now);
        world.effects.push(Effect::Ejection {
            cluster: self.id,
            endpoint: host.endpoint,
            ejected: true,
        });
        if !self.sweeping {
            self.schedule_sweep(world);
        }
        self.each_pool(index, world, stats, Pool::drain);
        true
    }

    fn schedule_sweep(&mut self, world: &mut World<'_>) {
        let Some(settings) = &self.outlier else {
            return;
        };
        let at = settings.next_sweep(self.started, world.now);
        self.sweeping = true;
        let timer = self.timer(TimerKind::OutlierSweep);
        world.effects.push(Effect::SetTimer { timer, at });
    }

    /// Outlier detection looks at its hosts: whose time is over, whose rate is too low, who has recovered.
    pub(crate) fn sweep(&mut self, world: &mut World<'_>, stats: &mut ClusterStats) {
        if !std::mem::take(&mut self.sweeping) {
            return;
        }
        let mut changed = self.uneject(world);
        for origin in [Origin::External, Origin::Local] {
            for (host, detection) in self.detected_by_rate(origin) {
                changed |= self.judge(host, detection, world, stats);
            }
        }
        let Some(settings) = &self.outlier else {
            return;
        };
        let mut has_work = false;
        for host in self.hosts.iter_mut().filter(|host| host.configured) {
            host.monitor.recover(settings, world.now);
            has_work |= host.monitor.needs_sweeps();
            let rates = [&host.monitor.external, &host.monitor.local];
            has_work |= self.rates_matter && rates.into_iter().any(|rate| !rate.is_empty());
        }
        if has_work && !self.sweeping {
            self.schedule_sweep(world);
        }
        if changed {
            self.health_changed(world);
        }
    }

    /// Takes hosts back whose time is over, and completes the interval's rates.
    fn uneject(&mut self, world: &mut World<'_>) -> bool {
        let Some(settings) = &self.outlier else {
            return false;
        };
        let before = self.ejected;
        for host in self.hosts.iter_mut().filter(|host| host.configured) {
            if host.monitor.uneject(settings, world.now) {
                self.ejected -= 1;
                world.effects.push(Effect::Ejection {
                    cluster: self.id,
                    endpoint: host.endpoint,
                    ejected: false,
                });
            }
            host.monitor.rotate();
        }
        self.ejected != before
    }

    fn detected_by_rate(&self, origin: Origin) -> Vec<(u32, Detection)> {
        let Some(settings) = self.outlier.as_ref().filter(|_| self.rates_matter) else {
            return Vec::new();
        };
        let in_use = self.order.iter().filter_map(|index| {
            let monitor = &self.hosts[*index as usize].monitor;
            let rate = match origin {
                Origin::External => monitor.external,
                Origin::Local => monitor.local,
            };
            (!monitor.is_ejected()).then_some((*index, rate))
        });
        settings.rates.detect(origin, in_use)
    }

    /// Whether rates are looked at: whether there are enough hosts.
    pub(crate) fn note_members(&mut self) {
        let members = self.order.len();
        self.rates_matter = self
            .outlier
            .as_ref()
            .is_some_and(|settings| settings.rates.matter_to(members));
    }
}

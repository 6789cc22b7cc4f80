//! Versions that get their traffic step by step, as Canaries of Flagger and Rollouts of Argo among the manifests say.
//!
//! ```text
//! a Canary, a Rollout ─► the manifests of each stage as its controller makes them (flagger.rs, argo.rs)
//!   ├─► the same with each setting that it can come to, one mesh each (set)
//!   └─► what it measures (metrics.rs), and what it does then, for the world (plan)
//! ```

mod argo;
mod flagger;
mod metrics;

use crate::compile::Writes;
use crate::compile::cluster::{Part, Pools, Written};
use crate::compile::progressive_delivery::metrics::Metrics;
use crate::compile::report::Report;
use crate::compile::tables::Tables;
use crate::object_name::ObjectName;
use crate::place::Place;
use base::Location;
use manifest::Resources;
use sim::plan::progressive_delivery::{Delivery, ProgressiveDelivery, Told};

pub(super) use argo::template_of;
pub(super) use metrics::Labelled;

/// All that are played.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    all: Vec<Declared>,
}

/// One, as it stands in the manifests.
#[derive(Debug)]
enum Declared {
    Canary(Box<flagger::Declared>),
    Rollout(Box<argo::Declared>),
}

impl Deliveries {
    /// The deliveries of the manifests. What their controllers make is added to the manifests of all stages.
    pub(super) fn of(stages: &mut [Written], report: &mut Report) -> Self {
        let rollouts = argo::declare(stages, report).into_iter().map(Box::new);
        let first = &stages[0].resources;
        let declared = first.canaries.iter();
        let canaries = declared.filter_map(|canary| flagger::declare(canary, first, report));
        let all: Vec<Declared> = canaries
            .map(|canary| Declared::Canary(Box::new(canary)))
            .chain(rollouts.map(Declared::Rollout))
            .collect();
        flagger::report_later(stages, report);
        let deliveries = Self { all };
        if deliveries.settings() > MOST {
            let message = format!(
                "the steps of all Canaries and Rollouts can come to {} ways of sharing traffic, and at most {MOST} are played",
                deliveries.settings()
            );
            report.invalid(&Place::at(deliveries.all[0].location()), message, None);
            return Self::default();
        }
        for stage in stages {
            for one in &deliveries.all {
                match one {
                    Declared::Canary(canary) => flagger::make(canary, &mut stage.resources),
                    Declared::Rollout(rollout) => {
                        rollout.share(rollout.settings[0], &mut stage.resources);
                    }
                }
            }
        }
        deliveries
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many settings all deliveries have together.
    pub(super) fn settings(&self) -> usize {
        self.all.iter().map(Declared::settings).product()
    }

    /// The manifests of a stage with the settings at a place: those of the last delivery change fastest.
    pub(super) fn set(&self, resources: &Resources, place: usize) -> Resources {
        let mut set = resources.clone();
        let mut rest = place;
        for one in self.all.iter().rev() {
            let setting = rest % one.settings();
            rest /= one.settings();
            match one {
                Declared::Canary(canary) => {
                    flagger::share(canary, canary.settings[setting], &mut set);
                }
                Declared::Rollout(rollout) => rollout.share(rollout.settings[setting], &mut set),
            }
        }
        set
    }

    /// What the controller of each writes.
    pub(super) fn writes(&self) -> Vec<Writes> {
        let writes = self.all.iter().map(|one| match one {
            Declared::Canary(canary) => flagger::writes(canary),
            Declared::Rollout(rollout) => rollout.writes(),
        });
        writes.collect()
    }

    /// Makes the workloads known whose pods are made by deliveries.
    pub(super) fn claim(&self, pools: &mut Pools) {
        for pool in &mut pools.pools {
            for one in &self.all {
                let Declared::Canary(canary) = one else {
                    continue;
                };
                if canary.target() == pool.name {
                    pool.part = Part::Target;
                } else if canary.primary() == pool.name {
                    pool.part = Part::Primary;
                }
            }
        }
    }

    /// What the world plays.
    pub(super) fn plan(
        &self,
        pools: &Pools,
        tables: &Tables,
        stages: usize,
        labelled: Labelled<'_>,
    ) -> Option<ProgressiveDelivery> {
        let mut metrics = Metrics::new(labelled);
        let deliveries: Vec<Delivery> = self
            .all
            .iter()
            .filter_map(|one| {
                let controller = |name: &ObjectName| pools.find(name).first().copied();
                Some(match one {
                    Declared::Canary(canary) => {
                        let (target, primary) = (canary.target(), canary.primary());
                        let controllers = [controller(&target)?, controller(&primary)?];
                        let series = metrics.of_canary(canary, &target);
                        Delivery::Canary(flagger::delivery(canary, controllers, series))
                    }
                    Declared::Rollout(rollout) => {
                        let controller = pools.rollout(&rollout.name)?;
                        Delivery::Rollout(rollout.plan(controller, &mut metrics))
                    }
                })
            })
            .collect();
        let told = |(pod, side, table)| Told { pod, side, table };
        let told = (0..stages).map(|stage| {
            let settings = 0..self.settings();
            let all = settings.map(|setting| {
                let all = tables.with_setting(stage, setting).into_iter();
                all.map(told).collect()
            });
            all.collect()
        });
        (!deliveries.is_empty()).then(|| ProgressiveDelivery {
            deliveries,
            series: metrics.series,
            told: told.collect(),
        })
    }
}

impl Declared {
    fn settings(&self) -> usize {
        match self {
            Self::Canary(canary) => canary.settings.len(),
            Self::Rollout(rollout) => rollout.settings.len(),
        }
    }

    fn location(&self) -> &Location {
        match self {
            Self::Canary(canary) => canary.location(),
            Self::Rollout(rollout) => rollout.location(),
        }
    }
}

/// Ways of sharing traffic that are compiled at most.
const MOST: usize = 256;

//! Versions that get their traffic step by step, as Canaries of Flagger among the manifests say.
//!
//! ```text
//! a Canary ─► what Flagger makes of it: primary, Services, DestinationRules, VirtualService (flagger.rs)
//!   ├─► the same with each setting that its steps can come to, one mesh each (set)
//!   └─► what it looks at, and what it does then, for the world (canary.rs)
//! ```

mod canary;
mod flagger;

use crate::compile::cluster::{Part, Pools, Written};
use crate::compile::progressive_delivery::canary::strategy;
use crate::compile::report::{Report, code};
use crate::compile::tables::Tables;
use crate::object_name::ObjectName;
use crate::place::Place;
use base::Location;
use manifest::Resources;
use manifest::canary::Canary;
use manifest::workload::Deployment;
use sim::plan::progressive_delivery::{Delivery, ProgressiveDelivery, Setting, Told};

/// All that are played.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    all: Vec<Declared>,
}

/// One, as it stands in the first manifests.
#[derive(Debug)]
struct Declared {
    canary: Canary,
    /// What it delivers.
    target: Deployment,
    /// The label that tells the primary's pods from the others, and its value.
    label: (String, String),
    settings: Vec<Setting>,
}

impl Deliveries {
    /// The deliveries of the first manifests. What their controller makes is added to the manifests of all stages.
    pub(super) fn of(stages: &mut [Written], report: &mut Report) -> Self {
        let first = &stages[0].resources;
        let declared = first.canaries.iter();
        let all: Vec<Declared> = declared
            .filter_map(|canary| declare(canary, first, report))
            .collect();
        report_later(stages, report);
        let deliveries = Self { all };
        if deliveries.settings() > MOST {
            let message = format!(
                "the steps of all Canaries can come to {} ways of sharing traffic, and at most {MOST} are played",
                deliveries.settings()
            );
            let place = place(&deliveries.all[0].canary.location);
            report.invalid(&place, message, None);
            return Self::default();
        }
        for stage in stages {
            for one in &deliveries.all {
                flagger::make(one, &mut stage.resources);
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
        self.all.iter().map(|one| one.settings.len()).product()
    }

    /// The manifests of a stage with the settings at a place: those of the last delivery change fastest.
    pub(super) fn set(&self, resources: &Resources, place: usize) -> Resources {
        let mut set = resources.clone();
        let mut rest = place;
        for one in self.all.iter().rev() {
            let setting = one.settings[rest % one.settings.len()];
            rest /= one.settings.len();
            flagger::share(one, setting, &mut set);
        }
        set
    }

    /// Makes the workloads known whose pods are made by deliveries.
    pub(super) fn claim(&self, pools: &mut Pools) {
        for pool in &mut pools.pools {
            let is = |name: ObjectName| name == pool.name;
            if self.all.iter().any(|one| is(one.target())) {
                pool.part = Part::Target;
            } else if self.all.iter().any(|one| is(one.primary())) {
                pool.part = Part::Primary;
            }
        }
    }

    /// What the world plays.
    pub(super) fn plan(
        &self,
        pools: &Pools,
        tables: &Tables,
        stages: usize,
    ) -> Option<ProgressiveDelivery> {
        let deliveries: Vec<Delivery> = self
            .all
            .iter()
            .filter_map(|one| {
                let controller = |name| pools.find(&name).first().copied();
                let (target, primary) = (controller(one.target())?, controller(one.primary())?);
                Some(canary::delivery(one, target, primary))
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
            told: told.collect(),
        })
    }
}

impl Declared {
    fn named(&self, name: String) -> ObjectName {
        ObjectName {
            namespace: self.canary.meta.namespace.clone(),
            name,
        }
    }

    /// The workload in which new versions are tried.
    fn target(&self) -> ObjectName {
        self.named(self.canary.spec.target_ref.name.clone())
    }

    /// The workload that has the version that holds.
    fn primary(&self) -> ObjectName {
        self.named(format!("{}-primary", self.canary.spec.target_ref.name))
    }
}

/// A Canary, if it can be played.
fn declare(canary: &Canary, resources: &Resources, report: &mut Report) -> Option<Declared> {
    let spec = &canary.spec;
    let mut not_played = |at: &Location, why: String| {
        let message = format!("Canary {} is not simulated: {why}", name_of(canary));
        report.warn(code::NOT_SIMULATED, &place(at), message, None);
        None
    };
    if let Some(provider) = &spec.provider
        && provider.as_str() != "istio"
    {
        return not_played(
            &provider.at,
            format!("its provider is `{}`", provider.value),
        );
    }
    if spec.suspend {
        return not_played(&canary.location, "it is suspended".to_owned());
    }
    if spec.target_ref.kind != "Deployment" {
        let why = format!("it delivers a {}", spec.target_ref.kind);
        return not_played(&spec.target_ref.at, why);
    }
    let protocol = spec.service.app_protocol.as_ref();
    if let Some(protocol) = protocol.filter(|one| one.eq_ignore_ascii_case("tcp")) {
        return not_played(&protocol.at, "its connections are plain TCP".to_owned());
    }
    let at = place(&spec.target_ref.at);
    let here = |one: &&Deployment| one.meta.namespace == canary.meta.namespace;
    let mut deployments = resources.deployments.iter().filter(here);
    let Some(target) = deployments.find(|one| one.meta.name == spec.target_ref.name) else {
        let known = resources.deployments.iter().filter(here);
        let known = known.map(|one| one.meta.name.as_str());
        report.unknown(&at, "Deployment", &spec.target_ref.name, known);
        return None;
    };
    let labels = &target.spec.selector.match_labels;
    let mut label = LABELS
        .iter()
        .filter_map(|key| Some((*key, labels.get(*key)?)));
    let Some((key, value)) = label.next() else {
        let message = format!(
            "the selector of Deployment {} names none of the labels by which Flagger tells versions apart",
            spec.target_ref.name
        );
        let help = "select by `app`, `name` or `app.kubernetes.io/name`";
        report.invalid(&at, message, Some(help.to_owned()));
        return None;
    };
    canary::report_unread(canary, report);
    Some(Declared {
        canary: canary.clone(),
        target: target.clone(),
        label: (key.to_owned(), value.clone()),
        settings: strategy(&spec.analysis.clone().unwrap_or_default()).settings(),
    })
}

/// Canaries that come or change later.
fn report_later(stages: &[Written], report: &mut Report) {
    for pair in stages.windows(2) {
        let (before, now) = (&pair[0].resources.canaries, &pair[1].resources.canaries);
        for canary in now {
            let known = before.iter().find(|one| {
                one.meta.namespace == canary.meta.namespace && one.meta.name == canary.meta.name
            });
            if known.is_none_or(|known| known.spec != canary.spec) {
                let message = format!(
                    "Canary {} is played as the first manifests have it",
                    name_of(canary)
                );
                report.warn(code::NOT_SIMULATED, &place(&canary.location), message, None);
            }
        }
    }
}

fn name_of(canary: &Canary) -> String {
    format!("{}/{}", canary.meta.namespace, canary.meta.name)
}

fn place(location: &Location) -> Place {
    Place {
        location: location.clone(),
        span: 0..0,
    }
}

/// The labels that Flagger looks for, in this order.
const LABELS: [&str; 3] = ["app", "name", "app.kubernetes.io/name"];
/// Ways of sharing traffic that are compiled at most.
const MOST: usize = 256;

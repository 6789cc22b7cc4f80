//! Rollouts of Argo among the manifests.
//!
//! ```text
//! a Rollout ─► its templates over time, each with a hash (templates.rs)
//!   ├─► Services, subsets and routes with each way of sharing traffic (objects.rs)
//!   └─► its strategy (strategy.rs), its AnalysisTemplates (analysis.rs) and their queries (query.rs), for the world
//! ```
//! What of it has no effect here is said in `unread.rs`.

mod analysis;
mod objects;
mod query;
mod strategy;
mod templates;
mod unread;

use crate::compile::Writes;
use crate::compile::cluster::Written;
use crate::compile::progressive_delivery::argo::analysis::Analyses;
use crate::compile::progressive_delivery::argo::strategy::{Routes, settings, strategy};
use crate::compile::progressive_delivery::argo::templates::{HASH, History};
use crate::compile::progressive_delivery::metrics::{LABELS, Metrics, sanitized};
use crate::compile::report::{Report, code};
use crate::object_name::ObjectName;
use crate::place::Place;
use base::{Location, SimDuration, SimTime};
use manifest::Resources;
use manifest::rollout::Rollout;
use sim::plan::cluster::ControllerId;
use sim::plan::progressive_delivery::rollout::{self, Traffic};
use sim::plan::progressive_delivery::series::SeriesId;
use std::collections::BTreeSet;

pub(in crate::compile) use templates::template_of;

/// A Rollout, as it stands in the manifests that have it first.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: ObjectName,
    rollout: Rollout,
    /// The manifests that have it first: their AnalysisTemplates count.
    resources: Resources,
    /// The hash of each template.
    hashes: Vec<String>,
    /// A stable template and one that may follow it.
    pairs: Vec<(usize, usize)>,
    routes: Routes,
    /// Whether `paused` is set from these times on.
    held: Vec<(SimTime, bool)>,
    pub(super) settings: Vec<Traffic>,
}

/// All Rollouts of all stages. Their pods get the label by which Argo tells templates apart.
pub(super) fn declare(stages: &mut [Written], report: &mut Report) -> Vec<Declared> {
    let histories = templates::resolve(stages, report);
    let mut declared = Vec::new();
    for history in histories {
        let History {
            name,
            first,
            hashes,
            sequence,
        } = history;
        let resources = stages[first].resources.clone();
        let rollouts = &resources.rollouts;
        let found = rollouts.iter().find(|one| is(one, &name));
        let rollout = found.expect("it is there from this stage on").clone();
        let routes = Routes::of(&rollout);
        let pairs = templates::pairs(&sequence);
        let most = stages.iter().flat_map(|stage| &stage.resources.rollouts);
        let most = most
            .filter(|one| is(one, &name))
            .map(|one| one.spec.replica_count());
        let replicas: BTreeSet<u32> = most.collect();
        let held = stages.iter().filter_map(|stage| {
            let mut all = stage.resources.rollouts.iter();
            let one = all.find(|one| is(one, &name))?;
            let is_paused = one.spec.paused.as_ref().is_some_and(|paused| paused.value);
            Some((stage.from, is_paused))
        });
        let held = held.collect();
        let settings = settings(&rollout, &routes, hashes.len(), &pairs, &replicas);
        let one = Declared {
            name,
            rollout,
            resources,
            hashes,
            pairs,
            routes,
            held,
            settings,
        };
        unread::report(&one.rollout, report);
        objects::check(&one, report);
        one.check_analyses(report);
        declared.push(one);
    }
    report_later(stages, &declared, report);
    declared
}

impl Declared {
    pub(super) fn location(&self) -> &Location {
        &self.rollout.location
    }

    /// Shares traffic so in the manifests of a stage.
    pub(super) fn share(&self, traffic: Traffic, resources: &mut Resources) {
        objects::share(self, traffic, resources);
    }

    /// What its controller writes.
    pub(super) fn writes(&self) -> Writes {
        objects::writes(self)
    }

    /// What the world plays.
    pub(super) fn plan(
        &self,
        controller: ControllerId,
        metrics: &mut Metrics<'_>,
    ) -> rollout::Rollout {
        let spec = &self.rollout.spec;
        // All that is to be said has been said.
        let mut said = Report::default();
        let labels = BTreeSet::new();
        let mut analyses = Analyses {
            rollout: &self.rollout,
            resources: &self.resources,
            labels: &labels,
            series: &mut |matchers, window| metrics.add(matchers, window),
            report: &mut said,
        };
        let deadline = spec.progress_deadline_seconds.unwrap_or(600);
        rollout::Rollout {
            name: self.name.to_string(),
            controller,
            settings: self.settings.clone(),
            pairs: self.pairs.clone(),
            strategy: strategy(&self.rollout, &self.routes, &mut |written, has_end| {
                let hashes = self.pairs.iter().map(|(stable, canary)| {
                    [self.hashes[*stable].as_str(), self.hashes[*canary].as_str()]
                });
                hashes
                    .map(|hashes| analyses.read(written, hashes, has_end))
                    .collect()
            }),
            progress_deadline: SimDuration::from_secs(u64::from(deadline)),
            aborts_at_deadline: spec.progress_deadline_abort,
            held: self.held.clone(),
        }
    }

    /// Says what is wrong with what is analysed.
    fn check_analyses(&self, report: &mut Report) {
        let labels = pod_labels(&self.resources);
        let mut analyses = Analyses {
            rollout: &self.rollout,
            resources: &self.resources,
            labels: &labels,
            series: &mut |_, _| SeriesId::new(0),
            report,
        };
        let hash = self.hashes[0].as_str();
        strategy(&self.rollout, &self.routes, &mut |written, has_end| {
            vec![analyses.read(written, [hash, hash], has_end)]
        });
    }
}

/// The labels that pods report under, beside Istio's own.
fn pod_labels(resources: &Resources) -> BTreeSet<String> {
    let deployments = resources.deployments.iter().map(|one| &one.spec.template);
    let sets = resources.stateful_sets.iter().map(|one| &one.spec.template);
    let rollouts = resources.rollouts.iter();
    let rollouts = rollouts.filter_map(|one| one.spec.template.as_ref());
    let templates = deployments.chain(sets).chain(rollouts);
    let pods = resources.pods.iter().map(|one| &one.meta);
    let all = templates.map(|template| &template.metadata).chain(pods);
    let keys = all.flat_map(|meta| meta.labels.keys());
    let own = keys.map(|key| sanitized(key));
    let known = LABELS.iter().map(|(label, _)| (*label).to_owned());
    own.chain(known)
        .chain(["pod".to_owned(), sanitized(HASH)])
        .collect()
}

fn is(one: &Rollout, name: &ObjectName) -> bool {
    one.meta.namespace == name.namespace && one.meta.name == name.name
}

/// What changes later of Rollouts beside their templates and numbers of pods, and of what they ask.
fn report_later(stages: &[Written], declared: &[Declared], report: &mut Report) {
    for stage in stages {
        for one in &stage.resources.rollouts {
            unread::report_own(one, report);
        }
    }
    let mut later = |what: String, at: &Location| {
        let message = format!("{what} is played as the first manifests have it");
        report.warn(code::NOT_SIMULATED, &Place::at(at), message, None);
    };
    for stage in stages {
        for one in &stage.resources.rollouts {
            let Some(first) = declared.iter().find(|first| is(one, &first.name)) else {
                continue;
            };
            let (was, now) = (&first.rollout.spec, &one.spec);
            let changed = [
                ("strategy", was.strategy != now.strategy),
                (
                    "minReadySeconds",
                    was.min_ready_seconds != now.min_ready_seconds,
                ),
                (
                    "progressDeadlineSeconds",
                    was.progress_deadline_seconds != now.progress_deadline_seconds,
                ),
                (
                    "progressDeadlineAbort",
                    was.progress_deadline_abort != now.progress_deadline_abort,
                ),
            ];
            for (field, _) in changed.into_iter().filter(|(_, has_changed)| *has_changed) {
                let of = &one.meta;
                let what = format!("`{field}` of Rollout {}/{}", of.namespace, of.name);
                later(what, &one.location);
            }
        }
    }
    for pair in stages.windows(2) {
        let (before, now) = (&pair[0].resources, &pair[1].resources);
        for one in &now.analysis_templates {
            let mut all = before.analysis_templates.iter();
            let was = all.find(|was| {
                was.meta.namespace == one.meta.namespace && was.meta.name == one.meta.name
            });
            if was.is_some_and(|was| was.spec != one.spec) {
                let of = &one.meta;
                let what = format!("AnalysisTemplate {}/{}", of.namespace, of.name);
                later(what, &one.location);
            }
        }
        for one in &now.cluster_analysis_templates {
            let mut all = before.cluster_analysis_templates.iter();
            let was = all.find(|was| was.meta.name == one.meta.name);
            if was.is_some_and(|was| was.spec.0 != one.spec.0) {
                later(
                    format!("ClusterAnalysisTemplate {}", one.meta.name),
                    &one.location,
                );
            }
        }
    }
}

//! Canaries of Flagger among the manifests.
//!
//! ```text
//! a Canary ─► what Flagger makes of it: primary, Services, DestinationRules, VirtualService (objects.rs)
//!   └─► what it looks at, and what it does then, for the world (canary.rs)
//! ```

mod canary;
mod objects;

use crate::compile::cluster::Written;
use crate::compile::progressive_delivery::flagger::canary::strategy;
use crate::compile::report::{Report, code};
use crate::object_name::ObjectName;
use crate::place::Place;
use base::{Location, SimDuration};
use manifest::Resources;
use manifest::canary::Canary;
use manifest::workload::Deployment;
use sim::plan::progressive_delivery::canary::Setting;

pub(super) use canary::delivery;
pub(super) use objects::{make, share, writes};

/// One, as it stands in the first manifests.
#[derive(Debug)]
pub(super) struct Declared {
    canary: Canary,
    /// What it delivers.
    target: Deployment,
    /// The label that tells the primary's pods from the others, and its value.
    label: (String, String),
    pub(super) settings: Vec<Setting>,
}

impl Declared {
    pub(super) fn location(&self) -> &Location {
        &self.canary.location
    }

    /// The longest time that its checks look back over.
    pub(super) fn longest(&self) -> SimDuration {
        let analysis = self.canary.spec.analysis.iter();
        let metrics = analysis.flat_map(|analysis| &analysis.metrics);
        let longest = metrics.filter_map(|metric| metric.interval).max();
        longest
            .unwrap_or(SimDuration::ZERO)
            .max(SimDuration::from_secs(60))
    }

    fn named(&self, name: String) -> ObjectName {
        ObjectName {
            namespace: self.canary.meta.namespace.clone(),
            name,
        }
    }

    /// The workload in which new versions are tried.
    pub(super) fn target(&self) -> ObjectName {
        self.named(self.canary.spec.target_ref.name.clone())
    }

    /// The workload that has the version that holds.
    pub(super) fn primary(&self) -> ObjectName {
        self.named(format!("{}-primary", self.canary.spec.target_ref.name))
    }
}

/// A Canary, if it can be played.
pub(super) fn declare(
    canary: &Canary,
    resources: &Resources,
    report: &mut Report,
) -> Option<Declared> {
    let spec = &canary.spec;
    let mut not_played = |at: &Location, why: String| {
        let message = format!("Canary {} is not simulated: {why}", name_of(canary));
        report.warn(code::NOT_SIMULATED, &Place::at(at), message, None);
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
    let at = Place::at(&spec.target_ref.at);
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
pub(super) fn report_later(stages: &[Written], report: &mut Report) {
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
                report.warn(
                    code::NOT_SIMULATED,
                    &Place::at(&canary.location),
                    message,
                    None,
                );
            }
        }
    }
}

fn name_of(canary: &Canary) -> String {
    format!("{}/{}", canary.meta.namespace, canary.meta.name)
}

/// The labels that Flagger looks for, in this order.
const LABELS: [&str; 3] = ["app", "name", "app.kubernetes.io/name"];

//! What a Canary asks of each step, and what of it is not played.

use crate::compile::progressive_delivery::flagger::{Declared, name_of};
use crate::compile::report::{Report, code};
use crate::place::Place;
use base::SimDuration;
use manifest::canary::{Canary, CanaryAnalysis, CanaryMetric};
use manifest::unread::Unread;
use sim::plan::cluster::ControllerId;
use sim::plan::progressive_delivery::canary::{self, Check, Figure, Strategy};
use sim::plan::progressive_delivery::series::SeriesId;

/// The delivery that a Canary declares, of these workloads.
pub(in crate::compile::progressive_delivery) fn delivery(
    declared: &Declared,
    [target, primary]: [ControllerId; 2],
    [answered, failed]: [SeriesId; 2],
) -> canary::Canary {
    let spec = &declared.canary.spec;
    let analysis = spec.analysis.clone().unwrap_or_default();
    let deadline = spec.progress_deadline_seconds.unwrap_or(600);
    let metrics = analysis.metrics.iter();
    canary::Canary {
        name: name_of(&declared.canary),
        target,
        primary,
        settings: declared.settings.clone(),
        interval: analysis.interval.unwrap_or(MINUTE).max(SHORTEST),
        strategy: strategy(&analysis),
        checks: metrics.filter_map(|one| check(one)).collect(),
        answered,
        failed,
        threshold: analysis.threshold.max(1),
        progress_deadline: SimDuration::from_secs(u64::from(deadline)),
        skips_analysis: spec.skip_analysis || spec.analysis.is_none(),
    }
}

/// How a Canary goes on.
pub(super) fn strategy(analysis: &CanaryAnalysis) -> Strategy {
    let step = analysis.step_weight_promotion;
    let promotion_step = (step > 0).then_some(step);
    match analysis.iterations {
        0 => Strategy::Canary {
            weights: weights(analysis),
            mirrors: analysis.mirror,
            promotion_step,
        },
        iterations if analysis.matches.is_empty() => Strategy::BlueGreen {
            iterations,
            mirrors: analysis.mirror,
            promotion_step,
        },
        iterations => Strategy::Experiment {
            iterations,
            promotion_step,
        },
    }
}

/// The shares of the new version one after the other: the last is the first that is not below the largest wanted.
fn weights(analysis: &CanaryAnalysis) -> Vec<u32> {
    let step = analysis.step_weight;
    let most = match (analysis.step_weights.last(), analysis.max_weight) {
        (Some(last), _) => (*last).min(100),
        (None, 0) => 100,
        (None, most) => most,
    };
    let mut weights = Vec::new();
    if step > 0 {
        let mut weight = 0;
        while weight < most.min(100) {
            weight = weight.saturating_add(step).min(100);
            weights.push(weight);
        }
        return weights;
    }
    for weight in &analysis.step_weights {
        weights.push((*weight).min(100));
        if *weight >= most {
            break;
        }
    }
    weights
}

/// What a metric asks for; none: it is not one of Flagger's own.
fn check(metric: &CanaryMetric) -> Option<Check> {
    let figure = match metric.name.as_str() {
        "request-success-rate" => Figure::SuccessRate,
        "request-duration" => Figure::Duration,
        _ => return None,
    };
    let (min, max) = match (metric.threshold_range, figure) {
        (Some(range), _) => (range.min, range.max),
        (None, Figure::SuccessRate) => (metric.threshold, None),
        (None, Figure::Duration) => (None, Some(metric.threshold.unwrap_or(0.0))),
    };
    Some(Check {
        figure,
        interval: metric.interval.unwrap_or(MINUTE),
        min,
        max,
    })
}

/// Says what of a Canary has no effect here.
pub(super) fn report_unread(canary: &Canary, report: &mut Report) {
    let (spec, service) = (&canary.spec, &canary.spec.service);
    let mut say = |at, what: String| {
        let message = format!("Canary {}: {what}", name_of(canary));
        report.warn(code::NOT_SIMULATED, &Place::at(at), message, None);
    };
    let analysis = spec.analysis.clone().unwrap_or_default();
    let fields: [(&Unread, &str); 11] = [
        (&spec.ingress_ref, "ingressRef"),
        (&spec.route_ref, "routeRef"),
        (&spec.upstream_ref, "upstreamRef"),
        (&service.gateway_refs, "service.gatewayRefs"),
        (&service.mirror, "service.mirror"),
        (&service.mesh_name, "service.meshName"),
        (&service.backends, "service.backends"),
        (&service.unmanaged_metadata, "service.unmanagedMetadata"),
        (&analysis.session_affinity, "analysis.sessionAffinity"),
        (
            &analysis.primary_ready_threshold,
            "analysis.primaryReadyThreshold",
        ),
        (
            &analysis.canary_ready_threshold,
            "analysis.canaryReadyThreshold",
        ),
    ];
    for (field, name) in fields {
        if let Some(written) = field {
            say(&written.at, format!("`{name}` is not simulated"));
        }
    }
    let flags = [
        (&service.port_discovery, "service.portDiscovery"),
        (&service.headless, "service.headless"),
    ];
    for (flag, name) in flags {
        if let Some(written) = flag.as_ref().filter(|written| written.value) {
            say(&written.at, format!("`{name}` is not simulated"));
        }
    }
    if let Some(reference) = &spec.autoscaler_ref
        && reference.kind != "HorizontalPodAutoscaler"
    {
        let kind = &reference.kind;
        say(
            &reference.at,
            format!("its autoscaler is a {kind}, which is not simulated"),
        );
    }
    for webhook in &analysis.webhooks {
        let what = match webhook.hook_type.as_str() {
            // Nobody waits for the answer of these.
            "event" | "post-rollout" => continue,
            "rollback" => "is not asked, and rolls nothing back",
            _ => "is not asked, and taken to agree",
        };
        say(&webhook.at, format!("webhook `{}` {what}", webhook.name));
    }
    for metric in &analysis.metrics {
        if check(metric).is_none() {
            let what = "is not measured, and taken to be kept";
            say(&metric.at, format!("metric `{}` {what}", metric.name));
        }
    }
    let has_steps = analysis.iterations > 0 || !weights(&analysis).is_empty();
    if spec.analysis.is_some() && !spec.skip_analysis && !has_steps {
        let what = "without `stepWeight`, `stepWeights` or `iterations` it never goes on";
        say(&canary.location, what.to_owned());
    }
}

const MINUTE: SimDuration = SimDuration::from_secs(60);
/// Flagger looks no more often.
const SHORTEST: SimDuration = SimDuration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_that_flagger_comes_to() {
        let by_step = |step_weight, max_weight| {
            weights(&CanaryAnalysis {
                step_weight,
                max_weight,
                ..CanaryAnalysis::default()
            })
        };
        assert_eq!(by_step(10, 30), [10, 20, 30]);
        // The last step may go beyond what is wanted.
        assert_eq!(by_step(20, 50), [20, 40, 60]);
        assert_eq!(by_step(40, 0), [40, 80, 100]);
        let listed = CanaryAnalysis {
            step_weights: vec![1, 5, 50],
            ..CanaryAnalysis::default()
        };
        assert_eq!(weights(&listed), [1, 5, 50]);
    }
}

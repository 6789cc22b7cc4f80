//! How a Rollout goes on: its steps, and all the ways of sharing traffic that they can come to.

use crate::compile::cluster::share;
use base::SimDuration;
use manifest::int_or_string::IntOrString;
use manifest::rollout::{Rollout, RolloutAnalysis, RolloutBlueGreen, RolloutCanary, RolloutStep};
use manifest::span::Spanned;
use sim::plan::cluster::Share;
use sim::plan::progressive_delivery::analysis::Analysis;
use sim::plan::progressive_delivery::rollout::{
    Background, BlueGreenStrategy, CanaryScale, CanaryStrategy, ScaleDown, Step, StepAction,
    Strategy, Traffic,
};
use std::collections::BTreeSet;

/// What is analysed, by pair of templates; the second argument says whether it must come to an end.
pub(super) type Read<'a> = &'a mut dyn FnMut(&Spanned<RolloutAnalysis>, bool) -> Vec<Analysis>;

/// The routes that steps make and take away again.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// The sets of routes that there can be, each by the steps that made them; the first is empty.
    pub(super) sets: Vec<Vec<usize>>,
    /// The set that each step leaves behind.
    of_steps: Vec<usize>,
}

impl Routes {
    pub(super) fn of(rollout: &Rollout) -> Self {
        let mut routes = Self {
            sets: vec![Vec::new()],
            of_steps: Vec::new(),
        };
        let Some(canary) = &rollout.spec.strategy.canary else {
            return routes;
        };
        let managed = canary
            .traffic_routing
            .iter()
            .flat_map(|one| &one.managed_routes);
        let order: Vec<&str> = managed.map(|route| route.name.as_str()).collect();
        let mut made: Vec<Option<usize>> = vec![None; order.len()];
        for (index, step) in canary.steps.iter().enumerate() {
            let header = step.set_header_route.as_ref();
            let mirror = step.set_mirror_route.as_ref();
            let change = header
                .map(|one| (&one.name, one.matches.is_empty()))
                .or(mirror.map(|one| (&one.name, one.matches.is_empty())));
            if let Some((name, is_gone)) = change
                && let Some(place) = order.iter().position(|one| one == name)
            {
                made[place] = (!is_gone).then_some(index);
            }
            let set: Vec<usize> = made.iter().flatten().copied().collect();
            let known = routes.sets.iter().position(|one| *one == set);
            routes.of_steps.push(known.unwrap_or_else(|| {
                routes.sets.push(set);
                routes.sets.len() - 1
            }));
        }
        routes
    }
}

/// All the ways of sharing traffic that a Rollout can come to, of which the first holds at the start.
pub(super) fn settings(
    rollout: &Rollout,
    routes: &Routes,
    templates: usize,
    pairs: &[(usize, usize)],
    replicas: &BTreeSet<u32>,
) -> Vec<Traffic> {
    let settled = |template| Traffic {
        stable: template,
        canary: template,
        ..Traffic::default()
    };
    let mut shares: Vec<(u32, usize)> = vec![(0, 0)];
    if let Some(canary) = &rollout.spec.strategy.canary
        && canary.traffic_routing.is_some()
    {
        shares.extend(shares_of(canary, routes, replicas));
    }
    let mut settings: Vec<Traffic> = (0..templates).map(settled).collect();
    for (stable, canary) in pairs {
        for (weight, routes) in &shares {
            let traffic = Traffic {
                stable: *stable,
                canary: *canary,
                weight: *weight,
                routes: *routes,
            };
            if !settings.contains(&traffic) {
                settings.push(traffic);
            }
        }
    }
    settings
}

/// The shares of a canary, each with the routes that there are meanwhile.
fn shares_of(
    canary: &RolloutCanary,
    routes: &Routes,
    replicas: &BTreeSet<u32>,
) -> Vec<(u32, usize)> {
    let mut shares = Vec::new();
    let (mut weight, mut set) = (0, 0);
    for (step, now) in canary.steps.iter().zip(&routes.of_steps) {
        // Until its pods are there, a step has the share of the one before.
        shares.push((weight, *now));
        weight = step.set_weight.unwrap_or(weight);
        set = *now;
        shares.push((weight, set));
        // Whoever promotes it in full takes the routes away.
        shares.push((weight, 0));
    }
    if !canary.steps.is_empty() {
        shares.push((100, set));
        shares.push((100, 0));
    }
    if canary.dynamic_stable_scale {
        for total in replicas.iter().filter(|total| **total > 0) {
            let parts = (0..=*total).map(|part| 100 * part / total);
            shares.extend(parts.flat_map(|part| [(part, 0), (100 - part, 0)]));
        }
    }
    shares
}

/// The strategy of a Rollout.
pub(super) fn strategy(rollout: &Rollout, routes: &Routes, read: Read<'_>) -> Strategy {
    match (
        &rollout.spec.strategy.canary,
        &rollout.spec.strategy.blue_green,
    ) {
        (Some(canary), _) => Strategy::Canary(canary_strategy(canary, routes, read)),
        (None, Some(blue_green)) => Strategy::BlueGreen(blue_green_strategy(blue_green, read)),
        (None, None) => unreachable!("a Rollout without a strategy is refused"),
    }
}

fn canary_strategy(written: &RolloutCanary, routes: &Routes, read: Read<'_>) -> CanaryStrategy {
    let is_routed = written.traffic_routing.is_some();
    let steps = written.steps.iter().zip(&routes.of_steps);
    let steps = steps.map(|(one, routes)| {
        let (text, action) = step(one, is_routed, &mut *read);
        Step {
            text,
            action,
            routes: *routes,
        }
    });
    let steps = steps.collect();
    let quarter = Share::Percent(25);
    CanaryStrategy {
        steps,
        is_routed,
        background: written.analysis.as_ref().map(|analysis| Background {
            starting_step: analysis.starting_step as usize,
            analyses: read(analysis, false),
        }),
        max_surge: written.max_surge.as_ref().map_or(quarter, share),
        max_unavailable: written.max_unavailable.as_ref().map_or(quarter, share),
        dynamic_stable_scale: is_routed && written.dynamic_stable_scale,
        min_pods: written.min_pods_per_replica_set.unwrap_or(1),
        scale_down: scale_down(
            written.scale_down_delay_seconds,
            written.scale_down_delay_revision_limit,
            written.abort_scale_down_delay_seconds,
        ),
    }
}

fn blue_green_strategy(written: &RolloutBlueGreen, read: Read<'_>) -> BlueGreenStrategy {
    let seconds = SimDuration::from_secs(u64::from(written.auto_promotion_seconds));
    BlueGreenStrategy {
        preview_replicas: written.preview_replica_count,
        auto_promotion: written
            .auto_promotion_enabled
            .unwrap_or(true)
            .then_some(seconds),
        pre_promotion: written
            .pre_promotion_analysis
            .as_ref()
            .map(|one| read(one, true)),
        post_promotion: written
            .post_promotion_analysis
            .as_ref()
            .map(|one| read(one, true)),
        scale_down: scale_down(
            written.scale_down_delay_seconds,
            written.scale_down_delay_revision_limit,
            written.abort_scale_down_delay_seconds,
        ),
    }
}

/// Source: argoproj/argo-rollouts, utils/defaults/defaults.go.
fn scale_down(delay: Option<u32>, revisions: Option<u32>, abort_delay: Option<u32>) -> ScaleDown {
    let seconds = |seconds: u32| SimDuration::from_secs(u64::from(seconds));
    let abort_delay = abort_delay.unwrap_or(30);
    ScaleDown {
        delay: seconds(delay.unwrap_or(30)),
        revisions,
        abort_delay: (abort_delay > 0).then(|| seconds(abort_delay)),
    }
}

fn step(written: &RolloutStep, is_routed: bool, read: Read<'_>) -> (String, StepAction) {
    if let Some(weight) = written.set_weight {
        return (format!("setWeight {weight}"), StepAction::SetWeight(weight));
    }
    if let Some(pause) = &written.pause {
        let lasts = pause.duration.as_ref().and_then(|one| duration(one));
        let text = match lasts {
            Some(lasts) => format!("paused for {lasts}"),
            None => "paused until promoted".to_owned(),
        };
        return (text, StepAction::Pause(lasts));
    }
    if let Some(scale) = &written.set_canary_scale {
        let (text, scale) = match (scale.replicas, scale.weight) {
            (Some(count), _) => (format!("{count} pods"), CanaryScale::Replicas(count)),
            (None, Some(weight)) => (format!("pods for {weight} %"), CanaryScale::Weight(weight)),
            (None, None) => (
                "pods for its share".to_owned(),
                CanaryScale::MatchTrafficWeight,
            ),
        };
        let text = format!("setCanaryScale {text}");
        return match is_routed {
            true => (text, StepAction::SetCanaryScale(scale)),
            false => (text, StepAction::Skipped),
        };
    }
    if let Some(analysis) = &written.analysis {
        let analyses = read(analysis, true);
        let name = analyses.first().map_or("", |one| one.name.as_str());
        return (format!("analysis {name}"), StepAction::Analysis(analyses));
    }
    if let Some(route) = &written.set_header_route {
        return (
            format!("setHeaderRoute {}", route.name),
            StepAction::SetRoutes,
        );
    }
    if let Some(route) = &written.set_mirror_route {
        return (
            format!("setMirrorRoute {}", route.name),
            StepAction::SetRoutes,
        );
    }
    (
        "skipped, it is not simulated".to_owned(),
        StepAction::Skipped,
    )
}

/// Seconds, or a duration; none: it cannot be read.
pub(super) fn duration(written: &IntOrString) -> Option<SimDuration> {
    match written {
        IntOrString::Int(seconds) => {
            let seconds = u64::try_from(*seconds).ok()?;
            Some(SimDuration::from_secs(seconds))
        }
        IntOrString::String(text) => match text.parse() {
            Ok(seconds) => Some(SimDuration::from_secs(seconds)),
            Err(_) => text.parse().ok(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_unless_they_have_a_unit() {
        let text = |text: &str| duration(&IntOrString::String(text.to_owned()));
        assert_eq!(duration(&IntOrString::Int(90)), text("90"));
        assert_eq!(text("90"), text("1m30s"));
        assert_eq!(text("soon"), None);
    }
}

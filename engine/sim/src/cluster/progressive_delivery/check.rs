//! Flagger's own metrics, and whether a step keeps what is asked of them.
//!
//! Source: fluxcd/flagger, pkg/metrics/observers/istio.go, pkg/controller/scheduler_metrics.go.

use crate::cluster::progressive_delivery::meter::Meter;
use crate::plan::progressive_delivery::canary::{Canary, Check, Figure};
use base::SimTime;

/// Whether all checks are kept, and what was measured; the first that is not decides.
pub(super) fn check(plan: &Canary, meters: &[Meter], now: SimTime) -> Result<String, String> {
    let mut kept = Vec::new();
    for check in &plan.checks {
        kept.push(check_one(plan, *check, meters, now)?);
    }
    match &kept[..] {
        [] => Ok("nothing is checked".to_owned()),
        kept => Ok(kept.join(", ")),
    }
}

fn check_one(
    plan: &Canary,
    check: Check,
    meters: &[Meter],
    now: SimTime,
) -> Result<String, String> {
    let (name, unit, places) = match check.figure {
        Figure::SuccessRate => ("success rate", "%", 2),
        Figure::Duration => ("p99", "ms", 0),
    };
    let Some(value) = figure(plan, check, meters, now) else {
        return Err(format!("no values found for the {name}"));
    };
    let value = match check.figure {
        Figure::SuccessRate => value,
        // Flagger counts whole milliseconds.
        Figure::Duration => value.trunc(),
    };
    let text =
        |sign: &str, bound: f64| format!("{name} {value:.places$} {unit} {sign} {bound} {unit}");
    match (check.min, check.max) {
        (Some(min), _) if value < min => Err(text("<", min)),
        (_, Some(max)) if value > max => Err(text(">", max)),
        (Some(min), _) => Ok(text("≥", min)),
        (None, Some(max)) => Ok(text("≤", max)),
        (None, None) => Ok(format!("{name} {value:.places$} {unit}")),
    }
}

/// What was measured; none: there were no requests.
fn figure(plan: &Canary, check: Check, meters: &[Meter], now: SimTime) -> Option<f64> {
    let answered = meters[plan.answered.index()].growth(now, check.interval)?;
    let count = answered.requests();
    if count == 0 {
        return None;
    }
    Some(match check.figure {
        Figure::SuccessRate => {
            let failed = meters[plan.failed.index()].growth(now, check.interval);
            let failed = failed.map_or(0, |failed| failed.requests());
            (count - failed) as f64 * 100.0 / count as f64
        }
        Figure::Duration => answered.quantile(0.99),
    })
}

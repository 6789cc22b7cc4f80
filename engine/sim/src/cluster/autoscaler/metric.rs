//! How many pods a metric asks for: a pure decision.
//!
//! Pods without figures count as doing just enough not to scale in their direction, and pods that are not ready as doing
//! nothing when there is more to do, so that neither leads to a hasty step.
//!
//! Source: kubernetes/kubernetes, pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas,
//! calcPlainMetricReplicas, groupPods), metrics/utilization.go.

use crate::plan::cluster::Metric;

/// What is known of a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Cores that it used.
    pub(crate) cores: f64,
    /// Requests a second that reached it.
    pub(crate) requests_per_second: f64,
    /// Cores that it asks for; none: not all of its containers do.
    pub(crate) requested_cores: Option<f64>,
    /// It has no container that runs.
    pub(crate) is_pending: bool,
    /// It has been measured.
    pub(crate) has_figures: bool,
    /// Its CPU is not to be trusted yet.
    pub(crate) is_unready: bool,
}

/// The pods that a metric asks for, where it can be read.
pub(crate) fn replicas_for(
    metric: Metric,
    current: u32,
    tolerance: f64,
    samples: &[Sample],
) -> Option<u32> {
    let mut figures = Vec::new();
    let (mut unready, mut missing) = (Vec::new(), Vec::new());
    for sample in samples {
        if sample.is_pending || (metric.is_cpu() && sample.has_figures && sample.is_unready) {
            unready.push(sample);
        } else if sample.has_figures {
            figures.push((sample, measured(metric, sample)));
        } else {
            missing.push(sample);
        }
    }
    let ready = figures.len();
    let ratio = ratio(metric, &figures)?;
    let counts_unready = !unready.is_empty() && ratio > 1.0;
    let is_within = |ratio: f64| 1.0 - tolerance <= ratio && ratio <= 1.0 + tolerance;
    if !counts_unready && missing.is_empty() {
        return Some(if is_within(ratio) {
            current
        } else {
            (ratio * ready as f64).ceil() as u32
        });
    }
    if ratio < 1.0 {
        // As much as the target, or all that they ask for.
        let assumed = metric.target().max(match metric {
            Metric::CpuUtilization(_) => 100.0,
            Metric::CpuAverage(target) | Metric::RequestsPerSecond(target) => target,
        });
        figures.extend(missing.iter().map(|sample| {
            let share = match metric {
                Metric::CpuUtilization(_) => {
                    assumed / 100.0 * sample.requested_cores.unwrap_or(0.0)
                }
                Metric::CpuAverage(_) | Metric::RequestsPerSecond(_) => assumed,
            };
            (*sample, share)
        }));
    } else if ratio > 1.0 {
        figures.extend(missing.iter().map(|sample| (*sample, 0.0)));
    }
    if counts_unready {
        figures.extend(unready.iter().map(|sample| (*sample, 0.0)));
    }
    let anew = self::ratio(metric, &figures)?;
    if is_within(anew) || (ratio < 1.0 && anew > 1.0) || (ratio > 1.0 && anew < 1.0) {
        return Some(current);
    }
    let wanted = (anew * figures.len() as f64).ceil() as u32;
    let is_contrary = (anew < 1.0 && wanted > current) || (anew > 1.0 && wanted < current);
    Some(if is_contrary { current } else { wanted })
}

fn measured(metric: Metric, sample: &Sample) -> f64 {
    match metric {
        Metric::CpuUtilization(_) | Metric::CpuAverage(_) => sample.cores,
        Metric::RequestsPerSecond(_) => sample.requests_per_second,
    }
}

/// What is measured, in terms of the target; none: of no pod, or of pods that ask for no CPU.
fn ratio(metric: Metric, figures: &[(&Sample, f64)]) -> Option<f64> {
    if figures.is_empty() {
        return None;
    }
    let sum: f64 = figures.iter().map(|(_, figure)| figure).sum();
    let share = match metric {
        Metric::CpuUtilization(_) => {
            let asked = figures.iter().map(|(sample, _)| sample.requested_cores);
            let asked: f64 = asked.sum::<Option<f64>>()?;
            if asked <= 0.0 {
                return None;
            }
            // Kubernetes counts whole per cent.
            (sum * 100.0 / asked).trunc()
        }
        Metric::CpuAverage(_) | Metric::RequestsPerSecond(_) => sum / figures.len() as f64,
    };
    Some(share / metric.target())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pod that asks for one core and has been ready for long.
    fn pod(cores: f64) -> Sample {
        Sample {
            cores,
            requests_per_second: cores * 100.0,
            requested_cores: Some(1.0),
            is_pending: false,
            has_figures: true,
            is_unready: false,
        }
    }

    fn missing() -> Sample {
        Sample {
            has_figures: false,
            ..pod(0.0)
        }
    }

    fn unready(cores: f64) -> Sample {
        Sample {
            is_unready: true,
            ..pod(cores)
        }
    }

    fn pending() -> Sample {
        Sample {
            is_pending: true,
            ..missing()
        }
    }

    #[test]
    fn decisions() {
        use Metric::{CpuAverage, CpuUtilization, RequestsPerSecond};
        let half = CpuUtilization(50.0);
        for (metric, current, pods, wanted) in [
            // desired = ceil(current × metric / target)
            (half, 3, vec![pod(0.9), pod(0.9), pod(0.9)], Some(6)),
            (half, 3, vec![pod(0.2), pod(0.2), pod(0.2)], Some(2)),
            (half, 1, vec![pod(0.51 * 2.0)], Some(3)),
            // Within 10 % of the target nothing happens.
            (half, 3, vec![pod(0.55), pod(0.55), pod(0.55)], Some(3)),
            (half, 3, vec![pod(0.56), pod(0.56), pod(0.56)], Some(4)),
            (half, 3, vec![pod(0.45), pod(0.45), pod(0.45)], Some(3)),
            // Idle pods leave none over; the minimum is decided elsewhere.
            (half, 3, vec![pod(0.0), pod(0.0), pod(0.0)], Some(0)),
            // One that is not measured counts as idle when there is more to do,
            (half, 3, vec![pod(1.0), pod(1.0), missing()], Some(4)),
            // and as busy when there is less.
            (half, 3, vec![pod(0.1), pod(0.1), missing()], Some(3)),
            (
                half,
                4,
                vec![pod(0.0), pod(0.0), pod(0.0), missing()],
                Some(2),
            ),
            // One that is not ready counts as idle when there is more to do,
            (half, 3, vec![pod(1.0), pod(1.0), unready(1.0)], Some(4)),
            (half, 3, vec![pod(0.6), pod(0.6), pending()], Some(3)),
            // and not at all when there is less.
            (half, 3, vec![pod(0.2), pod(0.2), unready(0.0)], Some(1)),
            // Others than CPU do not care for readiness.
            (
                RequestsPerSecond(50.0),
                2,
                vec![pod(1.0), unready(1.0)],
                Some(4),
            ),
            (CpuAverage(0.25), 2, vec![pod(0.5), pod(0.5)], Some(4)),
            // Nothing can be said of pods that ask for nothing, or that nobody has measured.
            (
                half,
                1,
                vec![Sample {
                    requested_cores: None,
                    ..pod(1.0)
                }],
                None,
            ),
            (half, 1, vec![missing()], None),
        ] {
            let found = replicas_for(metric, current, 0.1, &pods);
            assert_eq!(found, wanted, "{metric:?} {pods:?}");
        }
    }
}

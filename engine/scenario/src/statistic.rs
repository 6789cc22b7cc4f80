//! What a run comes down to: named figures that all runs of a scenario have, so that runs can be compared.

use crate::expectation::Unit;
use crate::interval::{CONFIDENCE, Interval};
use crate::run::Outcome;
use crate::verdict::Verdict;
use std::collections::BTreeMap;
use std::fmt;
use telemetry::{DestinationTotals, Measurements, PodFigures, Quantile, TrafficFigures};

/// One figure of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// What it is about.
    pub subject: Subject,
    /// Which figure of it.
    pub name: Name,
    /// The figure in its unit; none where there was nothing to measure.
    pub value: Option<f64>,
}

/// What a figure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A traffic source, by its name.
    Traffic(String),
    /// A destination: a workload behind a Service, or behind a subset of it.
    Destination {
        /// `<namespace>/<name>` of the Service, or the host where there is none; after the Service that was asked for and an
        /// arrow where another had it as well.
        service: String,
        /// The subset; empty if none.
        subset: String,
        /// `<namespace>/<name>` of the workload; empty where nobody answered.
        workload: String,
    },
    /// A pod, by its name.
    Pod(String),
    /// All proxies together.
    Mesh,
    /// An expectation, by its name.
    Expectation(String),
}

/// Which figure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Requests that ended, a second.
    RequestRate,
    /// The part of requests that succeeded.
    SuccessRate,
    /// The mean latency.
    Mean,
    /// A percentile of latency.
    Latency(Percentile),
    /// The longest latency.
    Max,
    /// The part of requests that were answered with this status and these response flags.
    Response(u16, String),
    /// The part of the requests for its Service that a destination received.
    Share,
    /// Tries as a multiple of requests.
    TriesPerRequest,
    /// Tries that were sent to a pod, a second, mirrored copies included.
    Load,
    /// The part of its workers that was busy.
    Utilization,
    /// The mean number of requests that waited.
    QueueLength,
    /// Ejections of hosts.
    Ejections,
    /// What an expectation looked at, in the unit of its measure.
    Observed(Unit),
}

/// The percentiles of latency that runs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Percentile {
    /// The median.
    P50,
    /// 90 %.
    P90,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
}

/// A figure over replications: its mean, and how far chance moves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// What it is about.
    pub subject: Subject,
    /// Which figure of it.
    pub name: Name,
    /// Student's interval over the replications that had the figure.
    pub interval: Interval,
}

/// All figures of a run, in the order in which a reader wants them.
pub fn statistics(outcome: &Outcome) -> Vec<Statistic> {
    figures(&outcome.measurements, &outcome.verdicts)
}

/// The intervals of all figures over replications, in the order in which they first appear; those that no replication
/// had are left out.
pub(crate) fn spreads(replications: &[Vec<Statistic>]) -> Vec<Spread> {
    let mut places: BTreeMap<(&Subject, &Name), usize> = BTreeMap::new();
    let mut values: Vec<(&Subject, &Name, Vec<f64>)> = Vec::new();
    for (index, statistics) in replications.iter().enumerate() {
        for statistic in statistics {
            let (subject, name) = (&statistic.subject, &statistic.name);
            let place = *places.entry((subject, name)).or_insert_with(|| {
                // Replications before did not list it.
                let before = name.when_absent().map(|absent| vec![absent; index]);
                values.push((subject, name, before.unwrap_or_default()));
                values.len() - 1
            });
            values[place].2.extend(statistic.value);
        }
        for (_, name, values) in &mut values {
            if let Some(absent) = name.when_absent()
                && values.len() <= index
            {
                values.push(absent);
            }
        }
    }
    let spread = |(subject, name, values): (&Subject, &Name, Vec<f64>)| {
        Some(Spread {
            subject: subject.clone(),
            name: name.clone(),
            interval: Interval::of(&values, CONFIDENCE)?,
        })
    };
    values.into_iter().filter_map(spread).collect()
}

/// The figures of measurements and verdicts.
pub(crate) fn figures<'v>(
    measured: &Measurements,
    verdicts: impl IntoIterator<Item = &'v Verdict>,
) -> Vec<Statistic> {
    let window = &measured.window;
    let replications = f64::from(measured.facts.replications.max(1));
    let seconds = window.seconds() * replications;
    let mut all = Vec::new();
    for traffic in &window.traffic {
        of_traffic(&mut all, traffic, seconds);
    }
    for destination in window.destinations() {
        of_destination(&mut all, &destination);
    }
    for pod in &window.pods {
        of_pod(&mut all, pod, seconds);
    }
    let ejections = measured.ejections.iter().filter(|e| e.ejected).count();
    all.push(Statistic {
        subject: Subject::Mesh,
        name: Name::Ejections,
        value: Some(ejections as f64 / replications),
    });
    for verdict in verdicts {
        all.push(Statistic {
            subject: Subject::Expectation(verdict.name.clone()),
            name: Name::Observed(verdict.unit),
            value: verdict.observed,
        });
    }
    all
}

fn of_traffic(all: &mut Vec<Statistic>, traffic: &TrafficFigures, seconds: f64) {
    let totals = traffic.totals();
    let count = totals.count();
    let some = |value: f64| (count > 0).then_some(value);
    let latency = &totals.latency;
    let quantile = |quantile| some(latency.quantile(quantile).as_secs_f64());
    let rate = (seconds > 0.0).then(|| count as f64 / seconds);
    let mut add = |name, value| {
        all.push(Statistic {
            subject: Subject::Traffic(traffic.name.clone()),
            name,
            value,
        });
    };
    add(Name::RequestRate, rate);
    add(Name::SuccessRate, totals.success_rate());
    add(Name::Mean, some(latency.mean().as_secs_f64()));
    for percentile in Percentile::ALL {
        add(Name::Latency(percentile), quantile(percentile.quantile()));
    }
    add(Name::Max, some(latency.max().as_secs_f64()));
    for response in &totals.responses {
        let name = Name::Response(response.code, response.flags.clone());
        add(name, some(response.count as f64 / count.max(1) as f64));
    }
}

fn of_destination(all: &mut Vec<Statistic>, totals: &DestinationTotals) {
    let requests = totals.requests.count();
    let some = |value: f64| (requests > 0).then_some(value);
    let to = &totals.destination;
    let subject = Subject::Destination {
        service: to.service.clone(),
        subset: to.subset.clone(),
        workload: to.workload.full_name(),
    };
    let mut add = |name, value| {
        all.push(Statistic {
            subject: subject.clone(),
            name,
            value,
        });
    };
    add(Name::Share, Some(totals.share));
    for (service, share) in &totals.shares_of_others {
        all.push(Statistic {
            subject: Subject::Destination {
                service: format!("{service} → {}", to.service),
                subset: to.subset.clone(),
                workload: to.workload.full_name(),
            },
            name: Name::Share,
            value: Some(*share),
        });
    }
    let mut add = |name, value| {
        all.push(Statistic {
            subject: subject.clone(),
            name,
            value,
        });
    };
    add(Name::SuccessRate, totals.requests.success_rate());
    let tries = totals.attempts.tries as f64 / requests.max(1) as f64;
    add(Name::TriesPerRequest, some(tries));
    let p99 = totals.requests.latency.quantile(Quantile::P99);
    add(Name::Latency(Percentile::P99), some(p99.as_secs_f64()));
}

fn of_pod(all: &mut Vec<Statistic>, pod: &PodFigures, seconds: f64) {
    let mut add = |name, value| {
        all.push(Statistic {
            subject: Subject::Pod(pod.pod.clone()),
            name,
            value,
        });
    };
    if pod.tries > 0 && seconds > 0.0 {
        add(Name::Load, Some(pod.tries as f64 / seconds));
    }
    if let Some(utilization) = pod.utilization() {
        add(Name::Utilization, Some(utilization));
        add(Name::QueueLength, Some(pod.queue_mean()));
    }
}

impl Name {
    /// What the figure is counted in.
    pub const fn unit(&self) -> Unit {
        match self {
            Self::RequestRate | Self::Load => Unit::PerSecond,
            Self::SuccessRate | Self::Response(..) | Self::Share | Self::Utilization => {
                Unit::Percent
            }
            Self::Mean | Self::Latency(_) | Self::Max => Unit::Time,
            Self::TriesPerRequest | Self::QueueLength | Self::Ejections => Unit::Number,
            Self::Observed(unit) => *unit,
        }
    }

    /// What a run that does not list the figure stands for: what never happened there happened in no part of it.
    pub const fn when_absent(&self) -> Option<f64> {
        match self {
            Self::Response(..) | Self::Share | Self::Load => Some(0.0),
            _ => None,
        }
    }
}

impl Percentile {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::P50, Self::P90, Self::P99, Self::P999];

    const fn quantile(self) -> Quantile {
        match self {
            Self::P50 => Quantile::P50,
            Self::P90 => Quantile::P90,
            Self::P99 => Quantile::P99,
            Self::P999 => Quantile::P999,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traffic(name) => write!(f, "traffic {name}"),
            Self::Destination {
                service,
                subset,
                workload,
            } => {
                f.write_str(service)?;
                if !subset.is_empty() {
                    write!(f, " subset {subset}")?;
                }
                match workload.as_str() {
                    "" => f.write_str(" unanswered"),
                    workload => write!(f, " at {workload}"),
                }
            }
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::Mesh => f.write_str("mesh"),
            Self::Expectation(name) => write!(f, "expectation {name}"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestRate => "rate",
            Self::SuccessRate => "success rate",
            Self::Mean => "mean latency",
            Self::Latency(Percentile::P50) => "p50 latency",
            Self::Latency(Percentile::P90) => "p90 latency",
            Self::Latency(Percentile::P99) => "p99 latency",
            Self::Latency(Percentile::P999) => "p99.9 latency",
            Self::Max => "longest latency",
            Self::Response(code, flags) if flags == "-" => return write!(f, "responses {code}"),
            Self::Response(code, flags) => return write!(f, "responses {code} {flags}"),
            Self::Share => "share",
            Self::TriesPerRequest => "tries per request",
            Self::Load => "load",
            Self::Utilization => "utilization",
            Self::QueueLength => "queue length",
            Self::Ejections => "ejections",
            Self::Observed(_) => "observed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_over_those_that_have_a_figure_or_stand_for_one() {
        let one = |name: Name, value: Option<f64>| Statistic {
            subject: Subject::Mesh,
            name,
            value,
        };
        let failed = Name::Response(503, "UO".to_owned());
        let spreads = spreads(&[
            vec![one(Name::Mean, Some(1.0))],
            vec![one(Name::Mean, None), one(failed.clone(), Some(0.3))],
            vec![one(Name::Mean, Some(3.0))],
        ]);
        let [mean, responses] = &spreads[..] else {
            panic!("{spreads:?}");
        };
        assert_eq!((mean.interval.mean, mean.interval.count), (2.0, 2));
        assert_eq!(responses.name, failed);
        assert_eq!(
            responses.interval.count, 3,
            "what never happened happened in no part"
        );
        assert!((responses.interval.mean - 0.1).abs() < 1e-12);
    }
}

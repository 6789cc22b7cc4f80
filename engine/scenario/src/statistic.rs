//! What a run comes down to: named figures that all runs of a scenario have, so that runs can be compared.

use crate::expectation::Unit;
use crate::run::Outcome;
use std::fmt;
use telemetry::{DestinationTotals, PodFigures, Quantile, TrafficFigures};

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
        /// `<namespace>/<name>` of the Service, or the host where there is none.
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
    /// The part of its Service's requests that a destination received.
    Share,
    /// Tries as a multiple of requests.
    TriesPerRequest,
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

/// All figures of a run, in the order in which a reader wants them.
pub fn statistics(outcome: &Outcome) -> Vec<Statistic> {
    let measured = &outcome.measurements;
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
        of_pod(&mut all, pod);
    }
    let ejections = measured.ejections.iter().filter(|e| e.ejected).count();
    all.push(Statistic {
        subject: Subject::Mesh,
        name: Name::Ejections,
        value: Some(ejections as f64 / replications),
    });
    for verdict in &outcome.verdicts {
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
    let mut add = |name, value| {
        all.push(Statistic {
            subject: Subject::Destination {
                service: to.service.clone(),
                subset: to.subset.clone(),
                workload: to.workload.full_name(),
            },
            name,
            value,
        });
    };
    add(Name::Share, Some(totals.share));
    add(Name::SuccessRate, totals.requests.success_rate());
    let tries = totals.attempts.tries as f64 / requests.max(1) as f64;
    add(Name::TriesPerRequest, some(tries));
    let p99 = totals.requests.latency.quantile(Quantile::P99);
    add(Name::Latency(Percentile::P99), some(p99.as_secs_f64()));
}

fn of_pod(all: &mut Vec<Statistic>, pod: &PodFigures) {
    let mut add = |name, value| {
        all.push(Statistic {
            subject: Subject::Pod(pod.pod.clone()),
            name,
            value,
        });
    };
    if let Some(utilization) = pod.utilization() {
        add(Name::Utilization, Some(utilization));
        add(Name::QueueLength, Some(pod.queue_mean()));
    }
}

impl Name {
    /// What the figure is counted in.
    pub const fn unit(&self) -> Unit {
        match self {
            Self::RequestRate => Unit::PerSecond,
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
            Self::Response(..) | Self::Share => Some(0.0),
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
            Self::Utilization => "utilization",
            Self::QueueLength => "queue length",
            Self::Ejections => "ejections",
            Self::Observed(_) => "observed",
        })
    }
}

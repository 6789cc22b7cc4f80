//! What clusters have in use of their limits over time.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{Palette, natural};
use crate::model::RunReport;
use crate::numbers::number;
use crate::times::{Times, last};
use std::collections::BTreeSet;
use telemetry::{Measurements, PoolSeries, PoolUse, WorkloadLabels};

/// One of the numbers that a circuit breaker limits.
pub(crate) struct Level {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What is counted.
    pub(crate) what: &'static str,
    /// Its area and its greatest value.
    of: fn(&PoolUse) -> (u64, u32),
}

/// All of them, in the order in which they matter.
pub(crate) const LEVELS: [Level; 3] = [
    Level {
        id: "pending",
        title: "Waiting for a connection",
        what: "Tries that wait for a connection",
        of: |used| (used.pending_ns, used.pending_max),
    },
    Level {
        id: "connections",
        title: "Connections",
        what: "Connections of each cluster",
        of: |used| (used.connections_ns, used.connections_max),
    },
    Level {
        id: "requests",
        title: "Requests on connections",
        what: "Tries that hold a connection",
        of: |used| (used.requests_ns, used.requests_max),
    },
];

/// A cluster in the proxies of one workload.
pub(crate) struct Pool<'a> {
    pub(crate) series: &'a PoolSeries,
    /// Whose proxies they are has to be said.
    with_source: bool,
    /// The only workload behind it.
    behind: Option<&'a WorkloadLabels>,
}

/// What is in use of each limit, a panel for each.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Figure> {
    let panels: Vec<Panel> = (LEVELS.iter())
        .filter_map(|level| {
            let pools = busiest(report, level, times);
            (!pools.is_empty()).then(|| panel(level, &pools, times, palette))
        })
        .collect();
    (!panels.is_empty()).then(|| Figure {
        title: "Connection pools over time".to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels: panels.into_iter().map(Panel::told_apart).collect(),
    })
}

/// The clusters that have most in use of a limit, in order of their names; none where nothing is worth showing.
pub(crate) fn busiest<'a>(
    report: &'a RunReport,
    level: &Level,
    times: &Times<'_>,
) -> Vec<Pool<'a>> {
    let measured = &report.measurements;
    let series = &measured.series.pools;
    let sources: BTreeSet<&WorkloadLabels> = series.iter().map(|series| &series.source).collect();
    let mut pools: Vec<(u64, Pool<'_>)> = (series.iter())
        .map(|series| Pool {
            series,
            with_source: sources.len() > 1,
            behind: only_workload(measured, series),
        })
        .filter(|pool| pool.most(level) > 0)
        .map(|pool| (pool.area(level), pool))
        .collect();
    pools.sort_by_key(|(area, _)| std::cmp::Reverse(*area));
    pools.truncate(LINES);
    let has_news = |(_, pool): &(u64, Pool<'_>)| {
        let means = pool.means(level, times);
        means.into_iter().any(|mean| mean >= NEWS)
    };
    if !pools.iter().any(has_news) {
        return Vec::new();
    }
    let mut pools: Vec<Pool<'_>> = pools.into_iter().map(|(_, pool)| pool).collect();
    pools.sort_by_key(|pool| natural(&pool.name()));
    pools
}

impl Pool<'_> {
    /// Such as `productpage-v1 → reviews v2`.
    pub(crate) fn name(&self) -> String {
        let service = self.series.service.as_str();
        let service = service.split_once('/').map_or(service, |(_, name)| name);
        let mut name = String::new();
        if self.with_source {
            name = format!("{} → ", self.series.source.workload);
        }
        name += if service.is_empty() {
            &self.series.cluster
        } else {
            service
        };
        if !self.series.subset.is_empty() {
            name = format!("{name} {}", self.series.subset);
        }
        name
    }

    /// The colour of the only workload behind it, or of its Service.
    pub(crate) fn colour(&self, palette: &Palette) -> &'static str {
        match self.behind {
            Some(workload) => palette.workload(workload),
            None => palette.service(&self.series.service),
        }
    }

    /// The most at a time in one proxy.
    pub(crate) fn most(&self, level: &Level) -> u32 {
        let values = self.series.buckets.iter();
        values
            .map(|(_, used)| (level.of)(used).1)
            .max()
            .unwrap_or(0)
    }

    /// Means by bucket, of all proxies together.
    pub(crate) fn means(&self, level: &Level, times: &Times<'_>) -> Vec<f64> {
        let mut means = vec![0.0; times.buckets()];
        for (bucket, used) in &self.series.buckets {
            if let Some(mean) = means.get_mut(*bucket as usize) {
                let watched = times.watched_ns(*bucket as usize).max(1.0);
                *mean = (level.of)(used).0 as f64 / watched;
            }
        }
        means
    }

    fn area(&self, level: &Level) -> u64 {
        let areas = self.series.buckets.iter();
        areas.fold(0, |sum, (_, used)| sum.saturating_add((level.of)(used).0))
    }
}

/// The workload behind a cluster, where there is one only.
fn only_workload<'a>(
    measured: &'a Measurements,
    series: &PoolSeries,
) -> Option<&'a WorkloadLabels> {
    let requests = measured.series.requests.iter();
    let attempts = measured.series.attempts.iter();
    // Mirrored copies are tries of nobody's requests.
    let mut behind = (requests.map(|requests| &requests.labels.destination))
        .chain(attempts.map(|attempts| &attempts.labels.destination))
        .filter(|to| to.service == series.service && to.subset == series.subset)
        .map(|to| &to.workload)
        .filter(|workload| !workload.workload.is_empty());
    let first = behind.next()?;
    behind.all(|other| other == first).then_some(first)
}

fn panel(level: &Level, pools: &[Pool<'_>], times: &Times<'_>, palette: &Palette) -> Panel {
    let lines: Vec<Vec<Option<f64>>> = (pools.iter())
        .map(|pool| pool.means(level, times).into_iter().map(Some).collect())
        .collect();
    let greatest = (lines.iter().flatten().flatten()).fold(0.0_f64, |most, mean| most.max(*mean));
    let labels = pools.iter().zip(&lines).map(|(pool, line)| Label {
        y: last(line).unwrap_or(0.0),
        colour: pool.colour(palette),
        name: pool.name(),
        value: format!("max {}", number(f64::from(pool.most(level)))),
    });
    Panel {
        heading: format!("{}, mean", level.what.to_lowercase()),
        height: 170.0,
        y: Axis::from_zero(greatest * 1.02, 4, number),
        marks: Vec::new(),
        caption: "most in one proxy".to_owned(),
        layers: (pools.iter().zip(&lines))
            .map(|(pool, line)| Layer::Line {
                colour: pool.colour(palette),
                width: 2.2,
                stretches: times.line(line),
            })
            .collect(),
        labels: labels.collect(),
    }
}

const LINES: usize = 8;
/// Fewer than these, on average, are no news: each new connection is waited for.
const NEWS: f64 = 0.03;

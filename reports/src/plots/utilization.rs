//! How busy workloads are over time, and how long their queues.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{Palette, name_among, natural, variant};
use crate::model::RunReport;
use crate::numbers::{number, percent};
use crate::times::{Times, last};
use std::collections::BTreeMap;
use telemetry::{PodFigures, PodSeries, WorkloadLabels};

/// Utilization of workloads with a limited number of workers, the busiest first; requests in flight of the others
/// where there is none with a limit.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Figure> {
    let busy = busiest(report, times);
    let limited = busy.first()?.limited;
    let mut panels = Vec::new();
    if limited {
        let used: Vec<Line<'_>> = (busy.iter())
            .map(|busy| busy.line(&busy.utilization, percent(busy.means.utilization), palette))
            .collect();
        let waiting: Vec<Line<'_>> = (busy.iter())
            .map(|busy| busy.line(&busy.queued, number(busy.means.queued), palette))
            .collect();
        let most = (busy.iter().flat_map(|busy| &busy.busiest_pod)).fold(0.0_f64, |m, v| m.max(*v));
        let end = if most > 0.5 { 1.0 } else { most * 1.05 };
        let mut panel = panel(
            "utilization: busy workers, mean over pods",
            &used,
            Axis::from_zero(end, 5, percent),
            times,
        );
        panel.height = 210.0;
        panels.push(panel);
        if busy.iter().any(Busy::is_uneven) {
            let busiest: Vec<Line<'_>> = (busy.iter())
                .map(|busy| busy.line(&busy.busiest_pod, percent(busy.means.busiest_pod), palette))
                .collect();
            let y = Axis::from_zero(end, 5, percent);
            panels.push(self::panel(
                "utilization of the busiest pod",
                &busiest,
                y,
                times,
            ));
        }
        if busy
            .iter()
            .flat_map(|busy| &busy.queued)
            .any(|queued| *queued >= QUEUED)
        {
            panels.push(counted(
                "requests waiting for a worker, mean per pod",
                &waiting,
                times,
            ));
        }
    } else {
        let lines: Vec<Line<'_>> = (busy.iter())
            .map(|busy| busy.line(&busy.in_service, number(busy.means.in_service), palette))
            .collect();
        panels.push(counted("requests in service, mean per pod", &lines, times));
    }
    Some(Figure {
        title: if limited {
            "Utilization and queues over time"
        } else {
            "Requests in service over time"
        }
        .to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels: panels.into_iter().map(Panel::told_apart).collect(),
    })
}

/// The busiest workloads, in order of app and version: those with a limited number of workers if there are any.
pub(crate) fn busiest<'a>(report: &'a RunReport, times: &Times<'_>) -> Vec<Busy<'a>> {
    let mut workloads: BTreeMap<&WorkloadLabels, Vec<&PodSeries>> = BTreeMap::new();
    for series in &report.measurements.series.pods {
        workloads.entry(&series.workload).or_default().push(series);
    }
    let mut busy: Vec<Busy<'_>> = (workloads.into_iter())
        .map(|(workload, series)| {
            let pods = report.measurements.window.pods.iter();
            let pods: Vec<&PodFigures> = pods.filter(|pod| pod.workload == *workload).collect();
            Busy::of(workload, &series, &pods, times)
        })
        .collect();
    let limited = busy.iter().any(|busy| busy.limited);
    busy.retain(|busy| busy.limited || !limited);
    busy.sort_by(|a, b| b.busiest(limited).total_cmp(&a.busiest(limited)));
    busy.truncate(LINES);
    busy.sort_by_key(|busy| (busy.workload.app.clone(), natural(variant(busy.workload))));
    busy
}

/// A workload's pods, taken together, by bucket.
pub(crate) struct Busy<'a> {
    pub(crate) workload: &'a WorkloadLabels,
    /// It has a limited number of workers.
    pub(crate) limited: bool,
    /// Means over pods; those without any request in a bucket count as idle.
    pub(crate) utilization: Vec<f64>,
    /// The utilization of the pod that is busiest just then.
    busiest_pod: Vec<f64>,
    pub(crate) in_service: Vec<f64>,
    pub(crate) queued: Vec<f64>,
    pub(crate) means: Means,
}

/// Means over pods and the time after the warm-up.
pub(crate) struct Means {
    pub(crate) utilization: f64,
    /// Of the pod that is busiest on the whole.
    busiest_pod: f64,
    pub(crate) in_service: f64,
    pub(crate) queued: f64,
}

impl Means {
    fn of(pods: &[&PodFigures]) -> Self {
        let count = pods.len().max(1) as f64;
        let mean = |value: fn(&PodFigures) -> f64| -> f64 {
            pods.iter().map(|pod| value(pod)).sum::<f64>() / count
        };
        Self {
            utilization: mean(|pod| pod.utilization().unwrap_or(0.0)),
            busiest_pod: (pods.iter().filter_map(|pod| pod.utilization())).fold(0.0, f64::max),
            in_service: mean(|pod| pod.in_flight_mean() - pod.queue_mean()),
            queued: mean(PodFigures::queue_mean),
        }
    }
}

impl<'a> Busy<'a> {
    fn of(
        workload: &'a WorkloadLabels,
        series: &[&PodSeries],
        pods: &[&PodFigures],
        times: &Times<'_>,
    ) -> Self {
        let means = Means::of(pods);
        let pods = pods.len().max(1) as f64;
        let mut busy = Self {
            workload,
            limited: false,
            utilization: vec![0.0; times.buckets()],
            busiest_pod: vec![0.0; times.buckets()],
            in_service: vec![0.0; times.buckets()],
            queued: vec![0.0; times.buckets()],
            means,
        };
        for (bucket, occupancy) in series.iter().flat_map(|series| &series.buckets) {
            let bucket = *bucket as usize;
            if bucket >= times.buckets() {
                continue;
            }
            let watched = times.watched_ns(bucket) * pods;
            if let Some(utilization) = occupancy.utilization() {
                busy.limited = true;
                busy.utilization[bucket] += utilization / pods;
                busy.busiest_pod[bucket] = busy.busiest_pod[bucket].max(utilization);
            }
            busy.in_service[bucket] += occupancy.in_service_ns as f64 / watched;
            busy.queued[bucket] += occupancy.queued_ns as f64 / watched;
        }
        busy
    }

    fn busiest(&self, limited: bool) -> f64 {
        let values = if limited {
            &self.utilization
        } else {
            &self.in_service
        };
        values.iter().sum()
    }

    /// One pod is much busier than the others.
    fn is_uneven(&self) -> bool {
        self.means.busiest_pod > 1.2 * self.means.utilization
    }

    fn line(&self, values: &[f64], value: String, palette: &Palette) -> Line<'a> {
        Line {
            workload: self.workload,
            colour: palette.workload(self.workload),
            values: values.iter().copied().map(Some).collect(),
            value,
        }
    }
}

struct Line<'a> {
    workload: &'a WorkloadLabels,
    colour: &'static str,
    values: Vec<Option<f64>>,
    value: String,
}

fn counted(heading: &str, lines: &[Line<'_>], times: &Times<'_>) -> Panel {
    let values = lines.iter().flat_map(|line| &line.values).flatten();
    let greatest = values.fold(0.0_f64, |greatest, value| greatest.max(*value));
    panel(
        heading,
        lines,
        Axis::from_zero(greatest * 1.02, 4, number),
        times,
    )
}

fn panel(heading: &str, lines: &[Line<'_>], y: Axis, times: &Times<'_>) -> Panel {
    let all: Vec<&WorkloadLabels> = lines.iter().map(|line| line.workload).collect();
    let label = |line: &Line<'_>| Label {
        y: last(&line.values).unwrap_or(0.0),
        colour: line.colour,
        name: name_among(line.workload, &all),
        value: line.value.clone(),
    };
    Panel {
        heading: heading.to_owned(),
        height: 190.0,
        y,
        marks: Vec::new(),
        caption: times.caption(),
        layers: (lines.iter())
            .map(|line| Layer::Line {
                colour: line.colour,
                width: 2.2,
                stretches: times.line(&line.values),
            })
            .collect(),
        labels: lines.iter().map(label).collect(),
    }
}

const LINES: usize = 8;
/// Shorter queues, on average, are no news.
pub(crate) const QUEUED: f64 = 0.01;

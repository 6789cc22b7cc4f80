//! How busy workloads are.

use super::about_workload;
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, values};
use crate::model::RunReport;
use crate::numbers::{number, percent};
use crate::plots::palette::{Palette, name_among};
use crate::plots::utilization::{self, Busy};
use crate::times::Times;
use telemetry::WorkloadLabels;

pub(super) fn charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let busy = utilization::busiest(report, times);
    let limited = busy.first().is_some_and(|busy| busy.limited);
    let all: Vec<&WorkloadLabels> = busy.iter().map(|busy| busy.workload).collect();
    let chart = |id: &str, title: &str, note: &str, unit, of: Of| Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        note: note.to_owned(),
        unit,
        form: Form::Lines,
        lines: (busy.iter())
            .map(|busy| {
                let (over_time, mean) = of(busy);
                Line {
                    name: name_among(busy.workload, &all),
                    colour: colour_name(palette.workload(busy.workload)),
                    total: unit_total(unit, mean),
                    values: values(over_time.iter().copied()),
                    about: about_workload(busy.workload),
                }
            })
            .collect(),
        rows: Vec::new(),
        about: Query::default(),
    };
    let mut charts = Vec::new();
    if limited {
        charts.push(chart(
            "utilization",
            "Utilization",
            "The part of its workers that is busy, mean over a workload's pods; the busiest workloads",
            ChartUnit::Ratio,
            |busy| (&busy.utilization, busy.means.utilization),
        ));
    }
    if busy
        .iter()
        .flat_map(|busy| &busy.queued)
        .any(|queued| *queued >= utilization::QUEUED)
    {
        charts.push(chart(
            "queues",
            "Queues",
            "Requests that wait for a worker, mean per pod",
            ChartUnit::Count,
            |busy| (&busy.queued, busy.means.queued),
        ));
    }
    if !busy.is_empty() {
        charts.push(chart(
            "in-service",
            "In service",
            "Requests that hold a worker, mean per pod",
            ChartUnit::Count,
            |busy| (&busy.in_service, busy.means.in_service),
        ));
    }
    charts
}

/// A figure of a workload over time, and its mean.
type Of = for<'a> fn(&'a Busy<'_>) -> (&'a Vec<f64>, f64);

fn unit_total(unit: ChartUnit, mean: f64) -> String {
    match unit {
        ChartUnit::Ratio => percent(mean),
        ChartUnit::Milliseconds | ChartUnit::PerSecond | ChartUnit::Count | ChartUnit::Times => {
            number(mean)
        }
    }
}

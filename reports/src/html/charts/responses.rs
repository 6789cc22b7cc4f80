//! Responses by status and flags.

use super::per_second;
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, values};
use crate::model::RunReport;
use crate::numbers::number;
use crate::plots::responses::{self, Kind};
use crate::times::Times;

pub(super) fn charts(report: &RunReport, times: &Times<'_>) -> Vec<Chart> {
    let kinds = responses::kinds(report, times);
    let line = |kind: &Kind| Line {
        name: kind.name.clone(),
        colour: colour_name(kind.colour),
        total: number(kind.measured as f64),
        values: values(per_second(&kind.counts, times)),
        about: Query {
            code: kind.code,
            flags: kind.flags.clone(),
            ..Query::default()
        },
    };
    let chart = |id: &str, title: &str, kinds: Vec<&Kind>| {
        (!kinds.is_empty()).then(|| Chart {
            id: id.to_owned(),
            title: title.to_owned(),
            note:
                "By status and Envoy's response flags, per second; calls between workloads included"
                    .to_owned(),
            unit: ChartUnit::PerSecond,
            form: Form::Stack,
            lines: kinds.into_iter().map(line).collect(),
            rows: Vec::new(),
            about: Query::default(),
        })
    };
    let failures = kinds.iter().filter(|kind| !kind.success).collect();
    let charts = [
        chart("responses", "Responses", kinds.iter().collect()),
        chart("failures", "Failed requests", failures),
    ];
    charts.into_iter().flatten().collect()
}

//! What traffic sources send.

use super::per_second;
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, values};
use crate::model::RunReport;
use crate::numbers::number;
use crate::plots::latency;
use crate::plots::palette::ORDER;
use crate::times::{Times, add_counts};

/// Requests of each traffic source that ended.
pub(super) fn chart(report: &RunReport, times: &Times<'_>) -> Option<Chart> {
    let sources = latency::busiest(report);
    let seconds = watched_seconds(report);
    let lines: Vec<Line> = (sources.iter().zip(ORDER))
        .map(|(source, colour)| {
            let mut counts = vec![0.0; times.buckets()];
            for series in &report.measurements.series.journeys {
                if series.labels.traffic == source.name {
                    add_counts(&mut counts, &series.buckets);
                }
            }
            let rates = per_second(&counts, times);
            Line {
                name: source.name.clone(),
                colour: colour_name(colour),
                total: format!("{}/s", number(source.totals().count() as f64 / seconds)),
                values: values(rates),
                about: Query {
                    traffic: Some(source.name.clone()),
                    ..Query::default()
                },
            }
        })
        .collect();
    (!lines.is_empty()).then(|| Chart {
        id: "traffic".to_owned(),
        title: "Traffic".to_owned(),
        note: "Requests of each traffic source that ended, per second".to_owned(),
        unit: ChartUnit::PerSecond,
        form: Form::Lines,
        lines,
        rows: Vec::new(),
        about: Query::default(),
    })
}

fn watched_seconds(report: &RunReport) -> f64 {
    let measured = &report.measurements;
    (measured.window.seconds() * f64::from(measured.facts.replications.max(1))).max(1e-9)
}

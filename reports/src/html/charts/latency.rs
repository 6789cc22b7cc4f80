//! How long requests of traffic sources take.

use super::slug;
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, rounded};
use crate::model::RunReport;
use crate::numbers::milliseconds;
use crate::plots::latency;
use crate::times::Times;

pub(super) fn charts(report: &RunReport, times: &Times<'_>) -> Vec<Chart> {
    let sources = latency::busiest(report);
    let charts = sources.into_iter().filter_map(|source| {
        let lines = latency::percentiles(report, source, times);
        if lines.iter().flatten().all(Option::is_none) {
            return None;
        }
        let whole = source.totals().latency;
        let lines = (latency::PERCENTILES.iter().zip(lines))
            .map(|((name, quantile, colour), values)| Line {
                name: (*name).to_owned(),
                colour: colour_name(colour),
                total: milliseconds(whole.quantile(*quantile).as_millis_f64()),
                values: values.into_iter().map(|v| v.map(rounded)).collect(),
                about: Query::default(),
            })
            .collect();
        Some(Chart {
            id: format!("latency-{}", slug(&source.name)),
            title: format!("Latency of {}", source.name),
            note: "Percentiles of the time until the whole answer, application retries included"
                .to_owned(),
            unit: ChartUnit::Milliseconds,
            form: Form::Lines,
            lines,
            rows: Vec::new(),
            about: Query {
                traffic: Some(source.name.clone()),
                ..Query::default()
            },
        })
    });
    charts.collect()
}

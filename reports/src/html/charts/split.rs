//! Who answers: shares of versions, or of Services where no Service has several.

use super::slug;
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, rounded};
use crate::model::RunReport;
use crate::numbers::percent;
use crate::plots::palette::{NOBODY, Palette};
use crate::plots::split::{self, Part};
use crate::times::Times;

pub(super) fn charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let split = split::split(report, times, palette);
    if split.is_empty() {
        let parts = split::by_service(report, times, palette);
        let about = |part: &Part| Query {
            // Those that are left are taken together.
            service: (part.colour != NOBODY).then(|| part.name.clone()),
            ..Query::default()
        };
        let chart = || Chart {
            about: Query::default(),
            ..shares("services", "Where requests go, by service", &parts, about)
        };
        return (parts.len() > 1).then(chart).into_iter().collect();
    }
    let charts = split.iter().take(SPLITS).map(|(service, parts)| {
        let title = format!("Split of {service}");
        let about = |part: &Part| Query {
            workload: Some(part.workload.clone()),
            ..Query::default()
        };
        Chart {
            about: Query {
                service: Some((*service).to_owned()),
                ..Query::default()
            },
            ..shares(&format!("split-{}", slug(service)), &title, parts, about)
        }
    });
    charts.collect()
}

fn shares(id: &str, title: &str, parts: &[Part], about: impl Fn(&Part) -> Query) -> Chart {
    let buckets = parts.first().map_or(0, |part| part.counts.len());
    let sums: Vec<f64> = (0..buckets)
        .map(|bucket| parts.iter().map(|part| part.counts[bucket]).sum())
        .collect();
    let all = split::total(parts).max(1) as f64;
    let line = |part: &Part| Line {
        name: part.name.clone(),
        colour: colour_name(part.colour),
        total: percent(part.measured as f64 / all),
        values: (part.counts.iter().zip(&sums))
            .map(|(count, sum)| (*sum > 0.0).then(|| rounded(count / sum)))
            .collect(),
        about: about(part),
    };
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        note: "Share of requests, by who answered".to_owned(),
        unit: ChartUnit::Ratio,
        form: Form::Stack,
        lines: parts.iter().map(line).collect(),
        rows: Vec::new(),
        about: Query::default(),
    }
}

const SPLITS: usize = 6;

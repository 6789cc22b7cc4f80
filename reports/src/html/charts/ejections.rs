//! When hosts were ejected.

use crate::html::chart::{Chart, ChartUnit, Form, Query, Row, colour_name, rounded};
use crate::model::RunReport;
use crate::plots::ejections;
use crate::plots::palette::Palette;

pub(super) fn chart(report: &RunReport, palette: &Palette) -> Option<Chart> {
    let end = report.measurements.facts.end.as_secs_f64();
    let hosts = ejections::hosts(report);
    let shown = hosts.iter().take(HOSTS);
    let rows: Vec<Row> = shown
        .map(|(name, host)| Row {
            name: (*name).to_owned(),
            colour: colour_name(host.colour(report, palette)),
            total: format!("ejected {}×", host.ejected()),
            spans: (host.spans(end).into_iter())
                .map(|(from, to)| (rounded(from), rounded(to)))
                .collect(),
            about: Query {
                pod: Some((*name).to_owned()),
                ..Query::default()
            },
        })
        .collect();
    let more = match hosts.len() - rows.len() {
        0 => String::new(),
        more => format!("; {more} more hosts are in the table"),
    };
    (!rows.is_empty()).then(|| Chart {
        id: "ejections".to_owned(),
        title: "Ejected hosts".to_owned(),
        note: format!(
            "When outlier detection of any proxy left a host out of load balancing{more}"
        ),
        unit: ChartUnit::Count,
        form: Form::Spans,
        lines: Vec::new(),
        rows,
        about: Query::default(),
    })
}

const HOSTS: usize = 24;

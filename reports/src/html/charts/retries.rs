//! Tries after the first, the load that they make, and copies.

use super::{about_workload, per_second};
use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, rounded, values};
use crate::model::RunReport;
use crate::numbers::number;
use crate::plots::palette::{Palette, natural};
use crate::plots::retries;
use crate::times::Times;
use telemetry::AttemptKind;

pub(super) fn charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let rates = |id: &str, title: &str, note: &str, kind: AttemptKind| {
        let tries = retries::by_workload(report, times, kind);
        let mut lines: Vec<Line> = (tries.iter())
            .map(|(workload, tries)| Line {
                name: retries::name(workload),
                colour: colour_name(palette.workload(workload)),
                total: number(tries.measured as f64),
                values: values(per_second(&tries.counts, times)),
                about: about_workload(workload),
            })
            .collect();
        lines.sort_by_key(|line| natural(&line.name));
        (!lines.is_empty()).then(|| Chart {
            id: id.to_owned(),
            title: title.to_owned(),
            note: note.to_owned(),
            unit: ChartUnit::PerSecond,
            form: Form::Stack,
            lines,
            rows: Vec::new(),
            about: Query {
                retried: kind == AttemptKind::Retry,
                ..Query::default()
            },
        })
    };
    let again = "Tries after the first, per second, by where they went";
    let copies = "Copies whose answers nobody waits for, per second";
    let lines: Vec<Line> = (retries::amplifications(report, times).into_iter())
        .map(|line| Line {
            name: line.service.to_owned(),
            colour: colour_name(palette.service(line.service)),
            total: format!("{}×", number(line.all)),
            values: line.over_time.iter().map(|v| v.map(rounded)).collect(),
            about: Query {
                service: Some(line.service.to_owned()),
                ..Query::default()
            },
        })
        .collect();
    let amplification = (!lines.is_empty()).then(|| Chart {
        id: "amplification".to_owned(),
        title: "Load amplification".to_owned(),
        note: "Tries per request, by service".to_owned(),
        unit: ChartUnit::Times,
        form: Form::Lines,
        lines,
        rows: Vec::new(),
        about: Query {
            retried: true,
            ..Query::default()
        },
    });
    let charts = [
        rates("retries", "Retries", again, AttemptKind::Retry),
        amplification,
        rates("mirrors", "Mirrored requests", copies, AttemptKind::Mirror),
    ];
    charts.into_iter().flatten().collect()
}

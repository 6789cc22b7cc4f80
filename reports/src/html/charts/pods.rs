//! How busy single pods are.

use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, values};
use crate::model::RunReport;
use crate::numbers::percent;
use crate::plots::palette::{Palette, natural, variant};
use crate::times::Times;
use std::collections::BTreeMap;
use telemetry::{PodFigures, PodSeries};

/// The utilization of single pods, the busiest ones.
pub(super) fn chart(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Chart> {
    let used: BTreeMap<&str, f64> = (report.measurements.window.pods.iter())
        .filter_map(|pod: &PodFigures| Some((pod.pod.as_str(), pod.utilization()?)))
        .collect();
    let mut pods: Vec<(&PodSeries, f64)> = (report.measurements.series.pods.iter())
        .filter_map(|series| Some((series, *used.get(series.pod.as_str())?)))
        .collect();
    if pods.len() < 2 {
        return None;
    }
    let all = pods.len();
    pods.sort_by(|a, b| b.1.total_cmp(&a.1));
    pods.truncate(PODS);
    pods.sort_by_key(|(series, _)| {
        (
            series.workload.app.clone(),
            natural(variant(&series.workload)),
            natural(&series.pod),
        )
    });
    let lines: Vec<Line> = (pods.iter())
        .map(|(series, mean)| {
            let mut over_time = vec![0.0; times.buckets()];
            for (bucket, occupancy) in &series.buckets {
                if let Some(value) = over_time.get_mut(*bucket as usize) {
                    *value = occupancy.utilization().unwrap_or(0.0);
                }
            }
            Line {
                name: series.pod.clone(),
                colour: colour_name(palette.workload(&series.workload)),
                total: percent(*mean),
                values: values(over_time),
                about: Query {
                    pod: Some(series.pod.clone()),
                    ..Query::default()
                },
            }
        })
        .collect();
    let which = if all > PODS {
        format!("the {PODS} busiest of {all} pods")
    } else {
        "each pod".to_owned()
    };
    Some(Chart {
        id: "pods".to_owned(),
        title: "Utilization of pods".to_owned(),
        note: format!(
            "The part of its workers that is busy, {which}; colours are those of workloads"
        ),
        unit: ChartUnit::Ratio,
        form: Form::Lines,
        lines,
        rows: Vec::new(),
        about: Query::default(),
    })
}

const PODS: usize = 12;

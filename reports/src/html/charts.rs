//! Which charts a run has: the same figures as its pictures (`plots`), each chart about one question.

mod ejections;
mod latency;
mod load;
mod pods;
mod pools;
mod responses;
mod retries;
mod split;
mod traffic;

use super::Section;
use super::chart::{Chart, Query, colour_name};
use super::markup::escaped;
use crate::model::RunReport;
use crate::numbers::seconds;
use crate::plots::palette::{ORDER, Palette, apart};
use crate::times::Times;
use telemetry::WorkloadLabels;

/// The charts in the order in which they tell the story.
pub(super) fn all(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let mut charts = Vec::new();
    charts.extend(traffic::chart(report, times));
    charts.extend(split::charts(report, times, palette));
    charts.extend(latency::charts(report, times));
    charts.extend(responses::charts(report, times));
    charts.extend(retries::charts(report, times, palette));
    charts.extend(pools::charts(report, times, palette));
    charts.extend(load::charts(report, times, palette));
    for chart in &mut charts {
        tell_apart(chart);
    }
    // Hosts and pods have the colours of their workloads.
    charts.extend(ejections::chart(report, palette));
    charts.extend(pods::chart(report, times, palette));
    charts
}

fn tell_apart(chart: &mut Chart) {
    let colours: Vec<&str> = chart.lines.iter().map(|line| line.colour).collect();
    let told = apart(&ORDER.map(colour_name), &colours);
    for (line, colour) in chart.lines.iter_mut().zip(told) {
        line.colour = colour;
    }
}

/// The charts, and what happened meanwhile.
pub(super) fn section(report: &RunReport, charts: &[Chart]) -> Option<Section> {
    let marks = &report.measurements.facts.marks;
    let events: String = (marks.iter().enumerate())
        .map(|(index, mark)| {
            format!(
                "<li><button type=\"button\" class=\"event\" data-at=\"{at}\"><b>{}</b> <time>{}</time> {}</button></li>",
                index + 1,
                seconds(mark.at.as_secs_f64()),
                escaped(&mark.label),
                at = mark.at.as_secs_f64(),
            )
        })
        .collect();
    let heading = "<h3 id=\"events\">What happened</h3>";
    let list = format!("<ol class=\"events\" aria-labelledby=\"events\">{events}</ol>\n");
    let events = match marks.len() {
        0 => String::new(),
        1..=FEW => format!("{heading}\n{list}"),
        count => format!(
            "<details class=\"happened\" open><summary>{heading} <span>{count} events</span></summary>\n{list}</details>\n"
        ),
    };
    let figures: String = (charts.iter().enumerate())
        .map(|(index, chart)| chart.html(index))
        .collect();
    (!charts.is_empty()).then(|| Section {
        id: "over-time",
        name: "Over time",
        heading: "Over time".to_owned(),
        body: format!(
            "<p class=\"hint script-only\">Drag across a chart to zoom all of them, double-click to see the whole run \
             again; click a point for sample requests of that moment. \
             <button type=\"button\" id=\"whole-run\" hidden>Show the whole run</button></p>\n{events}\
             <div class=\"charts\">\n{figures}</div>\n"
        ),
    })
}

fn about_workload(workload: &WorkloadLabels) -> Query {
    Query {
        workload: Some(workload.full_name()),
        ..Query::default()
    }
}

fn per_second<'a>(counts: &'a [f64], times: &'a Times<'_>) -> impl Iterator<Item = f64> + 'a {
    (counts.iter().enumerate()).map(|(bucket, count)| times.per_second(bucket, *count))
}

/// So many events are listed without a way to fold them.
const FEW: usize = 4;

/// A name as part of an anchor.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

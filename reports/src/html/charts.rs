//! Which charts a run has: the same figures as its pictures (`plots`), each chart about one question.

use super::Section;
use super::chart::{Chart, ChartUnit, Form, Line, Query, Row, colour_name, rounded, values};
use super::markup::escaped;
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent, seconds};
use crate::plots::palette::{NOBODY, ORDER, Palette, natural, variant};
use crate::plots::responses::Kind;
use crate::plots::split::Part;
use crate::plots::times::{Times, add_counts};
use crate::plots::utilization::Busy;
use crate::plots::{ejections, latency, responses, retries, split, utilization};
use std::collections::{BTreeMap, BTreeSet};
use telemetry::{AttemptKind, PodFigures, PodSeries, WorkloadLabels};

/// The charts in the order in which they tell the story.
pub(super) fn all(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let mut charts = Vec::new();
    charts.extend(traffic(report, times));
    charts.extend(split_charts(report, times, palette));
    charts.extend(latency_charts(report, times));
    charts.extend(response_charts(report, times));
    charts.extend(retry_charts(report, times, palette));
    charts.extend(ejection_chart(report, palette));
    charts.extend(load_charts(report, times, palette));
    charts.extend(pod_chart(report, times, palette));
    charts
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
    let events = if events.is_empty() {
        String::new()
    } else {
        format!(
            "<h3 id=\"events\">What happened</h3>\n<ol class=\"events\" aria-labelledby=\"events\">{events}</ol>\n"
        )
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

/// Requests of each traffic source that ended.
fn traffic(report: &RunReport, times: &Times<'_>) -> Option<Chart> {
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

fn split_charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
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

fn latency_charts(report: &RunReport, times: &Times<'_>) -> Vec<Chart> {
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

fn response_charts(report: &RunReport, times: &Times<'_>) -> Vec<Chart> {
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

fn retry_charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
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

fn ejection_chart(report: &RunReport, palette: &Palette) -> Option<Chart> {
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

fn load_charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let busy = utilization::busiest(report, times);
    let limited = busy.first().is_some_and(|busy| busy.limited);
    let namespaces: BTreeSet<&str> = (busy.iter())
        .map(|busy| busy.workload.namespace.as_str())
        .collect();
    let namespaces = namespaces.len();
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
                    name: if namespaces > 1 {
                        busy.workload.full_name()
                    } else {
                        busy.workload.workload.clone()
                    },
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
        .any(|queued| *queued > 0.0)
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

/// The utilization of single pods, the busiest ones.
fn pod_chart(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Chart> {
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

fn about_workload(workload: &WorkloadLabels) -> Query {
    Query {
        workload: Some(workload.full_name()),
        ..Query::default()
    }
}

fn per_second<'a>(counts: &'a [f64], times: &'a Times<'_>) -> impl Iterator<Item = f64> + 'a {
    (counts.iter().enumerate()).map(|(bucket, count)| times.per_second(bucket, *count))
}

fn watched_seconds(report: &RunReport) -> f64 {
    let measured = &report.measurements;
    (measured.window.seconds() * f64::from(measured.facts.replications.max(1))).max(1e-9)
}

/// A name as part of an anchor.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

const SPLITS: usize = 6;
const HOSTS: usize = 24;
const PODS: usize = 12;

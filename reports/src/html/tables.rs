//! Which tables a run has: the page's figures in full, each row a way to the requests behind it.

use super::Section;
use super::chart::{Query, colour_name};
use super::table::{Cell, Column, Row, Table};
use crate::figures::{LatencyFigures, rate, ratio};
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent};
use crate::plots::call_graph::{CallGraph, Key};
use crate::plots::palette::Palette;
use crate::text::meaning;
use std::collections::BTreeMap;
use telemetry::Quantile;

/// All tables.
pub(super) fn section(report: &RunReport, palette: &Palette) -> Option<Section> {
    let tables = [
        traffic(report),
        destinations(report, palette),
        responses(report),
        edges(report),
        pods(report, palette),
        ejections(report),
    ];
    let tables: Vec<Table> = (tables.into_iter())
        .filter(|table| !table.rows.is_empty())
        .collect();
    let body: String = tables.iter().map(Table::html).collect();
    (!tables.is_empty()).then(|| Section {
        id: "tables",
        name: "Tables",
        heading: "Tables".to_owned(),
        body,
    })
}

fn traffic(report: &RunReport) -> Table {
    let measured = &report.measurements;
    let watched = measured.window.seconds() * f64::from(measured.facts.replications.max(1));
    let rows = measured.window.traffic.iter().map(|source| {
        let totals = source.totals();
        let mut cells = vec![
            Cell::text(&source.name),
            count(totals.count()),
            Cell::number(Some(rate(totals.count(), watched)), number),
            success(totals.success_rate()),
        ];
        cells.extend(latency(&LatencyFigures::of(&totals.latency)));
        Row {
            cells,
            about: Some(Query {
                traffic: Some(source.name.clone()),
                ..Query::default()
            }),
        }
    });
    Table {
        id: "traffic",
        caption: "Traffic sources".to_owned(),
        columns: [
            &[
                Column::Text("traffic"),
                Column::Number("requests"),
                Column::Number("req/s"),
                Column::Number("success"),
            ][..],
            &LATENCY,
        ]
        .concat(),
        rows: rows.collect(),
    }
}

fn destinations(report: &RunReport, palette: &Palette) -> Table {
    let destinations = report.measurements.window.destinations();
    // Subsets are mostly versions, and a try for each request is no news.
    let versions = (destinations.iter()).any(|totals| {
        let to = &totals.destination;
        to.subset != to.workload.version && !to.workload.version.is_empty()
    });
    let several =
        (destinations.iter()).any(|totals| totals.attempts.tries != totals.requests.count());
    let rows = destinations.iter().map(|totals| {
        let to = &totals.destination;
        let workload = to.workload.full_name();
        let shown = if workload.is_empty() {
            "nobody"
        } else {
            &workload
        };
        let mut cells = vec![
            Cell::text(&to.service),
            Cell::text(&to.subset),
            Cell::text(shown).coloured(colour_name(palette.workload(&to.workload))),
            Cell::text(if versions { &to.workload.version } else { "" }),
            count(totals.requests.count()),
            Cell::number(Some(totals.share), percent),
            success(totals.requests.success_rate()),
            count(if several { totals.attempts.tries } else { 0 }),
            count(totals.attempts.retries),
            count(totals.attempts.mirrors),
        ];
        cells.extend(latency(&LatencyFigures::of(&totals.requests.latency)));
        Row {
            cells,
            about: Some(Query {
                service: Some(to.service.clone()),
                workload: Some(workload),
                ..Query::default()
            }),
        }
    });
    Table {
        id: "destinations",
        caption: "Destinations: where requests went, as their sources saw it".to_owned(),
        columns: [
            &[
                Column::Text("service"),
                Column::Text("subset"),
                Column::Text("workload"),
                Column::Text("version"),
                Column::Number("requests"),
                Column::Number("share"),
                Column::Number("success"),
                Column::Seldom("tries"),
                Column::Seldom("retries"),
                Column::Seldom("mirrored"),
            ][..],
            &LATENCY,
        ]
        .concat(),
        rows: rows.collect(),
    }
}

fn responses(report: &RunReport) -> Table {
    type Kind<'a> = (&'a str, u16, Option<u8>, &'a str);
    let mut counts: BTreeMap<Kind<'_>, (u64, bool)> = BTreeMap::new();
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for figures in &report.measurements.window.requests {
        let labels = &figures.labels;
        let service = labels.destination.service.as_str();
        let kind = (
            service,
            labels.response_code,
            labels.grpc_response_status,
            labels.response_flags.as_str(),
        );
        let entry = counts.entry(kind).or_insert((0, labels.is_success()));
        entry.0 += figures.count();
        *all.entry(service).or_default() += figures.count();
    }
    let rows = counts
        .into_iter()
        .map(|((service, code, grpc, flags), (counted, good))| Row {
            cells: vec![
                Cell::text(service),
                Cell::number(Some(f64::from(code)), |code| code.to_string()).bad_if(!good),
                Cell::text(grpc.map_or(String::new(), |status| status.to_string())),
                Cell::text(flags),
                Cell::text(meaning(flags)),
                count(counted),
                Cell::number(ratio(counted, all[service]), percent),
            ],
            about: Some(Query {
                service: Some(service.to_owned()),
                code: Some(code),
                flags: Some(flags.to_owned()),
                ..Query::default()
            }),
        });
    Table {
        id: "responses",
        caption: "Responses, by status and Envoy's response flags".to_owned(),
        columns: vec![
            Column::Text("service"),
            Column::Number("status"),
            Column::Text("gRPC status"),
            Column::Text("flags"),
            Column::Text("meaning"),
            Column::Number("requests"),
            Column::Number("share"),
        ],
        rows: rows.collect(),
    }
}

fn edges(report: &RunReport) -> Table {
    let graph = CallGraph::of(report, usize::MAX);
    let rows = graph.edges.iter().map(|edge| {
        let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
        let failed = edge.failures as f64 / edge.count.max(1) as f64;
        let time =
            |quantile| (!edge.mirror).then(|| edge.latency.quantile(quantile).as_millis_f64());
        let (requests, mirrors) = if edge.mirror {
            (0, edge.count)
        } else {
            (edge.count, 0)
        };
        Row {
            cells: vec![
                Cell::text(&from.name),
                Cell::text(match &to.key {
                    Key::Nobody(service) => format!("{service}, not served"),
                    Key::Traffic(_) | Key::Workload(_) => to.name.clone(),
                }),
                count(requests),
                count(mirrors),
                count(edge.failures),
                Cell::number(Some(failed), percent).bad_if(edge.failures > 0),
                Cell::number(time(Quantile::P50), milliseconds),
                Cell::number(time(Quantile::P99), milliseconds),
            ],
            about: Some(super::graph::between(from, to)),
        }
    });
    Table {
        id: "edges",
        caption: "Who calls whom".to_owned(),
        columns: vec![
            Column::Text("source"),
            Column::Text("destination"),
            Column::Number("requests"),
            Column::Seldom("mirrored"),
            Column::Number("failed"),
            Column::Number("failed share"),
            Column::Number("p50"),
            Column::Number("p99"),
        ],
        rows: rows.collect(),
    }
}

fn pods(report: &RunReport, palette: &Palette) -> Table {
    let rows = report.measurements.window.pods.iter().map(|pod| Row {
        cells: vec![
            Cell::text(&pod.pod),
            Cell::text(pod.workload.full_name())
                .coloured(colour_name(palette.workload(&pod.workload))),
            Cell::number(pod.utilization(), percent)
                .bad_if(pod.utilization().is_some_and(|part| part > 0.9)),
            Cell::number(Some(pod.in_flight_mean()), number),
            Cell::number(Some(pod.queue_mean()), number),
            count(u64::from(pod.occupancy.queued_max)),
            count(pod.tries),
            count(pod.overflowed).bad_if(pod.overflowed > 0),
        ],
        about: Some(Query {
            pod: Some(pod.pod.clone()),
            ..Query::default()
        }),
    });
    Table {
        id: "pods",
        caption: "Pods".to_owned(),
        columns: vec![
            Column::Text("pod"),
            Column::Text("workload"),
            Column::Number("utilization"),
            Column::Number("in flight, mean"),
            Column::Seldom("queue, mean"),
            Column::Seldom("queue, longest"),
            Column::Number("tries"),
            Column::Seldom("turned away"),
        ],
        rows: rows.collect(),
    }
}

fn ejections(report: &RunReport) -> Table {
    let records = &report.measurements.ejections;
    let shown = records.len().min(EJECTIONS);
    let rows = records.iter().take(shown).map(|record| Row {
        cells: vec![
            Cell::text(if record.pod.is_empty() {
                &record.endpoint
            } else {
                &record.pod
            }),
            Cell::number(Some(record.at.as_secs_f64()), |at| format!("{at:.3} s")),
            Cell::text(if record.ejected {
                "ejected"
            } else {
                "unejected"
            }),
            Cell::text(&record.proxy),
            Cell::text(&record.cluster),
        ],
        about: None,
    });
    let more = if shown < records.len() {
        format!(
            " (the first {shown} of {}; all are in ejections.csv)",
            records.len()
        )
    } else {
        String::new()
    };
    Table {
        id: "ejections",
        caption: format!("Ejections{more}"),
        columns: vec![
            Column::Text("host"),
            Column::Number("time"),
            Column::Text("what"),
            Column::Text("by the proxy of"),
            Column::Text("cluster"),
        ],
        rows: rows.collect(),
    }
}

fn count(count: u64) -> Cell {
    Cell::number(Some(count as f64), |value| value.to_string())
}

fn success(part: Option<f64>) -> Cell {
    Cell::number(part, percent).bad_if(part.is_some_and(|part| part < 1.0))
}

fn latency(figures: &LatencyFigures) -> [Cell; 6] {
    let times = [
        figures.mean,
        figures.p50,
        figures.p90,
        figures.p99,
        figures.p999,
        figures.max,
    ];
    times.map(|time| Cell::number(time, milliseconds))
}

const LATENCY: [Column; 6] = [
    Column::Number("mean"),
    Column::Number("p50"),
    Column::Number("p90"),
    Column::Number("p99"),
    Column::Number("p99.9"),
    Column::Number("longest"),
];

/// Rows of the table of ejections.
const EJECTIONS: usize = 1_000;

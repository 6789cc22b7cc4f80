//! Which hosts were ejected, and for how long.

use super::axis::Axis;
use super::frame::{Figure, Label, Layer, Panel};
use super::palette::{NOBODY, Palette};
use crate::model::RunReport;
use crate::times::Times;
use std::collections::BTreeMap;
use telemetry::EjectionRecord;

/// A row for each host that was ever ejected, a bar for each ejection; bars of several proxies add up in depth.
pub(crate) fn figure(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Option<Figure> {
    let records = &report.measurements.ejections;
    let hosts = hosts(report);
    if hosts.is_empty() {
        return None;
    }
    let end = report.measurements.facts.end.as_secs_f64();
    let shown = hosts.len().min(ROWS);
    let mut layers = Vec::new();
    let mut ticks = Vec::new();
    let mut labels = Vec::new();
    for (row, (name, host)) in hosts.iter().take(ROWS).enumerate() {
        let y = (shown - 1 - row) as f64 + 0.5;
        let colour = host.colour(report, palette);
        let opacity = if host.proxies() > 1 { 0.35 } else { 0.85 };
        for x in host.spans(end) {
            layers.push(Layer::Bar {
                colour,
                opacity,
                x,
                y: (y - 0.3, y + 0.3),
            });
        }
        ticks.push((y, String::new()));
        let times = host.ejected();
        labels.push(Label {
            y,
            colour,
            name: (*name).to_owned(),
            value: format!("{times}×"),
        });
    }
    let proxies: usize = {
        let mut names: Vec<_> = records.iter().map(|r| (r.replication, &r.proxy)).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let by = if proxies == 1 {
        format!("by {}", records[0].proxy)
    } else {
        format!("by {proxies} proxies")
    };
    let more = if hosts.len() > shown {
        format!(", {shown} of {} hosts", hosts.len())
    } else {
        String::new()
    };
    Some(Figure {
        title: "Hosts ejected by outlier detection".to_owned(),
        subtitle: super::subtitle(report),
        x: times.axis(),
        x_title: times.axis_title(),
        marks: times.marks(),
        shade: times.shade(),
        panels: vec![Panel {
            heading: format!("hosts out of load balancing, ejected {by}{more}"),
            height: (shown as f64 * 34.0).max(80.0),
            y: Axis {
                min: 0.0,
                max: shown as f64,
                logarithmic: false,
                ticks,
            },
            marks: Vec::new(),
            caption: "ejections".to_owned(),
            layers,
            labels,
        }],
    })
}

/// The hosts that were ever ejected, by name.
pub(crate) fn hosts(report: &RunReport) -> BTreeMap<&str, Host<'_>> {
    let mut hosts: BTreeMap<&str, Host<'_>> = BTreeMap::new();
    for record in &report.measurements.ejections {
        let name = if record.pod.is_empty() {
            &record.endpoint
        } else {
            &record.pod
        };
        hosts.entry(name).or_default().add(record);
    }
    hosts
}

/// What happened to one host.
#[derive(Default)]
pub(crate) struct Host<'a> {
    records: Vec<&'a EjectionRecord>,
}

impl<'a> Host<'a> {
    fn add(&mut self, record: &'a EjectionRecord) {
        self.records.push(record);
    }

    /// How often it was ejected.
    pub(crate) fn ejected(&self) -> usize {
        self.records.iter().filter(|record| record.ejected).count()
    }

    fn proxies(&self) -> usize {
        self.by_proxy().len()
    }

    fn by_proxy(&self) -> BTreeMap<(u32, &str, &str), Vec<&EjectionRecord>> {
        let mut proxies: BTreeMap<_, Vec<&EjectionRecord>> = BTreeMap::new();
        for record in &self.records {
            let key = (
                record.replication,
                record.proxy.as_str(),
                record.cluster.as_str(),
            );
            proxies.entry(key).or_default().push(record);
        }
        proxies
    }

    /// From when to when it was ejected, in seconds, by each proxy and cluster.
    pub(crate) fn spans(&self, end: f64) -> Vec<(f64, f64)> {
        let mut spans = Vec::new();
        for records in self.by_proxy().values() {
            let mut since = None;
            for record in records {
                let at = record.at.as_secs_f64();
                if record.ejected {
                    since = since.or(Some(at));
                } else if let Some(from) = since.take() {
                    spans.push((from, at));
                }
            }
            if let Some(from) = since {
                spans.push((from, end));
            }
        }
        spans
    }

    pub(crate) fn colour(&self, report: &RunReport, palette: &Palette) -> &'static str {
        let pod = &self.records[0].pod;
        let pods = &report.measurements.window.pods;
        let workload = pods.iter().find(|figures| figures.pod == *pod);
        workload.map_or(NOBODY, |figures| palette.workload(&figures.workload))
    }
}

const ROWS: usize = 24;

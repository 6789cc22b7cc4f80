//! The most frequent ways to fail: what their flags mean, which rule was behind them, and what to try.

use super::pen::{Pen, column, padded};
use crate::advice::advice;
use crate::model::{Cause, RunReport};
use crate::numbers::number;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use telemetry::{DestinationTotals, RequestFigures, TrafficFigures};

/// The most frequent ways to fail, with what to try.
pub(super) fn lines(report: &RunReport, pen: Pen) -> Vec<String> {
    let all = ways(report);
    if all.is_empty() {
        return Vec::new();
    }
    let shown = all.len().min(pen.room().failures);
    let cells: Vec<[String; 4]> = all[..shown].iter().map(Way::cells).collect();
    let arrow = pen.symbol("→", "->");
    let width = |place: usize| column(cells.iter().map(|way| way[place].as_str()));
    let (count_width, code_width) = (width(0), width(1));
    let meaning_width = width(3);
    let room = pen.style().width.unwrap_or(usize::MAX);
    let room = room.saturating_sub(count_width + code_width + meaning_width + 8);
    let path = |way: &[String; 4]| pen.fitted(&way[2].replace('→', arrow), room.max(24));
    let path_width = column(cells.iter().map(path));
    let mut lines = vec![pen.bold("why requests failed, and what to try")];
    // Ways that follow one another and ask for the same are told it once.
    let mut told: Option<String> = None;
    for (way, cells) in all.iter().zip(&cells) {
        let [count, code, _, meaning] = cells;
        let head = format!("  {count:>count_width$}  ");
        let code = pen.bad(&padded(code, code_width));
        let way_there = match meaning.as_str() {
            "" => path(cells),
            meaning => format!("{}  {}", padded(&path(cells), path_width), pen.dim(meaning)),
        };
        lines.push(format!("{head}{code}  {way_there}"));
        let advice = way.advice(report);
        let indent = head.chars().count();
        if told.replace(advice.clone()).as_ref() != Some(&advice) {
            let line = format!("{}{arrow} {advice}", " ".repeat(indent));
            lines.extend(pen.wrapped(&line, indent + arrow.chars().count() + 1));
        }
    }
    let more = all.len() - shown;
    if more > 0 {
        lines.push(pen.more(more, "way", "in report.html"));
    }
    lines
}

/// The most frequent ways to fail: how often, the answer, from whom to whom, what its flags mean, and what to try.
pub(crate) fn failure_lines(report: &RunReport, most: usize) -> Vec<[String; 5]> {
    let ways = ways(report);
    let lines = ways.iter().take(most).map(|way| {
        let [count, answer, path, meaning] = way.cells();
        [count, answer, path, meaning, way.advice(report)]
    });
    lines.collect()
}

/// Requests that failed alike.
struct Way<'r> {
    code: u16,
    grpc: Option<u8>,
    flags: &'r str,
    from: &'r str,
    service: &'r str,
    subset: &'r str,
    count: u64,
    /// Tries of those who asked there, for each request that they had.
    load: f64,
    /// Who answered, as they are called where they make requests of their own.
    servers: BTreeSet<(&'r str, &'r str)>,
}

/// Ways to fail, the most frequent first; of those that are as frequent, the ones that no other led to.
fn ways(report: &RunReport) -> Vec<Way<'_>> {
    let mut counts: BTreeMap<_, (u64, BTreeSet<_>)> = BTreeMap::new();
    for figures in &report.measurements.window.requests {
        let labels = &figures.labels;
        if labels.is_success() {
            continue;
        }
        let to = &labels.destination;
        let answer = (labels.response_code, labels.grpc_response_status);
        let path = (labels.caller.as_str(), &*to.service, &*to.subset);
        let way = (answer, labels.response_flags.as_str(), path);
        let (count, servers) = counts.entry(way).or_default();
        *count += figures.count();
        let server = &to.workload;
        servers.insert((&*server.namespace, &*server.workload));
    }
    for traffic in &report.measurements.window.traffic {
        let unsent = unsent(traffic, report);
        if unsent > 0 {
            let way = ((0, None), NOBODY, (traffic.name.as_str(), "", ""));
            counts.entry(way).or_default().0 += unsent;
        }
    }
    let destinations = report.measurements.window.destinations();
    let mut ways: Vec<Way<'_>> = (counts.into_iter())
        .map(
            |(((code, grpc), flags, (from, service, subset)), (count, servers))| Way {
                code,
                grpc,
                flags,
                from,
                service,
                subset,
                count,
                load: load(&destinations, (service, subset)),
                servers,
            },
        )
        .collect();
    let callers: BTreeSet<&str> = ways.iter().map(|way| way.from).collect();
    ways.sort_by_cached_key(|way| (Reverse(way.count), way.is_led_to(&callers)));
    ways
}

/// Tries for each request that a subset of a Service had.
fn load(destinations: &[DestinationTotals], (service, subset): (&str, &str)) -> f64 {
    let own = destinations.iter().filter(|totals| {
        let to = &totals.destination;
        (&*to.service, &*to.subset) == (service, subset)
    });
    let (mut requests, mut retries) = (0, 0);
    for totals in own {
        requests += totals.requests.count();
        retries += totals.attempts.retries;
    }
    1.0 + retries as f64 / requests.max(1) as f64
}

/// Requests of a traffic source that no pod was there to send: they ended, and no proxy and no server saw them.
fn unsent(traffic: &TrafficFigures, report: &RunReport) -> u64 {
    let journeys = traffic
        .journeys
        .iter()
        .filter(|figures| figures.labels.response_code == 0);
    let requests = report
        .measurements
        .window
        .requests
        .iter()
        .filter(|figures| {
            figures.labels.caller == traffic.name && figures.labels.response_code == 0
        });
    let ended: u64 = journeys.map(|figures| figures.latency.count()).sum();
    ended.saturating_sub(requests.map(RequestFigures::count).sum())
}

/// In the place of flags, where nobody was there to send a request.
const NOBODY: &str = "";

impl Way<'_> {
    fn cells(&self) -> [String; 4] {
        if self.flags == NOBODY {
            let meaning = "no pod of the source was there".to_owned();
            let from = self.from.to_owned();
            return [self.count.to_string(), self.code.to_string(), from, meaning];
        }
        let grpc = (self.grpc).map_or(String::new(), |status| format!(" grpc {status}"));
        let to = match self.subset {
            "" => self.service.to_owned(),
            subset => format!("{} {subset}", self.service),
        };
        [
            self.count.to_string(),
            format!("{}{grpc} {}", self.code, self.flags),
            format!("{} → {to}", self.from),
            meaning(self.flags),
        ]
    }

    /// Whether a server behind it failed in asking others.
    fn is_led_to(&self, callers: &BTreeSet<&str>) -> bool {
        let mut servers = self.servers.iter();
        servers.any(|(namespace, name)| callers.contains(&*format!("{namespace}/{name}")))
    }

    /// What to try; where retries multiply the load, that is told first.
    fn advice(&self, report: &RunReport) -> String {
        if self.flags == NOBODY {
            return "its pods did not run: see their `replicas`, the nodes' `capacity`, and what the timeline does to \
                    them"
                .to_owned();
        }
        let usual = advice(self.code, self.flags, self.cause(report));
        let is_overdone = ["UT", "URX", "UO"]
            .iter()
            .any(|flag| self.flags.contains(flag));
        match self.load {
            load if is_overdone && load >= MULTIPLIED => {
                format!(
                    "retries make {} times the load of it: allow fewer; then {usual}",
                    number(load)
                )
            }
            _ => usual,
        }
    }

    /// What led to it, where that is known.
    fn cause<'c>(&self, report: &'c RunReport) -> Option<&'c Cause> {
        report.causes.iter().find(|cause| {
            (cause.response_code, cause.grpc_response_status) == (self.code, self.grpc)
                && cause.response_flags == self.flags
                && cause.caller == self.from
                && (&*cause.service, &*cause.subset) == (self.service, self.subset)
        })
    }
}

/// The tries for each request that are too many: where there are as many retries as requests.
const MULTIPLIED: f64 = 2.0;

/// What response flags mean. Source: Envoy documentation, access log usage, `%RESPONSE_FLAGS%`.
pub(crate) fn meaning(flags: &str) -> String {
    let meanings = flags.split(',').filter_map(|flag| {
        let meaning = match flag {
            "UH" => "no healthy upstream host",
            "UF" => "upstream connection failed",
            "UO" => "circuit breaker overflowed",
            "NR" => "no route",
            "URX" => "retries used up",
            "NC" => "cluster not found",
            "DC" => "caller gave up",
            "UT" => "timed out",
            "LR" => "reset by the proxy",
            "UR" => "reset by the server",
            "UC" => "upstream connection ended",
            "UPE" => "server did not speak HTTP",
            "DI" => "delay injected",
            "FI" => "fault injected",
            _ => return None,
        };
        Some(meaning)
    });
    meanings.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_explained_in_their_order() {
        assert_eq!(
            meaning("URX,UF"),
            "retries used up, upstream connection failed"
        );
        assert_eq!(meaning("-"), "");
    }
}

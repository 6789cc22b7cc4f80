//! What `fortio load` would print of each traffic source: counts, a histogram with fortio's buckets, targets, codes.
//!
//! Figures are of requests with their application retries, after the warm-up. Percentiles are the run's own, more exact
//! than interpolation in these buckets; the deviation is computed from a finer histogram and is within its width. A request
//! without an answer has the code -1, as fortio's has. Source of buckets: fortio's stats package (resolution 0.001 s).

use crate::figures::rate;
use crate::model::RunReport;
use base::SimDuration;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use telemetry::{Histogram, Quantile, TrafficFigures};

/// All traffic sources, one after the other.
pub(super) fn text(report: &RunReport) -> String {
    let sources = report.measurements.window.traffic.iter();
    let parts: Vec<String> = sources.map(|source| of(report, source)).collect();
    parts.join("\n")
}

fn of(report: &RunReport, source: &TrafficFigures) -> String {
    let facts = &report.measurements.facts;
    let watched = report.measurements.window.seconds() * f64::from(facts.replications.max(1));
    let latency = source.totals().latency;
    let count = latency.count();
    let per_second = rate(count, watched);
    let mut text = format!(
        "Traffic {}: {watched:.3}s measured : {count} calls. qps={per_second:.5}\n",
        source.name.escape_debug()
    );
    let seconds = |time: SimDuration| time.as_secs_f64();
    let _ = writeln!(
        text,
        "Aggregated Function Time : count {count} avg {:.9} +/- {:.4} min {:.9} max {:.9} sum {:.6}",
        seconds(latency.mean()),
        deviation(&latency),
        seconds(latency.min()),
        seconds(latency.max()),
        latency.sum_nanos() as f64 / 1e9,
    );
    if count > 0 {
        text.push_str("# range, mid point, percentile, count\n");
        write_bars(&latency, &mut text);
    }
    for (name, numerator) in [
        ("50", 500),
        ("75", 750),
        ("90", 900),
        ("99", 990),
        ("99.9", 999),
    ] {
        if count > 0 {
            let at = seconds(latency.quantile(Quantile::new(numerator, 1000)));
            let _ = writeln!(text, "# target {name}% {at:.9}");
        }
    }
    let mut codes: BTreeMap<i32, u64> = BTreeMap::new();
    for journeys in &source.journeys {
        let code = match journeys.labels.response_code {
            0 => -1,
            code => i32::from(code),
        };
        *codes.entry(code).or_default() += journeys.count();
    }
    for (code, number) in codes {
        let part = number as f64 * 100.0 / count.max(1) as f64;
        let _ = writeln!(text, "Code {code:3} : {number} ({part:.1} %)");
    }
    let mean = latency.mean().as_millis_f64();
    let _ = writeln!(
        text,
        "All done {count} calls : {mean:.3} ms avg, {per_second:.1} qps"
    );
    text
}

/// A line for each of fortio's buckets that is not empty.
fn write_bars(latency: &Histogram, text: &mut String) {
    let count = latency.count();
    let (mut before, mut lower) = (0, latency.min());
    let edges = EDGES_MS.iter().map(|edge| SimDuration::from_millis(*edge));
    for edge in edges.chain([SimDuration::MAX]) {
        let upper = edge.min(latency.max());
        let up_to = latency.count_up_to(upper);
        if up_to > before {
            let sign = if before == 0 { ">=" } else { ">" };
            let (from, to) = (lower.as_secs_f64(), upper.as_secs_f64());
            let percentile = up_to as f64 * 100.0 / count as f64;
            let middle = f64::midpoint(from, to);
            let _ = writeln!(
                text,
                "{sign} {from} <= {to} , {middle} , {percentile:.2}, {}",
                up_to - before
            );
        }
        before = up_to;
        lower = edge.max(latency.min());
    }
}

/// The standard deviation in seconds, from the middles of buckets.
fn deviation(latency: &Histogram) -> f64 {
    let mean = latency.sum_nanos() as f64 / latency.count().max(1) as f64;
    let squares: f64 = (latency.bars())
        .map(|(lower, width, count)| {
            let middle = lower as f64 + width.saturating_sub(1) as f64 / 2.0;
            (middle - mean) * (middle - mean) * count as f64
        })
        .sum();
    (squares / latency.count().max(1) as f64).sqrt() / 1e9
}

/// The upper edges of fortio's buckets, in units of its resolution.
const EDGES_MS: [u64; 53] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90,
    100, 120, 140, 160, 180, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1_000, 2_000,
    3_000, 4_000, 5_000, 7_500, 10_000, 20_000, 30_000, 40_000, 50_000,
];

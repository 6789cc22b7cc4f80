//! What a run is, its most important figures, and what to know before trusting them.

use super::Section;
use super::markup::escaped;
use crate::figures::ratio;
use crate::model::RunReport;
use crate::numbers::{milliseconds, number, percent, seconds};
use telemetry::{Histogram, Quantile};

/// Name, description and facts.
pub(super) fn header(report: &RunReport) -> String {
    let facts = &report.measurements.facts;
    let mut details = vec![
        format!("{} simulated", seconds(report.simulated.as_secs_f64())),
        format!("{} requests", number(report.requests as f64)),
    ];
    if facts.replications > 1 {
        details.push(format!("{} replications", facts.replications));
    }
    if facts.warm_up.as_nanos() > 0 {
        details.push(format!(
            "warm-up of {}",
            seconds(facts.warm_up.as_secs_f64())
        ));
    }
    details.push(format!("seed {}", report.seed));
    let details: String = (details.iter())
        .map(|detail| format!("<li>{}</li>", escaped(detail)))
        .collect();
    let description = if report.description.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=\"description\">{}</p>\n",
            escaped(&report.description)
        )
    };
    format!(
        "<header class=\"page-head\">\n<div class=\"brand\"><span>meshsim</span>\
         <button type=\"button\" id=\"theme\" class=\"script-only\">Dark theme</button></div>\n\
         <h1>{}</h1>\n{description}<ul class=\"facts\">{details}</ul>\n</header>\n",
        escaped(&report.scenario),
    )
}

/// The figures that matter most, as tiles.
pub(super) fn figures(report: &RunReport) -> Option<Section> {
    let measured = &report.measurements;
    let window = &measured.window;
    let journeys = window.journeys_where(|_| true);
    let requests = window.requests_where(|_| true);
    let latency = &journeys.latency;
    let time = |quantile| milliseconds(latency.quantile(quantile).as_millis_f64());
    let in_seconds = window.seconds() * f64::from(measured.facts.replications.max(1));
    let mut tiles = vec![tile(
        "Requests",
        &number(journeys.count() as f64),
        &format!(
            "{}/s, of all traffic sources",
            number(journeys.count() as f64 / in_seconds.max(1e-9))
        ),
        "",
    )];
    if let Some(rate) = journeys.success_rate() {
        let failed = journeys.count() - journeys.successes;
        let class = if failed == 0 { "" } else { "bad" };
        let detail = format!("{} failed", number(failed as f64));
        tiles.push(tile("Success rate", &percent(rate), &detail, class));
        let p99 = format!("p50 {}, longest {}", time(Quantile::P50), longest(latency));
        tiles.push(tile("p99 latency", &time(Quantile::P99), &p99, ""));
    }
    if let Some(tries) = ratio(requests.tries, requests.count()) {
        let attempts = window.attempts_where(|_| true);
        let detail = format!("{} retries", number(attempts.retries as f64));
        tiles.push(tile("Tries per request", &number(tries), &detail, ""));
    }
    let busiest = (window.pods.iter())
        .filter_map(|pod| Some((pod.utilization()?, pod)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((utilization, pod)) = busiest {
        let class = if utilization > 0.9 { "bad" } else { "" };
        tiles.push(tile("Busiest pod", &percent(utilization), &pod.pod, class));
    }
    let ejected = measured.ejections.iter().filter(|e| e.ejected).count();
    if ejected > 0 {
        tiles.push(tile(
            "Ejections",
            &ejected.to_string(),
            "by outlier detection",
            "bad",
        ));
    }
    let after = if measured.facts.warm_up.as_nanos() > 0 {
        "<p class=\"hint\">Of requests that began after the warm-up.</p>\n"
    } else {
        ""
    };
    (journeys.count() > 0).then(|| Section {
        id: "figures",
        name: "Figures",
        heading: "In short".to_owned(),
        body: format!("<dl class=\"tiles\">\n{}</dl>\n{after}", tiles.concat()),
    })
}

fn longest(latency: &Histogram) -> String {
    milliseconds(latency.max().as_millis_f64())
}

fn tile(name: &str, value: &str, detail: &str, class: &str) -> String {
    format!(
        "<div class=\"tile {class}\"><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"detail\">{}</dd></div>\n",
        escaped(name),
        escaped(value),
        escaped(detail),
    )
}

/// What is not simulated, or doubtful.
pub(super) fn notes(report: &RunReport) -> Option<Section> {
    let notes: String = (report.notes.iter())
        .map(|note| format!("<li>{}</li>\n", escaped(note)))
        .collect();
    (!notes.is_empty()).then(|| Section {
        id: "notes",
        name: "Notes",
        heading: "Before you trust these figures".to_owned(),
        body: format!("<ul class=\"notes\">\n{notes}</ul>\n"),
    })
}

/// How the same run is made again.
pub(super) fn footer(report: &RunReport) -> String {
    format!(
        "<footer>\n<p>meshsim {}, seed {}, fingerprint <code>{}</code>, {} events. The same scenario, version and seed \
         give the same bytes on any machine.</p>\n</footer>\n",
        escaped(&report.version),
        report.seed,
        escaped(&report.fingerprint),
        number(report.events as f64),
    )
}

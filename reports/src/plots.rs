//! A run as pictures: SVG, and the same as PNG.
//!
//! Every picture is drawn from the measurements alone, has the colours of [`palette`] and the frame of [`frame`], and is
//! left out where there is nothing to show (no retries, no ejections).

pub(crate) mod axis;
pub(crate) mod call_graph;
pub(crate) mod distribution;
pub(crate) mod ejections;
pub(crate) mod frame;
pub(crate) mod graph;
pub(crate) mod latency;
mod layout;
pub(crate) mod palette;
mod png;
pub(crate) mod pools;
pub(crate) mod responses;
pub(crate) mod retries;
pub(crate) mod split;
pub(crate) mod svg;
pub(crate) mod utilization;

use crate::Pictures;
use crate::model::{OutputFile, RunReport};
use crate::numbers::{number, seconds};
use crate::times::Times;
use frame::Figure;
use palette::Palette;
use png::Painter;
use rayon::prelude::*;

/// The pictures that were asked for, as files.
pub(crate) fn files(report: &RunReport, wanted: Pictures) -> Vec<OutputFile> {
    match wanted {
        Pictures::None => Vec::new(),
        Pictures::Svg => pictures(report).into_iter().map(svg_file).collect(),
        Pictures::SvgAndPng => painted(pictures(report)),
    }
}

/// Pictures as SVG and PNG files, painted on the threads of the rayon pool in which this is called.
pub(crate) fn painted(pictures: Vec<(&'static str, String)>) -> Vec<OutputFile> {
    let painter = Painter::new();
    let both = pictures.into_par_iter().flat_map_iter(|(name, svg)| {
        let png = OutputFile {
            path: format!("plots/{name}.png"),
            bytes: painter.png(&svg),
        };
        [png, svg_file((name, svg))]
    });
    both.collect()
}

fn svg_file((name, svg): (&'static str, String)) -> OutputFile {
    OutputFile {
        path: format!("plots/{name}.svg"),
        bytes: svg.into_bytes(),
    }
}

/// All pictures: names and SVG documents, in the order in which a reader wants them.
pub fn pictures(report: &RunReport) -> Vec<(&'static str, String)> {
    let times = Times::of(report);
    let palette = Palette::of(&report.measurements);
    let draw = |figure: Option<Figure>| figure.map(|figure| figure.draw());
    let pictures = [
        ("service_graph", graph::draw(report, &palette)),
        (
            "traffic_split",
            draw(split::figure(report, &times, &palette)),
        ),
        ("latency", draw(latency::over_time(report, &times))),
        (
            "latency_distribution",
            draw(distribution::figure(report, &times)),
        ),
        ("responses", draw(responses::figure(report, &times))),
        ("retries", draw(retries::figure(report, &times, &palette))),
        ("pools", draw(pools::figure(report, &times, &palette))),
        (
            "ejections",
            draw(ejections::figure(report, &times, &palette)),
        ),
        (
            "utilization",
            draw(utilization::figure(report, &times, &palette)),
        ),
    ];
    pictures
        .into_iter()
        .filter_map(|(name, svg)| svg.map(|svg| (name, svg)))
        .collect()
}

/// What a picture is of.
fn subtitle(report: &RunReport) -> String {
    let facts = &report.measurements.facts;
    let replications = match facts.replications {
        0 | 1 => String::new(),
        count => format!(" · {count} replications"),
    };
    format!(
        "{} · seed {}{replications} · {} simulated · {} requests",
        report.scenario,
        report.seed,
        seconds(report.simulated.as_secs_f64()),
        number(report.requests as f64),
    )
}

//! `report.html`: a run as one page that needs nothing else.
//!
//! What can be read without a script is written here: verdict, figures, service graph, tables. Series and sampled
//! requests are embedded as JSON, which the page's own scripts (`assets/report`) draw with uPlot (`assets/uplot`).
//! The page holds no time of this machine, so the same run gives the same bytes. Names come from manifests: all of them
//! pass through [`markup`], and scripts only ever set text.

mod assets;
mod chart;
mod charts;
mod distribution;
mod graph;
mod head;
mod markup;
mod table;
mod tables;
mod traces;
mod verdict;

use crate::model::{OutputFile, RunReport};
use crate::plots::palette::Palette;
use crate::text::meaning;
use crate::times::Times;
use chart::Chart;
use markup::{embedded, escaped};
use serde::Serialize;
use std::collections::BTreeMap;
use traces::TracesJson;

/// `report.html`.
pub(crate) fn file(report: &RunReport) -> OutputFile {
    OutputFile {
        path: "report.html".to_owned(),
        bytes: page(report).into_bytes(),
    }
}

/// What the page's scripts read.
#[derive(Serialize)]
struct Embedded<'a> {
    schema: &'static str,
    end_seconds: f64,
    warm_up_seconds: f64,
    bucket_seconds: f64,
    marks: Vec<MarkJson<'a>>,
    charts: &'a [Chart],
    /// What response flags mean.
    flags: BTreeMap<&'a str, String>,
    traces: TracesJson,
}

#[derive(Serialize)]
struct MarkJson<'a> {
    at: f64,
    label: &'a str,
}

fn page(report: &RunReport) -> String {
    let palette = Palette::of(&report.measurements);
    let times = Times::of(report);
    let charts = charts::all(report, &times, &palette);
    let facts = &report.measurements.facts;
    let embedded_data = embedded(&Embedded {
        schema: "meshsim.page/1",
        end_seconds: facts.end.as_secs_f64(),
        warm_up_seconds: facts.warm_up.as_secs_f64(),
        bucket_seconds: facts.bucket.as_secs_f64(),
        marks: (facts.marks.iter())
            .map(|mark| MarkJson {
                at: mark.at.as_secs_f64(),
                label: &mark.label,
            })
            .collect(),
        charts: &charts,
        flags: flags(report),
        traces: TracesJson::of(&report.traces),
    });
    let sections = [
        verdict::section(report),
        head::figures(report),
        charts::section(report, &charts),
        distribution::section(report),
        graph::section(report, &palette),
        traces::section(report),
        tables::section(report, &palette),
        head::notes(report),
    ];
    let contents: String = sections.iter().flatten().map(Section::link).collect();
    let sections: String = sections.iter().flatten().map(Section::html).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\" class=\"no-js\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"generator\" content=\"meshsim {version}\">\n\
         <title>{verdict}{name} · meshsim</title>\n<style>\n{style}</style>\n\
         <script>\n{early}</script>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the report</a>\n{header}\
         <nav class=\"contents\" aria-label=\"Contents\"><ul>{contents}</ul></nav>\n\
         <main id=\"main\">\n{sections}</main>\n{footer}\
         <script type=\"application/json\" id=\"data\">{embedded_data}</script>\n\
         <script>\n{script}</script>\n</body>\n</html>\n",
        version = escaped(&report.version),
        verdict = verdict::mark(report),
        name = escaped(&report.scenario),
        style = assets::style(),
        early = assets::EARLY,
        header = head::header(report),
        footer = head::footer(report),
        script = assets::script(),
    )
}

/// The flags of sampled requests that have a meaning here.
fn flags(report: &RunReport) -> BTreeMap<&str, String> {
    let requests = report.traces.iter().flat_map(|trace| &trace.requests);
    requests
        .flat_map(|request| request.entry.response_flags.split(','))
        .map(|flag| (flag, meaning(flag)))
        .filter(|(_, meaning)| !meaning.is_empty())
        .collect()
}

/// A part of the page that its contents lead to.
struct Section {
    /// Its anchor.
    id: &'static str,
    /// What the contents call it.
    name: &'static str,
    /// Its heading, as HTML.
    heading: String,
    /// What follows the heading, as HTML.
    body: String,
}

impl Section {
    fn link(&self) -> String {
        format!("<li><a href=\"#{}\">{}</a></li>", self.id, self.name)
    }

    fn html(&self) -> String {
        let Self {
            id, heading, body, ..
        } = self;
        format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>\n\
             {body}</section>\n"
        )
    }
}

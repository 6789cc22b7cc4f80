//! Sampled journeys, as short as they can be embedded: names once, everything else in fixed places.

use super::Section;
use crate::model::RunReport;
use serde::Serialize;
use std::collections::BTreeMap;
use telemetry::{AccessLogTry, Trace, TracedRequest, TryOutcome};

/// All sampled journeys. What the places mean is said in `assets/report/trace_data.js`.
#[derive(Debug, Default, Serialize)]
pub(super) struct TracesJson {
    names: Vec<String>,
    list: Vec<TraceJson>,
}

/// Traffic, start and duration in milliseconds, status, gRPC status, flags, requests.
#[derive(Debug, Serialize)]
struct TraceJson(usize, f64, f64, u16, Option<u8>, usize, Vec<RequestJson>);

/// A request: the place of its parent, then as in [`fields`], then its tries.
#[derive(Debug, Serialize)]
struct RequestJson(Option<usize>, Fields, Vec<TryJson>);

type Fields = (
    // Caller, source pod, service, subset, workload, pod.
    [usize; 6],
    // Method, authority, path, flags, details, cluster, route.
    [usize; 7],
    // Start, duration, uploaded, first byte.
    (f64, f64, f64, Option<f64>),
    // Status, gRPC status.
    (u16, Option<u8>),
);

/// Number, mirrored, start, duration, connected, first byte, back-off before, pod, address, outcome.
#[derive(Debug, Serialize)]
struct TryJson(
    u16,
    u8,
    f64,
    f64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    usize,
    usize,
    OutcomeJson,
);

/// A status, or words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OutcomeJson {
    Status(u16),
    Words(&'static str),
}

/// Names in the order in which they were first met.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Names {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.all.len();
        self.all.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}

/// The place where sampled requests are looked at.
pub(super) fn section(report: &RunReport) -> Option<Section> {
    let count = report.traces.len();
    (count > 0).then(|| Section {
        id: "requests",
        name: "Requests",
        heading: "Single requests".to_owned(),
        body: format!(
            "<p>{count} requests were kept with all that they led to: some drawn evenly over the whole run, and of each \
             moment the slowest, some that failed and some that a retry saved.</p>\n\
             <p class=\"script-only\"><button type=\"button\" class=\"ask primary\" data-ask=\"{{}}\">Look at them</button></p>\n\
             <p class=\"no-script\">They are in <code>measurements.json</code>; this page shows them where scripts run.</p>\n"
        ),
    })
}

impl TracesJson {
    pub(super) fn of(traces: &[Trace]) -> Self {
        let mut names = Names::default();
        let list = traces.iter().map(|trace| one(trace, &mut names)).collect();
        Self {
            names: names.all,
            list,
        }
    }
}

fn one(trace: &Trace, names: &mut Names) -> TraceJson {
    let started = trace.started.as_nanos();
    let since = |nanos: u64| millis(nanos.saturating_sub(started));
    let requests = (trace.requests.iter())
        .map(|request| {
            let entry = &request.entry;
            let fields = fields(request, since(entry.started.as_nanos()), names);
            let tries = (entry.tries.iter())
                .map(|one| one_try(one, since(one.started.as_nanos()), names))
                .collect();
            RequestJson(request.parent, fields, tries)
        })
        .collect();
    TraceJson(
        names.place(&trace.traffic),
        millis(started),
        millis(trace.duration.as_nanos()),
        trace.response_code,
        trace.grpc_response_status,
        names.place(&trace.response_flags),
        requests,
    )
}

fn fields(request: &TracedRequest, start: f64, names: &mut Names) -> Fields {
    let entry = &request.entry;
    let destination = &entry.destination;
    // A gateway passes on what a traffic source has made.
    let caller = match request.parent {
        Some(_) => entry.source.full_name(),
        None => entry.caller.clone(),
    };
    let who = [
        names.place(&caller),
        names.place(&entry.source_pod),
        names.place(&destination.service),
        names.place(&destination.subset),
        names.place(&destination.workload.full_name()),
        names.place(&entry.destination_pod),
    ];
    let what = [
        &entry.method,
        &entry.authority,
        &entry.path,
        &entry.response_flags,
        &entry.response_code_details,
        &entry.upstream_cluster,
        &entry.route_name,
    ]
    .map(|name| names.place(name));
    let first_byte = entry.time_to_first_byte.map(|time| millis(time.as_nanos()));
    let times = (
        start,
        millis(entry.duration.as_nanos()),
        millis(entry.request_duration.as_nanos()),
        first_byte,
    );
    (
        who,
        what,
        times,
        (entry.response_code, entry.grpc_response_status),
    )
}

fn one_try(one: &AccessLogTry, start: f64, names: &mut Names) -> TryJson {
    let time = |time: Option<base::SimDuration>| time.map(|time| millis(time.as_nanos()));
    TryJson(
        one.number,
        u8::from(one.mirror),
        start,
        millis(one.duration.as_nanos()),
        time(one.connect),
        time(one.time_to_first_byte),
        time(one.back_off),
        names.place(&one.pod),
        names.place(&one.host),
        match one.outcome {
            TryOutcome::Response(status) => OutcomeJson::Status(status),
            TryOutcome::Reset(reason) => OutcomeJson::Words(reason),
            TryOutcome::Abandoned => OutcomeJson::Words("abandoned"),
        },
    )
}

/// Milliseconds to the microsecond.
fn millis(nanos: u64) -> f64 {
    (nanos as f64 / 1e3).round() / 1e3
}

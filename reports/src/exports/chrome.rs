//! Sampled requests in Chrome's trace event format (JSON object form), which chrome://tracing and Perfetto open.
//!
//! Each sampled request is a process, and each of its spans has a line of its own, as in a waterfall: requests at one proxy
//! overlap, and what overlaps cannot share a line in this format.

use super::spans::{What, spans};
use crate::model::RunReport;
use serde_json::{Value, json};
use telemetry::TryOutcome;

/// The file.
pub(super) fn text(report: &RunReport) -> String {
    let mut events: Vec<Value> = Vec::new();
    let mut line = 0;
    for span in spans(report) {
        let process = span.trace + 1;
        line += 1;
        let (category, name, from, arguments) = match &span.what {
            What::Journey(trace) => {
                line = 1;
                let code = shown(trace.response_code, &trace.response_flags);
                let name = format!("{} #{process}: {code}", trace.traffic);
                events.push(named("process_name", process, 0, &name));
                let arguments = json!({"trace_id": span.trace_id, "answer": code});
                let traffic = trace.traffic.clone();
                ("traffic", traffic.clone(), traffic, arguments)
            }
            What::Request(entry) => {
                let name = format!("{} {}{}", entry.method, entry.authority, entry.path);
                let arguments = json!({
                    "answer": shown(entry.response_code, &entry.response_flags),
                    "details": entry.response_code_details,
                    "cluster": entry.upstream_cluster,
                    "route": entry.route_name,
                    "span_id": span.id,
                });
                ("request", name, entry.source_pod.clone(), arguments)
            }
            What::Try(_, one) => {
                let outcome = match one.outcome {
                    TryOutcome::Response(status) => status.to_string(),
                    TryOutcome::Reset(reason) => reason.to_owned(),
                    TryOutcome::Abandoned => "abandoned".to_owned(),
                };
                let kind = if one.mirror { "mirror" } else { "try" };
                let name = format!("{kind} {}: {outcome}", one.number);
                let arguments = json!({"host": one.host, "pod": one.pod, "span_id": span.id});
                (kind, name, format!("→ {}", one.pod), arguments)
            }
        };
        events.push(named("thread_name", process, line, &from));
        events.push(json!({
            "name": name,
            "cat": category,
            "ph": "X",
            "ts": micros(span.started.as_nanos()),
            "dur": micros(span.duration.as_nanos()),
            "pid": process,
            "tid": line,
            "args": arguments,
        }));
    }
    let run = json!({"scenario": report.scenario, "seed": report.seed, "version": report.version});
    let file = json!({"traceEvents": events, "displayTimeUnit": "ms", "otherData": run});
    format!("{file}\n")
}

/// An event that gives a process or a line its name.
fn named(what: &str, process: usize, line: u32, name: &str) -> Value {
    json!({"name": what, "ph": "M", "pid": process, "tid": line, "args": {"name": name}})
}

fn shown(code: u16, flags: &str) -> String {
    match flags {
        "" | "-" => code.to_string(),
        flags => format!("{code} {flags}"),
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

//! The request that counts against an expectation, for people and for programs.

use scenario::{Offending, Verdict, is_told};
use serde::Serialize;
use serde_json::Value;

use crate::commands::explain::story;
use explain::model::Explanation;
use manifest::Source;
use telemetry::{AccessLogEntry, AccessLogTry, TryOutcome};

/// A request of a run, or one that is decided without.
#[derive(Serialize)]
struct Json<'o> {
    why: &'o str,
    /// What became of it in the run.
    request: Option<RequestJson<'o>>,
    /// What decided about it, as `explain -o json` has it; clusters are those that the route names.
    explanation: Option<&'o Explanation>,
}

#[derive(Serialize)]
struct RequestJson<'o> {
    number: u32,
    caller: &'o str,
    at_seconds: f64,
    duration_ms: f64,
    source_pod: &'o str,
    method: &'o str,
    authority: &'o str,
    path: &'o str,
    destination_service: &'o str,
    subset: &'o str,
    destination_pod: &'o str,
    upstream_cluster: &'o str,
    upstream_host: &'o str,
    response_code: u16,
    response_flags: &'o str,
    response_code_details: &'o str,
    attempts: u16,
    tries: Vec<TryJson<'o>>,
}

#[derive(Serialize)]
struct TryJson<'o> {
    number: u16,
    at_seconds: f64,
    duration_ms: f64,
    host: &'o str,
    pod: &'o str,
    /// The status of the response; none where there was none.
    response_code: Option<u16>,
    /// Why there was none.
    reset: Option<&'static str>,
}

/// The request that counts against a verdict, as reports have it; the sources are the files that places point into.
pub(crate) fn reported(verdict: &Verdict, sources: &[Source]) -> Option<reports::Offending> {
    let Offending {
        why,
        request,
        explanation,
    } = &**verdict.offending.as_ref()?;
    let json = Json {
        why,
        request: request.as_ref().map(RequestJson::of),
        explanation: explanation.as_ref(),
    };
    let mut story = match explanation {
        Some(explanation) => {
            let coloured = story::tell(explanation, sources);
            anstream::adapter::strip_str(&coloured).to_string()
        }
        None => String::new(),
    };
    if let Some(request) = request {
        let is_as_told =
            (explanation.as_ref()).is_none_or(|explanation| is_told(explanation, request));
        story += &told(request, is_as_told);
    }
    Some(reports::Offending {
        why: why.clone(),
        story,
        json: serde_json::to_value(&json).unwrap_or(Value::Null),
    })
}

impl<'o> RequestJson<'o> {
    fn of(entry: &'o AccessLogEntry) -> Self {
        Self {
            number: entry.number,
            caller: &entry.caller,
            at_seconds: entry.started.as_secs_f64(),
            duration_ms: entry.duration.as_secs_f64() * 1e3,
            source_pod: &entry.source_pod,
            method: &entry.method,
            authority: &entry.authority,
            path: &entry.path,
            destination_service: &entry.destination.service,
            subset: &entry.destination.subset,
            destination_pod: &entry.destination_pod,
            upstream_cluster: &entry.upstream_cluster,
            upstream_host: &entry.upstream_host,
            response_code: entry.response_code,
            response_flags: &entry.response_flags,
            response_code_details: &entry.response_code_details,
            attempts: entry.attempts,
            tries: entry.tries.iter().map(TryJson::of).collect(),
        }
    }
}

impl<'o> TryJson<'o> {
    fn of(one: &'o AccessLogTry) -> Self {
        let (response_code, reset) = match one.outcome {
            TryOutcome::Response(status) => (Some(status), None),
            TryOutcome::Reset(reason) => (None, Some(reason)),
            TryOutcome::Abandoned => (None, Some("abandoned")),
        };
        Self {
            number: one.number,
            at_seconds: one.started.as_secs_f64(),
            duration_ms: one.duration.as_secs_f64() * 1e3,
            host: &one.host,
            pod: &one.pod,
            response_code,
            reset,
        }
    }
}

/// What became of the request in the run, a line each try; where chance chose otherwise than the likeliest way that its story
/// tells, that is said.
fn told(entry: &AccessLogEntry, is_as_told: bool) -> String {
    let at = entry.started;
    let mut lines = vec![match is_as_told {
        true => format!("\nin the run, at {at}:"),
        false => {
            format!("\nthat is the likeliest way; in the run, at {at}, the request took another:")
        }
    }];
    if !entry.upstream_cluster.is_empty() {
        lines.push(format!("  {:<12} {}", "cluster", entry.upstream_cluster));
    }
    for one in &entry.tries {
        let outcome = match one.outcome {
            TryOutcome::Response(status) => format!("answered {status}"),
            TryOutcome::Reset(reason) => reason.to_owned(),
            TryOutcome::Abandoned => "given up by its proxy".to_owned(),
        };
        let host = match (one.pod.as_str(), one.host.as_str()) {
            ("", host) => host.to_owned(),
            (pod, "") => pod.to_owned(),
            (pod, host) => format!("{pod} at {host}"),
        };
        let name = format!("try {}", one.number);
        lines.push(format!(
            "  {name:<12} {host}: {outcome} after {}",
            one.duration
        ));
    }
    let details = match entry.response_code_details.as_str() {
        "" => String::new(),
        details => format!(" ({details})"),
    };
    lines.push(format!(
        "→ status {}, response flags {}{details}, after {}",
        entry.response_code, entry.response_flags, entry.duration
    ));
    lines.join("\n") + "\n"
}

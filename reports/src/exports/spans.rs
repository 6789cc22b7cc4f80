//! Sampled requests as spans: a journey, its requests below it, and below each of these its tries.
//!
//! Ids have the form of W3C Trace Context and follow from the run's seed and a span's place, so that they are the same
//! whenever the run is.

use crate::model::RunReport;
use base::rng::mix;
use base::{SimDuration, SimTime};
use telemetry::{AccessLogEntry, AccessLogTry, Trace};

/// A span of a trace.
#[derive(Debug)]
pub(super) struct Span<'a> {
    /// The place of its trace.
    pub(super) trace: usize,
    /// 16 bytes as hexadecimal digits.
    pub(super) trace_id: String,
    /// 8 bytes as hexadecimal digits.
    pub(super) id: String,
    /// The same of the span above it.
    pub(super) parent: Option<String>,
    pub(super) started: SimTime,
    pub(super) duration: SimDuration,
    pub(super) what: What<'a>,
}

/// What a span tells of.
#[derive(Debug)]
pub(super) enum What<'a> {
    /// A request of a traffic source with its application retries.
    Journey(&'a Trace),
    /// A request, as the proxy of its source saw it.
    Request(&'a AccessLogEntry),
    /// One of its tries.
    Try(&'a AccessLogEntry, &'a AccessLogTry),
}

/// All spans of a run; each comes after the one above it.
pub(super) fn spans(report: &RunReport) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    for (place, trace) in report.traces.iter().enumerate() {
        let mut ids = Ids::of(report.seed, place);
        let trace_id = format!("{:016x}{:016x}", ids.next(), ids.next());
        let mut add = |parent: Option<String>, started, duration, what| {
            let id = format!("{:016x}", ids.next());
            spans.push(Span {
                trace: place,
                trace_id: trace_id.clone(),
                id: id.clone(),
                parent,
                started,
                duration,
                what,
            });
            id
        };
        let top = add(None, trace.started, trace.duration, What::Journey(trace));
        let mut requests: Vec<String> = Vec::new();
        for request in &trace.requests {
            let entry = &request.entry;
            let above = request.parent.and_then(|parent| requests.get(parent));
            let above = above.unwrap_or(&top).clone();
            let what = What::Request(entry);
            let id = add(Some(above), entry.started, entry.duration, what);
            for one in &entry.tries {
                let what = What::Try(entry, one);
                add(Some(id.clone()), one.started, one.duration, what);
            }
            requests.push(id);
        }
    }
    spans
}

/// Ids of a trace, none of them zero.
struct Ids(u64);

impl Ids {
    fn of(seed: u64, trace: usize) -> Self {
        Self(mix(mix(seed ^ SPANS) ^ trace as u64))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0).max(1)
    }
}

/// Sets ids apart from all other numbers that follow from a seed.
const SPANS: u64 = 0x7370_616e_5f69_6473;

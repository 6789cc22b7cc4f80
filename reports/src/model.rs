//! A run, as reports see it: plain data that whoever ran it fills in.

use crate::numbers::{milliseconds, number, percent};
use base::SimDuration;
use serde::{Deserialize, Serialize};
use telemetry::{AccessLogEntry, Measurements, Trace};

/// All that is known of a run, or of several replications of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: String,
    /// What it is about, in a few sentences; may be empty.
    pub description: String,
    /// The version of meshsim that ran it.
    pub version: String,
    /// Where its randomness began.
    pub seed: u64,
    /// The fingerprint over all events.
    pub fingerprint: String,
    /// How long the simulated time was, of one replication.
    pub simulated: SimDuration,
    /// Events, of all replications.
    pub events: u64,
    /// Requests that ended, of all replications, the warm-up's and the calls between workloads included.
    pub requests: u64,
    /// How long it took on this machine.
    pub wall_seconds: f64,
    /// What was measured, replications merged.
    pub measurements: Measurements,
    /// Judged expectations, in the scenario's order.
    pub expectations: Vec<Expectation>,
    /// Figures with their intervals over replications; empty for a single one.
    pub intervals: Vec<Interval>,
    /// What a reader should know before trusting the figures, such as fields that are not simulated.
    pub notes: Vec<String>,
    /// What led to the most frequent failures.
    pub causes: Vec<Cause>,
    /// Single requests, if they were asked for.
    pub access_log: Option<AccessLog>,
    /// A few requests of traffic sources with all that they led to, in the order in which they began.
    pub traces: Vec<Trace>,
}

/// An expectation and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// It was met.
    pub passed: bool,
    /// What was measured; none where there was nothing to measure.
    pub observed: Option<f64>,
    /// The least that is accepted.
    pub min: Option<f64>,
    /// The most that is accepted.
    pub max: Option<f64>,
    /// The unit of the three.
    pub unit: Unit,
    /// The same in words, such as how a statistical bound came about; may be empty.
    pub message: String,
    /// Of a single request that is decided without a run: what was wanted and what is decided. There are no figures.
    pub decided: Option<Decided>,
    /// What was measured, over replications; none of a single one.
    pub interval: Option<Ends>,
    /// One request that counts against it, where it was missed.
    pub offending: Option<Offending>,
}

/// A figure over replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// What it is about.
    pub subject: Subject,
    /// What it is called in words, such as `p99 latency`.
    pub statistic: String,
    /// The unit of its ends.
    pub unit: Unit,
    /// Mean and ends.
    pub ends: Ends,
}

/// What an interval is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// A traffic source.
    Traffic(String),
    /// A destination: Service, subset, workload.
    Destination(String, String, String),
    /// Anything else, in words.
    Other(String),
}

/// A mean over replications, and the ends of Student's interval at 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    /// The mean over the replications.
    pub mean: f64,
    /// The lower end; none where only one replication had the figure.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// How many replications had the figure.
    pub replications: usize,
}

/// What was wanted of a single request, and what is decided about it, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What was wanted.
    pub want: String,
    /// What is decided.
    pub got: String,
}

/// A request that counts against an expectation, and the decisions about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Offending {
    /// Why it counts against it, in a line.
    pub why: String,
    /// The decisions as a story, without colour.
    pub story: String,
    /// All of it as JSON.
    pub json: serde_json::Value,
}

/// What led to requests that failed in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Who made them.
    pub caller: String,
    /// `<namespace>/<name>` of the Service that they were for.
    pub service: String,
    /// The subset, empty if none.
    pub subset: String,
    /// The final status.
    pub response_code: u16,
    /// `grpc-status`, where there was one.
    pub grpc_response_status: Option<u8>,
    /// Envoy's response flags.
    pub response_flags: String,
    /// What the proxy obeyed; none where nothing that is written says so.
    pub rule: Option<CauseRule>,
    /// Hosts of the cluster had been ejected.
    pub ejected: bool,
    /// A call that the destination made meanwhile, which failed or took longest.
    pub call: Option<CauseCall>,
}

/// What a proxy obeyed, or a rule that was not for the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseRule {
    /// `<kind> <namespace>/<name>`.
    pub object: String,
    /// The field in it, or several with ` or ` between them; empty: the rule as a whole.
    pub field: String,
    /// `<file>:<line>`, and who had written the object otherwise by then.
    pub place: String,
    /// Why it was not for the request; empty where it was.
    pub rejected: String,
}

/// A call that was made while a request was served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCall {
    /// `<namespace>/<name>` of the Service that it was for.
    pub service: String,
    /// Its status and flags, such as `503 UO`.
    pub answer: String,
    /// It failed.
    pub failed: bool,
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A count, or a number without a unit.
    #[default]
    Count,
    /// A part of a whole, from 0 to 1.
    Ratio,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
}

/// Single requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessLog {
    /// How they are written.
    pub format: AccessLogFormat,
    /// The requests, in the order in which they ended.
    pub entries: Vec<AccessLogEntry>,
}

/// How single requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// A table, `access_log.csv`, and one of all tries, `access_log_tries.csv`.
    #[default]
    Csv,
    /// Lines in Istio's default format, `access_log.txt`.
    Istio,
    /// Lines in Istio's JSON format, `access_log.json`.
    Json,
}

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Its path below the report's folder, with `/` between its parts.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Traffic(name) => write!(f, "traffic {name}"),
            Self::Destination(service, subset, workload) => {
                f.write_str(service)?;
                if !subset.is_empty() {
                    write!(f, " subset {subset}")?;
                }
                match workload.as_str() {
                    "" => f.write_str(" unanswered"),
                    workload => write!(f, " at {workload}"),
                }
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}

impl RunReport {
    /// The interval of a figure.
    pub(crate) fn interval(&self, subject: &Subject, statistic: &str) -> Option<Ends> {
        let mut all = self.intervals.iter();
        all.find(|i| i.subject == *subject && i.statistic == statistic)
            .map(|interval| interval.ends)
    }
}

impl Unit {
    /// As it is written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Milliseconds => "ms",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Count, Self::Ratio, Self::Milliseconds];
        all.into_iter().find(|unit| unit.as_str() == text)
    }

    /// A figure as people read it.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Count => number(value),
            Self::Ratio => percent(value),
            Self::Milliseconds => milliseconds(value),
        }
    }
}

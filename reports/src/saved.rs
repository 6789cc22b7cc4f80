//! A run as a file, `measurements.json`, from which all of its renderings can be made again.
//!
//! The file says which layout it has; what is not of this layout is refused with the reason. What differs from one run to
//! the next of the same scenario and seed (how long it took) is not in it, nor are single requests that were asked for as
//! files of their own.

mod packed;

use self::packed::{Packed, PackedError};
use crate::model::{Cause, Expectation, Interval, OutputFile, RunReport};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::{self, Display};
use telemetry::{Measurements, Trace};

/// The file's name.
pub const MEASUREMENTS_FILE: &str = "measurements.json";

/// The layout that is written, and the one before, which is read, too: the same without packing.
const SCHEMA: &str = "meshsim.measurements/2";
const PLAIN: &str = "meshsim.measurements/1";

/// Why a file is no saved run.
#[derive(Debug)]
pub enum SavedError {
    /// It is not JSON at all, or is cut off.
    NotJson(serde_json::Error),
    /// It is something else.
    Foreign,
    /// It has another layout.
    OtherSchema(String),
    /// Its content does not fit the layout that it says it has.
    Corrupted(serde_json::Error),
    /// It cannot be unpacked.
    Unpackable,
}

/// What is packed into the file.
#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    scenario: Cow<'a, str>,
    description: Cow<'a, str>,
    version: Cow<'a, str>,
    seed: u64,
    fingerprint: Cow<'a, str>,
    simulated_ns: u64,
    events: u64,
    requests: u64,
    expectations: Cow<'a, [Expectation]>,
    /// None of a single replication.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    intervals: Cow<'a, [Interval]>,
    notes: Cow<'a, [String]>,
    /// None of a run in which nothing failed.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    causes: Cow<'a, [Cause]>,
    measurements: Cow<'a, Measurements>,
    traces: Cow<'a, [Trace]>,
}

/// `measurements.json`.
pub(crate) fn file(report: &RunReport) -> OutputFile {
    let saved = serde_json::to_value(saved(report));
    let saved = saved.expect("text keys and finite numbers are JSON");
    let written = Packed::of(SCHEMA, saved);
    let mut bytes = serde_json::to_vec(&written).expect("a value is JSON");
    bytes.push(b'\n');
    OutputFile {
        path: MEASUREMENTS_FILE.to_owned(),
        bytes,
    }
}

fn saved(report: &RunReport) -> Saved<'_> {
    Saved {
        scenario: (&report.scenario).into(),
        description: (&report.description).into(),
        version: (&report.version).into(),
        seed: report.seed,
        fingerprint: (&report.fingerprint).into(),
        simulated_ns: report.simulated.as_nanos(),
        events: report.events,
        requests: report.requests,
        expectations: (&report.expectations).into(),
        intervals: (&report.intervals).into(),
        notes: (&report.notes).into(),
        causes: (&report.causes).into(),
        measurements: Cow::Borrowed(&report.measurements),
        traces: (&report.traces).into(),
    }
}

/// Reads what [`render`](crate::render) wrote as `measurements.json`; how long the run took is not known then.
///
/// # Errors
/// If the bytes are not such a file.
pub fn read_measurements(bytes: &[u8]) -> Result<RunReport, SavedError> {
    #[derive(Deserialize)]
    struct Kind {
        schema: Option<String>,
    }
    let kind: Kind = match serde_json::from_slice(bytes) {
        Ok(kind) => kind,
        Err(error) if error.is_data() => return Err(SavedError::Foreign),
        Err(error) => return Err(SavedError::NotJson(error)),
    };
    let is_packed = match kind.schema {
        Some(schema) if schema == SCHEMA => true,
        Some(schema) if schema == PLAIN => false,
        Some(schema) if schema.starts_with("meshsim.") => {
            return Err(SavedError::OtherSchema(schema));
        }
        Some(_) | None => return Err(SavedError::Foreign),
    };
    let saved: Saved<'_> = if is_packed {
        let written: Packed = serde_json::from_slice(bytes).map_err(SavedError::Corrupted)?;
        let value = written.unpack(bytes.len())?;
        serde_json::from_value(value).map_err(SavedError::Corrupted)?
    } else {
        serde_json::from_slice(bytes).map_err(SavedError::Corrupted)?
    };
    Ok(RunReport {
        scenario: saved.scenario.into_owned(),
        description: saved.description.into_owned(),
        version: saved.version.into_owned(),
        seed: saved.seed,
        fingerprint: saved.fingerprint.into_owned(),
        simulated: base::SimDuration::from_nanos(saved.simulated_ns),
        events: saved.events,
        requests: saved.requests,
        wall_seconds: 0.0,
        measurements: saved.measurements.into_owned(),
        expectations: saved.expectations.into_owned(),
        intervals: saved.intervals.into_owned(),
        notes: saved.notes.into_owned(),
        causes: saved.causes.into_owned(),
        access_log: None,
        traces: saved.traces.into_owned(),
    })
}

impl Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "it is not JSON, or a part of it only: {error}"),
            Self::Foreign => write!(f, "it is not a file that `meshsim run` writes"),
            Self::OtherSchema(schema) => {
                write!(
                    f,
                    "it has the layout `{schema}`, and this version reads `{SCHEMA}`"
                )
            }
            Self::Corrupted(error) => write!(f, "its content is damaged: {error}"),
            Self::Unpackable => f.write_str("its content is damaged: it cannot be unpacked"),
        }
    }
}

impl From<PackedError> for SavedError {
    fn from(error: PackedError) -> Self {
        match error {
            PackedError::Reference
            | PackedError::Shape
            | PackedError::Size
            | PackedError::Depth => Self::Unpackable,
        }
    }
}

impl std::error::Error for SavedError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_before_is_read_too() {
        let report = RunReport {
            scenario: "canary".to_owned(),
            notes: vec!["~ is no reference".to_owned()],
            seed: 7,
            ..RunReport::default()
        };
        let mut plain = serde_json::to_value(saved(&report)).expect("it is JSON");
        plain["schema"] = PLAIN.into();
        let read = read_measurements(plain.to_string().as_bytes());
        assert_eq!(read.expect("it is ours"), report);
        let read = read_measurements(&file(&report).bytes);
        assert_eq!(read.expect("it is ours"), report);
    }
}

//! A run as JSON: the object that `run -o json` prints, and `summary.json`.

use crate::model::{OutputFile, RunReport};
use serde_json::{Value, json};

/// What `run -o json` prints.
pub fn run_json(_report: &RunReport) -> Value {
    json!({"schema": "meshsim.run/1"})
}

/// `summary.json`.
pub(crate) fn summary_file(report: &RunReport) -> OutputFile {
    OutputFile {
        path: "summary.json".to_owned(),
        bytes: run_json(report).to_string().into_bytes(),
    }
}

//! Files of Envoy's that the user names: config dumps and bootstraps.

use std::path::Path;

use manifest::Source;
use scenario::envoy_json;
use xds::{Json, ReadError, Reading};

use crate::input::read_input;
use crate::output::Output;
use crate::refusal::Refusal;

/// A file as read.
pub(crate) struct EnvoyFile {
    /// Its text.
    pub(crate) source: Source,
    /// What it says.
    pub(crate) json: Json,
}

impl EnvoyFile {
    /// Reads a file, or standard input where it is called `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Refusal> {
        let source = read_input(path)?;
        match envoy_json::read(&source) {
            Ok(json) => Ok(Self { source, json }),
            Err(problem) => Err(Refusal::new(problem.to_string())),
        }
    }
}

/// What was read; says what of it is not modelled, each thing once.
pub(crate) fn accept<T>(
    reading: Result<Reading<T>, ReadError>,
    output: &Output,
) -> Result<T, Refusal> {
    let reading = reading.map_err(|error| Refusal::new(error.to_string()))?;
    for (first, count) in envoy_json::once_each(&reading.unmodelled) {
        match count {
            1 => output.note(first),
            count => output.note(format_args!("{first} (and in {} more places)", count - 1)),
        }
    }
    Ok(reading.value)
}

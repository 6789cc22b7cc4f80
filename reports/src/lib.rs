//! Measurements to something to read: tables, pictures, JSON and text.
//!
//! Everything here is a pure function of a [`RunReport`]: no files, no clock. [`render`] gives all files of a run's
//! folder, [`run_json`] and [`text`] what `run` prints.

mod access_log;
mod csv;
mod figures;
mod json;
mod model;
mod numbers;
mod plots;
mod text;

pub use json::{RunJson, run_json};
pub use model::{AccessLog, AccessLogFormat, Expectation, OutputFile, RunReport, Unit};
pub use text::{coloured_text, text};

/// All files of a run's folder but `report.html`, in order of their paths.
pub fn render(report: &RunReport) -> Vec<OutputFile> {
    let mut files = csv::files(report);
    files.extend(access_log::file(report));
    files.push(json::summary_file(report));
    files.extend(plots::files(report));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

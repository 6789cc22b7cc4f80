//! Measurements to something to read: tables, pictures, JSON and text.
//!
//! Everything here is a pure function of a [`RunReport`]: no files, no clock. [`render`] gives all files of a run's
//! folder, [`pictures`] the same pictures for a page to embed, [`run_json`] and [`text`] what `run` prints.
//!
//! ```
//! let report = reports::RunReport {
//!     scenario: "first-request".to_owned(),
//!     ..reports::RunReport::default()
//! };
//! let files = reports::render_with(&report, reports::Pictures::None);
//! assert!(files.iter().any(|file| file.path == "summary.json"));
//! let text = reports::text(&report, &reports::TextStyle::default());
//! assert!(text.starts_with("first-request"));
//! ```

mod access_log;
mod advice;
mod csv;
mod diff;
mod exports;
mod figures;
mod html;
mod intervals;
mod json;
pub mod look;
mod markdown;
mod model;
mod numbers;
mod parquet;
mod plots;
mod saved;
mod sweep;
mod text;
mod times;

pub use csv::data_dictionary;
pub use diff::{
    DiffChange, DiffEffect, DiffJson, DiffReport, DiffSide, diff_json, diff_markdown, diff_text,
};
pub use exports::{Export, export};
pub use json::{RunJson, run_json};
pub use markdown::{escape as escape_markdown, markdown};
pub use model::{
    AccessLog, AccessLogFormat, Cause, CauseCall, CauseRule, Decided, Ends, Expectation, Interval,
    Offending, OutputFile, RunReport, Subject, Unit,
};
pub use parquet::{ParquetLog, REQUESTS_FILE, TRIES_FILE};
pub use plots::pictures;
pub use saved::{MEASUREMENTS_FILE, SavedError, read_measurements};
pub use sweep::{
    SweepFigure, SweepJson, SweepParameter, SweepPoint, SweepReport, sweep_files, sweep_json,
    sweep_text,
};
pub use text::{Detail, Symbols, TextStyle, text};

/// Which pictures are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pictures {
    /// None at all.
    None,
    /// SVG only.
    Svg,
    /// SVG and PNG.
    #[default]
    SvgAndPng,
}

/// All files of a run's folder, in order of their paths.
pub fn render(report: &RunReport) -> Vec<OutputFile> {
    render_with(report, Pictures::SvgAndPng)
}

/// The same with fewer pictures: drawing PNG files is most of the work.
pub fn render_with(report: &RunReport, pictures: Pictures) -> Vec<OutputFile> {
    let mut files = csv::files(report);
    files.extend(access_log::file(report));
    files.push(json::summary_file(report));
    files.push(html::file(report));
    files.push(saved::file(report));
    files.extend(plots::files(report, pictures));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

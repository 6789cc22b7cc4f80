//! A run on one screen.

use crate::model::RunReport;

/// What `run` prints for people.
pub fn text(report: &RunReport) -> String {
    format!("{}\n", report.scenario)
}

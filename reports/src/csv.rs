//! A run as tables.

use crate::model::{OutputFile, RunReport};

/// All tables.
pub(crate) fn files(_report: &RunReport) -> Vec<OutputFile> {
    Vec::new()
}

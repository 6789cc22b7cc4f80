//! A run as pictures.

use crate::model::{OutputFile, RunReport};

/// All pictures.
pub(crate) fn files(_report: &RunReport) -> Vec<OutputFile> {
    Vec::new()
}

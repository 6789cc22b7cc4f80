//! An analysis of Argo Rollouts: what is measured, when, and what decides.

use crate::plan::progressive_delivery::condition::Condition;
use crate::plan::progressive_delivery::query::Query;
use base::SimDuration;

/// What an AnalysisRun measures.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The names of its templates.
    pub name: String,
    /// Each by itself.
    pub metrics: Vec<Metric>,
}

/// A metric.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What is asked.
    pub query: Query,
    /// What a good measurement meets.
    pub success: Option<Condition>,
    /// What a bad one meets.
    pub failure: Option<Condition>,
    /// From the start to the first measurement.
    pub initial_delay: SimDuration,
    /// From one to the next; none: there is one only.
    pub interval: Option<SimDuration>,
    /// Measurements after which it has succeeded; none: it goes on until it is stopped.
    pub count: Option<u32>,
    /// Bad measurements that are allowed; none: any number.
    pub failure_limit: Option<u32>,
    /// Measurements that are neither good nor bad and allowed; none: any number.
    pub inconclusive_limit: Option<u32>,
    /// Measurements in a row that may go wrong.
    pub consecutive_error_limit: u32,
    /// It decides nothing.
    pub is_dry_run: bool,
}

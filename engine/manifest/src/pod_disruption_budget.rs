//! PodDisruptionBudget: what evictions must leave running.

use serde::Deserialize;

use crate::int_or_string::IntOrString;
use crate::kind::{Format, Kind};
use crate::metadata::LabelSelector;
use crate::resource::{Resource, Resources};
use crate::schema;

/// A PodDisruptionBudget.
pub type PodDisruptionBudget = Resource<PodDisruptionBudgetSpec>;

/// `spec` of a PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodDisruptionBudgetSpec {
    /// The pods that it is about; none if not written.
    pub selector: Option<LabelSelector>,
    /// So many of them must be there.
    pub min_available: Option<IntOrString>,
    /// So many of them may be missing.
    pub max_unavailable: Option<IntOrString>,
}

impl Kind for PodDisruptionBudgetSpec {
    type Status = ();
    const KIND: &'static str = "PodDisruptionBudget";
    const API_VERSIONS: &'static [&'static str] = &["policy/v1"];
    const FORMAT: Format = Format::Native {
        spec: &schema::POD_DISRUPTION_BUDGET,
        required: false,
    };

    fn resources(all: &mut Resources) -> &mut Vec<PodDisruptionBudget> {
        &mut all.pod_disruption_budgets
    }
}

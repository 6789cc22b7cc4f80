//! The workloads that a ServiceEntry or a Sidecar is for.
//!
//! DestinationRules and policies choose by `matchLabels` instead: see `destination_rule`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::yaml::path::Path;

/// Istio's WorkloadSelector of networking.istio.io.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WorkloadSelector {
    /// The labels that workloads have; none means all workloads.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl WorkloadSelector {
    /// Whether workloads with these labels are selected.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    }

    /// Notes what the schema does not allow.
    pub(crate) fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        let path = path.key("labels");
        check.items(&path, self.labels.len(), 0..=256);
        for (key, value) in &self.labels {
            let path = path.key(key);
            check.length(&path, value, 63);
            if value.contains('*') {
                check.invalid(&path, "a wildcard is not allowed in a selector");
            }
        }
    }
}

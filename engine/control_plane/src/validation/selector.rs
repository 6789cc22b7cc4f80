//! The rules for selectors of workloads.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateAlphaWorkloadSelector).

use manifest::span::Spanned;
use manifest::workload_selector::WorkloadSelector;

use super::metadata::Refused;
use crate::finding::Findings;

/// Checks the selector of a Sidecar or a ServiceEntry (`what`). After an error nothing else of the object is looked at.
pub(super) fn validate(
    selector: Option<&Spanned<WorkloadSelector>>,
    what: &str,
    findings: &mut Findings<'_>,
) -> Result<(), Refused> {
    const FIELD: &str = "spec.workloadSelector";
    let Some(selector) = selector else {
        return Ok(());
    };
    let mut result = Ok(());
    for (key, value) in &selector.labels {
        let pair = format!("{key}={value}");
        if key.is_empty() {
            let why = format!("empty key is not supported in selector: {pair:?}");
            findings.refuse(&selector.at, FIELD, why);
            result = Err(Refused);
        }
        if pair.contains('*') {
            let why = format!("wildcard is not supported in selector: {pair:?}");
            findings.refuse(&selector.at, FIELD, why);
            result = Err(Refused);
        }
    }
    if selector.labels.is_empty() {
        let why = format!(
            "{what}: workload selector specified without labels, will be applied to all services in namespace"
        );
        findings.warn(&selector.at, FIELD, why);
    }
    result
}

//! The rules for annotations: some are only for Istio itself to set, one is only for policies.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (validateMetadata, checkDryRunAnnotation),
//! pkg/config/constants/constants.go.

use base::Location;
use manifest::ObjectMeta;

use crate::finding::Findings;

/// Checks annotations. After an error nothing else of the object is looked at.
pub(super) fn validate(
    meta: &ObjectMeta,
    at: &Location,
    findings: &mut Findings<'_>,
) -> Result<(), Refused> {
    let has = |name: &str| meta.annotations.contains_key(name);
    let why = if has(DRY_RUN) {
        format!(
            "{}/{} has unsupported annotation {DRY_RUN}, please remove the annotation",
            meta.namespace, meta.name
        )
    } else if has(ALWAYS_REJECT) {
        format!("{ALWAYS_REJECT:?} annotation found, rejecting")
    } else if let Some(name) = [PARENT_NAMESPACE, PARENTS].iter().find(|name| has(name)) {
        format!("{name:?} annotation found, this may not be set by users")
    } else {
        return Ok(());
    };
    findings.refuse(at, "metadata.annotations", why);
    Err(Refused)
}

/// The object is refused for its annotations alone.
pub(super) struct Refused;

/// Whether Istio made the object from one of the Gateway API, whose names and hosts have other rules.
pub(super) fn is_converted(meta: &ObjectMeta) -> bool {
    meta.annotations
        .get("internal.istio.io/gateway-semantics")
        .is_some_and(|value| value == "gateway")
}

const DRY_RUN: &str = "istio.io/dry-run";
const ALWAYS_REJECT: &str = "internal.istio.io/webhook-always-reject";
const PARENT_NAMESPACE: &str = "internal.istio.io/parent-namespace";
const PARENTS: &str = "internal.istio.io/parents";

//! ReferenceGrant: which objects of other namespaces may name those of its own.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_BETA;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A ReferenceGrant.
pub type ReferenceGrant = Resource<ReferenceGrantSpec>;

/// `spec` of a ReferenceGrant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReferenceGrantSpec {
    /// Who may name objects.
    pub from: Vec<Spanned<GrantFrom>>,
    /// The objects that may be named.
    pub to: Vec<Spanned<GrantTo>>,
}

/// Who may name objects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrantFrom {
    /// Their group.
    pub group: String,
    /// Their kind.
    pub kind: String,
    /// Their namespace.
    pub namespace: String,
}

/// Objects that may be named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GrantTo {
    /// Their group, empty for Kubernetes' own.
    pub group: String,
    /// Their kind.
    pub kind: String,
    /// Their name; none means all.
    pub name: Option<String>,
}

impl Kind for ReferenceGrantSpec {
    type Status = ();
    const KIND: &'static str = "ReferenceGrant";
    const API_VERSIONS: &'static [&'static str] = V1_AND_BETA;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<ReferenceGrant> {
        &mut all.gateway_api.reference_grants
    }

    fn check(grant: &ReferenceGrant, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check.items(&spec.key("from"), grant.spec.from.len(), 1..=16);
        check.items(&spec.key("to"), grant.spec.to.len(), 1..=16);
    }
}

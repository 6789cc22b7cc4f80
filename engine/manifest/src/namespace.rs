//! Namespace: where objects live, and whether their pods get sidecars.

use serde::Deserialize;

use crate::kind::{Format, Kind};
use crate::names::NameRule;
use crate::resource::{Resource, Resources};
use crate::schema;

/// A Namespace. What matters of it are its labels.
pub type Namespace = Resource<NamespaceSpec, NamespaceStatus>;

/// `spec` of a Namespace: nothing that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NamespaceSpec {}

/// `status` of an exported Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NamespaceStatus {
    /// `Active` or `Terminating`.
    pub phase: Option<String>,
}

impl Kind for NamespaceSpec {
    type Status = NamespaceStatus;
    const KIND: &'static str = "Namespace";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const NAMESPACED: bool = false;
    const NAME: NameRule = NameRule::Label;
    const FORMAT: Format = Format::Native {
        spec: &schema::NAMESPACE,
        required: false,
    };

    fn resources(all: &mut Resources) -> &mut Vec<Namespace> {
        &mut all.namespaces
    }
}

//! Namespace: where objects live, and whether their pods get sidecars.

use serde::Deserialize;

use crate::resource::Resource;

/// A Namespace. What matters of it are its labels.
pub type Namespace = Resource<NamespaceSpec>;

/// `spec` of a Namespace: nothing that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NamespaceSpec {}

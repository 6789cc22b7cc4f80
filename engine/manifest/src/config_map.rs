//! ConfigMap: texts by name. Istio keeps the mesh's configuration in one.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::schema;
use crate::span::Spanned;

/// A ConfigMap. What it holds stands where other kinds have their `spec`.
pub type ConfigMap = Resource<ConfigMapData>;

/// What a ConfigMap holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ConfigMapData {
    /// Texts by name.
    #[serde(default)]
    pub data: BTreeMap<String, Spanned<String>>,
}

impl Kind for ConfigMapData {
    type Status = ();
    const KIND: &'static str = "ConfigMap";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const FORMAT: Format = Format::Flat {
        object: &schema::CONFIG_MAP,
    };

    fn resources(all: &mut Resources) -> &mut Vec<ConfigMap> {
        &mut all.config_maps
    }
}

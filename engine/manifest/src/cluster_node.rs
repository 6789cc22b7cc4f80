//! Node of a cluster: where pods run. (A [`Node`](crate::Node) is something else: a value in a file.)

use serde::Deserialize;

use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::schema;

/// A Node of a cluster. What matters of it are its labels, which say where it is.
pub type ClusterNode = Resource<ClusterNodeSpec>;

/// `spec` of a Node: nothing that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ClusterNodeSpec {}

impl Kind for ClusterNodeSpec {
    type Status = ();
    const KIND: &'static str = "Node";
    const API_VERSIONS: &'static [&'static str] = &["v1"];
    const NAMESPACED: bool = false;
    const FORMAT: Format = Format::Native {
        spec: &schema::NODE,
        required: false,
    };

    fn resources(all: &mut Resources) -> &mut Vec<ClusterNode> {
        &mut all.nodes
    }
}

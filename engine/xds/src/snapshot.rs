//! One proxy's whole configuration.

use std::sync::Arc;

use crate::{Cluster, ClusterLoadAssignment, Listener, RouteConfiguration};

/// What one proxy is told at one time. Proxies share those parts in which they are told the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Who is told.
    pub node: Node,
    /// LDS.
    pub listeners: Vec<Arc<Listener>>,
    /// RDS.
    pub routes: Vec<Arc<RouteConfiguration>>,
    /// CDS.
    pub clusters: Vec<Arc<Cluster>>,
    /// EDS, one entry per EDS cluster; the endpoints of others stand in them.
    pub endpoints: Vec<Arc<ClusterLoadAssignment>>,
}

impl Snapshot {
    /// The endpoints of all clusters that have a list of them, told apart or not.
    pub fn load_assignments(&self) -> impl Iterator<Item = &ClusterLoadAssignment> {
        let inline = self
            .clusters
            .iter()
            .filter_map(|cluster| cluster.load_assignment.as_ref());
        self.endpoints.iter().map(|told| &**told).chain(inline)
    }
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Beside an application, or on its own.
    pub node_type: NodeType,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// How many worker threads it has (`--concurrency`); none: it is not known.
    pub concurrency: Option<u16>,
}

/// Which kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    /// Beside an application.
    Sidecar,
    /// On its own.
    Router,
}

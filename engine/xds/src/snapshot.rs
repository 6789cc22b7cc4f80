//! One proxy's whole configuration.

use crate::{Cluster, ClusterLoadAssignment, Listener, RouteConfiguration};

/// What one proxy is told at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Who is told.
    pub node: Node,
    /// LDS.
    pub listeners: Vec<Listener>,
    /// RDS.
    pub routes: Vec<RouteConfiguration>,
    /// CDS.
    pub clusters: Vec<Cluster>,
    /// EDS, one entry per EDS cluster.
    pub endpoints: Vec<ClusterLoadAssignment>,
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
}

/// Which kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    /// Beside an application.
    Sidecar,
    /// On its own.
    Router,
}

//! Dense ids for clusters and endpoints, shared by all proxies of a world.
//!
//! Names are resolved here once, when configurations are compiled; the event loop sees numbers only. Ids stay the same
//! when a configuration is replaced, so that a proxy's state for a cluster or a host survives a push.

use rustc_hash::FxHashMap;
use std::net::SocketAddr;

base::id! {
    /// A cluster name.
    pub ClusterId,
    /// An upstream address: IP and port.
    pub EndpointId,
}

/// The names behind the ids.
#[derive(Clone, Debug, Default)]
pub struct Names {
    clusters: Vec<String>,
    cluster_ids: FxHashMap<String, ClusterId>,
    endpoints: Vec<Endpoint>,
    endpoint_ids: FxHashMap<Endpoint, EndpointId>,
}

/// An upstream address, as EDS gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// An IP address and port.
    Socket(SocketAddr),
    /// A name to be resolved, and a port.
    Name(String, u16),
}

impl Endpoint {
    /// Reads an address as EDS writes it.
    pub fn new(address: &str, port: u16) -> Self {
        match address.parse() {
            Ok(ip) => Self::Socket(SocketAddr::new(ip, port)),
            Err(_) => Self::Name(address.to_owned(), port),
        }
    }
}

impl Names {
    /// The id of the cluster named `name`, made if it is new.
    pub fn cluster(&mut self, name: &str) -> ClusterId {
        if let Some(id) = self.cluster_ids.get(name) {
            return *id;
        }
        let id = ClusterId::new(self.clusters.len());
        self.clusters.push(name.to_owned());
        self.cluster_ids.insert(name.to_owned(), id);
        id
    }

    /// The id of an address, made if it is new.
    pub fn endpoint(&mut self, endpoint: Endpoint) -> EndpointId {
        if let Some(id) = self.endpoint_ids.get(&endpoint) {
            return *id;
        }
        let id = EndpointId::new(self.endpoints.len());
        self.endpoints.push(endpoint.clone());
        self.endpoint_ids.insert(endpoint, id);
        id
    }

    /// A cluster's name.
    pub fn cluster_name(&self, id: ClusterId) -> &str {
        &self.clusters[id.index()]
    }

    /// An endpoint's address.
    pub fn endpoint_address(&self, id: EndpointId) -> &Endpoint {
        &self.endpoints[id.index()]
    }

    /// How many clusters have an id.
    pub fn cluster_count(&self) -> usize {
        self.clusters.len()
    }

    /// How many endpoints have an id.
    pub fn endpoint_count(&self) -> usize {
        self.endpoints.len()
    }
}

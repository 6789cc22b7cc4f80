//! What requests can end at that is no pod of the manifests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base::Location;
use xds::Locality;

/// A WorkloadEntry, an endpoint written in a ServiceEntry, or an address that an EndpointSlice lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadEntry {
    /// Its namespace.
    pub namespace: String,
    /// Its name; that of an endpoint of a ServiceEntry is `<entry>-<index>`.
    pub name: String,
    /// An IP address, a DNS name or `unix://<path>`.
    pub address: String,
    /// Its address, where that is an IP address.
    pub ip: Option<IpAddr>,
    /// Its ports, by the names of services' ports.
    pub ports: BTreeMap<String, u16>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The network it is in; empty: the mesh's own.
    pub network: String,
    /// Where it is.
    pub locality: Locality,
    /// Its share among its siblings, at least 1.
    pub weight: u32,
    /// Whether it takes part in Istio's mutual TLS.
    pub has_sidecar: bool,
    /// Where it is written.
    pub location: Location,
}

impl WorkloadEntry {
    /// An address of which no more is known.
    pub(super) fn bare(namespace: &str, name: &str, address: &str, location: &Location) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            address: address.to_owned(),
            ip: address.parse().ok(),
            ports: BTreeMap::new(),
            labels: BTreeMap::new(),
            network: String::new(),
            locality: Locality::default(),
            weight: 1,
            has_sidecar: false,
            location: location.clone(),
        }
    }
}

//! Servers outside of the mesh: entries of `workloads` whose `address` names one.
//!
//! Such a server has no sidecar, belongs to no Service, and is reached by name or address from wherever a request leaves the
//! mesh. A name that is written without an address gets one of those that are set aside for measurements (RFC 2544), where
//! no real host is met.

use crate::object_name::ObjectName;
use crate::place::Placed;
use crate::workload::Workload;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A server outside of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct External {
    /// Its address as written: `host`, `host:port`, `ip` or `ip:port`.
    pub(crate) address: String,
    /// Its host in lower case; empty where an address is written.
    pub(crate) host: String,
    /// Its address.
    pub(crate) ip: IpAddr,
    /// The port that it listens on; none: any.
    pub(crate) port: Option<u16>,
}

impl External {
    /// The servers that the entries declare, each once, in the order of the file.
    pub(crate) fn all(workloads: &[Workload]) -> Vec<Self> {
        let mut hosts = BTreeMap::new();
        let mut externals: Vec<Self> = Vec::new();
        for workload in workloads {
            let Some(Placed { value, .. }) = &workload.target.address else {
                continue;
            };
            if value.contains('*') || externals.iter().any(|other| other.address == *value) {
                continue;
            }
            externals.push(Self::of(value, &mut hosts));
        }
        externals
    }

    fn of(address: &str, hosts: &mut BTreeMap<String, IpAddr>) -> Self {
        let (host, port) = split(address);
        let literal = host.parse().ok();
        let next = hosts.len() as u32 + 1;
        Self {
            address: address.to_owned(),
            ip: literal.unwrap_or_else(|| {
                *hosts
                    .entry(host.clone())
                    .or_insert_with(|| IpAddr::V4(Ipv4Addr::from_bits(FIRST + next)))
            }),
            host: if literal.is_some() {
                String::new()
            } else {
                host
            },
            port,
        }
    }

    /// What stands for it among workloads and pods.
    pub(crate) fn name(&self) -> ObjectName {
        ObjectName {
            namespace: NAMESPACE.to_owned(),
            name: self.address.clone(),
        }
    }

    /// Whether it is the server at this name and port.
    pub(crate) fn is_named(&self, host: &str, port: u16) -> bool {
        self.host == host.trim_end_matches('.').to_lowercase() && self.listens_on(port)
    }

    /// Whether it is the server at this address and port.
    pub(crate) fn is_at(&self, ip: IpAddr, port: u16) -> bool {
        self.ip == ip && self.listens_on(port)
    }

    fn listens_on(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

/// Host and port of an address, the host in lower case.
fn split(address: &str) -> (String, Option<u16>) {
    if let Ok(socket) = address.parse::<SocketAddr>() {
        return (socket.ip().to_string(), Some(socket.port()));
    }
    let is_ip = address.parse::<IpAddr>().is_ok();
    let parts = address.rsplit_once(':').filter(|_| !is_ip);
    match parts.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host.to_lowercase(), Some(port)),
        None => (address.to_lowercase(), None),
    }
}

/// The namespace that names of such servers carry: that of no object.
const NAMESPACE: &str = "outside";

/// 198.18.0.0.
const FIRST: u32 = 0xc612_0000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> External {
        External::of(address, &mut BTreeMap::new())
    }

    #[test]
    fn addresses() {
        let named = of("API.example.com:443");
        assert!(named.is_named("api.example.com", 443));
        assert!(named.is_named("api.example.com.", 443));
        assert!(!named.is_named("api.example.com", 80));
        assert!(named.is_at("198.18.0.1".parse().expect("an address"), 443));
        assert!(of("api.example.com").is_named("api.example.com", 80));
        let numbered = of("203.0.113.7:9000");
        assert!(numbered.is_at("203.0.113.7".parse().expect("an address"), 9000));
        assert!(!numbered.is_named("203.0.113.7", 9000));
        assert!(of("2001:db8::1").is_at("2001:db8::1".parse().expect("an address"), 5));
        assert!(of("[2001:db8::1]:5").is_at("2001:db8::1".parse().expect("an address"), 5));
    }

    #[test]
    fn one_host_has_one_address() {
        let mut hosts = BTreeMap::new();
        let ips = ["a:80", "b:80", "a:443"].map(|address| External::of(address, &mut hosts).ip);
        assert_eq!(ips[0], ips[2]);
        assert_ne!(ips[0], ips[1]);
    }
}

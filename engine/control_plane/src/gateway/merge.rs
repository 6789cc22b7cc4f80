//! Several Gateways of one proxy become one: servers by port, as far as they can share it.
//!
//! Servers for plain-text HTTP share a port and a table; servers for TLS share a port if their hosts differ, each with a
//! table of its own; anything else comes too late and is left out.
//!
//! Source: istio/istio, pilot/pkg/model/gateway.go (mergeGateways, resolvePorts, canMergeProtocols, CheckDuplicates).

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{Gateway, Gateways, Server};
use crate::protocol::Protocol;
use crate::registry::Registry;
use crate::service_target::ServiceTarget;

/// What a proxy serves, of all Gateways that are for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MergedGateway<'a> {
    /// In the order of appearance.
    pub(crate) ports: Vec<MergedPort<'a>>,
    /// The servers behind each route configuration, by its name.
    pub(crate) tables: BTreeMap<String, Vec<BoundServer<'a>>>,
}

/// Servers that share a port.
#[derive(Clone, Debug)]
pub(crate) struct MergedPort<'a> {
    /// The pod's port.
    pub(crate) number: u16,
    pub(crate) protocol: Protocol,
    pub(crate) bind: &'a str,
    /// The table of plain-text HTTP.
    pub(crate) table: String,
    pub(crate) servers: Vec<BoundServer<'a>>,
    written_protocol: &'a str,
}

/// A server with the Gateway it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundServer<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) server: &'a Server,
}

impl<'a> MergedGateway<'a> {
    /// What a gateway pod with these labels serves; `targets` are the services that lead to it.
    pub(crate) fn new(
        gateways: &'a Gateways,
        namespace: &str,
        labels: &BTreeMap<String, String>,
        targets: &[ServiceTarget],
        registry: &Registry,
    ) -> Self {
        let mut merger = Merger::default();
        let own = gateways
            .iter()
            .filter(|gateway| gateway.selects(namespace, labels));
        for gateway in own {
            for server in &gateway.servers {
                let port = listener_port(server.port, targets, registry);
                merger.add(BoundServer { gateway, server }, port);
            }
        }
        merger.merged
    }

    /// The pod's port behind each port that a Gateway names.
    pub(crate) fn listener_ports(&self) -> BTreeMap<u16, u16> {
        let servers = self.ports.iter().flat_map(|port| {
            let servers = port.servers.iter();
            servers.map(|bound| (bound.server.port, port.number))
        });
        servers.collect()
    }
}

/// The pod's port behind a server's: that of the first service which has the server's port, else the same number.
pub(crate) fn listener_port(port: u16, targets: &[ServiceTarget], registry: &Registry) -> u16 {
    let translating = targets.iter().filter(|target| {
        let service = registry.service(target.service);
        service.ports[target.port_index].number == port
            && !service.labels.contains_key(DISABLE_PORT_TRANSLATION)
    });
    // Here services are looked at in the order of age, whatever their ports.
    let first = translating.min_by_key(|target| {
        let service = registry.service(target.service);
        (service.created, &service.hostname, target.port_index)
    });
    first.map_or(port, |target| target.target_port)
}

#[derive(Default)]
struct Merger<'a> {
    merged: MergedGateway<'a>,
    seen: BTreeSet<u16>,
    /// The last port of plain text of each number, by position.
    plain_text: BTreeMap<u16, usize>,
    /// Hosts of servers with `tls`, and where they listen.
    tls_hosts: FxHashMap<(u16, &'a str), &'a str>,
}

impl<'a> Merger<'a> {
    fn add(&mut self, bound: BoundServer<'a>, port: u16) {
        let server = bound.server;
        let table = server.table_name(bound.gateway, port);
        if server.tls.is_some() && !self.claim_hosts(port, server) {
            return;
        }
        if self.seen.insert(port) {
            self.add_port(bound, port, table);
            return;
        }
        match self.plain_text.get(&port) {
            Some(&position) => self.join_plain_text(bound, port, table, position),
            None if !server.is_tls() => self.add_port(bound, port, table),
            None => self.join_tls(bound, port, table),
        }
    }

    /// Opens a port.
    fn add_port(&mut self, bound: BoundServer<'a>, port: u16, table: String) {
        let server = bound.server;
        let ports = &mut self.merged.ports;
        if !server.is_tls() {
            self.plain_text.insert(port, ports.len());
        }
        if server.is_http() {
            self.merged.tables.insert(table.clone(), vec![bound]);
        }
        ports.push(MergedPort {
            number: port,
            protocol: server.protocol,
            bind: &server.bind,
            table,
            servers: vec![bound],
            written_protocol: &server.written_protocol,
        });
    }

    /// Adds a server where plain text is served already.
    fn join_plain_text(
        &mut self,
        bound: BoundServer<'a>,
        port: u16,
        table: String,
        position: usize,
    ) {
        let server = bound.server;
        let current = &self.merged.ports[position];
        let is_same_bind = current.bind == server.bind;
        if is_same_bind && (!can_merge(server.protocol, current.protocol) || table.is_empty()) {
            return;
        }
        let position = if is_same_bind {
            Some(position)
        } else {
            self.position(server, port)
        };
        match position {
            None => self.add_port(bound, port, table),
            Some(position) => {
                self.merged.ports[position].servers.push(bound);
                self.merged.tables.entry(table).or_default().push(bound);
            }
        }
    }

    /// Adds a server that is told from others by its server names.
    fn join_tls(&mut self, bound: BoundServer<'a>, port: u16, table: String) {
        let server = bound.server;
        if server.is_http() {
            if self.merged.tables.contains_key(&table) {
                return;
            }
            self.merged.tables.insert(table, vec![bound]);
        }
        match self.position(server, port) {
            Some(position) => self.merged.ports[position].servers.push(bound),
            None => self.merged.ports.push(MergedPort {
                number: port,
                protocol: server.protocol,
                bind: &server.bind,
                table: String::new(),
                servers: vec![bound],
                written_protocol: &server.written_protocol,
            }),
        }
    }

    fn position(&self, server: &Server, port: u16) -> Option<usize> {
        self.merged.ports.iter().position(|known| {
            known.number == port
                && known.bind == server.bind
                && known.written_protocol == server.written_protocol
        })
    }

    /// Takes a server's hosts; false if one of them is taken already.
    fn claim_hosts(&mut self, port: u16, server: &'a Server) -> bool {
        let key = |host: &'a String| (port, host.as_str());
        let is_taken = |host| self.tls_hosts.get(&key(host)).copied() == Some(server.bind.as_str());
        if server.hosts.iter().any(is_taken) {
            return false;
        }
        for host in &server.hosts {
            self.tls_hosts.insert(key(host), &server.bind);
        }
        true
    }
}

const fn can_merge(added: Protocol, current: Protocol) -> bool {
    added.is_http() && current.is_http()
}

/// The label of Services whose ports Gateways do not mean.
const DISABLE_PORT_TRANSLATION: &str = "experimental.istio.io/disable-gateway-port-translation";

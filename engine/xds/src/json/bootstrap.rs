//! A bootstrap that an Envoy starts with: one proxy's configuration as static resources.
//!
//! No control plane is needed: route tables are written into their listeners, endpoints into their clusters. What an
//! Envoy outside of a mesh cannot have (Istio's certificates, redirected connections) is left out on request, and said.

use super::endpoint::socket_address;
use super::message::Message;
use crate::{
    Cluster, ClusterType, Filter, FilterChain, Listener, Snapshot, SocketAddress, TlsMode,
    TrafficDirection,
};
use serde_json::Value;
use std::net::IpAddr;

/// How the exported proxy differs from the one in the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapOptions {
    /// Listeners are bound here, each at the next port; none: as in the mesh, where connections are redirected.
    pub bind: Option<SocketAddress>,
    /// All endpoints are here instead of where they are in the mesh.
    pub upstream: Option<SocketAddress>,
    /// TLS stays, with the certificates that Istio's agent hands out; otherwise all is plain text.
    pub keeps_tls: bool,
    /// The port of the admin interface on loopback.
    pub admin_port: u16,
}

/// A bootstrap, and what a user has to know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// `envoy.config.bootstrap.v3.Bootstrap`.
    pub json: Value,
    /// Where listeners are bound, and what was left out.
    pub notes: Vec<String>,
}

impl Snapshot {
    /// A bootstrap with this configuration as static resources.
    pub fn to_bootstrap(&self, options: &BootstrapOptions) -> Bootstrap {
        let mut export = Export {
            snapshot: self,
            options,
            notes: Vec::new(),
        };
        let listeners = export.listeners();
        let clusters = export.clusters();
        let node = &self.node;
        let admin = SocketAddress {
            address: "127.0.0.1".to_owned(),
            port: options.admin_port,
        };
        let json = Message::default()
            .field(
                "node",
                Message::default()
                    .field("id", format!("{}.{}", node.pod, node.namespace))
                    .field("cluster", format!("{}.{}", node.pod, node.namespace)),
            )
            .field(
                "admin",
                Message::default().field("address", socket_address(&admin.address, admin.port)),
            )
            .field(
                "staticResources",
                Message::default()
                    .list("listeners", listeners)
                    .list("clusters", clusters),
            )
            .field("layeredRuntime", self.runtime())
            .build();
        Bootstrap {
            json,
            notes: export.notes,
        }
    }
}

impl Snapshot {
    /// The runtime values under which an Envoy of Istio's decides; without them it would refuse paths with fragments and
    /// all but short regular expressions.
    ///
    /// Source: istio/istio, pkg/bootstrap/config.go (extractRuntimeFlags).
    fn runtime(&self) -> Message {
        let values = Message::default()
            .field(REJECTS_FRAGMENTS, self.rejects_fragments())
            .field(REGEX_LIMIT, "32768")
            .field(USES_ORIGINAL_DST, true);
        let layer = Message::default()
            .field("name", "global config")
            .field("staticLayer", values);
        Message::default().list("layers", [layer])
    }

    fn rejects_fragments(&self) -> bool {
        let chains = self.listeners.iter().flat_map(|listener| {
            let chains = listener.filter_chains.iter();
            chains.chain(&listener.default_filter_chain)
        });
        let mut filters = chains.map(|chain| &chain.filter);
        filters.any(|filter| match filter {
            Filter::HttpConnectionManager(manager) => manager.path.rejects_fragments,
            Filter::TcpProxy(_) => false,
        })
    }
}

struct Export<'a> {
    snapshot: &'a Snapshot,
    options: &'a BootstrapOptions,
    notes: Vec<String>,
}

impl Export<'_> {
    fn listeners(&mut self) -> Vec<Value> {
        let mut listeners = Vec::new();
        for listener in &self.snapshot.listeners {
            let mut listener = Listener::clone(listener);
            if let Some(first) = &self.options.bind
                && !self.bind(&mut listener, first, listeners.len())
            {
                continue;
            }
            if !self.options.keeps_tls {
                self.end_tls(&mut listener);
            }
            listeners.push(listener.to_json_with_tables(&self.snapshot.routes));
        }
        listeners
    }

    /// Gives a listener an address of its own; those that live from redirection are left out.
    fn bind(&mut self, listener: &mut Listener, first: &SocketAddress, count: usize) -> bool {
        let lives_from_redirection =
            listener.use_original_dst || listener.direction == TrafficDirection::Inbound;
        let port = u16::try_from(count)
            .ok()
            .and_then(|count| first.port.checked_add(count));
        match port {
            Some(port) if !lives_from_redirection => {
                listener.address = SocketAddress {
                    address: first.address.clone(),
                    port,
                };
                listener.bind_to_port = true;
                let address = &first.address;
                self.notes.push(format!(
                    "listener `{}` is at {address}:{port}",
                    listener.name
                ));
                true
            }
            Some(_) => {
                let name = &listener.name;
                self.notes.push(format!(
                    "listener `{name}` is left out: only redirected connections reach it"
                ));
                false
            }
            None => {
                let name = &listener.name;
                self.notes.push(format!(
                    "listener `{name}` is left out: no port is left for it"
                ));
                false
            }
        }
    }

    /// Takes TLS out of a listener.
    ///
    /// Chains for Istio's mutual TLS have a twin for plain text and go. Where all chains end TLS, as at a gateway, the
    /// first one takes plain text, since no server name tells them apart any more.
    fn end_tls(&mut self, listener: &mut Listener) {
        let ends_tls = |chain: &FilterChain| chain.tls.is_some();
        if !listener.filter_chains.iter().any(ends_tls) {
            return;
        }
        let name = &listener.name;
        if !listener.filter_chains.iter().all(ends_tls) {
            listener.filter_chains.retain(|chain| chain.tls.is_none());
            self.notes.push(format!(
                "listener `{name}` takes plain text only: its chains that end TLS are left out"
            ));
            return;
        }
        listener.filter_chains.truncate(1);
        for chain in &mut listener.filter_chains {
            chain.tls = None;
            chain.match_.server_names.clear();
            chain.match_.transport_protocol.clear();
            chain.match_.application_protocols.clear();
        }
        self.notes.push(format!(
            "listener `{name}` takes plain text instead of TLS, for the first of its servers"
        ));
    }

    fn clusters(&mut self) -> Vec<Value> {
        let mut with_tls = 0;
        let mut clusters = Vec::new();
        for cluster in &self.snapshot.clusters {
            let mut cluster = Cluster::clone(cluster);
            if !self.options.keeps_tls && cluster.tls != TlsMode::Disable {
                cluster.tls = TlsMode::Disable;
                with_tls += 1;
            }
            clusters.push(self.cluster(&cluster));
        }
        if with_tls > 0 {
            self.notes.push(format!(
                "connections to {with_tls} clusters are plain text instead of TLS"
            ));
        }
        if self.options.keeps_tls {
            clusters.push(agent());
            self.notes.push(format!(
                "TLS stays: certificates come from Istio's agent at `{AGENT_SOCKET}`"
            ));
        }
        clusters
    }

    /// A cluster with its endpoints inside.
    fn cluster(&self, cluster: &Cluster) -> Value {
        let mut json = cluster.to_json();
        let Value::Object(fields) = &mut json else {
            return json;
        };
        let told = self
            .snapshot
            .load_assignments()
            .find(|assignment| assignment.cluster_name == cluster.name);
        let mut assignment = match (told, cluster.type_) {
            (Some(told), _) => told.clone(),
            (None, ClusterType::Eds) => crate::ClusterLoadAssignment {
                cluster_name: cluster.name.clone(),
                endpoints: Vec::new(),
                policy: crate::LoadAssignmentPolicy::default(),
            },
            (None, _) => return json,
        };
        let endpoints = assignment
            .endpoints
            .iter_mut()
            .flat_map(|locality| &mut locality.lb_endpoints);
        let mut has_names = false;
        for endpoint in endpoints {
            if let Some(upstream) = &self.options.upstream {
                endpoint.address.clone_from(&upstream.address);
                endpoint.port = upstream.port;
            }
            has_names |= endpoint.address.parse::<IpAddr>().is_err();
        }
        fields.insert("loadAssignment".to_owned(), assignment.to_json());
        if cluster.type_ == ClusterType::Eds || self.options.upstream.is_some() {
            fields.remove("edsClusterConfig");
            let type_ = if has_names { "STRICT_DNS" } else { "STATIC" };
            fields.insert("type".to_owned(), type_.into());
        }
        json
    }
}

/// The cluster from which Istio's certificates come.
fn agent() -> Value {
    let pipe = Message::default().field("path", AGENT_SOCKET);
    let endpoint = Message::default().field("address", Message::default().field("pipe", pipe));
    let endpoints = Message::default().list(
        "lbEndpoints",
        [Message::default().field("endpoint", endpoint)],
    );
    Message::default()
        .field("name", "sds-grpc")
        .field("type", "STATIC")
        .field("connectTimeout", "1s")
        .field(
            "typedExtensionProtocolOptions",
            Message::default().field(
                HTTP_PROTOCOL_OPTIONS,
                Message::any(HTTP_PROTOCOL_OPTIONS).field(
                    "explicitHttpConfig",
                    Message::default().field("http2ProtocolOptions", Message::default()),
                ),
            ),
        )
        .field(
            "loadAssignment",
            Message::default()
                .field("clusterName", "sds-grpc")
                .list("endpoints", [endpoints]),
        )
        .build()
}

const REJECTS_FRAGMENTS: &str = "envoy.reloadable_features.http_reject_path_with_fragment";
const REGEX_LIMIT: &str = "re2.max_program_size.error_level";
/// Lets a listener hand connections on to the one of the address that was dialled.
const USES_ORIGINAL_DST: &str = "envoy.deprecated_features:envoy.config.listener.v3.Listener.hidden_envoy_deprecated_use_original_dst";
/// Where the agent listens, seen from the proxy's working directory.
const AGENT_SOCKET: &str = "./var/run/secrets/workload-spiffe-uds/socket";
const HTTP_PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

//! The inbound listener: connections to a sidecar's own application, by container port.
//!
//! Whether a port takes plain text, Istio's TLS or both is up to the pod's PeerAuthentication. No VirtualService counts
//! here; every HTTP port has one route without a timeout.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener_inbound.go, filterchain_options.go, httproute.go
//! (buildSidecarInboundHTTPRouteConfig).

use std::sync::{Arc, LazyLock};

use base::SimDuration;
use xds::{
    DownstreamTlsContext, Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter,
    MaxStreamDuration, Route, RouteAction, RouteConfiguration, RouteTarget, TrafficDirection,
    VirtualHost,
};

use super::{
    PLAINTEXT_HTTP, RAW_BUFFER, TLS, WILDCARD, black_hole_chain, http_connection_manager,
    socket_address, tls_context, to_cluster,
};
use crate::cluster::inbound::{INBOUND_PASSTHROUGH_CLUSTER, inbound_cluster};
use crate::inbound_port::InboundPort;
use crate::mesh_config::MeshConfig;
use crate::peer_authentication::{PeerMode, PeerPolicy};
use crate::protocol::{ListenerProtocol, Protocol};
use crate::proxy::Client;
use crate::route::destination::single;
use crate::route::{self, DEFAULT_ROUTE, matching, retry};

/// The inbound listener and its route configurations.
pub(crate) fn virtual_inbound(
    ports: &[InboundPort<'_>],
    peers: &PeerPolicy,
    client: &Client<'_>,
) -> (Listener, Vec<RouteConfiguration>) {
    let port = client.mesh.proxy_inbound_listen_port;
    let mut chains = vec![black_hole_chain("virtualInbound-blackhole", port)];
    chains.extend(catch_all_chains(None, peers.mode(), client));
    // Ports that no service has, and a policy names.
    for (port, mode) in peers.ports() {
        if ports.iter().all(|inbound| inbound.number != port) {
            chains.extend(catch_all_chains(Some(port), mode, client));
        }
    }
    let mut tables = Vec::new();
    for inbound in ports {
        chains.extend(port_chains(inbound, peers.at(inbound.number), client));
        if inbound.protocol.is_http_or_sniffed() {
            let cluster = inbound_cluster(inbound.number);
            tables.push(table(
                &cluster,
                inbound.service_port,
                inbound.protocol,
                client.mesh,
            ));
        }
    }
    tables.push(table(
        INBOUND_PASSTHROUGH_CLUSTER,
        0,
        Protocol::Http,
        client.mesh,
    ));
    let listener = Listener {
        name: "virtualInbound".to_owned(),
        address: socket_address(WILDCARD, port),
        direction: TrafficDirection::Inbound,
        bind_to_port: true,
        use_original_dst: false,
        per_connection_buffer_limit_bytes: None,
        listener_filters: inspectors(&chains),
        filter_chains: chains,
        default_filter_chain: None,
    };
    (listener, tables)
}

/// What must be found out about a connection before one of these chains can be chosen.
fn inspectors(chains: &[FilterChain]) -> Vec<ListenerFilter> {
    let tells_tls = chains
        .iter()
        .any(|chain| chain.match_.transport_protocol == TLS);
    let tells_http = chains.iter().any(|chain| {
        let match_ = &chain.match_;
        match_.transport_protocol == RAW_BUFFER && !match_.application_protocols.is_empty()
    });
    let tls = tells_tls.then_some(ListenerFilter::TlsInspector);
    let http = tells_http.then_some(ListenerFilter::HttpInspector);
    let found_out = [Some(ListenerFilter::OriginalDst), tls, http];
    found_out.into_iter().flatten().collect()
}

/// The chains of a container's port.
fn port_chains(inbound: &InboundPort<'_>, mode: PeerMode, client: &Client<'_>) -> Vec<FilterChain> {
    let port = inbound.number;
    let name = format!("{}_{port}", inbound.bind);
    let cluster = inbound_cluster(port);
    let kinds = kinds(inbound.protocol.listener_protocol(), mode);
    let chains = kinds.iter().map(|kind| {
        let filter = match kind.is_http {
            true => http(client, &cluster, format!("inbound_{name};")),
            false => to_cluster(&cluster),
        };
        kind.chain(name.clone(), Some(port), filter)
    });
    chains.collect()
}

/// The chains of ports that no service has: of all of them, or of one.
fn catch_all_chains(port: Option<u16>, mode: PeerMode, client: &Client<'_>) -> Vec<FilterChain> {
    let chains = kinds(ListenerProtocol::Auto, mode).iter().map(|kind| {
        let (name, filter) = if kind.is_http {
            let stat_prefix = format!("{INBOUND_PASSTHROUGH_CLUSTER};");
            let filter = http(client, INBOUND_PASSTHROUGH_CLUSTER, stat_prefix);
            ("virtualInbound-catchall-http", filter)
        } else {
            ("virtualInbound", to_cluster(INBOUND_PASSTHROUGH_CLUSTER))
        };
        kind.chain(name.to_owned(), port, filter)
    });
    chains.collect()
}

/// A kind of connection that a chain is for.
struct Kind {
    /// The application protocols that are offered, or found in plain text.
    protocols: &'static [&'static str],
    transport: &'static str,
    /// Requests, or bytes.
    is_http: bool,
    /// Istio's mutual TLS ends here; other TLS passes.
    ends_tls: bool,
}

impl Kind {
    const fn mutual_tls(protocols: &'static [&'static str], is_http: bool) -> Self {
        Self {
            protocols,
            transport: TLS,
            is_http,
            ends_tls: true,
        }
    }

    const fn plain_text(protocols: &'static [&'static str], is_http: bool) -> Self {
        Self {
            protocols,
            transport: RAW_BUFFER,
            is_http,
            ends_tls: false,
        }
    }

    const OTHER_TLS: Self = Self {
        protocols: &[],
        transport: TLS,
        is_http: false,
        ends_tls: false,
    };

    fn chain(&self, name: String, port: Option<u16>, filter: Filter) -> FilterChain {
        let tls = if self.is_http { &HTTP_MTLS } else { &TCP_MTLS };
        FilterChain {
            name,
            match_: FilterChainMatch {
                destination_port: port,
                ..chain_match(self.protocols, self.transport)
            },
            tls: self.ends_tls.then(|| Arc::clone(tls)),
            filter,
            origin: None,
        }
    }
}

/// The kinds of connections that a port takes, in the order of their chains.
fn kinds(protocol: ListenerProtocol, mode: PeerMode) -> &'static [Kind] {
    const HTTP: bool = true;
    const TCP: bool = false;
    use ListenerProtocol as Protocol;
    match (protocol, mode) {
        (Protocol::None, _) => &[],
        (Protocol::Http, PeerMode::Strict) => &const { [Kind::mutual_tls(&[], HTTP)] },
        (Protocol::Http, PeerMode::Permissive) => {
            &const {
                [
                    Kind::mutual_tls(&ALL_MTLS, HTTP),
                    Kind::plain_text(&[], HTTP),
                ]
            }
        }
        (Protocol::Http, PeerMode::Disable) => &const { [Kind::plain_text(&[], HTTP)] },
        (Protocol::Tcp, PeerMode::Strict) => &const { [Kind::mutual_tls(&[], TCP)] },
        (Protocol::Tcp, PeerMode::Permissive) => {
            &const {
                [
                    Kind::mutual_tls(&ALL_MTLS, TCP),
                    Kind::OTHER_TLS,
                    Kind::plain_text(&[], TCP),
                ]
            }
        }
        (Protocol::Tcp, PeerMode::Disable) => &const { [Kind::plain_text(&[], TCP)] },
        (Protocol::Auto, PeerMode::Strict) => {
            &const {
                [
                    Kind::mutual_tls(&MTLS_HTTP, HTTP),
                    Kind::mutual_tls(&[], TCP),
                ]
            }
        }
        (Protocol::Auto, PeerMode::Permissive) => {
            &const {
                [
                    Kind::mutual_tls(&MTLS_HTTP, HTTP),
                    Kind::plain_text(&PLAINTEXT_HTTP, HTTP),
                    Kind::mutual_tls(&MTLS_TCP, TCP),
                    Kind::plain_text(&[], TCP),
                    Kind::OTHER_TLS,
                ]
            }
        }
        (Protocol::Auto, PeerMode::Disable) => {
            &const {
                [
                    Kind::plain_text(&PLAINTEXT_HTTP, HTTP),
                    Kind::plain_text(&[], TCP),
                ]
            }
        }
    }
}

fn chain_match(application_protocols: &[&str], transport: &str) -> FilterChainMatch {
    FilterChainMatch {
        application_protocols: application_protocols
            .iter()
            .map(|protocol| (*protocol).to_owned())
            .collect(),
        transport_protocol: transport.to_owned(),
        ..FilterChainMatch::default()
    }
}

/// HTTP for a cluster, whose table is called like it.
fn http(client: &Client<'_>, cluster: &str, stat_prefix: String) -> Filter {
    let table = cluster.to_owned();
    Filter::HttpConnectionManager(http_connection_manager::inbound(client, table, stat_prefix))
}

/// The table of a port: everything goes to the application.
fn table(
    cluster: &str,
    service_port: u16,
    protocol: Protocol,
    mesh: &MeshConfig,
) -> RouteConfiguration {
    let route = Route {
        name: DEFAULT_ROUTE.to_owned(),
        stat_prefix: String::new(),
        match_: matching::everything(),
        action: RouteAction::Route(Box::new(RouteTarget {
            // A retried stream of gRPC messages would be a broken one.
            retry_policy: (!protocol.is_grpc())
                .then(|| retry::inbound(mesh))
                .flatten(),
            // Pilot has moved on to the newer field here, and only here.
            max_grpc_timeout: None,
            max_stream_duration: Some(MaxStreamDuration {
                max: Some(SimDuration::ZERO),
                grpc_timeout_header_max: Some(SimDuration::ZERO),
            }),
            ..route::target(vec![single(cluster.to_owned(), None)])
        })),
        request_headers: xds::HeaderMutations::default(),
        response_headers: xds::HeaderMutations::default(),
        fault: None,
        cors: None,
        origin: None,
    };
    RouteConfiguration {
        name: cluster.to_owned(),
        virtual_hosts: vec![VirtualHost {
            name: format!("inbound|http|{service_port}"),
            domains: vec!["*".to_owned()],
            routes: vec![route],
            include_request_attempt_count: false,
            require_tls: false,
            ..VirtualHost::default()
        }],
        ignore_port_in_host_matching: false,
        ..RouteConfiguration::default()
    }
}

/// Istio's mutual TLS around HTTP.
static HTTP_MTLS: LazyLock<Arc<DownstreamTlsContext>> =
    LazyLock::new(|| Arc::new(tls_context::istio_mutual(&["h2", "http/1.1"], &[])));
/// Istio's mutual TLS around bytes.
static TCP_MTLS: LazyLock<Arc<DownstreamTlsContext>> = LazyLock::new(|| {
    let protocols = ["istio-peer-exchange", "h2", "http/1.1"];
    Arc::new(tls_context::istio_mutual(&protocols, &[]))
});
/// What sidecars offer for HTTP inside Istio's TLS.
const MTLS_HTTP: [&str; 3] = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
/// What sidecars offer for bytes inside Istio's TLS.
const MTLS_TCP: [&str; 2] = ["istio-peer-exchange", "istio"];
/// Both.
const ALL_MTLS: [&str; 5] = [
    "istio",
    "istio-peer-exchange",
    "istio-http/1.0",
    "istio-http/1.1",
    "istio-h2",
];

//! The inbound listener: connections to a sidecar's own application, by container port.
//!
//! Mutual TLS is permissive (Istio's default): each port takes both plain text and Istio's TLS. No VirtualService
//! counts here; every HTTP port has one route without a timeout.
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
use crate::protocol::{ListenerProtocol, Protocol};
use crate::proxy::Client;
use crate::route::destination::single;
use crate::route::{self, DEFAULT_ROUTE, matching, retry};

/// The inbound listener and its route configurations.
pub(crate) fn virtual_inbound(
    ports: &[InboundPort<'_>],
    client: &Client<'_>,
) -> (Listener, Vec<RouteConfiguration>) {
    let port = client.mesh.proxy_inbound_listen_port;
    let mut chains = vec![black_hole_chain("virtualInbound-blackhole", port)];
    chains.extend(catch_all_chains(client));
    let mut tables = Vec::new();
    for inbound in ports {
        chains.extend(port_chains(inbound, client));
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
        listener_filters: vec![
            ListenerFilter::OriginalDst,
            ListenerFilter::TlsInspector,
            ListenerFilter::HttpInspector,
        ],
        filter_chains: chains,
        default_filter_chain: None,
    };
    (listener, tables)
}

/// The chains of a container's port.
fn port_chains(inbound: &InboundPort<'_>, client: &Client<'_>) -> Vec<FilterChain> {
    let port = inbound.number;
    let name = format!("{}_{port}", inbound.bind);
    let cluster = inbound_cluster(port);
    let chain = |application_protocols: &[&str], transport: &str, is_http: bool| FilterChain {
        name: name.clone(),
        match_: FilterChainMatch {
            destination_port: Some(port),
            ..chain_match(application_protocols, transport)
        },
        tls: istio_mutual_tls(application_protocols, transport, is_http),
        filter: if is_http {
            http(client, &cluster, format!("inbound_{name};"))
        } else {
            to_cluster(&cluster)
        },
        origin: None,
    };
    match inbound.protocol.listener_protocol() {
        ListenerProtocol::Http => vec![chain(&ALL_MTLS, TLS, true), chain(&[], RAW_BUFFER, true)],
        ListenerProtocol::Tcp => vec![
            chain(&ALL_MTLS, TLS, false),
            chain(&[], TLS, false),
            chain(&[], RAW_BUFFER, false),
        ],
        ListenerProtocol::Auto => vec![
            chain(&MTLS_HTTP, TLS, true),
            chain(&PLAINTEXT_HTTP, RAW_BUFFER, true),
            chain(&MTLS_TCP, TLS, false),
            chain(&[], RAW_BUFFER, false),
            chain(&[], TLS, false),
        ],
        ListenerProtocol::None => Vec::new(),
    }
}

/// The chains of ports that no service has.
fn catch_all_chains(client: &Client<'_>) -> [FilterChain; 5] {
    let chain = |name: &str, application_protocols: &[&str], transport: &str| {
        let is_http = name != "virtualInbound";
        FilterChain {
            name: name.to_owned(),
            match_: chain_match(application_protocols, transport),
            tls: istio_mutual_tls(application_protocols, transport, is_http),
            filter: if is_http {
                let stat_prefix = format!("{INBOUND_PASSTHROUGH_CLUSTER};");
                http(client, INBOUND_PASSTHROUGH_CLUSTER, stat_prefix)
            } else {
                to_cluster(INBOUND_PASSTHROUGH_CLUSTER)
            },
            origin: None,
        }
    };
    [
        chain("virtualInbound-catchall-http", &MTLS_HTTP, TLS),
        chain("virtualInbound-catchall-http", &PLAINTEXT_HTTP, RAW_BUFFER),
        chain("virtualInbound", &MTLS_TCP, TLS),
        chain("virtualInbound", &[], RAW_BUFFER),
        chain("virtualInbound", &[], TLS),
    ]
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

/// Istio's mutual TLS ends in chains for its application protocols; other TLS passes.
fn istio_mutual_tls(
    application_protocols: &[&str],
    transport: &str,
    is_http: bool,
) -> Option<Arc<DownstreamTlsContext>> {
    (transport == TLS && !application_protocols.is_empty())
        .then(|| Arc::clone(if is_http { &HTTP_MTLS } else { &TCP_MTLS }))
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

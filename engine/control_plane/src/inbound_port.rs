//! The ports at which a sidecar takes connections for its application.
//!
//! Those of its services, unless a Sidecar resource lists ports of its own (`ingress`): then these alone.
//!
//! Source: istio/istio, pilot/pkg/networking/core/listener_inbound.go (buildInboundChainConfigs), cluster.go
//! (buildInboundClustersFromSidecar, findOrCreateService).

use std::net::{IpAddr, Ipv4Addr};

use manifest::connection_pool::ConnectionPoolSettings;
use manifest::sidecar::IstioIngressListener;
use xds::ClusterService;

use crate::cluster::cluster_service;
use crate::host::UNIX;
use crate::listener::WILDCARD;
use crate::protocol::Protocol;
use crate::proxy::Client;
use crate::registry::ServiceId;
use crate::service_target::ServiceTarget;

/// A port at which a sidecar takes connections.
pub(crate) struct InboundPort<'a> {
    /// The port that is dialled, behind services.
    pub(crate) number: u16,
    /// The port by which its service calls it.
    pub(crate) service_port: u16,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// The service whose rules hold for it.
    pub(crate) service: Option<ServiceId>,
    /// What telemetry is told.
    pub(crate) services: Vec<ClusterService>,
    /// The address that is dialled, as chains are named after it.
    pub(crate) bind: String,
    /// Where the application listens: an address and port, or a Unix socket with port 0; none: where it was dialled.
    pub(crate) application: Option<(String, u16)>,
    /// Limits that a Sidecar resource sets.
    pub(crate) connection_pool: Option<&'a ConnectionPoolSettings>,
}

/// The ports of a sidecar, by number.
pub(crate) fn inbound_ports<'a>(
    targets: &[ServiceTarget],
    client: &Client<'a>,
) -> Vec<InboundPort<'a>> {
    let sidecar = client.scope.sidecar.as_ref().map(|sidecar| &sidecar.spec);
    let pool = sidecar
        .and_then(|sidecar| sidecar.inbound_connection_pool.as_ref())
        .map(|pool| &pool.value);
    let ingress = sidecar.map_or(&[][..], |sidecar| &sidecar.ingress);
    if ingress.is_empty() {
        return targets
            .chunk_by(|a, b| a.target_port == b.target_port)
            .map(|same_port| of_services(same_port, pool, client))
            .collect();
    }
    let mut ports: Vec<InboundPort<'_>> = Vec::new();
    for listener in ingress {
        let Some(port) = of_ingress(listener, targets, pool, client) else {
            continue;
        };
        if ports.iter().all(|known| known.number != port.number) {
            ports.push(port);
        }
    }
    ports.sort_by_key(|port| port.number);
    ports
}

/// A port of services, the oldest of which decides.
fn of_services<'a>(
    same_port: &[ServiceTarget],
    pool: Option<&'a ConnectionPoolSettings>,
    client: &Client<'a>,
) -> InboundPort<'a> {
    let first = &same_port[0];
    let port = &client.registry.service(first.service).ports[first.port_index];
    let services = same_port.iter().filter_map(|target| {
        let service = client.registry.service(target.service);
        let is_same = service.ports[target.port_index].number == port.number;
        is_same.then(|| cluster_service(service))
    });
    InboundPort {
        number: first.target_port,
        service_port: port.number,
        protocol: port.protocol,
        service: Some(first.service),
        services: services.collect(),
        bind: WILDCARD.to_owned(),
        application: None,
        connection_pool: pool,
    }
}

/// A port that a Sidecar lists; none where its endpoint cannot be read.
fn of_ingress<'a>(
    listener: &'a IstioIngressListener,
    targets: &[ServiceTarget],
    pool: Option<&'a ConnectionPoolSettings>,
    client: &Client<'a>,
) -> Option<InboundPort<'a>> {
    let number = u16::try_from(listener.port.number).ok()?;
    let application = match listener.default_endpoint.as_deref().map(String::as_str) {
        None | Some("") => None,
        Some(written) => Some(application(written, client.ip)?),
    };
    let target = targets.iter().find(|target| target.target_port == number);
    let service = target.map(|target| target.service);
    let own = listener.connection_pool.as_ref().map(|pool| &pool.value);
    Some(InboundPort {
        number,
        service_port: number,
        protocol: Protocol::parse(&listener.port.protocol),
        service,
        services: vec![match service {
            Some(service) => cluster_service(client.registry.service(service)),
            None => made_up_service(client),
        }],
        bind: match listener.bind.as_deref().map(String::as_str) {
            None | Some("") => client.ip.to_string(),
            Some(bind) => bind.to_owned(),
        },
        application,
        connection_pool: own.or(pool),
    })
}

/// What telemetry is told of a port that no service has.
fn made_up_service(client: &Client<'_>) -> ClusterService {
    let meta = client.scope.sidecar.as_ref().map(|sidecar| &sidecar.meta);
    let name = meta.map_or("", |meta| &meta.name);
    ClusterService {
        host: format!("{name}.{}", client.namespace),
        namespace: client.namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// `defaultEndpoint`: an address of the pod's own with a port, or a Unix socket.
fn application(written: &str, pod: IpAddr) -> Option<(String, u16)> {
    if let Some(path) = written.strip_prefix(UNIX) {
        return Some((path.to_owned(), 0));
    }
    let (host, port) = written.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let address = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => return None,
        "0.0.0.0" | "::" => pod,
        host => host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    Some((address.to_string(), port))
}

//! Request shapes: what is known of a request before it is sent, worked out once and looked up by number.
//!
//! Heads are interned; what a route table makes of a head, which behaviour serves it and which head a nested call
//! carries are pure functions of these numbers, so each is computed by the real matcher the first time and
//! remembered. The event loop meets no string.

mod case;
mod deadline;

use crate::plan::{Plan, PodId, Side, SiteId, TableId};
use base::SimDuration;
pub(crate) use case::Case;
pub use case::LikelyAnswer;
use indexmap::IndexSet;
use proxy::listener::{Connection, Layer, Verdict, accept, accept_at};
use proxy::names::{ClusterId, Endpoint, EndpointId};
use proxy::request::RequestHead;
use proxy::response_flag::{ResponseFlag, ResponseFlags};
use proxy::table::{Outcome, Resolution, RouteId, TcpProxyId};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::net::IpAddr;
use xds::{Filter, TlsMode, TrafficDirection};

base::id! {
    /// A request head.
    pub(crate) HeadId,
    /// What a table makes of a head dialled at a site.
    pub(crate) ShapeId,
}

/// What a proxy makes of a request: one that leaves its pod, reaches it, or passes it.
#[derive(Debug)]
pub(crate) enum Shape {
    /// It goes through the proxy's routes.
    Routed {
        /// The proxy's configuration.
        table: TableId,
        resolution: Box<Resolution>,
        /// By the resolution's upstream heads.
        heads: Vec<HeadId>,
        /// What the client's connection carries, inside of TLS that ends at the proxy.
        layer: Layer,
        /// Its cluster and host, if nothing can happen to it here as long as that host answers.
        certain: Option<(ClusterId, EndpointId)>,
    },
    /// The bytes of its connection are passed on.
    Tcp {
        /// The proxy's configuration.
        table: TableId,
        /// What passes them on.
        proxy: TcpProxyId,
        /// What the client's connection carries, inside of TLS that ends at the proxy.
        layer: Layer,
    },
    /// It goes to the address that was dialled.
    Passthrough,
    /// It goes nowhere: the proxy closes the connection, with these flags.
    Blackhole(ResponseFlags),
}

impl Shape {
    /// Whether its bytes are passed on.
    pub(crate) const fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// The route that it takes, and the configuration that the route is part of.
    pub(crate) fn route(&self) -> Option<(TableId, RouteId)> {
        match self {
            Self::Routed {
                table, resolution, ..
            } => resolution.route.map(|route| (*table, route)),
            Self::Tcp { .. } | Self::Passthrough | Self::Blackhole(_) => None,
        }
    }
}

/// How a request came to a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// A proxy sent it: what that proxy made of it, the place of its head among those for upstream, the cluster, and
    /// where it was sent.
    Sent {
        shape: ShapeId,
        head: u16,
        cluster: ClusterId,
        endpoint: EndpointId,
    },
    /// It was dialled at this port, without a proxy's help.
    Dialled { port: u16 },
}

/// What a connection shows from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Requests.
    Plain,
    /// Other bytes.
    Bytes,
    /// TLS of any kind.
    Tls,
}

/// The memory of all shapes met so far.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    heads: IndexSet<RequestHead, FxBuildHasher>,
    shapes: Vec<Shape>,
    by_dial: FxHashMap<(TableId, SiteId, HeadId), ShapeId>,
    by_arrival: FxHashMap<ArrivalKey, ShapeId>,
    cases: FxHashMap<(u32, HeadId), Case>,
    /// What requests ask for themselves: shares and values, statuses and nanoseconds.
    alternatives: Vec<(u64, u64)>,
    deadlines: FxHashMap<HeadId, Option<SimDuration>>,
    nested: FxHashMap<(SiteId, HeadId), Option<HeadId>>,
}

/// What tells arrivals at a pod's proxy apart: its table, and either the sender's shape, the place of its head and the
/// endpoint, or site, head and pod.
type ArrivalKey = (TableId, u32, u32, u32);

/// Where a connection comes in.
struct Place {
    direction: TrafficDirection,
    ip: Option<IpAddr>,
    port: u16,
    /// The place of the listener that takes it; none: that of its address.
    listener: Option<u32>,
}

impl Shapes {
    pub(crate) fn head_id(&mut self, head: RequestHead) -> HeadId {
        HeadId::new(self.heads.insert_full(head).0)
    }

    #[inline]
    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.index()]
    }

    /// What `table` makes of `head`, dialled at `site`.
    #[inline]
    pub(crate) fn shape(
        &mut self,
        plan: &Plan,
        table: TableId,
        site: SiteId,
        head: HeadId,
    ) -> ShapeId {
        match self.by_dial.get(&(table, site, head)) {
            Some(id) => *id,
            None => self.dialled(plan, table, site, head),
        }
    }

    #[cold]
    fn dialled(&mut self, plan: &Plan, table: TableId, site: SiteId, head: HeadId) -> ShapeId {
        let place = Place {
            direction: TrafficDirection::Outbound,
            ip: plan.sites[site.index()].dial.ip,
            port: plan.sites[site.index()].dial.port,
            listener: plan.sites[site.index()].dial.listener,
        };
        let layer = plan.sites[site.index()].layer.clone();
        let id = self.resolve(plan, table, &place, layer, head);
        self.by_dial.insert((table, site, head), id);
        id
    }

    /// What the proxy of `pod`, which has `table` on this side, makes of a request made at `site` that comes with `head`.
    #[inline]
    pub(crate) fn arrival(
        &mut self,
        plan: &Plan,
        (pod, side, table): (PodId, Side, TableId),
        site: SiteId,
        head: HeadId,
        way: Way,
    ) -> ShapeId {
        let key = match way {
            Way::Sent {
                shape,
                head,
                endpoint,
                ..
            } => (
                table,
                shape.index() as u32,
                endpoint.index() as u32,
                u32::from(head),
            ),
            // Told from the others by a place that no head has.
            Way::Dialled { .. } => (
                table,
                site.index() as u32,
                head.index() as u32,
                DIALLED | pod.index() as u32,
            ),
        };
        if let Some(id) = self.by_arrival.get(&key) {
            return *id;
        }
        let id = self.arrived(plan, (pod, side, table), site, head, way);
        self.by_arrival.insert(key, id);
        id
    }

    #[cold]
    fn arrived(
        &mut self,
        plan: &Plan,
        (pod, side, table): (PodId, Side, TableId),
        site: SiteId,
        head: HeadId,
        way: Way,
    ) -> ShapeId {
        let (layer, port) = match way {
            Way::Dialled { port } => (plan.sites[site.index()].layer.clone(), port),
            Way::Sent {
                shape,
                cluster,
                endpoint,
                ..
            } => {
                let own = match plan.names.endpoint_address(endpoint) {
                    Endpoint::Socket(socket) => socket.port(),
                    Endpoint::Name(_, port) => *port,
                };
                let port = plan.forwarded_ports.get(&endpoint).copied().unwrap_or(own);
                (self.sent(plan, shape, cluster, endpoint, head), port)
            }
        };
        let place = Place {
            direction: match side {
                Side::Outbound => TrafficDirection::Outbound,
                Side::Inbound => TrafficDirection::Inbound,
            },
            ip: Some(plan.pods[pod.index()].ip),
            port,
            listener: None,
        };
        self.resolve(plan, table, &place, layer, head)
    }

    /// What a cluster's connection to an endpoint carries.
    fn sent(
        &self,
        plan: &Plan,
        shape: ShapeId,
        cluster: ClusterId,
        endpoint: EndpointId,
        head: HeadId,
    ) -> Layer {
        let (Shape::Routed { table, layer, .. } | Shape::Tcp { table, layer, .. }) =
            self.get(shape)
        else {
            unreachable!("a proxy sends what it routed, or passes on");
        };
        let table = &plan.tables[table.index()];
        match table.cluster_config(cluster) {
            Some(config) => layer.clone().sent_to(
                config,
                table.speaks_mutual_tls(cluster, endpoint),
                &self.heads[head.index()],
            ),
            None => layer.clone(),
        }
    }

    /// What a cluster's connection to an endpoint shows.
    pub(crate) fn sent_as(
        &self,
        plan: &Plan,
        shape: ShapeId,
        cluster: ClusterId,
        endpoint: EndpointId,
    ) -> Sent {
        let (Shape::Routed { table, layer, .. } | Shape::Tcp { table, layer, .. }) =
            self.get(shape)
        else {
            unreachable!("a proxy sends what it routed, or passes on");
        };
        let table = &plan.tables[table.index()];
        let is_wrapped = match table.cluster_config(cluster).map(|config| config.tls) {
            Some(TlsMode::Simple | TlsMode::Mutual | TlsMode::IstioMutual) => true,
            Some(TlsMode::Auto) => table.speaks_mutual_tls(cluster, endpoint),
            Some(TlsMode::Disable) | None => false,
        };
        match layer {
            _ if is_wrapped => Sent::Tls,
            Layer::Tls { .. } | Layer::IstioMutualTls { .. } => Sent::Tls,
            Layer::Http(_) => Sent::Plain,
            Layer::Bytes => Sent::Bytes,
        }
    }

    fn resolve(
        &mut self,
        plan: &Plan,
        table: TableId,
        place: &Place,
        layer: Layer,
        head: HeadId,
    ) -> ShapeId {
        let compiled = &plan.tables[table.index()];
        let connection = Connection {
            direction: place.direction,
            ip: place.ip,
            port: place.port,
            preface: layer.preface(),
        };
        let listeners = compiled.listeners();
        let accepted = match place.listener {
            Some(listener) => accept_at(&listeners[listener as usize], &connection),
            None => accept(listeners, &connection),
        };
        let ends_tls = accepted
            .filter_chain
            .is_some_and(|chain| chain.tls.is_some());
        let shape = match accepted.verdict {
            Verdict::Http(name) => match compiled.route_config(name) {
                Some(config) => {
                    let resolution = compiled.resolve(config, &self.heads[head.index()]);
                    let layer = if ends_tls { layer.ended() } else { layer };
                    self.routed(plan, table, resolution, layer)
                }
                None => Shape::Blackhole(ResponseFlags::NONE),
            },
            Verdict::Tcp(_) => {
                let proxy = accepted.filter_chain.and_then(|chain| match &chain.filter {
                    Filter::TcpProxy(configured) => compiled.tcp_proxy(configured),
                    Filter::HttpConnectionManager(_) => None,
                });
                match proxy {
                    Some(proxy) => Shape::Tcp {
                        table,
                        proxy,
                        layer: if ends_tls { layer.ended() } else { layer },
                    },
                    None => Shape::Passthrough,
                }
            }
            Verdict::Passthrough => Shape::Passthrough,
            // A cluster without endpoints.
            Verdict::BlackHole => {
                Shape::Blackhole(ResponseFlags::of(ResponseFlag::NoHealthyUpstream))
            }
            Verdict::NoFilterChain => {
                Shape::Blackhole(ResponseFlags::of(ResponseFlag::NoRouteFound))
            }
            Verdict::TlsExpected | Verdict::PlainTextExpected | Verdict::NoListener => {
                Shape::Blackhole(ResponseFlags::NONE)
            }
        };
        let id = ShapeId::new(self.shapes.len());
        self.shapes.push(shape);
        id
    }

    fn routed(
        &mut self,
        plan: &Plan,
        table: TableId,
        resolution: Resolution,
        layer: Layer,
    ) -> Shape {
        match resolution.outcome {
            Outcome::Passthrough(_) => Shape::Passthrough,
            Outcome::Forward | Outcome::Reply { .. } => {
                let heads = resolution
                    .upstream_heads
                    .iter()
                    .map(|head| self.head_id(head.clone()))
                    .collect();
                Shape::Routed {
                    table,
                    certain: plan.tables[table.index()].certain_host(&resolution),
                    resolution: Box::new(resolution),
                    heads,
                    layer,
                }
            }
        }
    }

    /// Whether a head is one of gRPC.
    #[inline]
    pub(crate) fn is_grpc(&self, head: HeadId) -> bool {
        self.heads[head.index()].is_grpc()
    }

    /// The head of a request made at `site` while `parent` is served; none where it is not made for such a request.
    #[inline]
    pub(crate) fn nested(&mut self, plan: &Plan, site: SiteId, parent: HeadId) -> Option<HeadId> {
        if let Some(head) = self.nested.get(&(site, parent)) {
            return *head;
        }
        let made = &plan.sites[site.index()];
        let served = &self.heads[parent.index()];
        if !made
            .rules
            .headers
            .iter()
            .all(|condition| condition.holds(served))
        {
            self.nested.insert((site, parent), None);
            return None;
        }
        let mut head = made.head.clone();
        for (name, value) in &served.headers {
            if made.propagate.contains(name) && head.values(name).next().is_none() {
                head.headers.push((name.clone(), value.clone()));
            }
        }
        let head = self.head_id(head);
        self.nested.insert((site, parent), Some(head));
        Some(head)
    }
}

/// Above the number of any pod.
const DIALLED: u32 = 1 << 31;

//! One configuration, compiled: names resolved, expressions built, routes indexed.
//!
//! Compiling happens once per configuration, and proxies that are told the same share the result. What follows from a
//! request's head ([`Table::resolve`]) is decided here and depends on nothing else; chance, time and load are
//! [`Proxy`](crate::proxy::Proxy)'s.

mod cluster;
mod compile;
mod membership;
mod mutations;
mod resolve;
mod response;
mod route;

use crate::effect::Reply;
use crate::fault::{self, AskedFault};
use crate::http_connection_manager::HttpConnectionManager;
use crate::jwt_authn::JwtAuthn;
use crate::names::{ClusterId, EndpointId};
use crate::problem::Problem;
use crate::request::RequestHead;
use crate::response::{Response, ResponseHead};
use crate::response_flag::{Details, ResponseFlags};
use crate::router::asked::Asked;
use crate::router::route_index::RouteIndex;
use crate::router::timeout::StreamLimits;
use crate::router::virtual_host::Domains;
use crate::tcp_proxy::TcpProxy;
use crate::trace::Trace;
use base::{Ratio, SimDuration};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;
use xds::{HeaderMutations, HealthStatus, HttpFault, Origin, RetryOn};

pub(crate) use cluster::{
    Cluster, ClusterSettings, EndpointPolicy, HostConfig, LbKind, LocalityConfig,
};
pub(crate) use route::{Destination, Mirror, Plan, Route, choose};

base::id! {
    /// A route configuration of a table.
    pub RouteConfigId,
    /// A route of a table, counted over all its virtual hosts.
    pub RouteId,
    /// A TCP proxy of a table's listeners.
    pub TcpProxyId,
}

/// What a table makes of one request head: nothing here depends on chance, time or load.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The route that matched.
    pub route: Option<RouteId>,
    /// What follows.
    pub outcome: Outcome,
    /// The heads that upstream may receive: one per weighted cluster in the route's order, then one per mirror.
    pub upstream_heads: Vec<RequestHead>,
    /// From the complete request to the complete response, the client's `grpc-timeout` included; zero: no limit.
    pub timeout: SimDuration,
    /// The request is gRPC, so that local replies carry a gRPC status.
    pub grpc: bool,
    /// The request's hash under the route's hash policies.
    pub hash: Option<u64>,
    /// It has none but the client's address, which is the proxy's own.
    pub hash_by_source: bool,
    /// What limits the stream as a whole.
    pub limits: StreamLimits,
    /// How many bytes of the request are kept for another try.
    pub buffer_limit: u64,
    /// The route's retry policy is for such requests.
    pub is_retriable: bool,
    /// The request itself says to which of the route's clusters it goes, by position.
    pub chosen_cluster: Option<u16>,
    /// The `set-cookie` headers of its response, for cookies that choosing a host by hash makes.
    pub cookies: Vec<String>,
    /// What tries that follow the first are told about themselves.
    pub told: Told,
    /// Where its own heads begin among `upstream_heads`.
    pub first_head: u16,
    /// What its headers mean for the route's faults, where these depend on headers.
    pub fault_headers: Option<Arc<FaultHeaders>>,
    /// What the request itself asks for, in place of its route's policies.
    pub asked: Option<Arc<Asked>>,
    /// The route is for a share of such requests only.
    pub chance: Option<Box<Chance>>,
}

/// What a request's headers mean for the faults of its route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultHeaders {
    /// The clusters, by position, whose faults are not for it.
    pub exempt: Vec<u16>,
    /// What it asks for.
    pub asked: AskedFault,
}

/// A route that is for a share of the requests that match it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chance {
    /// The share; the request's random value decides.
    pub fraction: Ratio,
    /// What becomes of the others. Their heads follow those of the route.
    pub otherwise: Resolution,
}

/// What tries that follow the first are told about themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `x-envoy-attempt-count`.
    pub attempt_count: bool,
    /// `grpc-timeout`, in place of the client's.
    pub grpc_timeout: bool,
}

impl Resolution {
    /// What becomes of a request with this random value.
    pub(crate) fn of_value(&self, value: impl Fn() -> u64) -> &Self {
        let mut resolution = self;
        while let Some(chance) = &resolution.chance {
            if fault::holds(chance.fraction, &value) {
                break;
            }
            resolution = &chance.otherwise;
        }
        resolution
    }

    /// The part of the resolution that a head belongs to.
    pub(crate) fn of_head(&self, head: u16) -> &Self {
        self.parts()
            .take_while(|part| part.first_head <= head)
            .last()
            .unwrap_or(self)
    }

    /// Itself, and what becomes of requests that its chance leaves out.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |part| {
            part.chance.as_ref().map(|chance| &chance.otherwise)
        })
    }
}

/// What follows from a route.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The request is forwarded as the route says.
    Forward,
    /// The proxy answers itself, unless a fault comes first.
    Reply {
        /// The HTTP status.
        status: u16,
        /// Response flags.
        flags: ResponseFlags,
        /// Response code details.
        details: Details,
        /// The body.
        body: String,
        /// The headers, `location` among them.
        headers: Vec<(String, String)>,
    },
    /// The request goes to the address that the client dialled (`PassthroughCluster`), with the first upstream head.
    Passthrough(ClusterId),
}

/// A compiled configuration.
#[derive(Clone, Debug, Default)]
pub struct Table {
    listeners: Vec<Arc<xds::Listener>>,
    configs: Vec<RouteConfig>,
    config_ids: FxHashMap<String, RouteConfigId>,
    virtual_hosts: Vec<VirtualHost>,
    routes: Vec<Route>,
    /// What the event loop needs of each route, by [`RouteId`].
    plans: Vec<Plan>,
    clusters: Vec<Cluster>,
    cluster_index: FxHashMap<ClusterId, u32>,
    /// Those of all filter chains, each configuration once.
    tcp_proxies: Vec<TcpProxy>,
    /// A gateway, which trusts its clients less than a sidecar does.
    edge: bool,
    concurrency: Option<u16>,
}

#[derive(Clone, Debug)]
struct RouteConfig {
    name: String,
    domains: Domains,
    ignore_port: bool,
    /// What becomes of requests before they are routed.
    manager: HttpConnectionManager,
    /// Checks of tokens.
    tokens: Option<JwtAuthn>,
    levels: Levels,
    /// The changes of the table come first and those of routes last.
    most_specific_wins: bool,
    /// What the connection manager that uses it says.
    limits: StreamLimits,
    /// How many bytes of a request the listener keeps.
    buffer_limit: u64,
}

/// Changes to headers that hold for more than one route.
#[derive(Clone, Debug, Default)]
struct Levels {
    request: HeaderMutations,
    response: HeaderMutations,
}

#[derive(Clone, Debug)]
struct VirtualHost {
    name: String,
    routes: Range<usize>,
    index: Option<RouteIndex>,
    config: RouteConfigId,
    levels: Levels,
    include_attempt_count: bool,
    include_attempt_count_in_response: bool,
    require_tls: bool,
}

impl Table {
    /// Compiles a configuration. Names are added to `names`, which all tables of a world share.
    pub fn compile(
        snapshot: &xds::Snapshot,
        names: &mut crate::names::Names,
    ) -> (Self, Vec<Problem>) {
        compile::compile(snapshot, names)
    }

    /// How many worker threads the proxy is told to have; none: it is not known.
    pub const fn concurrency(&self) -> Option<u16> {
        self.concurrency
    }

    /// The listeners, for [`accept`](crate::listener::accept).
    pub fn listeners(&self) -> &[Arc<xds::Listener>] {
        &self.listeners
    }

    /// The route configuration of this name.
    pub fn route_config(&self, name: &str) -> Option<RouteConfigId> {
        self.config_ids.get(name).copied()
    }

    /// A route configuration's name.
    pub fn route_config_name(&self, id: RouteConfigId) -> &str {
        &self.configs[id.index()].name
    }

    /// How requests are treated that meet a route configuration: as the first listener says that uses it.
    pub fn connection_manager(&self, id: RouteConfigId) -> &xds::HttpConnectionManager {
        self.configs[id.index()].manager.source()
    }

    /// The TCP proxy of a filter chain; none where its bytes go to the original destination.
    pub fn tcp_proxy(&self, configured: &xds::TcpProxy) -> Option<TcpProxyId> {
        let mut proxies = self.tcp_proxies.iter();
        let place = proxies.position(|proxy| proxy.source == *configured)?;
        let leads_on = |destination: &Destination| {
            let cluster = self.cluster(destination.cluster);
            cluster.is_some_and(|cluster| cluster.settings.lb == LbKind::Provided)
        };
        let is_passed = self.tcp_proxies[place].destinations.iter().any(leads_on);
        (!is_passed).then(|| TcpProxyId::new(place))
    }

    /// What becomes of a request with this head.
    pub fn resolve(&self, config: RouteConfigId, head: &RequestHead) -> Resolution {
        resolve::resolve(self, config, head)
    }

    /// What becomes of a request with this head, and why.
    pub fn explain(&self, config: RouteConfigId, head: &RequestHead) -> (Resolution, Trace<'_>) {
        let resolution = self.resolve(config, head);
        let trace = resolve::trace::trace(self, config, head, &resolution);
        (resolution, trace)
    }

    /// The route that a request with this head matches: matching alone, without what follows from it.
    pub fn find_route(&self, config: RouteConfigId, head: &RequestHead) -> Option<RouteId> {
        resolve::find::find_route(self, config, head, true)
    }

    /// The same, asking one route after the other: what indexes are measured against.
    pub fn find_route_by_scan(&self, config: RouteConfigId, head: &RequestHead) -> Option<RouteId> {
        resolve::find::find_route(self, config, head, false)
    }

    /// A route, as configured.
    pub fn route(&self, id: RouteId) -> &xds::Route {
        &self.routes[id.index()].source
    }

    /// What the client receives: a server's response, or the proxy's own, as the route changes it.
    ///
    /// `upstream` is the response that was forwarded, where one was.
    pub fn response(
        &self,
        resolution: &Resolution,
        request: &RequestHead,
        reply: &Reply,
        upstream: Option<&ResponseHead>,
    ) -> Response {
        response::response(self, resolution, request, reply, upstream)
    }

    /// A route's name: its rule's; `default` for default routes.
    pub fn route_name(&self, id: RouteId) -> &str {
        &self.routes[id.index()].source.name
    }

    /// What a route answers itself; empty where it does not.
    pub fn body_of_route(&self, id: RouteId) -> &str {
        match &self.routes[id.index()].source.action {
            xds::RouteAction::DirectResponse(direct) => &direct.body,
            xds::RouteAction::Route(_) | xds::RouteAction::Redirect(_) => "",
        }
    }

    /// The rule that a route was made from; none for default routes.
    pub fn route_origin(&self, id: RouteId) -> Option<&Origin> {
        self.routes[id.index()].source.origin.as_ref()
    }

    /// The name of a route's virtual host.
    pub fn virtual_host_name(&self, id: RouteId) -> &str {
        &self.virtual_hosts[self.routes[id.index()].virtual_host].name
    }

    /// A route's faults.
    pub fn fault(&self, id: RouteId) -> Option<&HttpFault> {
        self.routes[id.index()].source.fault.as_ref()
    }

    /// A route's retry policy.
    pub fn retry_policy(&self, id: RouteId) -> Option<&xds::RetryPolicy> {
        self.routes[id.index()].target()?.retry_policy.as_ref()
    }

    /// A route's timeout; none where it does not forward, zero where it has no limit.
    pub fn timeout(&self, id: RouteId) -> Option<SimDuration> {
        Some(self.routes[id.index()].target()?.timeout)
    }

    /// A route's clusters in its order; empty where it does not forward.
    pub fn route_clusters(&self, id: RouteId) -> impl Iterator<Item = RouteCluster<'_>> {
        let sources = self.routes[id.index()].target().into_iter();
        let sources = sources.flat_map(|target| &target.clusters);
        let destinations = &self.plans[id.index()].destinations;
        destinations
            .iter()
            .zip(sources)
            .map(|(destination, source)| RouteCluster {
                id: destination.cluster,
                name: &source.name,
                weight: source.weight,
                origin: source.origin.as_ref(),
            })
    }

    /// A route's mirrors in its order.
    pub fn route_mirrors(&self, id: RouteId) -> impl Iterator<Item = RouteMirror<'_>> {
        let sources = self.routes[id.index()].target().into_iter();
        let sources = sources.flat_map(|target| &target.mirrors);
        let mirrors = &self.plans[id.index()].mirrors;
        mirrors
            .iter()
            .zip(sources)
            .map(|(mirror, source)| RouteMirror {
                id: mirror.cluster,
                name: &source.cluster,
                fraction: source.fraction,
                origin: source.origin.as_ref(),
            })
    }

    /// The cluster and host of a request that is resolved so, if nothing can refuse, delay, copy or repeat it as long as
    /// that host answers: then what becomes of it is what the host does.
    pub fn certain_host(&self, resolution: &Resolution) -> Option<(ClusterId, EndpointId)> {
        let (Some(route), Outcome::Forward) = (resolution.route, &resolution.outcome) else {
            return None;
        };
        let plan = self.plan(route);
        let [only] = plan.destinations.as_slice() else {
            return None;
        };
        let retries = self.retry_policy(route).into_iter();
        let mut conditions = retries.flat_map(|policy| &policy.retry_on);
        let is_certain = resolution.timeout.is_zero()
            && resolution.limits == StreamLimits::default()
            && resolution.chance.is_none()
            && resolution.asked.is_none()
            && plan.fault.is_none()
            && plan.destination_faults.is_empty()
            && plan.mirrors.is_empty()
            && conditions.all(|condition| *condition == RetryOn::ResetBeforeRequest);
        let host = self.cluster(only.cluster)?.certain_host()?;
        is_certain.then_some((only.cluster, host))
    }

    /// Whether any of its routes makes cookies to choose hosts by.
    pub fn makes_cookies(&self) -> bool {
        self.routes
            .iter()
            .any(|route| route.hash_policies.make_cookies())
    }

    /// Whether a cluster chooses hosts by hash.
    pub fn hashes(&self, id: ClusterId) -> bool {
        let cluster = self.cluster(id);
        cluster.is_some_and(|cluster| matches!(cluster.settings.lb, LbKind::Hash(_)))
    }

    /// Whether the configuration has this cluster.
    pub fn has_cluster(&self, id: ClusterId) -> bool {
        self.cluster_index.contains_key(&id)
    }

    /// What the configuration says about a cluster.
    pub fn cluster_config(&self, id: ClusterId) -> Option<&xds::Cluster> {
        Some(&self.cluster(id)?.source)
    }

    /// A cluster's endpoints with their health.
    pub fn endpoints(&self, id: ClusterId) -> impl Iterator<Item = (EndpointId, HealthStatus)> {
        let hosts = self.cluster(id).into_iter().flat_map(|c| &c.hosts);
        hosts.map(|host| (host.endpoint, host.health))
    }

    /// Whether the control plane says that Istio's mutual TLS is for an endpoint of a cluster.
    pub fn speaks_mutual_tls(&self, id: ClusterId, endpoint: EndpointId) -> bool {
        let hosts = self.cluster(id).into_iter().flat_map(|c| &c.hosts);
        hosts
            .filter(|host| host.endpoint == endpoint)
            .any(|host| host.is_mutual_tls)
    }

    /// The clusters of the configuration, in its order.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterId> {
        self.clusters.iter().map(|cluster| cluster.id)
    }

    /// The clusters whose new hosts warm up.
    pub(crate) fn warming_clusters(&self) -> impl Iterator<Item = ClusterId> {
        let clusters = self.clusters.iter();
        clusters
            .filter(|cluster| cluster.settings.slow_start.is_some())
            .map(|cluster| cluster.id)
    }

    pub(crate) fn cluster(&self, id: ClusterId) -> Option<&Cluster> {
        let index = self.cluster_index.get(&id)?;
        Some(&self.clusters[*index as usize])
    }

    pub(crate) fn tcp_proxy_plan(&self, id: TcpProxyId) -> &TcpProxy {
        &self.tcp_proxies[id.index()]
    }

    #[inline]
    pub(crate) fn plan(&self, id: RouteId) -> &Plan {
        &self.plans[id.index()]
    }
}

/// A cluster that a route names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteCluster<'a> {
    /// Its id, whether it exists or not.
    pub id: ClusterId,
    /// Its name.
    pub name: &'a str,
    /// Its share of the sum of weights; plays no part where it is the only one.
    pub weight: u32,
    /// The destination behind it.
    pub origin: Option<&'a Origin>,
}

/// A mirror that a route names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteMirror<'a> {
    /// The cluster's id, whether it exists or not.
    pub id: ClusterId,
    /// The cluster's name.
    pub name: &'a str,
    /// For how many requests.
    pub fraction: base::Ratio,
    /// The mirror behind it.
    pub origin: Option<&'a Origin>,
}

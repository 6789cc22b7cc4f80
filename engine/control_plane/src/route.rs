//! HTTP rules of VirtualServices, compiled to Envoy's routes.
//!
//! Decides which rules and match blocks concern a proxy and a port, and in which order their routes stand. Each match
//! block becomes a route of its own; the first that catches everything ends the list. What a route does is decided in
//! the modules below.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (BuildHTTPRoutesForVirtualService, TranslateRoute).

pub(crate) mod claims;
pub(crate) mod cors;
pub(crate) mod destination;
pub(crate) mod direct_response;
pub(crate) mod fault;
pub(crate) mod hash_policy;
pub(crate) mod headers;
pub(crate) mod matching;
pub(crate) mod mirror;
pub(crate) mod redirect;
pub(crate) mod retry;
pub(crate) mod rewrite;

use base::SimDuration;
use manifest::span::Spanned;
use manifest::virtual_service::HttpMatchRequest;
use xds::{
    HeaderMutations, HostRewrite, PathMatch, Route, RouteAction, RouteMatch, RouteTarget,
    WeightedCluster,
};

use crate::host::MESH_GATEWAY;
use crate::proxy::Client;
use crate::registry::Service;
use crate::virtual_service::{HttpRule, Semantics, VirtualService};
use headers::HeaderOperations;

/// What a compiled route may depend on, beside its rule.
#[derive(Clone, Copy)]
pub(crate) struct RouteContext<'a> {
    /// Whose table it is for.
    pub(crate) client: &'a Client<'a>,
    /// The port that the client dialled.
    pub(crate) port: u16,
    /// Whether the server that was dialled has TLS settings.
    pub(crate) is_tls: bool,
    /// The names by which rules may call the table: `mesh`, or a gateway's.
    pub(crate) gateway: &'a str,
}

impl<'a> RouteContext<'a> {
    /// Whether the table is a gateway's.
    pub(crate) fn is_gateway(self) -> bool {
        self.gateway != MESH_GATEWAY
    }

    /// The service that a destination of a rule in `namespace` means, as far as it decides about names of clusters.
    fn destination_service(self, hostname: &str, namespace: &str) -> Option<&'a Service> {
        let client = self.client;
        if !self.is_gateway() {
            return client.service_on_port(hostname, self.port);
        }
        let own = client.registry.services_by_hostname(hostname).iter();
        let own = own.map(|id| client.registry.service(*id)).find(|service| {
            service.namespace == namespace && service.export_to.includes(client.namespace)
        });
        own.or_else(|| Some(client.registry.service(client.service(hostname)?)))
    }
}

/// Why a VirtualService has no table of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoutes {
    /// None of its rules concerns this proxy and port.
    NothingApplies,
    /// Envoy refuses the whole table because of a route without action.
    Refused,
}

/// The routes of a VirtualService.
pub(crate) fn routes(
    virtual_service: &VirtualService,
    context: RouteContext<'_>,
) -> Result<Vec<Route>, NoRoutes> {
    let mut routes = Vec::with_capacity(virtual_service.http.len());
    'rules: for rule in &virtual_service.http {
        if rule.route.matches.is_empty() {
            routes.push(route(virtual_service, rule, None, context)?);
            break;
        }
        for (index, block) in (0..).zip(&rule.route.matches) {
            if !is_for(block, context) {
                continue;
            }
            let route = route(virtual_service, rule, Some((index, block)), context)?;
            let is_catch_all = is_catch_all(&route.match_);
            routes.push(route);
            if is_catch_all {
                break 'rules;
            }
        }
    }
    if routes.is_empty() {
        Err(NoRoutes::NothingApplies)
    } else {
        Ok(routes)
    }
}

/// The route of a service that no VirtualService speaks for.
pub(crate) fn default_route(cluster: String, context: RouteContext<'_>) -> Route {
    Route {
        name: DEFAULT_ROUTE.to_owned(),
        stat_prefix: String::new(),
        match_: matching::everything(),
        action: RouteAction::Route(Box::new(RouteTarget {
            retry_policy: retry::default_policy(context.client.mesh, false),
            ..target(vec![destination::single(cluster, None)])
        })),
        request_headers: HeaderMutations::default(),
        response_headers: HeaderMutations::default(),
        fault: None,
        cors: None,
        origin: None,
    }
}

/// A target with no more than its clusters and Istio's lack of a timeout.
pub(crate) fn target(clusters: Vec<WeightedCluster>) -> RouteTarget {
    RouteTarget {
        clusters,
        is_weighted: false,
        path_rewrite: None,
        host_rewrite: None,
        append_x_forwarded_host: false,
        timeout: SimDuration::ZERO,
        max_grpc_timeout: Some(SimDuration::ZERO),
        retry_policy: None,
        mirrors: Vec::new(),
        hash_policy: Vec::new(),
        cluster_not_found_response_code: 503,
        ..RouteTarget::default()
    }
}

/// Whether a request that meets nothing else meets this.
pub(crate) fn is_catch_all(match_: &RouteMatch) -> bool {
    let path = match &match_.path {
        PathMatch::Prefix(prefix) | PathMatch::PathSeparatedPrefix(prefix) => prefix == "/",
        PathMatch::SafeRegex(regex) => regex == ".*",
        PathMatch::Path(_) => false,
    };
    path && match_.headers.is_empty()
        && match_.query_parameters.is_empty()
        && match_.dynamic_metadata.is_empty()
}

/// Whether a match block concerns the proxy and the port; decided here, never per request.
fn is_for(block: &HttpMatchRequest, context: RouteContext<'_>) -> bool {
    if block.port != 0 && block.port != u32::from(context.port) {
        return false;
    }
    if !block.gateways.is_empty() {
        return block
            .gateways
            .iter()
            .any(|gateway| *gateway.value == *context.gateway);
    }
    let client = context.client;
    block
        .source_labels
        .iter()
        .all(|(key, value)| client.labels.get(key) == Some(value))
        && (block.source_namespace.is_empty() || block.source_namespace == client.namespace)
}

/// Whether Envoy takes no table with such a condition.
fn is_refused(block: &HttpMatchRequest) -> bool {
    let mut conditions = block.headers.iter().chain(&block.without_headers);
    conditions.any(|(name, value)| claims::is_refused(name, value))
}

fn route(
    virtual_service: &VirtualService,
    rule: &HttpRule,
    block: Option<(u32, &Spanned<HttpMatchRequest>)>,
    context: RouteContext<'_>,
) -> Result<Route, NoRoutes> {
    if block.is_some_and(|(_, block)| is_refused(block)) {
        return Err(NoRoutes::Refused);
    }
    let written = &rule.route;
    let own = HeaderOperations::new(written.headers.as_ref().map(|headers| &headers.value));
    let mut route = Route {
        name: match block {
            Some((_, block)) if !block.name.is_empty() => {
                format!("{}.{}", written.name, block.name)
            }
            _ => written.name.clone(),
        },
        stat_prefix: block.map_or_else(String::new, |(_, block)| block.stat_prefix.clone()),
        match_: block.map_or_else(matching::everything, |(_, block)| {
            matching::route_match(block, virtual_service.semantics)
        }),
        action: RouteAction::Route(Box::new(target(Vec::new()))),
        request_headers: own.request,
        response_headers: own.response,
        fault: written
            .fault
            .as_ref()
            .and_then(|fault| fault::http_fault(fault)),
        cors: written
            .cors_policy
            .as_ref()
            .map(|policy| cors::cors_policy(policy)),
        origin: Some(rule.origin(
            virtual_service,
            block.map(|(index, _)| index),
            block.map_or(&rule.at, |(_, block)| &block.at),
        )),
    };
    if let Some(redirect) = &written.redirect {
        let redirect = redirect::redirect(redirect, context).ok_or(NoRoutes::Refused)?;
        route.action = RouteAction::Redirect(redirect);
    } else if let Some(response) = &written.direct_response {
        route.action = RouteAction::DirectResponse(direct_response::direct_response(response));
    } else {
        forward(&mut route, virtual_service, rule, own.authority, context);
    }
    Ok(route)
}

/// Makes the route forward to the rule's destinations.
fn forward(
    route: &mut Route,
    virtual_service: &VirtualService,
    rule: &HttpRule,
    authority: Option<String>,
    context: RouteContext<'_>,
) {
    let written = &rule.route;
    let rewrite = written.rewrite.as_ref().map(|rewrite| &rewrite.value);
    let timeout = written
        .timeout
        .as_ref()
        .map_or(SimDuration::ZERO, |timeout| timeout.value);
    let mut action = RouteTarget {
        path_rewrite: rewrite
            .and_then(|rewrite| rewrite::path_rewrite(rewrite, virtual_service, &route.match_)),
        host_rewrite: rewrite
            .and_then(rewrite::authority)
            .or(authority)
            .map(HostRewrite::Literal),
        timeout,
        max_grpc_timeout: Some(timeout),
        mirrors: mirror::mirrors(virtual_service, rule, context),
        cluster_not_found_response_code: match virtual_service.semantics {
            Semantics::Istio => 503,
            Semantics::GatewayApi => 500,
        },
        ..target(Vec::new())
    };
    let mut hashed = false;
    if let [only] = written.route.as_slice() {
        let cluster =
            destination::cluster_name(&only.destination, &virtual_service.namespace, context);
        let origin = rule.origin(virtual_service, None, &only.destination.at);
        action
            .clusters
            .push(destination::single(cluster, Some(origin)));
        // With one destination both levels become one, in which the destination's come later.
        let own = HeaderOperations::new(only.headers.as_ref().map(|headers| &headers.value));
        headers::append(&mut route.request_headers, own.request);
        headers::append(&mut route.response_headers, own.response);
        if action.host_rewrite.is_none() {
            action.host_rewrite = own.authority.map(HostRewrite::Literal);
        }
        let hash = hash_policy::of_destination(&only.destination, context.client);
        hashed = hash.is_some();
        action.hash_policy.extend(hash.flatten());
    } else {
        action.is_weighted = true;
        for weighted in written.route.iter().filter(|weighted| weighted.weight != 0) {
            let origin = rule.origin(virtual_service, None, &weighted.destination.at);
            action.clusters.push(destination::weighted(
                weighted,
                Some(origin),
                &virtual_service.namespace,
                context,
            ));
            let hash = hash_policy::of_destination(&weighted.destination, context.client);
            action.hash_policy.extend(hash.flatten());
        }
    }
    action.retry_policy = match &written.retries {
        Some(retries) => retry::policy(retries, hashed),
        None => retry::default_policy(context.client.mesh, hashed),
    };
    route.action = RouteAction::Route(Box::new(action));
}

/// A text as a regular expression of RE2 that matches nothing else.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

/// The name of routes that no rule made.
pub(crate) const DEFAULT_ROUTE: &str = "default";

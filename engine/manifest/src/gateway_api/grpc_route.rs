//! GRPCRoute: how gRPC calls at a listener, or to a service, are routed.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::filter::{Filter, check_filters};
use crate::gateway_api::http_route::{
    HttpBackendReference, SessionPersistence, ValueMatch, ValueMatchType, check_backends,
    check_values,
};
use crate::gateway_api::reference::{ParentReference, check_hostnames, check_parents};
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A GRPCRoute.
pub type GrpcRoute = Resource<GrpcRouteSpec>;

/// `spec` of a GRPCRoute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteSpec {
    /// What it attaches to.
    #[serde(default)]
    pub parent_refs: Vec<Spanned<ParentReference>>,
    /// The hosts, `*.` wildcards allowed; none means those of the listener.
    #[serde(default)]
    pub hostnames: Vec<Spanned<String>>,
    /// Its rules.
    #[serde(default)]
    pub rules: Vec<Spanned<GrpcRouteRule>>,
}

/// One rule: which calls, and what happens to them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteRule {
    /// A name.
    pub name: Option<String>,
    /// Any of these must hold; none means every call.
    #[serde(default)]
    pub matches: Vec<Spanned<GrpcRouteMatch>>,
    /// What is done on the way: headers and mirrors.
    #[serde(default)]
    pub filters: Vec<Spanned<Filter>>,
    /// Where calls go, by weight.
    #[serde(default)]
    pub backend_refs: Vec<Spanned<HttpBackendReference>>,
    /// Whether a client keeps its backend (experimental).
    pub session_persistence: Option<Spanned<SessionPersistence>>,
}

/// One match: all that is written must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GrpcRouteMatch {
    /// The service and the method.
    pub method: Option<Spanned<GrpcMethodMatch>>,
    /// Headers.
    #[serde(default)]
    pub headers: Vec<Spanned<ValueMatch>>,
}

/// How service and method are matched; one of them is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GrpcMethodMatch {
    /// As a whole or by a regular expression.
    #[serde(rename = "type", default)]
    pub match_type: ValueMatchType,
    /// The service.
    pub service: Option<String>,
    /// The method.
    pub method: Option<String>,
}

impl Kind for GrpcRouteSpec {
    type Status = ();
    const KIND: &'static str = "GRPCRoute";
    const API_VERSIONS: &'static [&'static str] = &["gateway.networking.k8s.io/v1"];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<GrpcRoute> {
        &mut all.gateway_api.grpc_routes
    }

    fn check(route: &GrpcRoute, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check_parents(&route.spec.parent_refs, &spec.key("parentRefs"), check);
        check_hostnames(&route.spec.hostnames, 16, &spec.key("hostnames"), check);
        let rules = spec.key("rules");
        check.items(&rules, route.spec.rules.len(), 0..=16);
        for (index, rule) in route.spec.rules.iter().enumerate() {
            let path = Path::Index(&rules, index);
            let matches = path.key("matches");
            check.items(&matches, rule.matches.len(), 0..=64);
            for (index, block) in rule.matches.iter().enumerate() {
                let path = Path::Index(&matches, index);
                check_values(&block.headers, &path.key("headers"), check);
                if let Some(method) = &block.method
                    && method.service.is_none()
                    && method.method.is_none()
                {
                    check.invalid(&path.key("method"), "`service` or `method` must be given");
                }
            }
            check_filters(&rule.filters, &path.key("filters"), check);
            check_backends(&rule.backend_refs, &path.key("backendRefs"), check);
        }
    }
}

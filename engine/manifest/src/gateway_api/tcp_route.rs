//! TCPRoute: where TCP connections at a listener go.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_ALPHA;
use crate::gateway_api::reference::{BackendReference, ParentReference, check_parents};
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A TCPRoute.
pub type TcpRoute = Resource<TcpRouteSpec>;

/// `spec` of a TCPRoute.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpRouteSpec {
    /// What it attaches to.
    #[serde(default)]
    pub parent_refs: Vec<Spanned<ParentReference>>,
    /// Its rules.
    pub rules: Vec<Spanned<TcpRouteRule>>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpRouteRule {
    /// A name.
    pub name: Option<String>,
    /// Where connections go, by weight.
    pub backend_refs: Vec<Spanned<BackendReference>>,
}

impl Kind for TcpRouteSpec {
    type Status = ();
    const KIND: &'static str = "TCPRoute";
    const API_VERSIONS: &'static [&'static str] = V1_AND_ALPHA;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<TcpRoute> {
        &mut all.gateway_api.tcp_routes
    }

    fn check(route: &TcpRoute, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check_parents(&route.spec.parent_refs, &spec.key("parentRefs"), check);
        let rules = spec.key("rules");
        check.items(&rules, route.spec.rules.len(), 1..=1);
        for (index, rule) in route.spec.rules.iter().enumerate() {
            let path = Path::Index(&rules, index);
            let backends = path.key("backendRefs");
            check.items(&backends, rule.backend_refs.len(), 1..=16);
            for (index, backend) in rule.backend_refs.iter().enumerate() {
                backend.check(&Path::Index(&backends, index), check);
            }
        }
    }
}

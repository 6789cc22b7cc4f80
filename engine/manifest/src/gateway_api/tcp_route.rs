//! TCPRoute: where TCP connections at a listener go.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_ALPHA;
use crate::gateway_api::connection_rule::{ConnectionRule, check_rules};
use crate::gateway_api::reference::{ParentReference, check_parents};
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
    pub rules: Vec<Spanned<ConnectionRule>>,
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
        check_rules(&route.spec.rules, &spec.key("rules"), check);
    }
}

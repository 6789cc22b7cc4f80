//! TLSRoute: where TLS connections at a listener go.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_ALPHA;
use crate::gateway_api::connection_rule::{ConnectionRule, check_rules};
use crate::gateway_api::reference::{ParentReference, check_hostnames, check_parents};
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A TLSRoute.
pub type TlsRoute = Resource<TlsRouteSpec>;

/// `spec` of a TLSRoute.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsRouteSpec {
    /// What it attaches to.
    #[serde(default)]
    pub parent_refs: Vec<Spanned<ParentReference>>,
    /// The server names, `*.` wildcards allowed.
    pub hostnames: Vec<Spanned<String>>,
    /// Its rules.
    pub rules: Vec<Spanned<ConnectionRule>>,
}

impl Kind for TlsRouteSpec {
    type Status = ();
    const KIND: &'static str = "TLSRoute";
    const API_VERSIONS: &'static [&'static str] = V1_AND_ALPHA;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<TlsRoute> {
        &mut all.gateway_api.tls_routes
    }

    fn check(route: &TlsRoute, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check_parents(&route.spec.parent_refs, &spec.key("parentRefs"), check);
        let hostnames = spec.key("hostnames");
        check.items(&hostnames, route.spec.hostnames.len(), 1..=1024);
        check_hostnames(&route.spec.hostnames, 1024, &hostnames, check);
        check_rules(&route.spec.rules, &spec.key("rules"), check);
    }
}

//! TLSRoute: where TLS connections at a listener go.

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_ALPHA;
use crate::gateway_api::reference::{
    BackendReference, ParentReference, check_hostnames, check_parents,
};
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
    pub rules: Vec<Spanned<TlsRouteRule>>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsRouteRule {
    /// A name.
    pub name: Option<String>,
    /// Where connections go, by weight.
    pub backend_refs: Vec<Spanned<BackendReference>>,
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

//! VirtualService: how requests to a host are routed.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/virtual_service.proto and kubernetes/customresourcedefinitions.gen.yaml.
//!
//! As in protobuf, a scalar that is not written has its zero value: no port is 0, no name is empty.

use std::collections::BTreeMap;

use base::SimDuration;
use serde::Deserialize;

use crate::cors::CorsPolicy;
use crate::destination::Destination;
use crate::direct_response::HttpDirectResponse;
use crate::fault::HttpFaultInjection;
use crate::header_operations::Headers;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::mirror::HttpMirrorPolicy;
use crate::percent::Percent;
use crate::redirect::HttpRedirect;
use crate::resource::{Resource, Resources};
use crate::retry::HttpRetry;
use crate::rewrite::HttpRewrite;
use crate::span::Spanned;
use crate::string_match::StringMatch;
use crate::{nullable, timeout};

/// A VirtualService.
pub type VirtualService = Resource<VirtualServiceSpec>;

/// `spec` of a VirtualService.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualServiceSpec {
    /// The hosts whose traffic is routed; none makes it a delegate.
    #[serde(default)]
    pub hosts: Vec<Spanned<String>>,
    /// The gateways it applies to; none means `mesh`, all sidecars.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
    /// Rules for HTTP, in order.
    #[serde(default)]
    pub http: Vec<Spanned<HttpRoute>>,
    /// Rules for TLS that is not terminated, in order.
    #[serde(default)]
    pub tls: Vec<Spanned<TlsRoute>>,
    /// Rules for TCP, in order.
    #[serde(default)]
    pub tcp: Vec<Spanned<TcpRoute>>,
    /// The namespaces that see it; none means the mesh's default.
    #[serde(default)]
    pub export_to: Vec<Spanned<String>>,
}

/// One HTTP rule: which requests, and what happens to them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// A name for logs and statistics.
    #[serde(default)]
    pub name: String,
    /// Any of these must hold; none means every request.
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<HttpMatchRequest>>,
    /// Where requests go, by weight.
    #[serde(default)]
    pub route: Vec<Spanned<HttpRouteDestination>>,
    /// An answer that sends the client elsewhere.
    pub redirect: Option<Spanned<HttpRedirect>>,
    /// An answer from the proxy itself.
    pub direct_response: Option<Spanned<HttpDirectResponse>>,
    /// Another VirtualService whose rules stand in this one's place.
    pub delegate: Option<Spanned<Delegate>>,
    /// Changes of path and host.
    pub rewrite: Option<Spanned<HttpRewrite>>,
    /// How long the whole request may take, retries included.
    #[serde(default, deserialize_with = "timeout::optional_spanned")]
    pub timeout: Option<Spanned<SimDuration>>,
    /// When and how often a request is tried again.
    pub retries: Option<Spanned<HttpRetry>>,
    /// Injected delays and errors.
    pub fault: Option<Spanned<HttpFaultInjection>>,
    /// Who receives a copy of each request.
    pub mirror: Option<Spanned<Destination>>,
    /// Who receives copies, and of how many requests.
    #[serde(default)]
    pub mirrors: Vec<Spanned<HttpMirrorPolicy>>,
    /// The share that `mirror` receives, in whole per cent (deprecated).
    #[serde(default, deserialize_with = "nullable::optional")]
    pub mirror_percent: Option<u32>,
    /// As `mirrorPercent`, in the spelling of the first API versions (deprecated).
    #[serde(
        rename = "mirror_percent",
        default,
        deserialize_with = "nullable::optional"
    )]
    pub mirror_percent_snake_case: Option<u32>,
    /// The share that `mirror` receives.
    pub mirror_percentage: Option<Percent>,
    /// Which scripts of other origins may ask.
    pub cors_policy: Option<Spanned<CorsPolicy>>,
    /// Changes of headers.
    pub headers: Option<Spanned<Headers>>,
}

/// One `match` block: all that is written must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpMatchRequest {
    /// A name, appended to the rule's.
    #[serde(default)]
    pub name: String,
    /// The path, without query.
    pub uri: Option<Spanned<StringMatch>>,
    /// The scheme.
    pub scheme: Option<Spanned<StringMatch>>,
    /// The method.
    pub method: Option<Spanned<StringMatch>>,
    /// The host, port included.
    pub authority: Option<Spanned<StringMatch>>,
    /// Headers that must match, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Spanned<StringMatch>>,
    /// Headers that must not match, by name.
    #[serde(default)]
    pub without_headers: BTreeMap<String, Spanned<StringMatch>>,
    /// Query parameters that must match, by name.
    #[serde(default)]
    pub query_params: BTreeMap<String, Spanned<StringMatch>>,
    /// Whether exact and prefix matches of the path ignore case.
    #[serde(default)]
    pub ignore_uri_case: bool,
    /// The port that the client dialled, 0 if any.
    #[serde(default)]
    pub port: u32,
    /// Labels that the client's pod must have.
    #[serde(default)]
    pub source_labels: BTreeMap<String, String>,
    /// The gateways this block is for; none means those of the VirtualService.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
    /// The namespace of the client, empty if any.
    #[serde(default)]
    pub source_namespace: String,
    /// A prefix for the route's statistics.
    #[serde(default)]
    pub stat_prefix: String,
}

/// A weighted destination of an HTTP rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct HttpRouteDestination {
    /// Where.
    pub destination: Spanned<Destination>,
    /// Its share among its siblings.
    #[serde(default)]
    pub weight: i32,
    /// Changes of headers for this destination only.
    pub headers: Option<Spanned<Headers>>,
}

/// The VirtualService that a rule hands over to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Delegate {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its namespace; empty means that of the root.
    #[serde(default)]
    pub namespace: String,
}

/// One TLS rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TlsRoute {
    /// Any of these must hold.
    #[serde(rename = "match")]
    pub matches: Vec<Spanned<TlsMatchAttributes>>,
    /// Where connections go, by weight.
    #[serde(default)]
    pub route: Vec<Spanned<RouteDestination>>,
}

/// One `match` block of a TLS rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsMatchAttributes {
    /// Server names, `*.` wildcards allowed.
    pub sni_hosts: Vec<Spanned<String>>,
    /// Address ranges of the destination.
    #[serde(default)]
    pub destination_subnets: Vec<String>,
    /// The port that the client dialled, 0 if any.
    #[serde(default)]
    pub port: u32,
    /// Labels that the client's pod must have.
    #[serde(default)]
    pub source_labels: BTreeMap<String, String>,
    /// The gateways this block is for; none means those of the VirtualService.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
    /// The namespace of the client, empty if any.
    #[serde(default)]
    pub source_namespace: String,
}

/// One TCP rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TcpRoute {
    /// Any of these must hold; none means every connection.
    #[serde(rename = "match", default)]
    pub matches: Vec<Spanned<L4MatchAttributes>>,
    /// Where connections go, by weight.
    #[serde(default)]
    pub route: Vec<Spanned<RouteDestination>>,
}

/// One `match` block of a TCP rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L4MatchAttributes {
    /// Address ranges of the destination.
    #[serde(default)]
    pub destination_subnets: Vec<String>,
    /// The port that the client dialled, 0 if any.
    #[serde(default)]
    pub port: u32,
    /// The address range of the client; Istio ignores it.
    #[serde(default)]
    pub source_subnet: String,
    /// Labels that the client's pod must have.
    #[serde(default)]
    pub source_labels: BTreeMap<String, String>,
    /// The gateways this block is for; none means those of the VirtualService.
    #[serde(default)]
    pub gateways: Vec<Spanned<String>>,
    /// The namespace of the client, empty if any.
    #[serde(default)]
    pub source_namespace: String,
}

/// A weighted destination of a TLS or TCP rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RouteDestination {
    /// Where.
    pub destination: Spanned<Destination>,
    /// Its share among its siblings.
    #[serde(default)]
    pub weight: i32,
}

impl Kind for VirtualServiceSpec {
    type Status = ();
    const KIND: &'static str = "VirtualService";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<VirtualService> {
        &mut all.virtual_services
    }
}

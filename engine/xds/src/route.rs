//! Route configurations (config/route/v3/route.proto, route_components.proto).

use crate::{
    HashPolicy, HeaderMatcher, HeaderMutations, HttpFault, MetadataMatcher, Origin, QueryMatcher,
    RetryPolicy, StringMatch,
};
use base::{Ratio, SimDuration};

/// A table of virtual hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteConfiguration {
    /// Istio's name: the port, or `<fqdn>:<port>`, or a gateway's.
    pub name: String,
    /// The virtual hosts.
    pub virtual_hosts: Vec<VirtualHost>,
    /// A port in the Host header plays no part in choosing the virtual host.
    pub ignore_port_in_host_matching: bool,
    /// Changes to the headers of requests, after those of the virtual host.
    pub request_headers: HeaderMutations,
    /// Changes to the headers of responses, after those of the virtual host.
    pub response_headers: HeaderMutations,
    /// The changes of this table come first and those of routes last.
    pub most_specific_header_mutations_wins: bool,
}

/// The routes of some domains.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VirtualHost {
    /// Istio's name, such as `reviews.default.svc.cluster.local:9080`.
    pub name: String,
    /// Exact names, `*.suffix`, `prefix.*` or `*`, in lower case.
    pub domains: Vec<String>,
    /// Routes, the first match wins.
    pub routes: Vec<Route>,
    /// Upstream requests carry `x-envoy-attempt-count`.
    pub include_request_attempt_count: bool,
    /// Responses carry `x-envoy-attempt-count`.
    pub include_attempt_count_in_response: bool,
    /// Changes to the headers of requests, after those of the route.
    pub request_headers: HeaderMutations,
    /// Changes to the headers of responses, after those of the route.
    pub response_headers: HeaderMutations,
    /// Plain-text requests are redirected to https.
    pub require_tls: bool,
}

/// A condition and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The rule's name; `default` for default routes, empty where the rule has none.
    pub name: String,
    /// The prefix of the route's own statistics; empty: none.
    pub stat_prefix: String,
    /// Which requests.
    pub match_: RouteMatch,
    /// What happens to them.
    pub action: RouteAction,
    /// Changes to the request's headers.
    pub request_headers: HeaderMutations,
    /// Changes to the response's headers.
    pub response_headers: HeaderMutations,
    /// Injected faults.
    pub fault: Option<HttpFault>,
    /// Cross-origin policy.
    pub cors: Option<CorsPolicy>,
    /// The rule behind it; none for default routes.
    pub origin: Option<Origin>,
}

/// What a request must be: all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch {
    /// The path without its query.
    pub path: PathMatch,
    /// False: letters' case plays no part in exact and prefix.
    pub case_sensitive: bool,
    /// Conditions on headers and pseudo headers.
    pub headers: Vec<HeaderMatcher>,
    /// Conditions on query parameters.
    pub query_parameters: Vec<QueryMatcher>,
    /// Conditions on what filters found out about the request.
    pub dynamic_metadata: Vec<MetadataMatcher>,
    /// The request is gRPC, by its content type.
    pub grpc: bool,
    /// Only this share of the requests for which all else holds.
    pub runtime_fraction: Option<Ratio>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// `prefix`: starts so, whatever follows.
    Prefix(String),
    /// `path`: equal.
    Path(String),
    /// `safe_regex`: the whole path matches the RE2 expression.
    SafeRegex(String),
    /// `path_separated_prefix`: equal, or followed by `/`.
    PathSeparatedPrefix(String),
}

/// What happens to a matching request.
#[derive(Clone, Debug, PartialEq)]
pub enum RouteAction {
    /// It is forwarded.
    Route(Box<RouteTarget>),
    /// It is sent elsewhere.
    Redirect(Redirect),
    /// It is answered here.
    DirectResponse(DirectResponse),
}

/// Where and how a request is forwarded.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTarget {
    /// One or more clusters; with one, its weight plays no part.
    pub clusters: Vec<WeightedCluster>,
    /// Envoy is told `weighted_clusters`, even if one is left of several.
    pub is_weighted: bool,
    /// What decides between several clusters.
    pub cluster_choice: ClusterChoice,
    /// The path sent upstream.
    pub path_rewrite: Option<PathRewrite>,
    /// The authority sent upstream.
    pub host_rewrite: Option<HostRewrite>,
    /// The authority that is replaced is added to `x-forwarded-host`.
    pub append_x_forwarded_host: bool,
    /// From the complete request to the complete response; zero: none.
    pub timeout: SimDuration,
    /// Cap on the client's `grpc-timeout`; zero: no cap.
    pub max_grpc_timeout: Option<SimDuration>,
    /// How long the stream may be silent in both directions, zero: for ever; none: what the connection manager says.
    pub idle_timeout: Option<SimDuration>,
    /// How long the stream may last; where it is set, `timeout` plays no part.
    pub max_stream_duration: Option<MaxStreamDuration>,
    /// How much of a request is kept for tries that follow, in bytes; none: what the listener says.
    pub request_body_buffer_limit: Option<u64>,
    /// Repetition of failed tries.
    pub retry_policy: Option<RetryPolicy>,
    /// Copies.
    pub mirrors: Vec<RequestMirror>,
    /// What the request's hash is made of.
    pub hash_policy: Vec<HashPolicy>,
    /// The status of requests whose cluster does not exist: 503, or 500 by the rules of the Gateway API.
    pub cluster_not_found_response_code: u16,
}

impl Default for RouteTarget {
    /// Envoy's defaults, with no cluster.
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            is_weighted: false,
            cluster_choice: ClusterChoice::Random,
            path_rewrite: None,
            host_rewrite: None,
            append_x_forwarded_host: false,
            timeout: SimDuration::from_secs(15),
            max_grpc_timeout: None,
            idle_timeout: None,
            max_stream_duration: None,
            request_body_buffer_limit: None,
            retry_policy: None,
            mirrors: Vec::new(),
            hash_policy: Vec::new(),
            cluster_not_found_response_code: 503,
        }
    }
}

/// What decides between the clusters of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClusterChoice {
    /// The request's random value.
    #[default]
    Random,
    /// The number in a header (`header_name`), where there is exactly one; else the random value.
    Header(String),
    /// A header that names the cluster (`cluster_header`); the route itself names none.
    Name(String),
    /// The request's hash (`use_hash_policy`), where it has one; else the random value.
    Hash,
}

/// How long a stream may last (`RouteAction.MaxStreamDuration`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxStreamDuration {
    /// From the request's headers to the end of the response; zero: for ever; none: what the connection manager says.
    pub max: Option<SimDuration>,
    /// A client's `grpc-timeout` counts instead, up to this; zero: whatever it is.
    pub grpc_timeout_header_max: Option<SimDuration>,
}

/// A cluster with its share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightedCluster {
    /// The cluster's name.
    pub name: String,
    /// Its share of the sum of weights.
    pub weight: u32,
    /// Changes to the request's headers, before the route's.
    pub request_headers: HeaderMutations,
    /// Changes to the response's headers, before the route's.
    pub response_headers: HeaderMutations,
    /// The authority sent upstream.
    pub host_rewrite_literal: Option<String>,
    /// Faults for the requests that go there, instead of the route's.
    pub fault: Option<HttpFault>,
    /// The place of the destination in its manifest.
    pub origin: Option<Origin>,
}

/// How the path changes; the query stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRewrite {
    /// `prefix_rewrite`: the matched prefix (or the whole path, for exact and regex) is replaced.
    Prefix(String),
    /// `regex_rewrite`: all matches are replaced.
    Regex(RegexRewrite),
}

/// An RE2 replacement, `\1` for groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexRewrite {
    /// The expression.
    pub pattern: String,
    /// The replacement.
    pub substitution: String,
}

/// How the authority changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRewrite {
    /// `host_rewrite_literal`.
    Literal(String),
    /// `host_rewrite_header`: the value of a header, where the request has it.
    Header(String),
    /// `host_rewrite_path_regex`: the path without its query, all matches replaced.
    PathRegex(RegexRewrite),
    /// `auto_host_rewrite`: the upstream's name.
    Auto,
}

/// A copy of the request to another cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMirror {
    /// The cluster's name.
    pub cluster: String,
    /// For how many requests.
    pub fraction: Ratio,
    /// The copy's host keeps its name; else `-shadow` is added to it.
    pub disable_shadow_host_suffix_append: bool,
    /// The place of the mirror in its manifest.
    pub origin: Option<Origin>,
}

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub response_code: u16,
    /// `scheme_redirect`.
    pub scheme: Option<String>,
    /// `host_redirect`.
    pub host: Option<String>,
    /// `port_redirect`.
    pub port: Option<u16>,
    /// The path.
    pub path: Option<PathRedirect>,
    /// The request's query is dropped.
    pub strip_query: bool,
}

/// The path of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRedirect {
    /// `path_redirect`: the whole path; the query stays unless it has one.
    Path(String),
    /// `prefix_rewrite`: the matched prefix.
    Prefix(String),
    /// `regex_rewrite`: all matches are replaced.
    Regex(RegexRewrite),
}

/// A local answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectResponse {
    /// 200 to 599.
    pub status: u16,
    /// The body, possibly empty.
    pub body: String,
}

/// A cross-origin policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsPolicy {
    /// Allowed origins.
    pub allow_origin: Vec<StringMatch>,
    /// `access-control-allow-methods`.
    pub allow_methods: String,
    /// `access-control-allow-headers`.
    pub allow_headers: String,
    /// `access-control-expose-headers`.
    pub expose_headers: String,
    /// `access-control-max-age`.
    pub max_age: String,
    /// `access-control-allow-credentials`.
    pub allow_credentials: Option<bool>,
    /// Preflights from other origins are forwarded (true: Istio's default) or answered.
    pub forward_not_matching_preflights: bool,
}

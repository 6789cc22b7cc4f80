//! HTTPRoute: how requests at a listener, or to a service, are routed.

use std::collections::BTreeSet;

use base::SimDuration;
use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_BETA;
use crate::gateway_api::filter::{Filter, FilterType, PathModifier, check_filters};
use crate::gateway_api::filter::{check_header_name, check_header_value};
use crate::gateway_api::reference::{
    BackendReference, ParentReference, check_hostnames, check_parents,
};
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::timeout;
use crate::yaml::path::Path;

/// An HTTPRoute.
pub type HttpRoute = Resource<HttpRouteSpec>;

/// `spec` of an HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// What it attaches to.
    #[serde(default)]
    pub parent_refs: Vec<Spanned<ParentReference>>,
    /// The hosts, `*.` wildcards allowed; none means those of the listener.
    #[serde(default)]
    pub hostnames: Vec<Spanned<String>>,
    /// Its rules; none means one that takes every request.
    #[serde(default)]
    pub rules: Vec<Spanned<HttpRouteRule>>,
}

/// One rule: which requests, and what happens to them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRule {
    /// A name.
    pub name: Option<String>,
    /// Any of these must hold; none means every request.
    #[serde(default)]
    pub matches: Vec<Spanned<HttpRouteMatch>>,
    /// What is done on the way.
    #[serde(default)]
    pub filters: Vec<Spanned<Filter>>,
    /// Where requests go, by weight.
    #[serde(default)]
    pub backend_refs: Vec<Spanned<HttpBackendReference>>,
    /// How long it may take.
    pub timeouts: Option<Spanned<HttpRouteTimeouts>>,
    /// When and how often a request is tried again (experimental).
    pub retry: Option<Spanned<HttpRouteRetry>>,
    /// Whether a client keeps its backend (experimental).
    pub session_persistence: Option<Spanned<SessionPersistence>>,
}

/// One match: all that is written must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// The path; none means the prefix `/`.
    pub path: Option<Spanned<PathMatch>>,
    /// Headers.
    #[serde(default)]
    pub headers: Vec<Spanned<ValueMatch>>,
    /// Query parameters.
    #[serde(default)]
    pub query_params: Vec<Spanned<ValueMatch>>,
    /// The method.
    pub method: Option<Spanned<HttpMethod>>,
}

/// How a path is matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PathMatch {
    /// As a whole or as a prefix.
    #[serde(rename = "type", default)]
    pub match_type: PathMatchType,
    /// What it is compared with; none means `/`.
    pub value: Option<String>,
}

/// How a path is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum PathMatchType {
    /// As a whole.
    Exact,
    /// As a prefix of whole segments.
    #[default]
    PathPrefix,
    /// By a regular expression.
    RegularExpression,
}

/// How a header or a query parameter is matched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ValueMatch {
    /// As a whole or by a regular expression.
    #[serde(rename = "type", default)]
    pub match_type: ValueMatchType,
    /// Its name.
    pub name: String,
    /// What its value is compared with.
    pub value: String,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ValueMatchType {
    /// As a whole.
    #[default]
    Exact,
    /// By a regular expression.
    RegularExpression,
}

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// CONNECT.
    Connect,
    /// OPTIONS.
    Options,
    /// TRACE.
    Trace,
    /// PATCH.
    Patch,
}

/// Where requests go, with their share and filters of their own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpBackendReference {
    /// The backend's group; none means Kubernetes' own.
    pub group: Option<String>,
    /// The backend's kind; none means `Service`.
    pub kind: Option<String>,
    /// The backend's name.
    pub name: Spanned<String>,
    /// The backend's namespace; none means the route's.
    pub namespace: Option<String>,
    /// The backend's port.
    pub port: Option<u16>,
    /// Its share among its siblings; none means 1.
    pub weight: Option<u32>,
    /// What is done on the way to it.
    #[serde(default)]
    pub filters: Vec<Spanned<Filter>>,
}

/// How long it may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteTimeouts {
    /// The whole request; zero means for ever.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub request: Option<SimDuration>,
    /// One try; zero means for ever.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub backend_request: Option<SimDuration>,
}

/// When and how often a request is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct HttpRouteRetry {
    /// Statuses that are tried again.
    #[serde(default)]
    pub codes: Vec<u16>,
    /// How many retries; none means 2.
    pub attempts: Option<u32>,
    /// The base of the back-off between tries.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub backoff: Option<SimDuration>,
}

/// Whether a client keeps its backend; Istio ignores it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionPersistence {
    /// The session's name.
    pub session_name: Option<String>,
    /// How long a session may last.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub absolute_timeout: Option<SimDuration>,
    /// How long a session may be idle.
    #[serde(default, deserialize_with = "timeout::optional_or_zero")]
    pub idle_timeout: Option<SimDuration>,
    /// `Cookie` or `Header`.
    #[serde(rename = "type")]
    pub persistence_type: Option<String>,
    /// What the cookie is like.
    pub cookie_config: Option<CookieConfig>,
}

/// What a session's cookie is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CookieConfig {
    /// `Permanent` or `Session`.
    pub lifetime_type: Option<String>,
}

impl PathMatch {
    /// What the path is compared with.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or("/")
    }

    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        let value = self.value();
        let place = path.key("value");
        check.length(&place, value, 1024);
        if self.match_type == PathMatchType::RegularExpression {
            return;
        }
        if !value.starts_with('/') {
            check.invalid(&place, "must begin with `/`");
        }
        for part in ["//", "/./", "/../", "%2f", "%2F", "#"] {
            if value.contains(part) {
                check.invalid(&place, format_args!("must not contain `{part}`"));
            }
        }
        for end in ["/..", "/."] {
            if value.ends_with(end) {
                check.invalid(&place, format_args!("must not end with `{end}`"));
            }
        }
    }
}

impl HttpMethod {
    /// The method as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
        }
    }
}

impl HttpBackendReference {
    /// The backend, without its filters.
    pub fn backend(&self) -> BackendReference {
        BackendReference {
            group: self.group.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            port: self.port,
            weight: self.weight,
        }
    }

    /// Its share among its siblings.
    pub fn weight(&self) -> u32 {
        self.weight.unwrap_or(1)
    }
}

/// The backends at `path`, and what the schema does not allow of them.
pub(crate) fn check_backends(
    backends: &[Spanned<HttpBackendReference>],
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, backends.len(), 0..=16);
    for (index, backend) in backends.iter().enumerate() {
        let path = Path::Index(path, index);
        backend.backend().check(&path, check);
        check_filters(&backend.filters, &path.key("filters"), check);
    }
}

/// Matches of headers or of query parameters at `path`.
pub(crate) fn check_values(
    values: &[Spanned<ValueMatch>],
    path: &Path<'_>,
    check: &mut Check<'_, '_>,
) {
    check.items(path, values.len(), 0..=16);
    let mut names = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let path = Path::Index(path, index);
        check_header_name(&value.name, &path.key("name"), check);
        check_header_value(&value.value.value, &path.key("value"), check);
        if !names.insert(value.name.as_str()) {
            let message = format_args!("`{}` is matched already", value.name);
            check.invalid(&path.key("name"), message);
        }
    }
}

impl HttpRouteRule {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        let matches = path.key("matches");
        check.items(&matches, self.matches.len(), 0..=64);
        for (index, block) in self.matches.iter().enumerate() {
            let path = Path::Index(&matches, index);
            if let Some(matched) = &block.path {
                matched.check(&path.key("path"), check);
            }
            check_values(&block.headers, &path.key("headers"), check);
            check_values(&block.query_params, &path.key("queryParams"), check);
        }
        check_filters(&self.filters, &path.key("filters"), check);
        check_backends(&self.backend_refs, &path.key("backendRefs"), check);
        let has = |wanted| {
            self.filters
                .iter()
                .any(|filter| filter.filter_type == wanted)
        };
        if has(FilterType::RequestRedirect) && !self.backend_refs.is_empty() {
            let message = "a `RequestRedirect` goes to no backend: give one of them";
            check.invalid(&path.key("backendRefs"), message);
        }
        if self.replaces_prefix() && !self.has_one_prefix() {
            let message = "`ReplacePrefixMatch` needs exactly one match, by `PathPrefix`";
            check.invalid(&path.key("filters"), message);
        }
        if let Some(timeouts) = &self.timeouts
            && let (Some(request), Some(backend)) = (timeouts.request, timeouts.backend_request)
            && request > SimDuration::ZERO
            && backend > request
        {
            let timeouts = path.key("timeouts");
            let message = "must not be longer than `request`";
            check.invalid(&timeouts.key("backendRequest"), message);
        }
    }

    /// Whether a filter replaces what the rule's prefix matched.
    fn replaces_prefix(&self) -> bool {
        self.filters.iter().any(|filter| {
            let redirect = filter.request_redirect.as_ref();
            let rewrite = filter.url_rewrite.as_ref();
            let paths = redirect
                .and_then(|redirect| redirect.path.as_ref())
                .into_iter()
                .chain(rewrite.and_then(|rewrite| rewrite.path.as_ref()));
            paths
                .into_iter()
                .any(|path| matches!(path, PathModifier::ReplacePrefixMatch(_)))
        })
    }

    fn has_one_prefix(&self) -> bool {
        let is_prefix = |block: &Spanned<HttpRouteMatch>| {
            block
                .path
                .as_ref()
                .is_none_or(|path| path.match_type == PathMatchType::PathPrefix)
        };
        match self.matches.as_slice() {
            [] => true,
            [only] => is_prefix(only),
            _ => false,
        }
    }
}

impl Kind for HttpRouteSpec {
    type Status = ();
    const KIND: &'static str = "HTTPRoute";
    const API_VERSIONS: &'static [&'static str] = V1_AND_BETA;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<HttpRoute> {
        &mut all.gateway_api.http_routes
    }

    fn check(route: &HttpRoute, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check_parents(&route.spec.parent_refs, &spec.key("parentRefs"), check);
        check_hostnames(&route.spec.hostnames, 16, &spec.key("hostnames"), check);
        let rules = spec.key("rules");
        check.items(&rules, route.spec.rules.len(), 1..=16);
        for (index, rule) in route.spec.rules.iter().enumerate() {
            rule.check(&Path::Index(&rules, index), check);
        }
        let matches: usize = route.spec.rules.iter().map(|rule| rule.matches.len()).sum();
        if matches > 128 {
            check.invalid(&rules, "must have no more than 128 matches in all");
        }
    }
}

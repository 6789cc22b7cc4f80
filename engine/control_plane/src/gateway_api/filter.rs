//! Filters: what a rule does on the way, in Istio's terms.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (createHeadersFilter, createMirrorFilter,
//! createRewriteFilter, createRedirectFilter, createCorsFilter).

use std::collections::BTreeMap;

use base::SimDuration;
use manifest::cors::{CorsPolicy, UnmatchedPreflights};
use manifest::gateway_api::filter::{
    Cors, Filter, FilterType, HeaderFilter, HttpHeader, PathModifier, RequestMirror,
    RequestRedirect, UrlRewrite,
};
use manifest::header_operations::{HeaderOperations, Headers};
use manifest::mirror::HttpMirrorPolicy;
use manifest::percent::Percent;
use manifest::redirect::{HttpRedirect, RedirectPort};
use manifest::rewrite::{HttpRewrite, RegexRewrite};
use manifest::span::Spanned;
use manifest::string_match::StringMatch;
use manifest::virtual_service::HttpRoute;

use super::Context;
use super::backend::{self, Referrer};
use super::condition::Fault;

/// Adds what filters do to a rule; tells mirrors that go nowhere.
pub(super) fn apply(
    filters: &[Spanned<Filter>],
    rule: &mut HttpRoute,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<Option<Fault>, Fault> {
    let mut lost = None;
    for filter in filters {
        let at = &filter.at;
        if let Some(redirect) = &filter.request_redirect {
            rule.redirect = Some(Spanned::new(as_redirect(redirect), at.clone()));
        }
        if let Some(rewrite) = filter.url_rewrite.as_ref().and_then(as_rewrite) {
            rule.rewrite = Some(Spanned::new(rewrite, at.clone()));
        }
        if let Some(cors) = &filter.cors {
            rule.cors_policy = Some(Spanned::new(as_cors(cors, filter), at.clone()));
        }
        if let Some(mirror) = &filter.request_mirror {
            match as_mirror(mirror, referrer, context) {
                Ok(mirror) => rule.mirrors.push(Spanned::new(mirror, at.clone())),
                Err(fault) => lost = Some(fault),
            }
        }
        if filter.filter_type == FilterType::ExtensionRef {
            return Err(unsupported("ExtensionRef"));
        }
    }
    rule.headers = headers_of(filters)?;
    Ok(lost)
}

/// The changes of headers that filters of a backend make; they can do nothing else.
pub(super) fn headers(filters: &[Spanned<Filter>]) -> Result<Option<Spanned<Headers>>, Fault> {
    for filter in filters {
        let name = match filter.filter_type {
            FilterType::RequestHeaderModifier | FilterType::ResponseHeaderModifier => continue,
            FilterType::RequestMirror => "RequestMirror",
            FilterType::RequestRedirect => "RequestRedirect",
            FilterType::UrlRewrite => "URLRewrite",
            FilterType::Cors => "CORS",
            FilterType::ExtensionRef => "ExtensionRef",
        };
        return Err(unsupported(name));
    }
    headers_of(filters)
}

fn unsupported(name: &str) -> Fault {
    Fault::new("InvalidFilter", format!("unsupported filter type {name:?}"))
}

fn headers_of(filters: &[Spanned<Filter>]) -> Result<Option<Spanned<Headers>>, Fault> {
    let mut headers: Option<Spanned<Headers>> = None;
    for filter in filters {
        let (request, response) = (
            &filter.request_header_modifier,
            &filter.response_header_modifier,
        );
        if request.is_none() && response.is_none() {
            continue;
        }
        let at = &filter.at;
        let own = headers.get_or_insert_with(|| Spanned::new(Headers::default(), at.clone()));
        if let Some(request) = request {
            own.value.request = Some(operations(request)?);
        }
        if let Some(response) = response {
            own.value.response = Some(operations(response)?);
        }
    }
    Ok(headers)
}

fn operations(filter: &HeaderFilter) -> Result<HeaderOperations, Fault> {
    let is_text = |value: &str| {
        value
            .bytes()
            .all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
    };
    let mut all = filter.set.iter().chain(&filter.add);
    if let Some(bad) = all.find(|header| !is_text(&header.value)) {
        let message = format!("header {:?} value contains invalid characters", bad.name);
        return Err(Fault::new("InvalidFilter", message));
    }
    Ok(HeaderOperations {
        set: by_name(&filter.set),
        add: by_name(&filter.add),
        remove: filter.remove.clone(),
    })
}

/// Headers by name; the first of several of one name counts.
fn by_name(headers: &[HttpHeader]) -> BTreeMap<String, String> {
    let mut named = BTreeMap::<String, String>::new();
    for header in headers {
        let is_known = named
            .keys()
            .any(|name| name.eq_ignore_ascii_case(&header.name));
        if !is_known {
            named.insert(header.name.clone(), header.value.clone());
        }
    }
    named
}

fn as_mirror(
    mirror: &RequestMirror,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<HttpMirrorPolicy, Fault> {
    let (destination, fault) = backend::destination(&mirror.backend_ref, referrer, context)?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let fraction = mirror.fraction.map(|fraction| {
        let denominator = fraction.denominator.unwrap_or(100);
        100.0 * f64::from(fraction.numerator) / f64::from(denominator)
    });
    let value = fraction.or(mirror.percent.map(f64::from));
    Ok(HttpMirrorPolicy {
        destination,
        percentage: value.map(|value| Percent { value }),
    })
}

fn as_rewrite(rewrite: &UrlRewrite) -> Option<HttpRewrite> {
    let mut written = HttpRewrite {
        authority: rewrite.hostname.clone().unwrap_or_default(),
        ..HttpRewrite::default()
    };
    match &rewrite.path {
        None => {}
        Some(PathModifier::ReplacePrefixMatch(path)) => {
            // `/` takes the prefix away.
            written.uri = match path.strip_suffix('/').unwrap_or(path) {
                "" => "/".to_owned(),
                path => path.to_owned(),
            };
        }
        Some(PathModifier::ReplaceFullPath(path)) => {
            written.uri_regex_rewrite = Some(RegexRewrite {
                pattern: "/.*".to_owned(),
                rewrite: path.clone(),
            });
        }
    }
    (written != HttpRewrite::default()).then_some(written)
}

fn as_redirect(redirect: &RequestRedirect) -> HttpRedirect {
    let (uri, prefix_rewrite) = match &redirect.path {
        None => (String::new(), String::new()),
        Some(PathModifier::ReplaceFullPath(path)) => (path.clone(), String::new()),
        Some(PathModifier::ReplacePrefixMatch(path)) => (String::new(), path.clone()),
    };
    let derived = match &redirect.scheme {
        Some(_) => RedirectPort::FromProtocolDefault,
        None => RedirectPort::FromRequestPort,
    };
    let port = redirect.port.map(u32::from).map(RedirectPort::Number);
    HttpRedirect {
        uri,
        prefix_rewrite,
        authority: redirect.hostname.clone().unwrap_or_default(),
        port: Some(port.unwrap_or(derived)),
        scheme: redirect.scheme.clone().unwrap_or_default(),
        redirect_code: u32::from(redirect.status_code.unwrap_or(302)),
    }
}

fn as_cors(cors: &Cors, filter: &Spanned<Filter>) -> CorsPolicy {
    let origins = cors.allow_origins.iter();
    CorsPolicy {
        allow_origins: origins
            .map(|origin| Spanned::new(as_origin(origin), filter.at.clone()))
            .collect(),
        allow_methods: cors.allow_methods.clone(),
        allow_headers: cors.allow_headers.clone(),
        expose_headers: cors.expose_headers.clone(),
        max_age: Some(SimDuration::from_secs(u64::from(cors.max_age.unwrap_or(5)))),
        allow_credentials: cors.allow_credentials.then_some(true),
        unmatched_preflights: UnmatchedPreflights::Ignore,
        ..CorsPolicy::default()
    }
}

/// How an origin is matched; `*` stands for anything.
fn as_origin(origin: &str) -> StringMatch {
    match origin.matches('*').count() {
        _ if origin == "*" => {
            StringMatch::Regex(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$".to_owned())
        }
        0 => StringMatch::Exact(origin.to_owned()),
        1 if origin.ends_with('*') => StringMatch::Prefix(origin.replace('*', "")),
        _ => {
            let parts: Vec<_> = origin.split('*').map(crate::route::quote).collect();
            StringMatch::Regex(format!("^{}$", parts.join(".*")))
        }
    }
}

//! Changes to path and authority.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (applyHTTPRouteDestination).

use manifest::rewrite::HttpRewrite;
use xds::{PathMatch, PathRewrite, RegexRewrite, RouteMatch};

use super::quote;
use crate::virtual_service::VirtualService;

/// How the path changes; a regular expression wins over a plain text.
///
/// By the rules of the Gateway API, `/` takes the matched segments away.
pub(crate) fn path_rewrite(
    written: &HttpRewrite,
    virtual_service: &VirtualService,
    match_: &RouteMatch,
) -> Option<PathRewrite> {
    match &written.uri_regex_rewrite {
        Some(regex) => Some(PathRewrite::Regex(RegexRewrite {
            pattern: regex.pattern.clone(),
            substitution: regex.rewrite.clone(),
        })),
        None if written.uri.is_empty() => None,
        None if written.uri == "/" && virtual_service.uses_gateway_api() => {
            let segments = match &match_.path {
                PathMatch::PathSeparatedPrefix(prefix) => quote(prefix),
                _ => String::new(),
            };
            Some(PathRewrite::Regex(RegexRewrite {
                pattern: format!("^{segments}(/?)(.*)"),
                substitution: r"/\2".to_owned(),
            }))
        }
        None => Some(PathRewrite::Prefix(written.uri.clone())),
    }
}

/// The authority that the request gets.
pub(crate) fn authority(written: &HttpRewrite) -> Option<String> {
    (!written.authority.is_empty()).then(|| written.authority.clone())
}

//! Changes to path and authority.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (applyHTTPRouteDestination).

use manifest::rewrite::HttpRewrite;
use xds::{PathRewrite, RegexRewrite};

/// How the path changes; a regular expression wins over a plain text.
pub(crate) fn path_rewrite(written: &HttpRewrite) -> Option<PathRewrite> {
    match &written.uri_regex_rewrite {
        Some(regex) => Some(PathRewrite::Regex(RegexRewrite {
            pattern: regex.pattern.clone(),
            substitution: regex.rewrite.clone(),
        })),
        None if written.uri.is_empty() => None,
        None => Some(PathRewrite::Prefix(written.uri.clone())),
    }
}

/// The authority that the request gets.
pub(crate) fn authority(written: &HttpRewrite) -> Option<String> {
    (!written.authority.is_empty()).then(|| written.authority.clone())
}

//! The order of rules: the closest match first, whatever the order in which they are written.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (sortHTTPRoutes).

use std::cmp::Reverse;

use manifest::string_match::StringMatch;

use crate::virtual_service::HttpRule;

/// Sorts rules of one match each; equals keep their order, that of age.
pub(super) fn sort(rules: &mut [HttpRule]) {
    rules.sort_by_key(|rule| Reverse(closeness(rule)));
}

/// How close a match is: its kind of path, the path's length, a method, its headers, its parameters.
fn closeness(rule: &HttpRule) -> Option<(u8, usize, bool, usize, usize)> {
    let block = rule.route.matches.first()?;
    let (rank, length) = match block.uri.as_ref().map(|uri| &uri.value) {
        Some(StringMatch::Exact(path)) => (4, path.len()),
        Some(StringMatch::Prefix(path)) => (3, path.len()),
        Some(StringMatch::Regex(path)) => (2, path.len()),
        Some(StringMatch::Present) | None => (1, 0),
    };
    Some((
        rank,
        length,
        block.method.is_some(),
        block.headers.len(),
        block.query_params.len(),
    ))
}

//! Which requests a rule is for.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (TranslateRouteMatch, translateHeaderMatch,
//! canBeConvertedToPresentMatch).

use std::collections::BTreeMap;

use manifest::span::Spanned;
use manifest::string_match::StringMatch as Written;
use manifest::virtual_service::HttpMatchRequest;
use xds::{
    HeaderMatch, HeaderMatcher, MetadataMatcher, PathMatch, QueryMatch, QueryMatcher, RouteMatch,
    StringMatch,
};

use super::claims::{self, claim_path};
use crate::virtual_service::Semantics;

/// The condition that every request meets.
pub(crate) fn everything() -> RouteMatch {
    RouteMatch {
        path: PathMatch::Prefix("/".into()),
        case_sensitive: true,
        headers: Vec::new(),
        query_parameters: Vec::new(),
        dynamic_metadata: Vec::new(),
        grpc: false,
        runtime_fraction: None,
    }
}

/// The conditions of a match block.
pub(crate) fn route_match(block: &HttpMatchRequest, semantics: Semantics) -> RouteMatch {
    let with = block
        .headers
        .iter()
        .filter(is_header)
        .map(|(name, value)| (name, header(name, value)));
    let without = block.without_headers.iter().filter(is_header);
    let without = without.map(|(name, value)| {
        let matcher = header(name, value);
        let inverted = HeaderMatcher {
            invert_match: true,
            treat_missing_header_as_empty: !is_presence(value),
            ..matcher
        };
        (name, inverted)
    });
    let mut named: Vec<_> = with.chain(without).collect();
    named.sort_by_key(|(name, _)| *name);
    let pseudo = [
        (":method", &block.method),
        (":authority", &block.authority),
        (":scheme", &block.scheme),
    ];
    let pseudo = pseudo
        .into_iter()
        .filter_map(|(name, value)| Some(header(name, value.as_ref()?)));
    RouteMatch {
        path: match block.uri.as_ref().map(|uri| &uri.value) {
            None | Some(Written::Present) => PathMatch::Prefix("/".into()),
            Some(Written::Exact(path)) => PathMatch::Path(path.clone()),
            Some(Written::Prefix(prefix))
                if semantics == Semantics::GatewayApi && prefix != "/" =>
            {
                let segments = prefix.strip_suffix('/').unwrap_or(prefix);
                PathMatch::PathSeparatedPrefix(segments.to_owned())
            }
            Some(Written::Prefix(prefix)) => PathMatch::Prefix(prefix.clone()),
            Some(Written::Regex(regex)) => PathMatch::SafeRegex(regex.clone()),
        },
        case_sensitive: !block.ignore_uri_case,
        headers: named
            .into_iter()
            .map(|(_, matcher)| matcher)
            .chain(pseudo)
            .collect(),
        query_parameters: block
            .query_params
            .iter()
            .map(|(name, value)| QueryMatcher {
                name: name.clone(),
                match_: string_match(value).map_or(QueryMatch::Present(true), QueryMatch::Value),
            })
            .collect(),
        dynamic_metadata: claims(&block.headers, false)
            .chain(claims(&block.without_headers, true))
            .collect(),
        grpc: false,
        runtime_fraction: None,
    }
}

/// Whether a condition is about a header, and not about a claim.
fn is_header((name, _): &(&String, &Spanned<Written>)) -> bool {
    claim_path(name).is_none()
}

/// The conditions on claims.
fn claims(
    conditions: &BTreeMap<String, Spanned<Written>>,
    invert: bool,
) -> impl Iterator<Item = MetadataMatcher> {
    conditions
        .iter()
        .filter_map(move |(name, value)| claims::matcher(name, value, invert))
}

/// How a text is compared; none where it only has to be there.
pub(crate) fn string_match(written: &Written) -> Option<StringMatch> {
    match written {
        written if is_presence(written) => None,
        Written::Exact(text) => Some(StringMatch::Exact(text.clone())),
        Written::Prefix(text) => Some(StringMatch::Prefix(text.clone())),
        Written::Regex(text) => Some(StringMatch::SafeRegex(text.clone())),
        Written::Present => None,
    }
}

fn header(name: &str, value: &Written) -> HeaderMatcher {
    HeaderMatcher {
        name: name.to_ascii_lowercase(),
        match_: string_match(value).map_or(HeaderMatch::Present(true), HeaderMatch::Value),
        invert_match: false,
        treat_missing_header_as_empty: false,
    }
}

/// `{}`, or the regex `*`, which is none of RE2's: the thing only has to be there.
fn is_presence(written: &Written) -> bool {
    match written {
        Written::Present => true,
        Written::Regex(text) => text == "*",
        Written::Exact(_) | Written::Prefix(_) => false,
    }
}

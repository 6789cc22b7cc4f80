//! Where a token is looked for, and how it is taken out of a request again.
//!
//! Source: envoyproxy/envoy 1.40, source/extensions/filters/http/jwt_authn/extractor.cc.

use crate::request::RequestHead;
use std::collections::BTreeSet;
use xds::JwtProvider;

/// A place where a token may be, in the order in which Envoy lists them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A header, its name in lower case, and what stands before the token.
    Header(String, String),
    /// A query parameter.
    Param(String),
    /// A cookie.
    Cookie(String),
}

/// The places of a provider.
pub(crate) fn places(provider: &JwtProvider) -> BTreeSet<Place> {
    let headers = provider.from_headers.iter();
    let headers = headers.map(|header| {
        Place::Header(
            header.name.to_ascii_lowercase(),
            header.value_prefix.clone(),
        )
    });
    let params = provider.from_params.iter().cloned().map(Place::Param);
    let cookies = provider.from_cookies.iter().cloned().map(Place::Cookie);
    let places: BTreeSet<_> = headers.chain(params).chain(cookies).collect();
    if places.is_empty() {
        let bearer = Place::Header("authorization".to_owned(), "Bearer ".to_owned());
        return BTreeSet::from([bearer, Place::Param("access_token".to_owned())]);
    }
    places
}

impl Place {
    /// The token there; what is no token, too.
    pub(crate) fn token(&self, head: &RequestHead) -> Option<String> {
        match self {
            Self::Header(name, prefix) => {
                // Several headers of a name are one, with commas between.
                let values: Vec<&str> = head.values(name).map(str::trim).collect();
                if values.is_empty() {
                    return None;
                }
                let value = values.join(",");
                let at = value.find(prefix)?;
                let rest = &value[at + prefix.len()..];
                Some(
                    rest.trim_start_matches(|letter| !is_of_token(letter))
                        .to_owned(),
                )
            }
            Self::Param(name) => {
                let mut params = params(&head.path);
                let (_, value) = params.find(|(own, _)| decoded(own) == *name)?;
                Some(decoded(value))
            }
            Self::Cookie(name) => {
                let mut cookies = head.values("cookie").flat_map(|line| line.split(';'));
                let value = cookies.find_map(|cookie| {
                    let (own, value) = cookie.split_once('=')?;
                    (own.trim() == name).then_some(value.trim())
                })?;
                let quoted = value
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                Some(quoted.unwrap_or(value).to_owned())
            }
        }
    }

    /// Takes the token out of the request. Parameters that stay are sorted, and their escapes decoded; cookies stay.
    pub(crate) fn remove(&self, head: &mut RequestHead) {
        match self {
            Self::Header(name, _) => head.headers.retain(|(own, _)| own != name),
            Self::Param(name) => {
                let mut left: Vec<_> = params(&head.path)
                    .map(|(own, value)| (decoded(own), decoded(value)))
                    .filter(|(own, _)| own != name)
                    .collect();
                left.sort_by(|(a, _), (b, _)| a.cmp(b));
                let left = left
                    .into_iter()
                    .map(|(own, value)| format!("{own}={value}"));
                let left: Vec<String> = left.collect();
                let path = head.path_only();
                head.path = match left.as_slice() {
                    [] => path.to_owned(),
                    left => format!("{path}?{}", left.join("&")),
                };
            }
            Self::Cookie(_) => {}
        }
    }

    /// The place in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Header(name, prefix) if prefix.is_empty() => format!("header `{name}`"),
            Self::Header(name, prefix) => format!("header `{name}: {prefix}…`"),
            Self::Param(name) => format!("query parameter `{name}`"),
            Self::Cookie(name) => format!("cookie `{name}`"),
        }
    }
}

/// Whether a token may begin so.
fn is_of_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

fn params(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A text without percent signs that are escapes.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

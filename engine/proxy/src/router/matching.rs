//! Does a route match a request, and if not, why not?
//!
//! One matcher serves both questions: [`RouteMatcher::first_mismatch`] names the first condition that fails, at no cost
//! beyond a comparison, and [`Mismatch`] says it in words only when it is asked to.
//!
//! Source: envoyproxy/envoy 1.40, source/common/router/config_impl.cc, source/common/http/header_utility.cc.

use super::claims::ClaimCondition;
use super::header_condition::HeaderCondition;
use crate::jwt_authn::Claims;
use crate::re2::{Pattern, Re2Error};
use crate::request::RequestHead;
use std::fmt;
use std::ops::Range;
use xds::{
    HeaderMatch, HeaderMatcher, PathMatch, QueryMatch, QueryMatcher, RouteMatch, StringMatch,
};

/// A request as matching sees it: as the connection manager left it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestView<'a> {
    pub(crate) head: &'a RequestHead,
    /// The scheme.
    pub(crate) scheme: &'a str,
    /// The path with its query.
    pub(crate) path: &'a str,
    /// The path without its query.
    pub(crate) path_only: &'a str,
    /// What is known from its tokens.
    pub(crate) claims: Option<&'a Claims>,
}

impl<'a> RequestView<'a> {
    pub(crate) fn new(head: &'a RequestHead) -> Self {
        Self {
            head,
            scheme: &head.scheme,
            path: &head.path,
            path_only: head.path_only(),
            claims: None,
        }
    }

    /// The same with what is known from its tokens.
    pub(crate) fn with_claims(self, claims: &'a Claims) -> Self {
        Self {
            claims: Some(claims),
            ..self
        }
    }

    fn pseudo(&self, name: &str) -> Option<&'a str> {
        match name {
            ":method" => Some(&self.head.method),
            ":authority" => Some(&self.head.authority),
            ":path" => Some(self.path),
            ":scheme" => Some(self.scheme),
            _ => None,
        }
    }

    /// Whether some value of the header satisfies `test`, or none if there is no such header.
    pub(crate) fn any_value(&self, name: &str, mut test: impl FnMut(&str) -> bool) -> Option<bool> {
        if name.starts_with(':') {
            return self.pseudo(name).map(test);
        }
        let mut present = None;
        for (header, value) in &self.head.headers {
            if header == name {
                if test(value) {
                    return Some(true);
                }
                present = Some(false);
            }
        }
        present
    }

    /// The first value of a query parameter, undecoded.
    pub(crate) fn query_value(&self, name: &str) -> Option<&'a str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
}

/// The conditions of a route.
#[derive(Clone, Debug)]
pub(crate) struct RouteMatcher {
    pub(crate) path: PathMatcher,
    pub(crate) case_sensitive: bool,
    headers: Vec<HeaderCondition>,
    query: Vec<(QueryMatcher, StringMatcher)>,
    claims: Vec<ClaimCondition>,
    grpc: bool,
}

/// The condition on the path.
#[derive(Clone, Debug)]
pub(crate) enum PathMatcher {
    Prefix(Box<str>),
    Path(Box<str>),
    Separated(Box<str>),
    Regex(Box<str>, StringMatcher),
}

/// The condition on a string.
#[derive(Clone, Debug)]
pub(crate) enum StringMatcher {
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    Contains(Box<str>),
    Regex(Pattern),
    /// The same without regard to the case of ASCII letters.
    IgnoreCase(Box<StringMatcher>),
    /// A whole number within these.
    Number(Range<i64>),
    /// An expression that could not be compiled.
    Never,
    /// The value does not matter.
    Any,
}

impl RouteMatcher {
    /// Compiles the conditions; an expression that is refused never matches.
    pub(crate) fn new(match_: &RouteMatch, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        let path = match &match_.path {
            PathMatch::Prefix(text) => PathMatcher::Prefix(text.as_str().into()),
            PathMatch::Path(text) => PathMatcher::Path(text.as_str().into()),
            PathMatch::PathSeparatedPrefix(text) => PathMatcher::Separated(text.as_str().into()),
            PathMatch::SafeRegex(text) => {
                PathMatcher::Regex(text.as_str().into(), regex(text, refused))
            }
        };
        let headers = match_.headers.iter();
        let headers = headers
            .map(|header| HeaderCondition::new(header, refused))
            .collect();
        let query = match_
            .query_parameters
            .iter()
            .map(|parameter| {
                let value = match &parameter.match_ {
                    QueryMatch::Present(_) => StringMatcher::Any,
                    QueryMatch::Value(value) => StringMatcher::new(value, refused),
                };
                (parameter.clone(), value)
            })
            .collect();
        let claims = match_.dynamic_metadata.iter();
        let claims = claims
            .map(|condition| ClaimCondition::new(condition, refused))
            .collect();
        Self {
            path,
            case_sensitive: match_.case_sensitive,
            headers,
            query,
            claims,
            grpc: match_.grpc,
        }
    }

    /// Whether all conditions hold.
    pub(crate) fn matches(&self, view: &RequestView<'_>) -> bool {
        self.first_mismatch(view).is_none()
    }

    /// The first condition that does not hold.
    pub(crate) fn first_mismatch(&self, view: &RequestView<'_>) -> Option<Mismatch<'_>> {
        if !self.path_matches(view.path_only) {
            return Some(Mismatch::Path(&self.path));
        }
        if self.grpc && !view.head.is_grpc() {
            return Some(Mismatch::Grpc);
        }
        for header in &self.headers {
            if !header.holds(|name, test| view.any_value(name, test)) {
                return Some(Mismatch::Header(&header.source));
            }
        }
        for (parameter, value) in &self.query {
            let found = view.query_value(&parameter.name);
            let holds = match &parameter.match_ {
                QueryMatch::Present(want) => found.is_some() == *want,
                QueryMatch::Value(_) => found.is_some_and(|text| value.matches(text)),
            };
            if !holds {
                return Some(Mismatch::Query(parameter));
            }
        }
        let mut claims = self.claims.iter();
        let failing = claims.find(|condition| !condition.holds(view.claims));
        failing.map(Mismatch::Claim)
    }

    pub(crate) fn path_matches(&self, path: &str) -> bool {
        let (path, fold) = (path.as_bytes(), !self.case_sensitive);
        match &self.path {
            PathMatcher::Prefix(prefix) => starts_with(path, prefix.as_bytes(), fold),
            PathMatcher::Path(whole) => {
                path.len() == whole.len() && starts_with(path, whole.as_bytes(), fold)
            }
            PathMatcher::Separated(prefix) => {
                starts_with(path, prefix.as_bytes(), fold)
                    && matches!(path.get(prefix.len()), None | Some(b'/'))
            }
            PathMatcher::Regex(_, regex) => {
                regex.matches(std::str::from_utf8(path).unwrap_or_default())
            }
        }
    }
}

impl StringMatcher {
    pub(crate) fn new(match_: &StringMatch, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        match match_ {
            StringMatch::Exact(text) => Self::Exact(text.as_str().into()),
            StringMatch::Prefix(text) => Self::Prefix(text.as_str().into()),
            StringMatch::Suffix(text) => Self::Suffix(text.as_str().into()),
            StringMatch::Contains(text) => Self::Contains(text.as_str().into()),
            StringMatch::SafeRegex(text) => regex(text, refused),
            StringMatch::IgnoreCase(match_) => {
                Self::IgnoreCase(Box::new(Self::new(match_, refused)))
            }
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(whole) => text == &**whole,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            Self::Contains(part) => text.contains(&**part),
            Self::Regex(pattern) => pattern.is_full_match(text),
            Self::IgnoreCase(matcher) => matcher.matches_in_any_case(text),
            Self::Number(range) => text.parse().is_ok_and(|number| range.contains(&number)),
            Self::Never => false,
            Self::Any => true,
        }
    }

    fn matches_in_any_case(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Self::Exact(whole) => text.eq_ignore_ascii_case(whole),
            Self::Prefix(prefix) => starts_with(bytes, prefix.as_bytes(), true),
            Self::Suffix(suffix) => {
                let start = bytes.len().checked_sub(suffix.len());
                start.is_some_and(|at| bytes[at..].eq_ignore_ascii_case(suffix.as_bytes()))
            }
            Self::Contains(part) => {
                let mut starts = 0..=bytes.len();
                starts.any(|at| starts_with(&bytes[at..], part.as_bytes(), true))
            }
            Self::Regex(_) | Self::IgnoreCase(_) | Self::Number(_) | Self::Never | Self::Any => {
                self.matches(text)
            }
        }
    }
}

fn regex(text: &str, refused: &mut dyn FnMut(&str, Re2Error)) -> StringMatcher {
    match Pattern::new(text) {
        Ok(pattern) => StringMatcher::Regex(pattern),
        Err(error) => {
            refused(text, error);
            StringMatcher::Never
        }
    }
}

fn starts_with(text: &[u8], prefix: &[u8], fold: bool) -> bool {
    text.get(..prefix.len()).is_some_and(|start| {
        if fold {
            start.eq_ignore_ascii_case(prefix)
        } else {
            start == prefix
        }
    })
}

/// A condition that does not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mismatch<'a> {
    Path(&'a PathMatcher),
    Grpc,
    Header(&'a HeaderMatcher),
    Query(&'a QueryMatcher),
    Claim(&'a ClaimCondition),
}

impl Mismatch<'_> {
    /// The condition and what was found instead, in words.
    pub(crate) fn describe(&self, view: &RequestView<'_>) -> String {
        match self {
            Self::Path(want) => format!("path: want {want}, got `{}`", view.path_only),
            Self::Grpc => "content type: want gRPC's".to_owned(),
            Self::Header(header) => {
                let want = describe_header(header);
                let mut got = Vec::new();
                view.any_value(&header.name, |value| {
                    got.push(format!("`{value}`"));
                    false
                });
                let got = if got.is_empty() {
                    "none".to_owned()
                } else {
                    got.join(", ")
                };
                format!("{}: want {want}, got {got}", header_label(&header.name))
            }
            Self::Query(parameter) => {
                let want = match &parameter.match_ {
                    QueryMatch::Present(true) => "present".to_owned(),
                    QueryMatch::Present(false) => "absent".to_owned(),
                    QueryMatch::Value(value) => describe_string(value),
                };
                let got = match view.query_value(&parameter.name) {
                    Some(value) => format!("`{value}`"),
                    None => "none".to_owned(),
                };
                format!("query parameter {}: want {want}, got {got}", parameter.name)
            }
            Self::Claim(condition) => condition.describe(view.claims),
        }
    }
}

impl fmt::Display for PathMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(text) => write!(f, "prefix `{text}`"),
            Self::Path(text) => write!(f, "exact `{text}`"),
            Self::Separated(text) => write!(f, "path prefix `{text}`"),
            Self::Regex(text, StringMatcher::Never) => write!(f, "regex `{text}` (refused)"),
            Self::Regex(text, _) => write!(f, "regex `{text}`"),
        }
    }
}

/// Pseudo headers go by the names that a VirtualService gives them.
fn header_label(name: &str) -> String {
    match name.strip_prefix(':') {
        Some(pseudo) => pseudo.to_owned(),
        None => format!("header {name}"),
    }
}

fn describe_header(header: &HeaderMatcher) -> String {
    match (&header.match_, header.invert_match) {
        (HeaderMatch::Present(want), invert) if *want != invert => "present".to_owned(),
        (HeaderMatch::Present(_), _) => "absent".to_owned(),
        (HeaderMatch::Value(value), false) => describe_string(value),
        (HeaderMatch::Value(value), true) => format!("not {}", describe_string(value)),
        (HeaderMatch::Range { start, end }, false) => format!("from {start} to below {end}"),
        (HeaderMatch::Range { start, end }, true) => format!("not from {start} to below {end}"),
    }
}

pub(crate) fn describe_string(value: &StringMatch) -> String {
    match value {
        StringMatch::Exact(text) => format!("exact `{text}`"),
        StringMatch::Prefix(text) => format!("prefix `{text}`"),
        StringMatch::Suffix(text) => format!("suffix `{text}`"),
        StringMatch::Contains(text) => format!("containing `{text}`"),
        StringMatch::SafeRegex(text) => format!("regex `{text}`"),
        StringMatch::IgnoreCase(match_) => format!("{} in any case", describe_string(match_)),
    }
}

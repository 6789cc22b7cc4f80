//! Conditions on what the filter for tokens found out about a request.
//!
//! Source: envoyproxy/envoy 1.40, source/common/common/matchers.cc (MetadataMatcher, ValueMatcher).

use super::matching::{StringMatcher, describe_string};
use crate::jwt_authn::Claims;
use crate::re2::Re2Error;
use serde_json::Value;
use xds::metadata_match::JWT_AUTHN;
use xds::{MetadataMatcher, ValueMatcher};

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) struct ClaimCondition {
    source: MetadataMatcher,
    value: Matcher,
}

/// What a value must be.
#[derive(Clone, Debug)]
enum Matcher {
    String(StringMatcher),
    OneOf(Box<Matcher>),
    Any(Vec<Matcher>),
    Present(bool),
    Bool(bool),
    Null,
}

impl ClaimCondition {
    /// Compiles a condition; an expression that is refused never matches.
    pub(crate) fn new(source: &MetadataMatcher, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        Self {
            source: source.clone(),
            value: Matcher::new(&source.value, refused),
        }
    }

    /// Whether it holds. Turned around, it holds for a value that is not there.
    pub(crate) fn holds(&self, claims: Option<&Claims>) -> bool {
        self.value.matches(self.found(claims)) != self.source.invert
    }

    fn found<'a>(&self, claims: Option<&'a Claims>) -> Option<&'a Value> {
        let path = self.source.path.iter().map(String::as_str);
        // Other filters leave nothing behind here.
        claims
            .filter(|_| self.source.filter == JWT_AUTHN)?
            .value(path)
    }

    /// The condition and what was found instead, in words.
    pub(crate) fn describe(&self, claims: Option<&Claims>) -> String {
        let name = match self.source.path.as_slice() {
            [_, names @ ..] if self.source.is_of_claim() => format!("claim {}", names.join(".")),
            names => format!("metadata {} {}", self.source.filter, names.join(".")),
        };
        let not = if self.source.invert { "not " } else { "" };
        let want = in_words(&self.source.value);
        let got = match (claims, self.found(claims)) {
            (Some(_), Some(value)) => format!("`{value}`"),
            (Some(_), None) => "none".to_owned(),
            (None, _) => "none, since no token was checked".to_owned(),
        };
        format!("{name}: want {not}{want}, got {got}")
    }
}

/// What a value must be, in words.
pub(crate) fn in_words(value: &ValueMatcher) -> String {
    match value {
        ValueMatcher::String(text) => describe_string(text),
        // As Istio asks for a text, or a list with it: which of both it is, the value tells.
        ValueMatcher::Any(any) => match any.as_slice() {
            [ValueMatcher::OneOf(element), whole] if **element == *whole => in_words(whole),
            any => {
                let any: Vec<_> = any.iter().map(in_words).collect();
                any.join(" or ")
            }
        },
        ValueMatcher::OneOf(element) => format!("a list with {}", in_words(element)),
        ValueMatcher::Present(true) => "present".to_owned(),
        ValueMatcher::Present(false) => "nothing".to_owned(),
        ValueMatcher::Bool(value) => value.to_string(),
        ValueMatcher::Null => "null".to_owned(),
    }
}

impl Matcher {
    fn new(source: &ValueMatcher, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        match source {
            ValueMatcher::String(text) => Self::String(StringMatcher::new(text, refused)),
            ValueMatcher::OneOf(element) => Self::OneOf(Box::new(Self::new(element, refused))),
            ValueMatcher::Any(any) => {
                Self::Any(any.iter().map(|one| Self::new(one, refused)).collect())
            }
            ValueMatcher::Present(present) => Self::Present(*present),
            ValueMatcher::Bool(value) => Self::Bool(*value),
            ValueMatcher::Null => Self::Null,
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::String(text) => value
                .and_then(Value::as_str)
                .is_some_and(|own| text.matches(own)),
            Self::OneOf(element) => value.and_then(Value::as_array).is_some_and(|list| {
                let mut list = list.iter();
                list.any(|own| element.matches(Some(own)))
            }),
            Self::Any(any) => any.iter().any(|one| one.matches(value)),
            Self::Present(present) => *present && value.is_some(),
            Self::Bool(wanted) => value.and_then(Value::as_bool) == Some(*wanted),
            Self::Null => value.is_some_and(Value::is_null),
        }
    }
}

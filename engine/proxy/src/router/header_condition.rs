//! Conditions on headers, of requests and of responses.
//!
//! Source: envoyproxy/envoy 1.40, source/common/http/header_utility.cc.

use super::matching::StringMatcher;
use crate::re2::Re2Error;
use xds::{HeaderMatch, HeaderMatcher};

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) struct HeaderCondition {
    pub(crate) source: HeaderMatcher,
    value: StringMatcher,
}

impl HeaderCondition {
    /// Compiles a condition; an expression that is refused never matches.
    pub(crate) fn new(source: &HeaderMatcher, refused: &mut dyn FnMut(&str, Re2Error)) -> Self {
        let value = match &source.match_ {
            HeaderMatch::Present(_) => StringMatcher::Any,
            HeaderMatch::Value(value) => StringMatcher::new(value, refused),
            HeaderMatch::Range { start, end } => StringMatcher::Number(*start..*end),
        };
        Self {
            source: source.clone(),
            value,
        }
    }

    /// Whether it holds. `any_value` says whether some value of the header satisfies a test; none if there is no such
    /// header.
    ///
    /// A missing header fails every condition but its absence, even a negated one, unless it counts as empty, and so as
    /// one that is there.
    pub(crate) fn holds(
        &self,
        any_value: impl FnOnce(&str, &mut dyn FnMut(&str) -> bool) -> Option<bool>,
    ) -> bool {
        let Self { source, value } = self;
        match &source.match_ {
            HeaderMatch::Present(want) => {
                let present = source.treat_missing_header_as_empty
                    || any_value(&source.name, &mut |_| true).is_some();
                (present == *want) != source.invert_match
            }
            HeaderMatch::Value(_) | HeaderMatch::Range { .. } => {
                // Each of several values is tested; a negated condition holds if none of them matches.
                let found = any_value(&source.name, &mut |text| value.matches(text));
                match found {
                    Some(any) => any != source.invert_match,
                    None if source.treat_missing_header_as_empty => {
                        value.matches("") != source.invert_match
                    }
                    None => false,
                }
            }
        }
    }
}

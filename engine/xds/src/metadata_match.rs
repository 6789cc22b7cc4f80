//! Matchers of dynamic metadata: what filters found out about a request (type/matcher/v3/metadata.proto, value.proto).

use crate::StringMatch;

/// A condition on a value that a filter left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataMatcher {
    /// The filter's name.
    pub filter: String,
    /// The keys that lead to the value, from the outside in.
    pub path: Vec<String>,
    /// What the value must be.
    pub value: ValueMatcher,
    /// The condition is turned around: a value that is missing meets it.
    pub invert: bool,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueMatcher {
    /// A string that is equal, begins so, and the like.
    String(StringMatch),
    /// A list, some element of which is so (`list_match.one_of`).
    OneOf(Box<ValueMatcher>),
    /// Any of these (`or_match`).
    Any(Vec<ValueMatcher>),
    /// There is a value (true); `false` holds for none.
    Present(bool),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl MetadataMatcher {
    /// Whether it asks for a claim of a token that the filter for tokens has checked.
    pub fn is_of_claim(&self) -> bool {
        self.filter == JWT_AUTHN && self.path.first().is_some_and(|key| key == PAYLOAD)
    }
}

/// The name of the filter that checks tokens.
pub const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";
/// Where Istio lets that filter leave the claims of a token.
pub const PAYLOAD: &str = "payload";

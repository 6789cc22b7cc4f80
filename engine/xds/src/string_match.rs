//! Matchers of strings, headers and query parameters (type/matcher/v3/string.proto, config/route/v3/route_components.proto).

/// How a string is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringMatch {
    /// The whole string is equal.
    Exact(String),
    /// The string starts so.
    Prefix(String),
    /// The string ends so.
    Suffix(String),
    /// The string contains it.
    Contains(String),
    /// The whole string matches the RE2 expression.
    SafeRegex(String),
    /// The same, whatever the case of ASCII letters; no expression.
    IgnoreCase(Box<StringMatch>),
}

/// A condition on one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMatcher {
    /// The header's name in lower case; pseudo headers start with `:`.
    pub name: String,
    /// What its value must be.
    pub match_: HeaderMatch,
    /// The condition is turned around.
    pub invert_match: bool,
    /// A missing header counts as an empty one, and so as one that is present.
    pub treat_missing_header_as_empty: bool,
}

/// What a header's value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderMatch {
    /// Present (true) or absent (false), whatever the value.
    Present(bool),
    /// The value matches.
    Value(StringMatch),
    /// The value is a whole number.
    Range {
        /// At least.
        start: i64,
        /// Less than.
        end: i64,
    },
}

/// A condition on one query parameter: its first value counts, undecoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryMatcher {
    /// The parameter's name.
    pub name: String,
    /// What its value must be.
    pub match_: QueryMatch,
}

/// What a query parameter must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryMatch {
    /// Present (true) or absent (false), whatever the value.
    Present(bool),
    /// The value matches.
    Value(StringMatch),
}

//! `rewrite` of a VirtualService's HTTP rule.

use serde::Deserialize;

/// Istio's HTTPRewrite. An empty text means that the part is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRewrite {
    /// What replaces the matched prefix, or the whole path if the match is not a prefix.
    #[serde(default)]
    pub uri: String,
    /// What replaces the host.
    #[serde(default)]
    pub authority: String,
    /// A substitution in the path.
    pub uri_regex_rewrite: Option<RegexRewrite>,
}

/// A substitution by regular expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RegexRewrite {
    /// What is replaced, in RE2's syntax.
    #[serde(rename = "match", default)]
    pub pattern: String,
    /// By what; `\1` is the first group.
    #[serde(default)]
    pub rewrite: String,
}

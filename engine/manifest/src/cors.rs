//! `corsPolicy` of a VirtualService's HTTP rule.

use base::SimDuration;
use serde::Deserialize;

use crate::span::Spanned;
use crate::string_match::StringMatch;
use crate::{nullable, timeout};

/// Istio's CorsPolicy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CorsPolicy {
    /// Origins by exact text (deprecated).
    #[serde(default)]
    pub allow_origin: Vec<String>,
    /// Origins that may ask.
    #[serde(default)]
    pub allow_origins: Vec<Spanned<StringMatch>>,
    /// Methods that may be used.
    #[serde(default)]
    pub allow_methods: Vec<String>,
    /// Request headers that may be sent.
    #[serde(default)]
    pub allow_headers: Vec<String>,
    /// Response headers that a script may read.
    #[serde(default)]
    pub expose_headers: Vec<String>,
    /// How long a preflight's answer may be kept.
    #[serde(default, deserialize_with = "timeout::optional")]
    pub max_age: Option<SimDuration>,
    /// Whether credentials may be sent.
    #[serde(default, deserialize_with = "nullable::optional")]
    pub allow_credentials: Option<bool>,
    /// What happens to preflights of other origins.
    #[serde(default)]
    pub unmatched_preflights: UnmatchedPreflights,
}

/// What happens to a preflight whose origin is not allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnmatchedPreflights {
    /// As `FORWARD`.
    #[default]
    Unspecified,
    /// It is forwarded.
    Forward,
    /// It is answered with 200, without CORS headers.
    Ignore,
}

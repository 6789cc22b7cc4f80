//! The filter that checks JSON Web Tokens (extensions/filters/http/jwt_authn/v3/config.proto).

use crate::{Origin, RouteMatch};

/// What is checked of whose tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthn {
    /// Who issues tokens, in the order of their names.
    pub providers: Vec<JwtProvider>,
    /// What requests need; the first rule that matches counts, and without one nothing is needed.
    pub rules: Vec<RequirementRule>,
    /// Preflight requests of browsers are let through.
    pub bypass_cors_preflight: bool,
    /// The time at which tokens are judged, in seconds since 1970. Envoy is not told: it has a clock.
    pub clock: u64,
}

/// The time at which tokens are judged where nobody says another: the beginning of 2026.
pub const DEFAULT_CLOCK: u64 = 1_767_225_600;

/// Somebody who issues tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwtProvider {
    /// The name by which requirements call it.
    pub name: String,
    /// What the claim `iss` must be; empty: anything.
    pub issuer: String,
    /// One of these must be in the claim `aud`; none: anybody may be meant.
    pub audiences: Vec<String>,
    /// The public keys.
    pub jwks: Jwks,
    /// The token stays in the request.
    pub forward: bool,
    /// The headers that may hold a token.
    pub from_headers: Vec<JwtHeader>,
    /// The query parameters that may hold one.
    pub from_params: Vec<String>,
    /// The cookies that may hold one.
    pub from_cookies: Vec<String>,
    /// The header that upstream finds the claims in, encoded as in the token; empty: none.
    pub forward_payload_header: String,
    /// The key under which the claims are left for others; empty: they are not.
    pub payload_in_metadata: String,
    /// Claims that are taken apart at spaces, and become lists.
    pub space_delimited_claims: Vec<String>,
    /// How far clocks may differ, in seconds; none: 60.
    pub clock_skew_seconds: Option<u32>,
    /// Headers that upstream finds single claims in.
    pub claim_to_headers: Vec<ClaimToHeader>,
    /// The route is looked for again once the claims are known.
    pub clear_route_cache: bool,
    /// The object that asks for it.
    pub origin: Option<Origin>,
}

/// Where the public keys of a provider come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jwks {
    /// They are written here: a JSON Web Key Set.
    Inline(String),
    /// They are behind this address, and nobody has fetched them.
    Unknown(String),
}

impl Default for Jwks {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}

/// A header that may hold a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwtHeader {
    /// Its name.
    pub name: String,
    /// What stands before the token.
    pub value_prefix: String,
}

/// A header that a claim is copied to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimToHeader {
    /// The header's name.
    pub header_name: String,
    /// The claim's name; dots lead into objects.
    pub claim_name: String,
}

/// What some requests need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementRule {
    /// Which requests.
    pub match_: RouteMatch,
    /// What they need; none: nothing.
    pub requires: Option<JwtRequirement>,
}

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtRequirement {
    /// A token of this provider.
    Provider(String),
    /// One of this provider that is meant for one of these audiences, in place of the provider's own.
    ProviderAndAudiences(String, Vec<String>),
    /// Any of these.
    Any(Vec<JwtRequirement>),
    /// All of these.
    All(Vec<JwtRequirement>),
    /// No token, or one that is valid.
    AllowMissing,
    /// Nothing: tokens are looked at, and that is all.
    AllowMissingOrFailed,
}

//! The filter that checks tokens.

use super::ReadError;
use super::fields::Fields;
use crate::jwt_authn::DEFAULT_CLOCK;
use crate::{
    ClaimToHeader, Jwks, JwtAuthn, JwtHeader, JwtProvider, JwtRequirement, RequirementRule,
    RouteMatch,
};

impl JwtAuthn {
    /// `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`.
    pub(in crate::json::read) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let mut providers = fields.map("providers", JwtProvider::read)?;
        providers.sort_by(|a, b| a.name.cmp(&b.name));
        let named = fields.map("requirementMap", |name, requirement| {
            Ok((name.to_owned(), JwtRequirement::read(requirement)?))
        })?;
        // A rule whose requests cannot be told is left out, and said.
        let rules = fields.messages("rules", |rule| {
            let match_ = rule.message("match", RouteMatch::read)?.flatten();
            let name = rule.text("requirementName")?;
            let by_name = named.iter().find(|(known, _)| *known == name);
            let requires = rule.message("requires", JwtRequirement::read)?;
            let requires = requires.or(by_name.map(|(_, requirement)| requirement.clone()));
            Ok(match_.map(|match_| RequirementRule { match_, requires }))
        })?;
        Ok(Self {
            providers,
            rules: rules.into_iter().flatten().collect(),
            bypass_cors_preflight: fields.flag("bypassCorsPreflight")?,
            clock: DEFAULT_CLOCK,
        })
    }
}

impl JwtProvider {
    fn read(name: &str, fields: &Fields<'_>) -> Result<Self, ReadError> {
        fields.without_effect(&["jwtCacheConfig"]);
        let local = fields.message("localJwks", |keys| keys.text("inlineString"))?;
        let remote = fields.message("remoteJwks", |remote| {
            remote.without_effect(&["cacheDuration", "asyncFetch", "retryPolicy"]);
            let uri = remote.message("httpUri", |uri| {
                uri.without_effect(&["cluster", "timeout"]);
                uri.text("uri")
            })?;
            Ok(uri.unwrap_or_default())
        })?;
        let jwks = match (local, remote) {
            (_, Some(uri)) => Jwks::Unknown(uri),
            (local, None) => Jwks::Inline(local.unwrap_or_default()),
        };
        let lists = fields.message("normalizePayloadInMetadata", |normal| {
            normal.texts("spaceDelimitedClaims")
        })?;
        Ok(Self {
            name: name.to_owned(),
            issuer: fields.text("issuer")?,
            audiences: fields.texts("audiences")?,
            jwks,
            forward: fields.flag("forward")?,
            from_headers: fields.messages("fromHeaders", |header| {
                Ok(JwtHeader {
                    name: header.text("name")?,
                    value_prefix: header.text("valuePrefix")?,
                })
            })?,
            from_params: fields.texts("fromParams")?,
            from_cookies: fields.texts("fromCookies")?,
            forward_payload_header: fields.text("forwardPayloadHeader")?,
            payload_in_metadata: fields.text("payloadInMetadata")?,
            space_delimited_claims: lists.unwrap_or_default(),
            clock_skew_seconds: fields.number("clockSkewSeconds")?,
            claim_to_headers: fields.messages("claimToHeaders", |copy| {
                Ok(ClaimToHeader {
                    header_name: copy.text("headerName")?,
                    claim_name: copy.text("claimName")?,
                })
            })?,
            clear_route_cache: fields.flag("clearRouteCache")?,
            origin: None,
        })
    }
}

impl JwtRequirement {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let list = |list: &Fields<'_>| list.messages("requirements", Self::read);
        if let Some(name) = fields.optional_text("providerName")? {
            return Ok(Self::Provider(name));
        }
        let audiences = fields.message("providerAndAudiences", |provider| {
            Ok(Self::ProviderAndAudiences(
                provider.text("providerName")?,
                provider.texts("audiences")?,
            ))
        })?;
        if let Some(audiences) = audiences {
            return Ok(audiences);
        }
        if let Some(any) = fields.message("requiresAny", list)? {
            return Ok(Self::Any(any));
        }
        if let Some(all) = fields.message("requiresAll", list)? {
            return Ok(Self::All(all));
        }
        if fields.marker("allowMissing")? {
            return Ok(Self::AllowMissing);
        }
        if !fields.marker("allowMissingOrFailed")? {
            fields.skip("is not modelled: nothing is required");
        }
        Ok(Self::AllowMissingOrFailed)
    }
}

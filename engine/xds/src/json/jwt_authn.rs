//! The filter that checks tokens.

use super::message::Message;
use crate::{Jwks, JwtAuthn, JwtProvider, JwtRequirement, RequirementRule};
use serde_json::{Map, Value};

impl JwtAuthn {
    /// `envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`.
    pub fn to_json(&self) -> Value {
        self.message().build()
    }

    pub(in crate::json) fn message(&self) -> Message {
        let providers = self.providers.iter();
        let providers: Map<String, Value> = providers
            .map(|provider| (provider.name.clone(), provider.message().build()))
            .collect();
        Message::any("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication")
            .field("providers", Value::Object(providers))
            .list("rules", self.rules.iter().map(RequirementRule::message))
            .flag("bypassCorsPreflight", self.bypass_cors_preflight)
    }
}

impl JwtProvider {
    fn message(&self) -> Message {
        // Without keys no token is good.
        let keys = match &self.jwks {
            Jwks::Inline(keys) => keys.as_str(),
            Jwks::Unknown(_) => NO_KEYS,
        };
        let headers = self.from_headers.iter().map(|header| {
            Message::default()
                .text("name", &header.name)
                .text("valuePrefix", &header.value_prefix)
        });
        let copied = self.claim_to_headers.iter().map(|copy| {
            Message::default()
                .text("headerName", &copy.header_name)
                .text("claimName", &copy.claim_name)
        });
        let lists = &self.space_delimited_claims;
        let normal = (!lists.is_empty()).then(|| {
            let lists = lists.iter().map(String::as_str);
            Message::default().list("spaceDelimitedClaims", lists)
        });
        Message::default()
            .text("issuer", &self.issuer)
            .list("audiences", self.audiences.iter().map(String::as_str))
            .field("localJwks", Message::default().field("inlineString", keys))
            .flag("forward", self.forward)
            .list("fromHeaders", headers)
            .list("fromParams", self.from_params.iter().map(String::as_str))
            .list("fromCookies", self.from_cookies.iter().map(String::as_str))
            .text("forwardPayloadHeader", &self.forward_payload_header)
            .text("payloadInMetadata", &self.payload_in_metadata)
            .optional("normalizePayloadInMetadata", normal)
            .optional("clockSkewSeconds", self.clock_skew_seconds)
            .list("claimToHeaders", copied)
            .flag("clearRouteCache", self.clear_route_cache)
    }
}

impl RequirementRule {
    fn message(&self) -> Message {
        let requires = self.requires.as_ref().map(JwtRequirement::message);
        Message::default()
            .field("match", self.match_.to_json())
            .optional("requires", requires)
    }
}

impl JwtRequirement {
    fn message(&self) -> Message {
        let message = Message::default();
        let list = |requirements: &[Self]| {
            Message::default().list("requirements", requirements.iter().map(Self::message))
        };
        match self {
            Self::Provider(name) => message.field("providerName", name.as_str()),
            Self::ProviderAndAudiences(name, audiences) => message.field(
                "providerAndAudiences",
                Message::default()
                    .text("providerName", name)
                    .list("audiences", audiences.iter().map(String::as_str)),
            ),
            Self::Any(any) => message.field("requiresAny", list(any)),
            Self::All(all) => message.field("requiresAll", list(all)),
            Self::AllowMissing => message.field("allowMissing", Message::default()),
            Self::AllowMissingOrFailed => message.field("allowMissingOrFailed", Message::default()),
        }
    }
}

/// No set of keys at all: one without keys would be refused.
const NO_KEYS: &str = "";

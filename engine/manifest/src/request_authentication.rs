//! RequestAuthentication: whose tokens a proxy checks, where it looks for them, and what becomes of their claims.
//!
//! Every field of security.istio.io/v1 is here; v1beta1 has the same schema.
//! Source: istio/api, security/v1beta1/request_authentication.proto and kubernetes/customresourcedefinitions.gen.yaml.

use base::SimDuration;
use serde::Deserialize;

use crate::check::Check;
use crate::destination_rule::WorkloadSelector;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::timeout;
use crate::yaml::path::Path;

/// A RequestAuthentication.
pub type RequestAuthentication = Resource<RequestAuthenticationSpec>;

/// `spec` of a RequestAuthentication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestAuthenticationSpec {
    /// The workloads it is for; none means all of its namespace, or of the mesh.
    pub selector: Option<Spanned<WorkloadSelector>>,
    /// The Gateway of the Gateway API that it is for.
    pub target_ref: Option<Spanned<PolicyTargetReference>>,
    /// The Gateways of the Gateway API that it is for.
    #[serde(default)]
    pub target_refs: Vec<Spanned<PolicyTargetReference>>,
    /// Whose tokens are good.
    #[serde(default)]
    pub jwt_rules: Vec<Spanned<JwtRule>>,
}

/// An object that a policy is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PolicyTargetReference {
    /// Its group; empty means Kubernetes' own.
    #[serde(default)]
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, which must be the policy's, and must not be written.
    #[serde(default)]
    pub namespace: String,
}

/// Somebody who issues tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtRule {
    /// What the token's claim `iss` must be; none means anybody.
    pub issuer: Option<Spanned<String>>,
    /// One of these must be in the token's claim `aud`; none means that anybody may be meant.
    #[serde(default)]
    pub audiences: Vec<Spanned<String>>,
    /// Where the public keys are.
    pub jwks_uri: Option<Spanned<String>>,
    /// The same, as it may be written, too.
    #[serde(rename = "jwks_uri")]
    pub jwks_uri_in_snake_case: Option<Spanned<String>>,
    /// The public keys: a JSON Web Key Set.
    pub jwks: Option<Spanned<String>>,
    /// The headers in which a token is looked for; if nothing is said, `Authorization: Bearer …`, and the query parameter
    /// `access_token`.
    #[serde(default)]
    pub from_headers: Vec<Spanned<JwtHeader>>,
    /// The query parameters in which a token is looked for.
    #[serde(default)]
    pub from_params: Vec<Spanned<String>>,
    /// The cookies in which a token is looked for.
    #[serde(default)]
    pub from_cookies: Vec<Spanned<String>>,
    /// The header in which the application finds all claims, encoded as in the token.
    pub output_payload_to_header: Option<Spanned<String>>,
    /// The headers in which the application finds single claims.
    #[serde(default)]
    pub output_claim_to_headers: Vec<Spanned<ClaimToHeader>>,
    /// The application is sent the token as well.
    #[serde(default)]
    pub forward_original_token: bool,
    /// How long fetching the keys may take.
    #[serde(default, deserialize_with = "timeout::optional_spanned")]
    pub timeout: Option<Spanned<SimDuration>>,
    /// Claims that are lists with spaces between their elements, beside `scope` and `permission`.
    #[serde(default)]
    pub space_delimited_claims: Vec<Spanned<String>>,
}

/// A header in which a token is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct JwtHeader {
    /// The header's name.
    pub name: String,
    /// What stands before the token, with the space behind it.
    #[serde(default)]
    pub prefix: String,
}

/// A header in which the application finds a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ClaimToHeader {
    /// The header's name.
    pub header: String,
    /// The claim's name.
    pub claim: String,
}

impl RequestAuthenticationSpec {
    /// The objects that it names, wherever they are written.
    pub fn targets(&self) -> impl Iterator<Item = &PolicyTargetReference> {
        let only = self
            .target_ref
            .iter()
            .filter(|_| self.target_refs.is_empty());
        only.chain(&self.target_refs).map(|target| &target.value)
    }
}

impl JwtRule {
    /// Where the public keys are.
    pub fn jwks_uri(&self) -> Option<&Spanned<String>> {
        self.jwks_uri
            .as_ref()
            .or(self.jwks_uri_in_snake_case.as_ref())
    }
}

impl Kind for RequestAuthenticationSpec {
    type Status = ();
    const KIND: &'static str = "RequestAuthentication";
    const API_VERSIONS: &'static [&'static str] =
        &["security.istio.io/v1", "security.istio.io/v1beta1"];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<RequestAuthentication> {
        &mut all.request_authentications
    }

    fn check(policy: &RequestAuthentication, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check.exclusive(&spec, ["selector", "targetRef", "targetRefs"]);
        let only = spec.key("targetRef");
        if let Some(target) = &policy.spec.target_ref {
            target.check(&only, check);
        }
        let list = spec.key("targetRefs");
        check.items(&list, policy.spec.target_refs.len(), 0..=16);
        for (index, target) in policy.spec.target_refs.iter().enumerate() {
            target.check(&Path::Index(&list, index), check);
        }
        let rules = spec.key("jwtRules");
        check.items(&rules, policy.spec.jwt_rules.len(), 0..=4096);
        for (index, rule) in policy.spec.jwt_rules.iter().enumerate() {
            rule.check(&Path::Index(&rules, index), check);
        }
    }
}

impl PolicyTargetReference {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        not_empty(&self.kind, &path.key("kind"), check);
        not_empty(&self.name, &path.key("name"), check);
        check.length(&path.key("group"), &self.group, 253);
        check.length(&path.key("kind"), &self.kind, 63);
        check.length(&path.key("name"), &self.name, 253);
        if !self.namespace.is_empty() {
            let rule = "a policy is for objects of its own namespace: leave it out";
            check.invalid(&path.key("namespace"), rule);
        }
    }
}

impl JwtRule {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.exclusive(path, ["jwksUri", "jwks_uri", "jwks"]);
        if let Some(issuer) = &self.issuer {
            not_empty(issuer, &path.key("issuer"), check);
        }
        for (key, uri) in [
            ("jwksUri", &self.jwks_uri),
            ("jwks_uri", &self.jwks_uri_in_snake_case),
        ] {
            if let Some(uri) = uri {
                let path = path.key(key);
                check.length(&path, uri, 2048);
                if !is_url(uri) {
                    check.invalid(
                        &path,
                        "expected a URL that begins with `http://` or `https://`",
                    );
                }
            }
        }
        for (key, list) in [
            ("audiences", &self.audiences),
            ("fromParams", &self.from_params),
            ("fromCookies", &self.from_cookies),
            ("spaceDelimitedClaims", &self.space_delimited_claims),
        ] {
            let list_path = path.key(key);
            for (index, text) in list.iter().enumerate() {
                not_empty(text, &Path::Index(&list_path, index), check);
            }
        }
        let lists = path.key("spaceDelimitedClaims");
        check.items(&lists, self.space_delimited_claims.len(), 0..=64);
        let headers = path.key("fromHeaders");
        for (index, header) in self.from_headers.iter().enumerate() {
            not_empty(
                &header.name,
                &Path::Index(&headers, index).key("name"),
                check,
            );
        }
        let copies = path.key("outputClaimToHeaders");
        for (index, copy) in self.output_claim_to_headers.iter().enumerate() {
            let path = Path::Index(&copies, index);
            not_empty(&copy.claim, &path.key("claim"), check);
            let path = path.key("header");
            not_empty(&copy.header, &path, check);
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if !copy.header.bytes().all(is_letter) {
                let rule = "expected letters, digits, `-` and `_`";
                check.invalid(&path, rule);
            }
        }
    }
}

/// Whether a text is a URL of HTTP, as far as Go's parser asks.
fn is_url(text: &str) -> bool {
    let Some(("http" | "https", rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'));
    port.is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn not_empty(text: &str, path: &Path<'_>, check: &mut Check<'_, '_>) {
    if text.is_empty() {
        check.invalid(path, "must not be empty");
    }
}

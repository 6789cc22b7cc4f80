//! The rules for RequestAuthentications.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateRequestAuthentication, validateJwtRule,
//! warnPrivateJwksKeys, validatePolicyTargetReference), pkg/config/security/security.go (ParseJwksURI).

use manifest::RequestAuthentication;
use manifest::request_authentication::{JwtRule, PolicyTargetReference};
use manifest::span::Spanned;
use serde_json::Value;

use crate::finding::Findings;

pub(super) fn validate(object: &RequestAuthentication, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    if let Some(selector) = &spec.selector
        && selector.match_labels.is_empty()
    {
        let why = "workload selector specified without labels";
        findings.warn(&selector.at, "spec.selector", why);
    }
    if let Some(target) = &spec.target_ref {
        target_reference(target, "spec.targetRef", findings);
    }
    for (index, target) in spec.target_refs.iter().enumerate() {
        target_reference(target, &format!("spec.targetRefs[{index}]"), findings);
    }
    for (index, rule) in spec.jwt_rules.iter().enumerate() {
        jwt_rule(rule, &format!("spec.jwtRules[{index}]"), findings);
    }
}

fn target_reference(
    target: &Spanned<PolicyTargetReference>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let group = match target.group.as_str() {
        "" => "core",
        group => group,
    };
    if !TARGETS.contains(&(group, &target.kind)) {
        let why = format!(
            "targetRef must be to one of {ALLOWED_TARGETS} but was {}/{}",
            target.group, target.kind
        );
        findings.refuse(&target.at, field, why);
    }
}

fn jwt_rule(rule: &Spanned<JwtRule>, field: &str, findings: &mut Findings<'_>) {
    if rule.issuer.is_none() && rule.jwks_uri().is_none() {
        findings.refuse(
            &rule.at,
            field,
            "issuer or jwksUri must be non-empty string",
        );
    }
    if let Some(keys) = rule.jwks.as_ref().filter(|keys| !keys.is_empty()) {
        let field = format!("{field}.jwks");
        match key_set(keys) {
            Err(why) => findings.refuse(&keys.at, &field, format!("jwks parse error: {why}")),
            Ok(private) => {
                for index in private {
                    let why = format!(
                        "jwks key at index {index} contains private key material; only public keys are used for verification"
                    );
                    findings.warn(&keys.at, &field, why);
                }
            }
        }
    }
    if let Some(timeout) = &rule.timeout {
        let field = format!("{field}.timeout");
        super::duration(Some(timeout.value), &timeout.at, &field, findings);
    }
}

/// The places of the keys that are secrets; an error where this is no set of keys, and no key.
fn key_set(text: &str) -> Result<Vec<usize>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let object = value.as_object().ok_or("it is no JSON object")?;
    let keys = match object.get("keys") {
        Some(keys) => keys.as_array().ok_or("`keys` is no list")?.as_slice(),
        None => std::slice::from_ref(&value),
    };
    let mut private = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let kind = key["kty"].as_str();
        match kind {
            Some("oct") => private.push(index),
            Some("RSA" | "EC" | "OKP") if key.get("d").is_some() => private.push(index),
            Some("RSA" | "EC" | "OKP") => {}
            Some(_) | None => return Err(format!("key {index} has no `kty` that is known")),
        }
    }
    Ok(private)
}

/// Groups and kinds of what a policy may be for.
const TARGETS: [(&str, &str); 4] = [
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];
/// The same in Istio's words.
const ALLOWED_TARGETS: &str = "[core/v1/Service networking.istio.io/v1/ServiceEntry \
     gateway.networking.k8s.io/v1/Gateway gateway.networking.k8s.io/v1/GatewayClass]";

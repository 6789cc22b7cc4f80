//! A token, taken apart: its header, its claims, and what was signed.
//!
//! Source: google/jwt_verify_lib, jwt.cc (Jwt::parseFromString, verifyTimeConstraint), check_audience.cc.

use super::status::JwtStatus;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// A token in which everything has its form; nothing is checked yet.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The algorithm it says it is signed by.
    pub(crate) algorithm: String,
    /// The name of the key it says it is signed with; empty: it does not say.
    pub(crate) key_id: String,
    pub(crate) claims: Map<String, Value>,
    /// The claims as they are written.
    pub(crate) payload: String,
    /// What is signed.
    pub(crate) signed: String,
    pub(crate) signature: Vec<u8>,
    issuer: String,
    audiences: Vec<String>,
    not_before: u64,
    expires: u64,
}

impl Token {
    /// Takes a token apart.
    pub(crate) fn parse(text: &str) -> Result<Self, JwtStatus> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(JwtStatus::BadFormat);
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(JwtStatus::BadFormat);
        }
        let fields = object(header, JwtStatus::HeaderBadBase64, JwtStatus::HeaderBadJson)?;
        let Some(Value::String(algorithm)) = fields.get("alg") else {
            return Err(JwtStatus::HeaderBadAlg);
        };
        if !ALGORITHMS.contains(&algorithm.as_str()) {
            return Err(JwtStatus::HeaderUnknownAlg);
        }
        let key_id = string(&fields, "kid", JwtStatus::HeaderBadKid)?;
        let claims = object(
            payload,
            JwtStatus::PayloadBadBase64,
            JwtStatus::PayloadBadJson,
        )?;
        let issuer = string(&claims, "iss", JwtStatus::IssNotString)?;
        string(&claims, "sub", JwtStatus::SubNotString)?;
        let (no, outside) = (JwtStatus::IatNotInteger, JwtStatus::IatOutOfRange);
        time(&claims, "iat", no, outside)?;
        let (no, outside) = (JwtStatus::NbfNotInteger, JwtStatus::NbfOutOfRange);
        let not_before = time(&claims, "nbf", no, outside)?;
        let (no, outside) = (JwtStatus::ExpNotInteger, JwtStatus::ExpOutOfRange);
        let expires = time(&claims, "exp", no, outside)?;
        string(&claims, "jti", JwtStatus::JtiNotString)?;
        let audiences = audiences(&claims)?;
        Ok(Self {
            algorithm: algorithm.clone(),
            key_id,
            issuer,
            audiences,
            not_before,
            expires,
            signature: decode(signature).ok_or(JwtStatus::SignatureBadBase64)?,
            signed: format!("{header}.{payload}"),
            payload: (*payload).to_owned(),
            claims,
        })
    }

    /// Who it says it is from; empty: nobody.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether it is good at a time, in seconds since 1970, if clocks may differ by so much.
    pub(crate) fn check_time(&self, now: u64, skew: u64) -> Result<(), JwtStatus> {
        if now.saturating_add(skew) < self.not_before {
            return Err(JwtStatus::NotYetValid);
        }
        if self.expires != 0 && now > self.expires.saturating_add(skew) {
            return Err(JwtStatus::Expired);
        }
        Ok(())
    }

    /// Whether it is meant for one of these; none means anybody.
    pub(crate) fn is_meant_for(&self, wanted: &[String]) -> bool {
        wanted.is_empty()
            || self.audiences.iter().any(|own| {
                let mut wanted = wanted.iter();
                wanted.any(|wanted| bare(wanted) == bare(own))
            })
    }
}

/// An audience without the scheme of a URL, and without a slash at its end.
fn bare(audience: &str) -> &str {
    let rest = audience
        .strip_prefix("https://")
        .or_else(|| audience.strip_prefix("http://"))
        .unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

fn object(
    part: &str,
    no_base64: JwtStatus,
    no_json: JwtStatus,
) -> Result<Map<String, Value>, JwtStatus> {
    let bytes = decode(part).ok_or(no_base64)?;
    serde_json::from_slice(&bytes).map_err(|_| no_json)
}

/// A string; empty if it is not there.
fn string(fields: &Map<String, Value>, name: &str, no: JwtStatus) -> Result<String, JwtStatus> {
    match fields.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(no),
    }
}

/// A time in seconds since 1970; zero if it is not there. Fractions are cut off.
fn time(
    claims: &Map<String, Value>,
    name: &str,
    no: JwtStatus,
    outside: JwtStatus,
) -> Result<u64, JwtStatus> {
    match claims.get(name) {
        None => Ok(0),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => Ok(whole),
            // As many as there are, and no more.
            (None, Some(number)) if (0.0..18_446_744_073_709_551_615.0).contains(&number) => {
                Ok(number as u64)
            }
            (None, _) => Err(outside),
        },
        Some(_) => Err(no),
    }
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<String>, JwtStatus> {
    let strings = match claims.get("aud") {
        None => return Ok(Vec::new()),
        Some(Value::String(only)) => return Ok(vec![only.clone()]),
        Some(Value::Array(list)) => list.iter().map(|entry| entry.as_str().map(str::to_owned)),
        Some(_) => return Err(JwtStatus::AudNotStrings),
    };
    strings
        .collect::<Option<_>>()
        .ok_or(JwtStatus::AudNotStrings)
}

/// Base64url with or without padding; white space plays no part.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text
        .chars()
        .filter(|letter| !letter.is_ascii_whitespace())
        .collect();
    BASE64.decode(text).ok()
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Those that Envoy knows.
const ALGORITHMS: [&str; 13] = [
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
    "PS384", "PS512", "EdDSA",
];

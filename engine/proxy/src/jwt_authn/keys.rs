//! The public keys of an issuer, and whether one of them signed a token.
//!
//! The arithmetic is the crate `jsonwebtoken`'s; which key is asked is decided here, as Envoy decides it.
//!
//! Source: google/jwt_verify_lib, jwks.cc (Jwks::createFromJwk), verify.cc (verifyJwtWithoutTimeChecking).

use super::status::JwtStatus;
use super::token::Token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

/// A set of keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    /// Its name; empty: it has none.
    id: String,
    /// The only algorithm it is for; empty: any that fits it.
    algorithm: String,
    key: DecodingKey,
}

impl Keys {
    /// Reads a JSON Web Key Set. Keys of kinds that are unknown are left out; without any that is known, Envoy refuses
    /// the listener, and says why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let set: Value = serde_json::from_str(text).map_err(|_| "Jwks is an invalid JSON")?;
        let keys = set.get("keys").ok_or("Jwks does not have [keys] field")?;
        let keys = keys.as_array().ok_or("[keys] in Jwks is not a list")?;
        let keys: Vec<_> = keys.iter().filter_map(Key::parse).collect();
        if keys.is_empty() {
            return Err("Jwks doesn't have any valid public key".to_owned());
        }
        Ok(Self(keys))
    }

    /// Whether one of the keys signed a token.
    pub(crate) fn verify(&self, token: &Token) -> Result<(), JwtStatus> {
        if self.0.is_empty() {
            return Err(JwtStatus::NoValidKeys);
        }
        let named = |own: &str, asked: &str| own.is_empty() || asked.is_empty() || own == asked;
        let mut fitting = self
            .0
            .iter()
            .filter(|key| named(&key.id, &token.key_id) && named(&key.algorithm, &token.algorithm));
        let mut status = JwtStatus::KeyMismatch;
        if fitting.any(|key| {
            status = JwtStatus::VerificationFails;
            key.signed(token)
        }) {
            return Ok(());
        }
        Err(status)
    }
}

impl Key {
    fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        // What else a key may say (its use, its certificates) is not looked at.
        let needed = ["kty", "crv", "n", "e", "x", "y", "k"];
        let bare: serde_json::Map<_, _> = needed
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), value.get(name)?.clone())))
            .collect();
        let key: Jwk = serde_json::from_value(Value::Object(bare)).ok()?;
        Some(Self {
            id: text("kid"),
            algorithm: text("alg"),
            key: DecodingKey::from_jwk(&key).ok()?,
        })
    }

    fn signed(&self, token: &Token) -> bool {
        // Envoy knows ES512 as well.
        let Ok(algorithm) = token.algorithm.parse::<Algorithm>() else {
            return false;
        };
        let message = token.signed.as_bytes();
        let signature = URL_SAFE_NO_PAD.encode(&token.signature);
        crypto::verify(&signature, message, &self.key, algorithm).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_without_a_key_are_refused() {
        let table = [
            ("", None),
            ("no", Some("Jwks is an invalid JSON")),
            ("{}", Some("Jwks does not have [keys] field")),
            (
                r#"{"keys": []}"#,
                Some("Jwks doesn't have any valid public key"),
            ),
            (
                r#"{"keys": [{"kty": "RSA"}]}"#,
                Some("Jwks doesn't have any valid public key"),
            ),
            (
                r#"{"keys": [{"kty": "XX"}, {"kty": "RSA", "n": "xAE7", "e": "AQAB"}]}"#,
                None,
            ),
        ];
        for (text, why) in table {
            let found = Keys::parse(text).err();
            assert_eq!(found.as_deref(), why, "{text}");
        }
    }

    /// The example of RFC 7515, appendix A.1.
    #[test]
    fn secrets_sign_as_well() {
        let keys = Keys::parse(
            r#"{"keys": [{"kty": "oct", "k":
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#,
        );
        let keys = keys.expect("a set");
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                    dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let mut token = Token::parse(text).expect("it has its form");
        assert_eq!(keys.verify(&token), Ok(()));
        token.signed.push('x');
        assert_eq!(keys.verify(&token), Err(JwtStatus::VerificationFails));
        assert_eq!(Keys::default().verify(&token), Err(JwtStatus::NoValidKeys));
    }
}

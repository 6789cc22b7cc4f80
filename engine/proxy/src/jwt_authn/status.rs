//! What is wrong with a token, in Envoy's words.
//!
//! Source: envoyproxy/envoy 1.40, the tokens that a running one refused; google/jwt_verify_lib, status.cc.

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JwtStatus {
    /// There is none.
    Missing,
    /// Its time has not come (`nbf`).
    NotYetValid,
    /// Its time is over (`exp`).
    Expired,
    /// It has not three parts.
    BadFormat,
    /// Its header is no Base64url.
    HeaderBadBase64,
    /// Its header is no JSON object.
    HeaderBadJson,
    /// Its header names no algorithm.
    HeaderBadAlg,
    /// Its algorithm is unknown.
    HeaderUnknownAlg,
    /// The name of its key is no string.
    HeaderBadKid,
    /// Its claims are no Base64url.
    PayloadBadBase64,
    /// Its claims are no JSON object.
    PayloadBadJson,
    /// Its issuer is no string.
    IssNotString,
    /// Its subject is no string.
    SubNotString,
    /// When it was issued is no number.
    IatNotInteger,
    /// When it was issued is before 1970.
    IatOutOfRange,
    /// When it begins is no number.
    NbfNotInteger,
    /// When it begins is before 1970.
    NbfOutOfRange,
    /// When it ends is no number.
    ExpNotInteger,
    /// When it ends is before 1970.
    ExpOutOfRange,
    /// Its number is no string.
    JtiNotString,
    /// Whom it is meant for is neither a string nor a list of them.
    AudNotStrings,
    /// Its signature is no Base64url.
    SignatureBadBase64,
    /// Its issuer is not the one that is asked for.
    UnknownIssuer,
    /// It is meant for others.
    AudienceNotAllowed,
    /// Its signature is not the key's.
    VerificationFails,
    /// There are no keys.
    NoValidKeys,
    /// No key has its name and its algorithm.
    KeyMismatch,
}

impl JwtStatus {
    /// What the client is told.
    pub const fn message(self) -> &'static str {
        self.texts().0
    }

    /// Envoy's response code details.
    pub const fn details(self) -> &'static str {
        self.texts().1
    }

    /// The status of the response.
    pub const fn response_code(self) -> u16 {
        if matches!(self, Self::AudienceNotAllowed) {
            403
        } else {
            401
        }
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("Jwt is missing", "jwt_authn_access_denied{Jwt_is_missing}"),
            Self::NotYetValid => (
                "Jwt not yet valid",
                "jwt_authn_access_denied{Jwt_not_yet_valid}",
            ),
            Self::Expired => ("Jwt is expired", "jwt_authn_access_denied{Jwt_is_expired}"),
            Self::BadFormat => (
                "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
                "jwt_authn_access_denied{Jwt_is_not_in_the_form_of_Header.Payload.Signature_with_two_dots_and_3_sections}",
            ),
            Self::HeaderBadBase64 => (
                "Jwt header is an invalid Base64url encoded",
                "jwt_authn_access_denied{Jwt_header_is_an_invalid_Base64url_encoded}",
            ),
            Self::HeaderBadJson => (
                "Jwt header is an invalid JSON",
                "jwt_authn_access_denied{Jwt_header_is_an_invalid_JSON}",
            ),
            Self::HeaderBadAlg => (
                "Jwt header [alg] field is required and must be a string",
                "jwt_authn_access_denied{Jwt_header_[alg]_field_is_required_and_must_be_a_string}",
            ),
            Self::HeaderUnknownAlg => (
                "Jwt header [alg] is not supported",
                "jwt_authn_access_denied{Jwt_header_[alg]_is_not_supported}",
            ),
            Self::HeaderBadKid => (
                "Jwt header [kid] field is not a string",
                "jwt_authn_access_denied{Jwt_header_[kid]_field_is_not_a_string}",
            ),
            Self::PayloadBadBase64 => (
                "Jwt payload is an invalid Base64url encoded",
                "jwt_authn_access_denied{Jwt_payload_is_an_invalid_Base64url_encoded}",
            ),
            Self::PayloadBadJson => (
                "Jwt payload is an invalid JSON",
                "jwt_authn_access_denied{Jwt_payload_is_an_invalid_JSON}",
            ),
            Self::IssNotString => (
                "Jwt payload [iss] field is not a string",
                "jwt_authn_access_denied{Jwt_payload_[iss]_field_is_not_a_string}",
            ),
            Self::SubNotString => (
                "Jwt payload [sub] field is not a string",
                "jwt_authn_access_denied{Jwt_payload_[sub]_field_is_not_a_string}",
            ),
            Self::IatNotInteger => (
                "Jwt payload [iat] field is not an integer",
                "jwt_authn_access_denied{Jwt_payload_[iat]_field_is_not_an_integer}",
            ),
            Self::IatOutOfRange => (
                "Jwt payload [iat] field is not a positive 64 bit integer",
                "jwt_authn_access_denied{Jwt_payload_[iat]_field_is_not_a_positive_64_bit_integer}",
            ),
            Self::NbfNotInteger => (
                "Jwt payload [nbf] field is not an integer",
                "jwt_authn_access_denied{Jwt_payload_[nbf]_field_is_not_an_integer}",
            ),
            Self::NbfOutOfRange => (
                "Jwt payload [nbf] field is not a positive 64 bit integer",
                "jwt_authn_access_denied{Jwt_payload_[nbf]_field_is_not_a_positive_64_bit_integer}",
            ),
            Self::ExpNotInteger => (
                "Jwt payload [exp] field is not an integer",
                "jwt_authn_access_denied{Jwt_payload_[exp]_field_is_not_an_integer}",
            ),
            Self::ExpOutOfRange => (
                "Jwt payload [exp] field is not a positive 64 bit integer",
                "jwt_authn_access_denied{Jwt_payload_[exp]_field_is_not_a_positive_64_bit_integer}",
            ),
            Self::JtiNotString => (
                "Jwt payload [jti] field is not a string",
                "jwt_authn_access_denied{Jwt_payload_[jti]_field_is_not_a_string}",
            ),
            Self::AudNotStrings => (
                "Jwt payload [aud] field is not a string or string list",
                "jwt_authn_access_denied{Jwt_payload_[aud]_field_is_not_a_string_or_string_list}",
            ),
            Self::SignatureBadBase64 => (
                "Jwt signature is an invalid Base64url encoded",
                "jwt_authn_access_denied{Jwt_signature_is_an_invalid_Base64url_encoded}",
            ),
            Self::UnknownIssuer => (
                "Jwt issuer is not configured",
                "jwt_authn_access_denied{Jwt_issuer_is_not_configured}",
            ),
            Self::AudienceNotAllowed => (
                "Audiences in Jwt are not allowed",
                "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}",
            ),
            Self::VerificationFails => (
                "Jwt verification fails",
                "jwt_authn_access_denied{Jwt_verification_fails}",
            ),
            Self::NoValidKeys => (
                "Jwks doesn't have any valid public key",
                "jwt_authn_access_denied{Jwks_doesn't_have_any_valid_public_key}",
            ),
            Self::KeyMismatch => (
                "Jwks doesn't have key to match kid or alg from Jwt",
                "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}",
            ),
        }
    }
}

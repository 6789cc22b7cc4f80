//! Conditions on the claims of a token, which stand among those on headers: `@request.auth.claims.group`, or
//! `@request.auth.claims[group][id]`.
//!
//! A claim matches if it is a string that does, or a list with such a string in it.
//!
//! Source: istio/istio, pkg/jwt/routingclaim.go, pilot/pkg/networking/core/route/route.go (translateMetadataMatch),
//! pilot/pkg/security/authz/model/util.go (MetadataMatcherForJWTClaims).

use manifest::string_match::StringMatch as Written;
use xds::metadata_match::{JWT_AUTHN, PAYLOAD};
use xds::{MetadataMatcher, StringMatch, ValueMatcher};

/// The names that lead to a claim; none where a name is a header's.
pub(crate) fn claim_path(name: &str) -> Option<Vec<&str>> {
    let start = name.get(..PREFIX.len())?;
    if !start.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let rest = &name[PREFIX.len()..];
    if let Some(path) = rest.strip_prefix('.') {
        return (!path.is_empty()).then(|| path.split('.').collect());
    }
    let path = rest.strip_prefix('[')?.strip_suffix(']')?;
    (!path.is_empty()).then(|| path.split("][").collect())
}

/// The condition on a claim; none where the name is a header's.
pub(crate) fn matcher(name: &str, value: &Written, invert: bool) -> Option<MetadataMatcher> {
    let claims = claim_path(name)?.into_iter();
    let string = ValueMatcher::String(match value {
        Written::Exact(text) => StringMatch::Exact(text.clone()),
        Written::Prefix(text) => StringMatch::Prefix(text.clone()),
        Written::Regex(text) => StringMatch::SafeRegex(text.clone()),
        // Envoy takes no such table: `is_refused`.
        Written::Present => StringMatch::Prefix(String::new()),
    });
    Some(MetadataMatcher {
        filter: JWT_AUTHN.to_owned(),
        path: [PAYLOAD]
            .into_iter()
            .chain(claims)
            .map(str::to_owned)
            .collect(),
        value: ValueMatcher::Any(vec![ValueMatcher::OneOf(Box::new(string.clone())), string]),
        invert,
    })
}

/// Whether Envoy refuses a table with such a condition: Istio knows no way to ask whether a claim is there, and writes `*`
/// as the expression that it is not.
pub(crate) fn is_refused(name: &str, value: &Written) -> bool {
    let asks_for_presence = match value {
        Written::Present => true,
        Written::Regex(text) => text == "*",
        Written::Exact(_) | Written::Prefix(_) => false,
    };
    asks_for_presence && claim_path(name).is_some()
}

const PREFIX: &str = "@request.auth.claims";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_claims() {
        let table: [(&str, Option<&[&str]>); 10] = [
            ("@request.auth.claims.group", Some(&["group"])),
            ("@Request.Auth.Claims.Group", Some(&["Group"])),
            ("@request.auth.claims.a.b", Some(&["a", "b"])),
            ("@request.auth.claims[a.b][c]", Some(&["a.b", "c"])),
            ("@request.auth.claims.[a]", Some(&["[a]"])),
            ("@request.auth.claims", None),
            ("@request.auth.claims.", None),
            ("@request.auth.claims[]", None),
            ("@request.auth.claims[a", None),
            ("x-group", None),
        ];
        for (name, path) in table {
            assert_eq!(claim_path(name).as_deref(), path, "{name}");
        }
    }
}

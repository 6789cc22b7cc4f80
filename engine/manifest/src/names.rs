//! How names and labels may be written.
//!
//! Source: k8s.io/apimachinery, pkg/util/validation/validation.go.

use std::fmt;

/// What an object's name must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Labels joined by dots, at most 253 characters.
    Subdomain,
    /// One label, at most 63 characters.
    Label,
}

/// Why a text is not the name it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameError(&'static str);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Checks an object's name.
pub(crate) fn check_name(name: &str, rule: NameRule) -> Result<(), NameError> {
    match rule {
        NameRule::Subdomain => check_subdomain(name),
        NameRule::Label => check_dns_label(name),
    }
}

/// Checks a DNS label: `my-name`, `123-abc`.
pub(crate) fn check_dns_label(text: &str) -> Result<(), NameError> {
    if text.len() > 63 {
        return Err(NameError("must be no more than 63 characters"));
    }
    if is_dns_label(text) {
        Ok(())
    } else {
        Err(NameError(
            "must consist of lower case letters, digits and `-`, and begin and end with a letter or digit",
        ))
    }
}

/// Checks a DNS subdomain: `my-name`, `example.com`.
pub(crate) fn check_subdomain(text: &str) -> Result<(), NameError> {
    if text.len() > 253 {
        return Err(NameError("must be no more than 253 characters"));
    }
    if text.split('.').all(is_dns_label) {
        Ok(())
    } else {
        Err(NameError(
            "must consist of lower case letters, digits, `-` and `.`, and begin and end with a letter or digit",
        ))
    }
}

/// Checks the name of a container's port: `http`, `grpc-web`.
pub(crate) fn check_port_name(text: &str) -> Result<(), NameError> {
    if text.len() > 15 {
        return Err(NameError("must be no more than 15 characters"));
    }
    let lettered = text.bytes().any(|byte| byte.is_ascii_lowercase());
    if lettered && is_dns_label(text) && !text.contains("--") {
        Ok(())
    } else {
        Err(NameError(
            "must consist of lower case letters, digits and single `-`, with at least one letter, and begin and end with a letter or digit",
        ))
    }
}

/// Checks the key of a label or annotation: `app`, `app.kubernetes.io/name`.
pub(crate) fn check_label_key(key: &str) -> Result<(), NameError> {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            if check_subdomain(prefix).is_err() {
                return Err(NameError(
                    "the part before `/` must be a DNS subdomain such as `example.com`",
                ));
            }
            name
        }
        None => key,
    };
    if name.len() > 63 {
        return Err(NameError("the key must be no more than 63 characters"));
    }
    if is_label_text(name) {
        Ok(())
    } else {
        Err(NameError(
            "the key must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
        ))
    }
}

/// Checks the value of a label; it may be empty.
pub(crate) fn check_label_value(value: &str) -> Result<(), NameError> {
    if value.len() > 63 {
        return Err(NameError("the value must be no more than 63 characters"));
    }
    if value.is_empty() || is_label_text(value) {
        Ok(())
    } else {
        Err(NameError(
            "the value must consist of letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit",
        ))
    }
}

fn is_dns_label(text: &str) -> bool {
    bounded_by(text, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit()
    }) && text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_label_text(text: &str) -> bool {
    bounded_by(text, |byte| byte.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether a text begins and ends with bytes of one sort.
fn bounded_by(text: &str, sort: impl Fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [first, .., last] => sort(*first) && sort(*last),
        [only] => sort(*only),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&str) -> Result<(), NameError>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(rule(text), Ok(()), "{text}");
        }
        for text in bad {
            assert!(rule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_that_kubernetes_accepts() {
        let long = "a".repeat(64);
        check(
            check_dns_label,
            &["a", "a-1", "1a"],
            &["", "-a", "a-", "A", "a.b", "a_b", "ä", &long],
        );
        check(
            check_subdomain,
            &["a", "a.b", "app-v1.0"],
            &["", "a..b", ".a", "A.b", &"a.".repeat(127)],
        );
        check(
            check_port_name,
            &["http", "h2c", "grpc-web"],
            &["", "80", "HTTP", "a--b", "-a", "waytoolongportname"],
        );
        check(
            check_label_key,
            &["app", "App_1.x", "app.kubernetes.io/name"],
            &["", "/a", "a/", "a/b/c", "-a", "A.b/c d", &long],
        );
        check(
            check_label_value,
            &["", "v1", "V_1.2-x"],
            &["-", "v 1", "a/b", "v1.", &long],
        );
    }
}

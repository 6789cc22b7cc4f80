//! Which texts are names: DNS labels, domains, labels, headers.
//!
//! Source: istio/istio, pkg/config/labels/instance.go, pkg/config/validation/agent/validation.go.

use std::collections::BTreeMap;

/// Whether a text is a DNS label.
pub(super) fn is_dns_label(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Why a text is no full domain name.
pub(super) fn fqdn(name: &str) -> Result<(), String> {
    preconditions(name)?;
    labels(name)
}

/// Why a text is no domain name whose first label may be a wildcard.
pub(super) fn wildcard_domain(domain: &str) -> Result<(), String> {
    preconditions(domain)?;
    let (first, rest) = match domain.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (domain, None),
    };
    let is_wildcard = first.len() <= 63
        && first.strip_prefix('*').is_some_and(|rest| {
            let rest = rest.strip_prefix('-').unwrap_or(rest);
            rest.is_empty() && !first.ends_with('-') || is_dns_label(rest)
        });
    if !is_wildcard && !is_dns_label(first) {
        return Err(format!(
            "domain name {domain:?} invalid (label {first:?} invalid)"
        ));
    }
    rest.map_or(Ok(()), labels)
}

/// Why a text is neither a domain name, as above, nor the server name that sidecars of other clusters use:
/// `outbound_.80_.v1_.host`.
pub(super) fn generated_or_wildcard_domain(domain: &str) -> Result<(), String> {
    preconditions(domain)?;
    if !domain.starts_with("outbound_") {
        return wildcard_domain(domain);
    }
    const FORMAT: &str = "outbound_.<PORT>_._.<HOSTNAME>";
    let parts: Vec<_> = domain.split('_').collect();
    let [_, port, _, host, ..] = parts.as_slice() else {
        return Err(format!(
            "domain name {domain} invalid, should follow '{FORMAT}' format"
        ));
    };
    let (port, host) = (port.trim_matches('.'), host.trim_matches('.'));
    let invalid = |label: &str| {
        Err(format!(
            "domain name {domain:?} invalid (label {label:?} invalid). should follow {FORMAT} format"
        ))
    };
    if !port.contains(|c: char| c.is_ascii_digit()) {
        return invalid(port);
    }
    if !host.contains(|c: char| c.is_ascii_alphabetic()) {
        return invalid(host);
    }
    Ok(())
}

/// Why a wildcard does not stand for whole labels.
pub(super) fn partial_wildcard(host: &str) -> Result<(), String> {
    if host.contains('*') && host != "*" && !host.starts_with("*.") {
        return Err(format!("partial wildcard {host:?} not allowed"));
    }
    Ok(())
}

/// Whether a text is the name of a header.
pub(super) fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Why labels are none, one message each.
pub(super) fn invalid_labels(labels: &BTreeMap<String, String>) -> Vec<String> {
    let mut errors = Vec::new();
    for (key, value) in labels {
        let (prefix, name) = match key.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, key.as_str()),
        };
        if !is_label_text(name)
            || name.is_empty()
            || prefix.is_some_and(|prefix| fqdn(prefix).is_err())
        {
            errors.push(format!("invalid tag key: {key:?}"));
        }
        if !is_label_text(value) {
            errors.push(format!("invalid tag value: {value:?}"));
        }
    }
    errors
}

/// The name part of a label's key, or its value.
fn is_label_text(text: &str) -> bool {
    text.is_empty()
        || (text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)))
}

fn preconditions(name: &str) -> Result<(), String> {
    if name.len() > 255 {
        return Err(format!("domain name {name:?} too long (max 255)"));
    }
    if name.is_empty() {
        return Err("empty domain name not allowed".to_owned());
    }
    Ok(())
}

fn labels(domain: &str) -> Result<(), String> {
    let mut last = "";
    let mut labels = domain.split('.').peekable();
    while let Some(label) = labels.next() {
        // A name may end in a dot, to say that it is complete.
        if label.is_empty() && labels.peek().is_none() {
            return Ok(());
        }
        if !is_dns_label(label) {
            return Err(format!(
                "domain name {domain:?} invalid (label {label:?} invalid)"
            ));
        }
        last = label;
    }
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "domain name {domain:?} invalid (top level domain {last:?} cannot be all-numeric)"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_may_begin_with_a_wildcard() {
        for (domain, is_valid) in [
            ("reviews", true),
            ("reviews.default.svc.cluster.local", true),
            ("*.foo.com", true),
            ("*", true),
            ("*foo.com", true),
            ("*-foo.com", true),
            ("foo.*.com", false),
            ("*.*.com", false),
            ("foo.com.", true),
            ("foo.", true),
            ("foo..com", false),
            ("-foo.com", false),
            ("foo_bar.com", false),
            ("", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(wildcard_domain(domain).is_ok(), is_valid, "{domain}");
        }
    }
}

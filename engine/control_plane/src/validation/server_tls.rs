//! The rules for `tls` of a Gateway's server or of a Sidecar's ingress.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (validateTLSOptions), pkg/config/security/security.go.

use std::collections::BTreeSet;

use manifest::server_tls::{ServerTlsMode, ServerTlsSettings, TlsProtocol};
use manifest::span::Spanned;

use crate::finding::Findings;

pub(super) fn validate(tls: &Spanned<ServerTlsSettings>, field: &str, findings: &mut Findings<'_>) {
    ciphers(tls, field, findings);
    match tls.mode() {
        ServerTlsMode::IstioMutual => {
            mesh_certificates(tls, field, findings);
            return;
        }
        ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough => {
            let is_used = names_files(tls)
                || has(&tls.ca_crl)
                || has(&tls.credential_name)
                || !tls.tls_certificates.is_empty()
                || !tls.credential_names.is_empty();
            if is_used {
                let why = format!(
                    "{} mode does not use certificates, they will be ignored",
                    mode_name(tls.mode())
                );
                findings.warn(&tls.at, field, why);
            }
        }
        ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual => {}
    }
    let sources = [
        has(&tls.server_certificate) && has(&tls.private_key),
        has(&tls.credential_name),
        !tls.credential_names.is_empty(),
        !tls.tls_certificates.is_empty(),
    ];
    if sources.iter().filter(|is_given| **is_given).count() > 1 {
        let why = "only one of credential_name, credential_names, server_certificate/private_key, tls_certificates \
                   should be specified";
        findings.refuse(&tls.at, field, why);
    }
    let mode = match tls.mode() {
        ServerTlsMode::Simple => "SIMPLE TLS",
        ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual => "MUTUAL TLS",
        ServerTlsMode::Passthrough
        | ServerTlsMode::AutoPassthrough
        | ServerTlsMode::IstioMutual => {
            revocations(tls, field, findings);
            return;
        }
    };
    // Secrets are fetched later; nobody knows here what is in them.
    if has(&tls.credential_name) || !tls.credential_names.is_empty() {
        return;
    }
    files(tls, mode, field, findings);
    revocations(tls, field, findings);
}

/// Whether TLS is not terminated.
pub(super) fn is_passed_through(tls: &ServerTlsSettings) -> bool {
    matches!(
        tls.mode(),
        ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough
    )
}

/// Whether files of certificates are named.
pub(super) fn names_files(tls: &ServerTlsSettings) -> bool {
    has(&tls.server_certificate) || has(&tls.private_key) || has(&tls.ca_certificates)
}

/// A mode as it is written.
pub(super) const fn mode_name(mode: ServerTlsMode) -> &'static str {
    match mode {
        ServerTlsMode::Passthrough => "PASSTHROUGH",
        ServerTlsMode::Simple => "SIMPLE",
        ServerTlsMode::Mutual => "MUTUAL",
        ServerTlsMode::AutoPassthrough => "AUTO_PASSTHROUGH",
        ServerTlsMode::IstioMutual => "ISTIO_MUTUAL",
        ServerTlsMode::OptionalMutual => "OPTIONAL_MUTUAL",
    }
}

/// Whether a text is written that is not empty.
pub(super) fn has(text: &Option<Spanned<String>>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

fn ciphers(tls: &Spanned<ServerTlsSettings>, field: &str, findings: &mut Findings<'_>) {
    let is_old = matches!(
        tls.min_protocol_version,
        TlsProtocol::V1_0 | TlsProtocol::V1_1
    );
    if is_old && tls.cipher_suites.is_empty() {
        let why = "TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include \
                   compatible ciphers.";
        findings.warn(&tls.at, &format!("{field}.minProtocolVersion"), why);
    }
    let mut valid = BTreeSet::new();
    let mut invalid = BTreeSet::new();
    let mut duplicate = BTreeSet::new();
    for suite in &tls.cipher_suites {
        let suite = suite.as_str();
        if !is_cipher_suite(suite) {
            invalid.insert(suite);
        } else if !valid.insert(suite) {
            duplicate.insert(suite);
        }
    }
    for (what, suites) in [("invalid", invalid), ("duplicate", duplicate)] {
        if !suites.is_empty() {
            let suites: Vec<_> = suites.into_iter().collect();
            let why = format!("ignoring {what} cipher suites: [{}]", suites.join(" "));
            findings.warn(&tls.at, &format!("{field}.cipherSuites"), why);
        }
    }
}

/// The mesh's own certificates exclude all others.
fn mesh_certificates(tls: &Spanned<ServerTlsSettings>, field: &str, findings: &mut Findings<'_>) {
    for (is_given, what) in [
        (has(&tls.server_certificate), "server certificate"),
        (has(&tls.private_key), "private key"),
        (has(&tls.ca_certificates), "CA bundle"),
        (!tls.tls_certificates.is_empty(), "tlsCertificates"),
        (has(&tls.credential_name), "credentialName"),
        (!tls.credential_names.is_empty(), "credentialNames"),
    ] {
        if is_given {
            let why = format!("ISTIO_MUTUAL TLS cannot have associated {what}");
            findings.refuse(&tls.at, field, why);
        }
    }
}

fn files(tls: &Spanned<ServerTlsSettings>, mode: &str, field: &str, findings: &mut Findings<'_>) {
    if tls.mode() != ServerTlsMode::Simple && !has(&tls.ca_certificates) {
        let why = format!("{mode} requires a client CA bundle");
        findings.refuse(&tls.at, field, why);
    }
    if tls.tls_certificates.len() > 2 {
        let why = format!("{mode} can support up to 2 server certificates");
        findings.warn(&tls.at, field, why);
    }
    let listed = tls.tls_certificates.iter().map(|pair| {
        (
            !pair.server_certificate.is_empty(),
            !pair.private_key.is_empty(),
        )
    });
    let single = (has(&tls.server_certificate), has(&tls.private_key));
    let mut pairs: Vec<_> = listed.collect();
    if pairs.is_empty() {
        pairs.push(single);
    }
    for (has_certificate, has_key) in pairs {
        if !has_certificate {
            let why = format!("{mode} requires a server certificate");
            findings.refuse(&tls.at, field, why);
        }
        if !has_key {
            findings.refuse(&tls.at, field, format!("{mode} requires a private key"));
        }
    }
}

fn revocations(tls: &Spanned<ServerTlsSettings>, field: &str, findings: &mut Findings<'_>) {
    if !has(&tls.ca_crl) {
        return;
    }
    let field = format!("{field}.caCrl");
    if has(&tls.credential_name) {
        let why =
            "CRL is not supported with credentialName. CRL has to be specified in the credential";
        findings.refuse(&tls.at, &field, why);
    }
    if tls.mode() == ServerTlsMode::Simple {
        findings.refuse(&tls.at, &field, "CRL is not supported with SIMPLE TLS");
    }
}

/// Whether a text may stand among ciphers. What begins with a sign is an expression, which nobody reads here.
fn is_cipher_suite(text: &str) -> bool {
    text.is_empty()
        || text == "ALL"
        || !text.starts_with(char::is_alphanumeric)
        || CIPHER_SUITES.contains(&text)
}

const CIPHER_SUITES: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

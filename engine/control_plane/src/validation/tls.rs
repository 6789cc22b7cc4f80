//! The rules for `tls` of a DestinationRule.

use manifest::span::Spanned;
use manifest::tls::{ClientTlsSettings, TlsMode};

use crate::finding::Findings;

pub(super) fn validate(
    tls: &Spanned<ClientTlsSettings>,
    field: &str,
    namespace: &str,
    findings: &mut Findings<'_>,
) {
    let mut refuse = |why: String| findings.refuse(&tls.at, field, why);
    if let Some(reference) = tls.credential_name.strip_prefix("configmap://")
        && let Err(why) = config_map(reference, namespace, &tls.credential_name)
    {
        refuse(format!("invalid configmap:// credentialName: {why}"));
    }
    let has_ca = !tls.ca_certificates.is_empty();
    let has_credential = !tls.credential_name.is_empty();
    let has_names = !tls.subject_alt_names.is_empty();
    if tls.insecure_skip_verify == Some(true) {
        match tls.mode {
            TlsMode::Simple if has_ca || has_credential || has_names => refuse(
                "cannot specify CaCertificates or CredentialName or SubjectAltNames when InsecureSkipVerify is set true"
                    .to_owned(),
            ),
            TlsMode::Mutual if has_ca || has_names => refuse(
                "cannot specify CaCertificates or SubjectAltNames when InsecureSkipVerify is set true".to_owned(),
            ),
            TlsMode::Simple | TlsMode::Mutual | TlsMode::Disable | TlsMode::IstioMutual => {}
        }
    }
    let has_certificate = !tls.client_certificate.is_empty();
    let has_key = !tls.private_key.is_empty();
    if has_credential && matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual) {
        if has_certificate || has_ca || has_key || !tls.ca_crl.is_empty() {
            refuse(
                "cannot specify client certificates or CA certificate or CA CRL If credentialName is set".to_owned(),
            );
        }
        return;
    }
    if tls.mode == TlsMode::Mutual {
        if !has_certificate {
            refuse("client certificate required for mutual tls".to_owned());
        }
        if !has_key {
            refuse("private key required for mutual tls".to_owned());
        }
    }
}

/// Why a reference to a ConfigMap (`namespace/name`) cannot be used in an object of `own` namespace.
fn config_map(reference: &str, own: &str, written: &str) -> Result<(), String> {
    let expected = |what: &str| {
        Err(format!(
            "invalid resource name {written:?}. Expected {what}"
        ))
    };
    let mut parts = reference.split('/');
    match (parts.next(), parts.next()) {
        (_, None) => expected("namespace and name"),
        (None | Some(""), _) => expected("namespace"),
        (_, Some("")) => expected("name"),
        (Some(namespace), Some(_)) if namespace != own => Err(format!(
            "namespace must match the configuration namespace {own:?}"
        )),
        (Some(_), Some(_)) => Ok(()),
    }
}

//! Transport sockets. Secrets are named, never read: a file counts as a secret of its name.

use super::ReadError;
use super::fields::Fields;
use crate::{CertificateValidation, DownstreamTlsContext, TlsMode, TlsParameters};
use std::sync::Arc;

/// How a cluster's connections are secured.
pub(super) struct Upstream {
    pub(super) mode: TlsMode,
    /// The server name that is asked for; empty: none of the cluster's own.
    pub(super) sni: String,
}

impl Upstream {
    const PLAIN_TEXT: Self = Self {
        mode: TlsMode::Disable,
        sni: String::new(),
    };

    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let by_endpoint = fields.messages("transportSocketMatches", |one| {
            one.without_effect(&["name"]);
            let label = one.message("match", |labels| {
                let label = labels.optional_text("tlsMode");
                labels.ignore_all();
                label
            })?;
            let socket = one.message("transportSocket", Self::socket)?;
            Ok((label.flatten(), socket.unwrap_or(Self::PLAIN_TEXT)))
        })?;
        let always = fields.message("transportSocket", Self::socket)?;
        let auto = by_endpoint.into_iter().find(|(label, socket)| {
            label.as_deref() == Some("istio") && socket.mode == TlsMode::IstioMutual
        });
        Ok(match auto {
            Some((_, socket)) => Self {
                mode: TlsMode::Auto,
                ..socket
            },
            None => always.unwrap_or(Self::PLAIN_TEXT),
        })
    }

    fn socket(socket: &Fields<'_>) -> Result<Self, ReadError> {
        socket.without_effect(&["name"]);
        let read = socket.any("typedConfig", |type_name, config| {
            if type_name.ends_with(".RawBuffer") {
                return Ok(Self::PLAIN_TEXT);
            }
            if !type_name.ends_with(".UpstreamTlsContext") {
                config.skip("is not modelled: plain text is assumed");
                return Ok(Self::PLAIN_TEXT);
            }
            let names = config.message("commonTlsContext", certificates)?;
            let sni = config.text("sni")?;
            config.ignore_all();
            let mode = match names.unwrap_or_default().as_slice() {
                [] => TlsMode::Simple,
                [only] if only == ISTIO => TlsMode::IstioMutual,
                _ => TlsMode::Mutual,
            };
            Ok(Self { mode, sni })
        })?;
        Ok(read.unwrap_or(Self::PLAIN_TEXT))
    }
}

/// The secret with Istio's own certificate.
const ISTIO: &str = "default";

/// How connections from clients are secured; none: plain text.
pub(super) fn downstream(
    fields: &Fields<'_>,
) -> Result<Option<Arc<DownstreamTlsContext>>, ReadError> {
    let context = fields.message("transportSocket", |socket| {
        socket.without_effect(&["name"]);
        socket.any("typedConfig", |type_name, config| {
            if type_name.ends_with(".RawBuffer") {
                return Ok(None);
            }
            if !type_name.ends_with(".DownstreamTlsContext") {
                config.skip("is not modelled: plain text is assumed");
                return Ok(None);
            }
            DownstreamTlsContext::read(config).map(Some)
        })
    })?;
    Ok(context.flatten().flatten().map(Arc::new))
}

impl DownstreamTlsContext {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let common = fields.message("commonTlsContext", |common| {
            Ok(Self {
                require_client_certificate: false,
                alpn_protocols: common.texts("alpnProtocols")?,
                validation: validation(common)?,
                params: common
                    .message("tlsParams", TlsParameters::read)?
                    .unwrap_or_default(),
                certificates: certificates(common)?,
            })
        })?;
        let require = fields.flag("requireClientCertificate")?;
        fields.ignore_all();
        Ok(Self {
            require_client_certificate: require,
            ..common.unwrap_or_default()
        })
    }
}

impl TlsParameters {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let read = Self {
            minimum_protocol_version: fields.text("tlsMinimumProtocolVersion")?,
            maximum_protocol_version: fields.text("tlsMaximumProtocolVersion")?,
            cipher_suites: fields.texts("cipherSuites")?,
        };
        fields.ignore_all();
        Ok(read)
    }
}

/// The secrets and files with the certificates of this side of the connection.
fn certificates(common: &Fields<'_>) -> Result<Vec<String>, ReadError> {
    let mut names = common.messages("tlsCertificateSdsSecretConfigs", secret_name)?;
    names.extend(common.messages("tlsCertificates", |certificate| {
        let file = certificate.message("certificateChain", file_name)?;
        certificate.ignore_all();
        Ok(file.unwrap_or_default())
    })?);
    common.ignore_all();
    Ok(names)
}

fn validation(common: &Fields<'_>) -> Result<Option<CertificateValidation>, ReadError> {
    let combined = common.message("combinedValidationContext", |combined| {
        let own = combined.message("defaultValidationContext", CertificateValidation::read)?;
        let secret = combined.message("validationContextSdsSecretConfig", secret_name)?;
        Ok(CertificateValidation {
            authorities: secret,
            ..own.unwrap_or_default()
        })
    })?;
    if combined.is_some() {
        return Ok(combined);
    }
    if let Some(own) = common.message("validationContext", CertificateValidation::read)? {
        return Ok(Some(own));
    }
    let secret = common.message("validationContextSdsSecretConfig", secret_name)?;
    Ok(secret.map(|secret| CertificateValidation {
        authorities: Some(secret),
        ..CertificateValidation::default()
    }))
}

impl CertificateValidation {
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
        let names = fields.messages("matchSubjectAltNames", |name| {
            let exact = name.text("exact");
            name.ignore_all();
            exact
        })?;
        let trust = fields.optional_text("trustChainVerification")?;
        let read = Self {
            authorities: fields.message("trustedCa", file_name)?,
            subject_alt_names: names,
            spki: fields.texts("verifyCertificateSpki")?,
            hashes: fields.texts("verifyCertificateHash")?,
            crl: fields.message("crl", file_name)?.unwrap_or_default(),
            accept_untrusted: trust.as_deref() == Some("ACCEPT_UNTRUSTED"),
        };
        fields.ignore_all();
        Ok(read)
    }
}

fn secret_name(secret: &Fields<'_>) -> Result<String, ReadError> {
    let name = secret.text("name");
    secret.ignore_all();
    name
}

fn file_name(source: &Fields<'_>) -> Result<String, ReadError> {
    let name = source.text("filename");
    source.ignore_all();
    name
}

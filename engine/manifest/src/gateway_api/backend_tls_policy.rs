//! BackendTLSPolicy: how connections to a backend are secured.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A BackendTLSPolicy.
pub type BackendTlsPolicy = Resource<BackendTlsPolicySpec>;

/// `spec` of a BackendTLSPolicy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    /// The backends.
    pub target_refs: Vec<Spanned<PolicyTarget>>,
    /// How their certificates are checked.
    pub validation: Spanned<BackendTlsValidation>,
    /// The controller's own options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// A backend, or a port of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTarget {
    /// Its group, empty for Kubernetes' own.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The name of its port; none means all.
    pub section_name: Option<String>,
}

/// How a backend's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTlsValidation {
    /// The authorities.
    #[serde(default)]
    pub ca_certificate_refs: Vec<CaReference>,
    /// `System`: the authorities that the proxy knows anyhow.
    #[serde(rename = "wellKnownCACertificates")]
    pub well_known_ca_certificates: Option<String>,
    /// The server name that is asked for.
    pub hostname: String,
    /// The names that the certificate may bear.
    #[serde(default)]
    pub subject_alt_names: Vec<SubjectAltName>,
}

/// An authority.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CaReference {
    /// Its group, empty for Kubernetes' own.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A name that a certificate may bear.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubjectAltName {
    /// `Hostname` or `URI`.
    #[serde(rename = "type")]
    pub name_type: String,
    /// As a host.
    pub hostname: Option<String>,
    /// As a URI.
    pub uri: Option<String>,
}

impl Kind for BackendTlsPolicySpec {
    type Status = ();
    const KIND: &'static str = "BackendTLSPolicy";
    const API_VERSIONS: &'static [&'static str] = &[
        "gateway.networking.k8s.io/v1",
        "gateway.networking.k8s.io/v1alpha3",
    ];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<BackendTlsPolicy> {
        &mut all.gateway_api.backend_tls_policies
    }

    fn check(policy: &BackendTlsPolicy, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        check.items(
            &spec.key("targetRefs"),
            policy.spec.target_refs.len(),
            1..=16,
        );
        let path = spec.key("validation");
        check.exclusive(&path, ["caCertificateRefs", "wellKnownCACertificates"]);
        let validation = &policy.spec.validation;
        if validation.ca_certificate_refs.is_empty()
            && validation.well_known_ca_certificates.is_none()
        {
            let rule = "`caCertificateRefs` or `wellKnownCACertificates` must be given";
            check.invalid(&path, rule);
        }
    }
}

//! PeerAuthentication: whether sidecars take plain text from others.
//!
//! Every field of security.istio.io/v1 is here; v1beta1 has the same schema.
//! Source: istio/api, security/v1beta1/peer_authentication.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::destination_rule::WorkloadSelector;
use crate::kind::{Format, Kind};
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// A PeerAuthentication.
pub type PeerAuthentication = Resource<PeerAuthenticationSpec>;

/// `spec` of a PeerAuthentication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerAuthenticationSpec {
    /// The workloads it is for; none means all of its namespace, or of the mesh.
    pub selector: Option<Spanned<WorkloadSelector>>,
    /// What is asked of clients; none means what holds for the namespace or the mesh.
    pub mtls: Option<Spanned<MutualTls>>,
    /// What is asked at single ports of the workload, by their numbers.
    #[serde(default)]
    pub port_level_mtls: BTreeMap<String, Spanned<MutualTls>>,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MutualTls {
    /// Whether they must, may or must not speak mutual TLS.
    #[serde(default)]
    pub mode: MutualTlsMode,
}

/// Whether clients must, may or must not speak mutual TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MutualTlsMode {
    /// As the next wider policy says; `PERMISSIVE` if there is none.
    #[default]
    Unset,
    /// Plain text only.
    Disable,
    /// Both.
    Permissive,
    /// Mutual TLS only.
    Strict,
}

impl Kind for PeerAuthenticationSpec {
    type Status = ();
    const KIND: &'static str = "PeerAuthentication";
    const API_VERSIONS: &'static [&'static str] =
        &["security.istio.io/v1", "security.istio.io/v1beta1"];
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<PeerAuthentication> {
        &mut all.peer_authentications
    }

    fn check(policy: &PeerAuthentication, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        let ports = spec.key("portLevelMtls");
        check.items(&ports, policy.spec.port_level_mtls.len(), 1..=usize::MAX);
        let selector = policy.spec.selector.as_ref();
        let selects = selector.is_some_and(|selector| !selector.match_labels.is_empty());
        if check.is_written(&ports) && !selects {
            check.invalid(&ports, "single ports need a `selector`");
        }
        for port in policy.spec.port_level_mtls.keys() {
            let path = ports.key(port);
            match port.parse() {
                Ok(number) => check.port(&path, number),
                Err(_) => check.invalid(&path, format_args!("`{port}` is not a port's number")),
            }
        }
    }
}

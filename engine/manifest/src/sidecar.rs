//! Sidecar: what the sidecars of a namespace or of some workloads see, accept and let out.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/sidecar.proto and kubernetes/customresourcedefinitions.gen.yaml.

use serde::Deserialize;

use crate::check::Check;
use crate::connection_pool::ConnectionPoolSettings;
use crate::destination::Destination;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::server_tls::ServerTlsSettings;
use crate::span::Spanned;
use crate::workload_selector::WorkloadSelector;
use crate::yaml::path::Path;

/// A Sidecar.
pub type Sidecar = Resource<SidecarSpec>;

/// `spec` of a Sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SidecarSpec {
    /// The workloads it is for; none means all of its namespace.
    pub workload_selector: Option<Spanned<WorkloadSelector>>,
    /// What comes in; none means all ports of the workload's services.
    #[serde(default)]
    pub ingress: Vec<Spanned<IstioIngressListener>>,
    /// What goes out, and where to; none means every service that is exported to the namespace.
    #[serde(default)]
    pub egress: Vec<Spanned<IstioEgressListener>>,
    /// Limits on connections and requests that come in.
    pub inbound_connection_pool: Option<Spanned<ConnectionPoolSettings>>,
    /// What happens to traffic whose destination is unknown; none means what the mesh says.
    pub outbound_traffic_policy: Option<Spanned<OutboundTrafficPolicy>>,
}

/// A port at which traffic comes in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IstioIngressListener {
    /// The port.
    pub port: Spanned<SidecarPort>,
    /// The address it listens on; none means the pod's.
    pub bind: Option<Spanned<String>>,
    /// How traffic gets to it.
    #[serde(default)]
    pub capture_mode: CaptureMode,
    /// Where traffic goes: `127.0.0.1:port`, `0.0.0.0:port` or a Unix socket; none means the port of its service.
    pub default_endpoint: Option<Spanned<String>>,
    /// How connections from outside of the mesh are secured.
    pub tls: Option<Spanned<ServerTlsSettings>>,
    /// Limits on connections and requests.
    pub connection_pool: Option<Spanned<ConnectionPoolSettings>>,
}

/// A port at which traffic goes out, or all of them, and the services that are reached there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IstioEgressListener {
    /// The port; none means all that no other listener names.
    pub port: Option<Spanned<SidecarPort>>,
    /// The address or Unix socket it listens on.
    pub bind: Option<Spanned<String>>,
    /// How traffic gets to it.
    #[serde(default)]
    pub capture_mode: CaptureMode,
    /// The services, as `namespace/host`; namespaces may be `*`, `.` and `~`.
    pub hosts: Vec<Spanned<String>>,
}

/// A port of a Sidecar. Zero and the empty text mean not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SidecarPort {
    /// Its number.
    #[serde(default)]
    pub number: u32,
    /// Its protocol.
    #[serde(default)]
    pub protocol: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The workload's port; Istio does not allow it here.
    pub target_port: Option<Spanned<u32>>,
}

/// How traffic gets to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CaptureMode {
    /// As for the rest of the pod.
    #[default]
    Default,
    /// By rules of the pod's network.
    Iptables,
    /// The workload dials the listener.
    None,
}

/// What happens to traffic whose destination is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboundTrafficPolicy {
    /// Whether it may go out; the policy without a mode says no.
    #[serde(default)]
    pub mode: OutboundTrafficPolicyMode,
    /// The proxy through which it goes out.
    pub egress_proxy: Option<Spanned<Destination>>,
}

/// Whether traffic to unknown destinations may go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutboundTrafficPolicyMode {
    /// No.
    #[default]
    RegistryOnly,
    /// Yes.
    AllowAny,
}

impl Kind for SidecarSpec {
    type Status = ();
    const KIND: &'static str = "Sidecar";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<Sidecar> {
        &mut all.sidecars
    }

    fn check(sidecar: &Sidecar, check: &mut Check<'_, '_>) {
        let path = Path::Root.key("spec");
        let spec = &sidecar.spec;
        if let Some(selector) = &spec.workload_selector {
            selector.check(&path.key("workloadSelector"), check);
        }
        let ingress = path.key("ingress");
        for (index, listener) in spec.ingress.iter().enumerate() {
            if let Some(tls) = &listener.tls {
                tls.check(&Path::Index(&ingress, index).key("tls"), check);
            }
        }
    }
}

//! Gateway: listeners of a load balancer that a controller makes, and which routes may attach to them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::gateway_api::V1_AND_BETA;
use crate::gateway_api::gateway_class::ParametersReference;
use crate::gateway_api::reference::{ObjectReference, check_hostname};
use crate::kind::{Format, Kind};
use crate::metadata::LabelSelector;
use crate::names;
use crate::resource::{Resource, Resources};
use crate::span::Spanned;
use crate::yaml::path::Path;

/// The Gateway API's Gateway; Istio's is another kind.
pub type Gateway = Resource<GatewaySpec>;

/// `spec` of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// The class, which names the controller.
    pub gateway_class_name: Spanned<String>,
    /// What it listens on.
    pub listeners: Vec<Spanned<Listener>>,
    /// The addresses that are asked for.
    #[serde(default)]
    pub addresses: Vec<Spanned<GatewayAddress>>,
    /// What the objects behind it are to be like.
    pub infrastructure: Option<Infrastructure>,
    /// Which ListenerSets may add listeners.
    pub allowed_listeners: Option<AllowedListeners>,
    /// How connections are secured, at all listeners.
    pub tls: Option<GatewayTls>,
}

/// An address that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GatewayAddress {
    /// `IPAddress`, `Hostname` or `NamedAddress`; none means `IPAddress`.
    #[serde(rename = "type")]
    pub address_type: Option<String>,
    /// The address.
    #[serde(default)]
    pub value: String,
}

/// What the objects behind a Gateway are to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Infrastructure {
    /// Their labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Their annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The controller's own parameters.
    pub parameters_ref: Option<ParametersReference>,
}

/// Which ListenerSets may add listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AllowedListeners {
    /// Those of which namespaces; none means of none.
    pub namespaces: Option<ListenerNamespaces>,
}

/// Namespaces of ListenerSets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ListenerNamespaces {
    /// Which namespaces.
    #[serde(default)]
    pub from: ListenersFrom,
    /// The labels of the namespaces, for `Selector`.
    pub selector: Option<LabelSelector>,
}

/// Which namespaces ListenerSets may be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ListenersFrom {
    /// All.
    All,
    /// Those with certain labels.
    Selector,
    /// The Gateway's own.
    Same,
    /// None.
    #[default]
    None,
}

/// How connections are secured, at all listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GatewayTls {
    /// Towards backends.
    pub backend: Option<BackendTls>,
    /// Towards clients.
    pub frontend: Option<FrontendTls>,
}

/// How connections to backends are secured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendTls {
    /// The certificate that is shown to them.
    pub client_certificate_ref: Option<ObjectReference>,
}

/// How connections of clients are secured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTls {
    /// At every port.
    pub default: FrontendValidationSettings,
    /// At single ports instead.
    #[serde(default)]
    pub per_port: Vec<PortFrontendTls>,
}

/// How connections of clients are secured at one port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PortFrontendTls {
    /// The port.
    pub port: u16,
    /// How.
    pub tls: FrontendValidationSettings,
}

/// What is asked of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FrontendValidationSettings {
    /// A certificate.
    pub validation: Option<FrontendValidation>,
}

/// How clients' certificates are checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontendValidation {
    /// The authorities.
    pub ca_certificate_refs: Vec<ObjectReference>,
    /// What happens to clients without a valid certificate.
    #[serde(default)]
    pub mode: FrontendValidationMode,
}

/// What happens to clients without a valid certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum FrontendValidationMode {
    /// They are refused.
    #[default]
    AllowValidOnly,
    /// They are taken.
    AllowInsecureFallback,
}

/// A port, and the host that is served there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Its name, by which routes may choose it.
    pub name: Spanned<String>,
    /// The host, `*.` wildcards allowed; none means all.
    pub hostname: Option<Spanned<String>>,
    /// The port.
    pub port: Spanned<u16>,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP` or `UDP`.
    pub protocol: Spanned<String>,
    /// How connections are secured.
    pub tls: Option<Spanned<ListenerTls>>,
    /// Which routes may attach.
    pub allowed_routes: Option<AllowedRoutes>,
}

/// How connections of a listener are secured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    /// Whether TLS ends here.
    #[serde(default)]
    pub mode: ListenerTlsMode,
    /// The certificates.
    #[serde(default)]
    pub certificate_refs: Vec<Spanned<ObjectReference>>,
    /// The controller's own options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Whether TLS ends at a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ListenerTlsMode {
    /// Yes.
    #[default]
    Terminate,
    /// It goes on to the backend.
    Passthrough,
}

/// Which routes may attach to a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AllowedRoutes {
    /// Those of which namespaces; none means the Gateway's own.
    pub namespaces: Option<RouteNamespaces>,
    /// Those of which kinds; none means all that the protocol allows.
    #[serde(default)]
    pub kinds: Vec<RouteGroupKind>,
}

/// Namespaces of routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RouteNamespaces {
    /// Which namespaces.
    #[serde(default)]
    pub from: RoutesFrom,
    /// The labels of the namespaces, for `Selector`.
    pub selector: Option<LabelSelector>,
}

/// Which namespaces routes may be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum RoutesFrom {
    /// All.
    All,
    /// Those with certain labels.
    Selector,
    /// The Gateway's own.
    #[default]
    Same,
}

/// A kind of routes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RouteGroupKind {
    /// Its group; none means the Gateway API's.
    pub group: Option<String>,
    /// Its name.
    pub kind: String,
}

impl Listener {
    fn check(&self, path: &Path<'_>, check: &mut Check<'_, '_>) {
        check.name(
            &path.key("name"),
            &self.name,
            names::check_subdomain(&self.name),
        );
        check.port(&path.key("port"), u32::from(self.port.value));
        if let Some(hostname) = &self.hostname {
            check_hostname(hostname, &path.key("hostname"), check);
        }
        let protocol = self.protocol.as_str();
        if let Some(hostname) = &self.hostname
            && ["TCP", "UDP"].contains(&protocol)
            && !hostname.is_empty()
        {
            let rule = format_args!("must not be given for the protocol `{protocol}`");
            check.invalid(&path.key("hostname"), rule);
        }
        let Some(tls) = &self.tls else {
            return;
        };
        let path = path.key("tls");
        if ["HTTP", "TCP", "UDP"].contains(&protocol) {
            let rule = format_args!("must not be given for the protocol `{protocol}`");
            check.invalid(&path, rule);
        }
        match tls.mode {
            ListenerTlsMode::Passthrough if protocol == "HTTPS" => {
                check.invalid(&path.key("mode"), "the protocol `HTTPS` needs `Terminate`");
            }
            ListenerTlsMode::Terminate
                if tls.certificate_refs.is_empty() && tls.options.is_empty() =>
            {
                let rule = "`certificateRefs` or `options` must be given for the mode `Terminate`";
                check.invalid(&path, rule);
            }
            _ => {}
        }
        check.items(
            &path.key("certificateRefs"),
            tls.certificate_refs.len(),
            0..=64,
        );
        check.items(&path.key("options"), tls.options.len(), 0..=16);
    }

    /// What distinguishes listeners of a Gateway.
    fn socket(&self) -> (u16, &str, &str) {
        let hostname = self.hostname.as_deref().map_or("", String::as_str);
        (self.port.value, &self.protocol, hostname)
    }
}

impl Kind for GatewaySpec {
    type Status = ();
    const KIND: &'static str = "Gateway";
    const API_VERSIONS: &'static [&'static str] = V1_AND_BETA;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<Gateway> {
        &mut all.gateway_api.gateways
    }

    fn check(gateway: &Gateway, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        let path = spec.key("listeners");
        let listeners = &gateway.spec.listeners;
        check.items(&path, listeners.len(), 1..=64);
        for (index, listener) in listeners.iter().enumerate() {
            let path = Path::Index(&path, index);
            listener.check(&path, check);
            let earlier = &listeners[..index];
            if earlier.iter().any(|other| other.name == listener.name) {
                let message = format_args!("`{}` is another listener's name", listener.name.value);
                check.invalid(&path.key("name"), message);
            }
            if earlier
                .iter()
                .any(|other| other.socket() == listener.socket())
            {
                let rule = "port, protocol and hostname are another listener's";
                check.invalid(&path, rule);
            }
        }
        check.items(&spec.key("addresses"), gateway.spec.addresses.len(), 0..=16);
    }
}

//! Gateway: which ports and hosts a load balancer at the edge of the mesh opens.
//!
//! Every field of networking.istio.io/v1 is here; v1beta1 and v1alpha3 have the same schema.
//! Source: istio/api, networking/v1alpha3/gateway.proto and kubernetes/customresourcedefinitions.gen.yaml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::check::Check;
use crate::kind::{Format, ISTIO_NETWORKING, Kind};
use crate::resource::{Resource, Resources};
use crate::server_tls::ServerTlsSettings;
use crate::span::Spanned;
use crate::yaml::path::Path;

/// Istio's Gateway; that of the Gateway API is another kind.
pub type Gateway = Resource<GatewaySpec>;

/// `spec` of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GatewaySpec {
    /// What it listens on.
    #[serde(default)]
    pub servers: Vec<Spanned<Server>>,
    /// The labels of the pods that serve it; none means every gateway.
    pub selector: Option<Spanned<BTreeMap<String, String>>>,
}

/// One port, and the hosts that are served there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// The port.
    pub port: Spanned<Port>,
    /// The address or the Unix socket it listens on; none means all addresses.
    pub bind: Option<Spanned<String>>,
    /// The hosts, possibly behind the namespace of the VirtualServices that may claim them: `ns/host`.
    pub hosts: Vec<Spanned<String>>,
    /// How connections are secured.
    pub tls: Option<Spanned<ServerTlsSettings>>,
    /// Where traffic goes by default; Istio ignores it.
    pub default_endpoint: Option<Spanned<String>>,
    /// A name for logs and statistics.
    pub name: Option<Spanned<String>>,
}

/// A port of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Its number.
    pub number: Spanned<u32>,
    /// Its protocol: `HTTP`, `HTTPS`, `GRPC`, `TLS`, `TCP` and others.
    pub protocol: Spanned<String>,
    /// Its name.
    pub name: Spanned<String>,
    /// The pod's port; Istio does not allow it here.
    pub target_port: Option<Spanned<u32>>,
}

impl GatewaySpec {
    /// Whether pods with these labels serve it. A selector that is empty or not written selects every gateway.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.selector.iter().all(|selector| {
            selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        })
    }
}

impl Kind for GatewaySpec {
    type Status = ();
    const KIND: &'static str = "Gateway";
    const API_VERSIONS: &'static [&'static str] = ISTIO_NETWORKING;
    const FORMAT: Format = Format::Custom;

    fn resources(all: &mut Resources) -> &mut Vec<Gateway> {
        &mut all.gateways
    }

    fn check(gateway: &Gateway, check: &mut Check<'_, '_>) {
        let spec = Path::Root.key("spec");
        let servers = spec.key("servers");
        for (index, server) in gateway.spec.servers.iter().enumerate() {
            if let Some(tls) = &server.tls {
                tls.check(&Path::Index(&servers, index).key("tls"), check);
            }
        }
    }
}

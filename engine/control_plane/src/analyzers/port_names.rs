//! IST0118: a port whose name says no protocol, so that it is sniffed. IST0150: the same for an ExternalName service.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/service/portname.go.

use manifest::int_or_string::IntOrString;
use manifest::service::ServiceType;
use manifest::{Diagnostic, Level};

use super::{Context, is_control_plane};
use crate::finding::Findings;
use crate::protocol::Protocol;

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for service in &context.resources.services {
        // Services of Istio, and those that it makes for gateways, are not the user's to name.
        let manager = service.meta.labels.get("gateway.istio.io/managed");
        if is_control_plane(&service.meta)
            || manager.is_some_and(|name| GATEWAY_CONTROLLERS.contains(&name.as_str()))
        {
            continue;
        }
        let is_external = service.spec.service_type == ServiceType::ExternalName;
        let mut findings = Findings::new("Service", &service.meta, out);
        for (index, port) in service.spec.ports.iter().enumerate() {
            let protocol = Protocol::of_service_port(
                port.port,
                &port.name,
                port.app_protocol.as_deref(),
                port.protocol,
            );
            let is_bare_tcp = is_external && port.name == "tcp";
            if protocol != Protocol::Unsupported && !is_bare_tcp {
                continue;
            }
            let field = format!("spec.ports[{index}].name");
            if is_external {
                let message = "Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and \
                               unmatched traffic for ports serving TCP protocol from being forwarded correctly";
                findings.add(
                    "IST0150",
                    Level::Warning,
                    &port.at,
                    &field,
                    message.to_owned(),
                );
            } else {
                let target = port
                    .target_port
                    .as_ref()
                    .map_or("0".to_owned(), IntOrString::to_string);
                let message = format!(
                    "Port name {} (port: {}, targetPort: {target}) doesn't follow the naming convention of Istio port.",
                    port.name, port.port
                );
                findings.add("IST0118", Level::Info, &port.at, &field, message);
            }
        }
    }
}

const GATEWAY_CONTROLLERS: [&str; 3] = [
    "istio.io-gateway-controller",
    "istio.io-mesh-controller",
    "istio.io-eastwest-controller",
];

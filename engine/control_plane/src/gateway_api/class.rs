//! GatewayClasses: which Gateways are Istio's.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gatewaycommon/gatewayclass_collection.go.

use super::Context;
use super::condition::{Condition, Subject};

/// The controller of gateways at the edge of the mesh.
const CONTROLLER: &str = "istio.io/gateway-controller";
/// Its classes that need no object.
const BUILT_IN: [&str; 1] = ["istio"];

/// Whether Istio makes the gateways of a class.
pub(super) fn is_istio(context: Context<'_>, name: &str) -> bool {
    let mut classes = context.resources.gateway_api.gateway_classes.iter();
    match classes.find(|class| class.meta.name == name) {
        Some(class) => class.spec.controller_name.value == CONTROLLER,
        None => BUILT_IN.contains(&name),
    }
}

/// Tells which classes are Istio's.
pub(super) fn report(context: Context<'_>, out: &mut Vec<Condition>) {
    for class in &context.resources.gateway_api.gateway_classes {
        if is_istio(context, &class.meta.name) {
            let subject = Subject {
                kind: "GatewayClass",
                meta: &class.meta,
                parent: None,
                listener: None,
            };
            out.push(subject.holds("Accepted", "Accepted", None));
        }
    }
}

//! The Gateway API in Istio's terms: Gateways of that API become Istio's, and routes become VirtualServices, as Pilot
//! makes them, so that all later steps know one model only.
//!
//! ```text
//! Gateway ─► listener: one Istio Gateway each ─┐
//! HTTPRoute, GRPCRoute, TLSRoute, TCPRoute     │
//!   ─► parent: where each may attach ◄─────────┘
//!   ─► http, grpc, connection: rules, with filter and backend ─► merge: one VirtualService a listener and host
//! ```
//!
//! What an object's status would say is told on the way ([`Condition`]).
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/ (gateway_collection.go, route_collections.go, conversion.go).

mod backend;
mod class;
mod condition;
mod connection;
mod filter;
mod grants;
mod grpc;
mod http;
mod listener;
mod merge;
mod parent;
mod precedence;
mod route;

use manifest::Resources;

pub use condition::{Condition, Status};
pub(crate) use listener::written_name;

use crate::mesh_config::MeshConfig;
use crate::virtual_service::VirtualService;
use grants::Grants;
use parent::Parents;

/// What the objects of the Gateway API come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Translation {
    /// One for each listener.
    pub(crate) gateways: Vec<manifest::Gateway>,
    /// One for each listener, or service, and host.
    pub(crate) virtual_services: Vec<VirtualService>,
    /// What a controller would write.
    pub(crate) conditions: Vec<Condition>,
}

/// What rules are translated with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) resources: &'a Resources,
    pub(crate) mesh: &'a MeshConfig,
    pub(crate) grants: &'a Grants<'a>,
}

/// Translates the objects of the Gateway API.
pub(crate) fn translate(resources: &Resources, mesh: &MeshConfig) -> Translation {
    let mut translation = Translation::default();
    if resources.gateway_api.is_empty() {
        return translation;
    }
    let grants = Grants::new(&resources.gateway_api.reference_grants);
    let context = Context {
        resources,
        mesh,
        grants: &grants,
    };
    class::report(context, &mut translation.conditions);
    let mut parents = Parents::new();
    for gateway in &resources.gateway_api.gateways {
        if !class::is_istio(context, &gateway.spec.gateway_class_name) {
            continue;
        }
        let listeners = listener::listeners(gateway, context, &mut translation.conditions);
        for listener in listeners {
            parents.add(&listener);
            translation.gateways.push(listener.gateway);
        }
    }
    translation.virtual_services = route::virtual_services(context, &parents, &mut translation);
    translation
}

//! VirtualServices with their names completed and their delegates put in place, in the order in which they win.
//!
//! Source: istio/istio, pilot/pkg/model/virtualservice.go (ResolveVirtualServiceShortnames), push_context.go
//! (initVirtualServices), pkg/config/model.go (SortConfigByCreationTime).

use std::sync::Arc;

use base::Location;
use manifest::destination::Destination;
use manifest::span::Spanned;
use manifest::timestamp::Timestamp;
use manifest::virtual_service::{HttpRoute, TcpRoute, TlsRoute, VirtualServiceSpec};
use xds::Origin;

use crate::delegate::Delegates;
use crate::export_to::ExportTo;
use crate::host::{MESH_GATEWAY, resolve_gateway_name, resolve_short_name};
use crate::mesh_config::MeshConfig;

base::id! {
    /// A VirtualService that is no delegate, in Istio's order: by age, name and namespace.
    pub(crate) VirtualServiceId
}

/// A VirtualService ready to be compiled.
#[derive(Clone, Debug)]
pub(crate) struct VirtualService {
    pub(crate) namespace: String,
    /// `<namespace>/<name>`.
    pub(crate) object: Arc<str>,
    /// Full names, in the case they were written in.
    pub(crate) hosts: Vec<String>,
    /// `mesh`, or `<namespace>/<name>`; never empty.
    pub(crate) gateways: Vec<String>,
    /// HTTP rules, delegates in place.
    pub(crate) http: Vec<HttpRule>,
    pub(crate) tls: Vec<Spanned<TlsRoute>>,
    pub(crate) tcp: Vec<Spanned<TcpRoute>>,
    pub(crate) export_to: ExportTo,
    /// When it was created, if that is known.
    pub(crate) created: Option<Timestamp>,
    pub(crate) semantics: Semantics,
}

/// By whose rules a VirtualService is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// Istio's.
    Istio,
    /// The Gateway API's, whose routes it was made from: prefixes are whole segments, a missing cluster is answered by
    /// 500, and clients of other namespaces obey it only if it is in the service's own.
    GatewayApi,
}

/// An HTTP rule.
#[derive(Clone, Debug)]
pub(crate) struct HttpRule {
    /// Its index in the VirtualService; that of the rule that delegates, for a delegate's.
    pub(crate) index: u32,
    /// Where it is written; in the delegate, for a delegate's.
    pub(crate) at: Location,
    pub(crate) route: HttpRoute,
    /// The index of its first match block among those that were written.
    pub(crate) first_match: u32,
    /// The kind and the name of the route of the Gateway API that it is from.
    pub(crate) of: Option<(&'static str, Arc<str>)>,
}

impl HttpRule {
    /// A rule of a route of the Gateway API.
    pub(crate) fn of_route(
        kind: &'static str,
        meta: &manifest::ObjectMeta,
        index: u32,
        at: &Location,
        route: HttpRoute,
    ) -> Self {
        let object = format!("{}/{}", meta.namespace, meta.name);
        Self {
            index,
            at: at.clone(),
            route,
            first_match: 0,
            of: Some((kind, object.into())),
        }
    }

    /// Where a piece of its configuration came from.
    pub(crate) fn origin(
        &self,
        virtual_service: &VirtualService,
        match_block: Option<u32>,
        location: &Location,
    ) -> Origin {
        let match_block = match_block.map(|index| self.first_match + index);
        let origin = virtual_service.origin(Some(self.index), match_block, location);
        match &self.of {
            None => origin,
            Some((kind, object)) => Origin {
                kind,
                object: Arc::clone(object),
                ..origin
            },
        }
    }
}

impl VirtualService {
    /// Whether sidecars use it.
    pub(crate) fn is_mesh(&self) -> bool {
        self.gateways.iter().any(|gateway| gateway == MESH_GATEWAY)
    }

    /// Its place among those that proxies of a namespace use: private ones come first, then those exported to the
    /// namespace, then public ones; none: it is not seen there.
    /// Routes of the Gateway API in the namespace itself come before others of their group.
    fn rank_in(&self, namespace: &str) -> Option<(u8, bool)> {
        let group = match &self.export_to {
            ExportTo::Public => 2,
            ExportTo::Nobody => return None,
            ExportTo::Namespaces(namespaces) if !namespaces.contains(namespace) => return None,
            ExportTo::Namespaces(_) => u8::from(self.namespace != namespace),
        };
        let is_consumers = self.uses_gateway_api() && self.namespace == namespace;
        Some((group, !is_consumers))
    }

    /// Whether it is read by the rules of the Gateway API.
    pub(crate) fn uses_gateway_api(&self) -> bool {
        self.semantics == Semantics::GatewayApi
    }

    /// By what Istio orders VirtualServices.
    pub(crate) fn age(&self) -> (Option<Timestamp>, &str, &str) {
        let name = self.object.rsplit('/').next().unwrap_or_default();
        (self.created, name, &self.namespace)
    }

    /// How statistics of its weighted connections are named: `<name>.<namespace>`.
    pub(crate) fn stat_prefix(&self) -> String {
        let name = self.object.rsplit('/').next().unwrap_or_default();
        format!("{name}.{}", self.namespace)
    }

    /// Where a piece of configuration came from.
    pub(crate) fn origin(
        &self,
        rule: Option<u32>,
        match_block: Option<u32>,
        location: &Location,
    ) -> Origin {
        Origin {
            kind: "VirtualService",
            object: Arc::clone(&self.object),
            rule,
            match_block,
            location: location.clone(),
        }
    }
}

/// Those that proxies of a namespace see and that apply to them, the first to win first.
pub(crate) fn ranked(
    all: &[VirtualService],
    namespace: &str,
    applies: impl Fn(&VirtualService) -> bool,
) -> Vec<VirtualServiceId> {
    let mut ranked: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(_, virtual_service)| applies(virtual_service))
        .filter_map(|(index, virtual_service)| {
            let rank = virtual_service.rank_in(namespace)?;
            Some((rank, VirtualServiceId::new(index)))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, id)| id).collect()
}

/// All VirtualServices that have hosts, the oldest first.
pub(crate) fn virtual_services(
    written: &[manifest::VirtualService],
    mesh: &MeshConfig,
) -> Vec<VirtualService> {
    let mut sorted: Vec<_> = written.iter().collect();
    sorted.sort_by_key(|object| age(&object.meta));
    let resolved: Vec<_> = sorted
        .into_iter()
        .map(|object| {
            let mut spec = object.spec.clone();
            resolve(&mut spec, &object.meta.namespace, &mesh.domain_suffix);
            (object, spec)
        })
        .collect();
    let delegates = Delegates::new(&resolved, mesh);
    let roots = resolved.iter().filter(|(_, spec)| !spec.hosts.is_empty());
    roots
        .map(|(object, spec)| {
            let (namespace, name) = (&object.meta.namespace, &object.meta.name);
            VirtualService {
                namespace: namespace.clone(),
                object: format!("{namespace}/{name}").into(),
                hosts: spec.hosts.iter().map(|host| host.value.clone()).collect(),
                gateways: if spec.gateways.is_empty() {
                    vec![MESH_GATEWAY.to_owned()]
                } else {
                    spec.gateways
                        .iter()
                        .map(|name| name.value.clone())
                        .collect()
                },
                http: delegates.expand(namespace, &spec.http),
                tls: spec.tls.clone(),
                tcp: spec.tcp.clone(),
                export_to: export_to(spec, namespace, mesh),
                created: object.meta.creation_timestamp,
                semantics: Semantics::Istio,
            }
        })
        .collect()
}

/// Who sees a VirtualService.
pub(crate) fn export_to(spec: &VirtualServiceSpec, namespace: &str, mesh: &MeshConfig) -> ExportTo {
    if spec.export_to.is_empty() {
        let default = mesh.default_virtual_service_export_to.iter();
        ExportTo::new(default.map(String::as_str), namespace)
    } else {
        ExportTo::new(spec.export_to.iter().map(|entry| entry.as_str()), namespace)
    }
}

/// By what Istio orders objects of a kind.
pub(crate) fn age(meta: &manifest::ObjectMeta) -> (Option<Timestamp>, &str, &str) {
    (meta.creation_timestamp, &meta.name, &meta.namespace)
}

/// Completes the short names of hosts and gateways, by the namespace of the object itself.
fn resolve(spec: &mut VirtualServiceSpec, namespace: &str, suffix: &str) {
    let complete_host = |host: &mut Spanned<String>| {
        host.value = resolve_short_name(host, namespace, suffix);
    };
    let complete = |destination: &mut Destination| complete_host(&mut destination.host);
    let complete_gateways = |gateways: &mut [Spanned<String>]| {
        for gateway in gateways {
            gateway.value = resolve_gateway_name(gateway, namespace, suffix);
        }
    };
    spec.hosts.iter_mut().for_each(complete_host);
    complete_gateways(&mut spec.gateways);
    for rule in &mut spec.http {
        let rule = &mut rule.value;
        for block in &mut rule.matches {
            complete_gateways(&mut block.value.gateways);
        }
        for route in &mut rule.route {
            complete(&mut route.value.destination.value);
        }
        if let Some(mirror) = &mut rule.mirror {
            complete(&mut mirror.value);
        }
        for mirror in &mut rule.mirrors {
            complete(&mut mirror.value.destination.value);
        }
    }
    for rule in &mut spec.tls {
        for block in &mut rule.value.matches {
            complete_gateways(&mut block.value.gateways);
        }
        for route in &mut rule.value.route {
            complete(&mut route.value.destination.value);
        }
    }
    for rule in &mut spec.tcp {
        for block in &mut rule.value.matches {
            complete_gateways(&mut block.value.gateways);
        }
        for route in &mut rule.value.route {
            complete(&mut route.value.destination.value);
        }
    }
}

//! Routes of all kinds: where each attaches, and what it contributes there.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/route_collections.go (HTTPRouteCollection, computeRoute).

use manifest::gateway_api::reference::ParentReference;
use manifest::span::Spanned;
use manifest::virtual_service::{
    HttpMatchRequest, L4MatchAttributes, TcpRoute, TlsRoute, VirtualServiceSpec,
};
use manifest::{ObjectMeta, Resource};

use super::backend::Referrer;
use super::condition::{Condition, Fault, Subject};
use super::merge::Merged;
use super::parent::{Attachment, Parents, Request, Target, verdict};
use super::{Context, Translation, connection, grpc, http};
use crate::host::MESH_GATEWAY;
use crate::virtual_service::{HttpRule, Semantics, VirtualService, export_to};

/// Rules, and what is wrong with some of them.
pub(super) struct Translated<R> {
    pub(super) rules: Vec<R>,
    pub(super) fault: Option<Fault>,
}

impl<R> Default for Translated<R> {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            fault: None,
        }
    }
}

/// A route of any kind.
#[derive(Clone, Copy)]
struct Route<'a> {
    kind: &'static str,
    meta: &'a ObjectMeta,
    parents: &'a [Spanned<ParentReference>],
    hostnames: &'a [Spanned<String>],
}

/// The VirtualServices that all routes come to.
pub(super) fn virtual_services(
    context: Context<'_>,
    parents: &Parents,
    translation: &mut Translation,
) -> Vec<VirtualService> {
    let out = &mut translation.conditions;
    let all = &context.resources.gateway_api;
    let mut merged = Merged::default();
    let mut single = Vec::new();
    for route in &all.http_routes {
        let of = Route::new(
            "HTTPRoute",
            route,
            &route.spec.parent_refs,
            &route.spec.hostnames,
        );
        of.attach(
            context,
            parents,
            out,
            |referrer| http::rules(route, referrer, context),
            |place, rules| merged.add(place.key.clone(), of.meta, of.http(place, rules, context)),
        );
    }
    for route in &all.grpc_routes {
        let of = Route::new(
            "GRPCRoute",
            route,
            &route.spec.parent_refs,
            &route.spec.hostnames,
        );
        of.attach(
            context,
            parents,
            out,
            |referrer| grpc::rules(route, referrer, context),
            |place, rules| merged.add(place.key.clone(), of.meta, of.http(place, rules, context)),
        );
    }
    for route in &all.tls_routes {
        let of = Route::new(
            "TLSRoute",
            route,
            &route.spec.parent_refs,
            &route.spec.hostnames,
        );
        of.attach(
            context,
            parents,
            out,
            |referrer| connection::tls_rules(route, referrer, context),
            |place, rules| single.push(of.tls(place, rules, context)),
        );
    }
    for route in &all.tcp_routes {
        let of = Route::new("TCPRoute", route, &route.spec.parent_refs, &[]);
        of.attach(
            context,
            parents,
            out,
            |referrer| connection::tcp_rules(route, referrer, context),
            |place, rules| single.push(of.tcp(place, rules, context)),
        );
    }
    let mut virtual_services = merged.finish();
    virtual_services.extend(single);
    virtual_services
}

/// Where a route's rules stand.
struct Place {
    /// What it shares with other routes of the same place.
    key: String,
    host: String,
    /// `mesh`, or an Istio Gateway.
    gateway: String,
    /// The service's port, if the route is for one of them.
    port: Option<u16>,
}

impl<'a> Route<'a> {
    fn new<Spec>(
        kind: &'static str,
        object: &'a Resource<Spec>,
        parents: &'a [Spanned<ParentReference>],
        hostnames: &'a [Spanned<String>],
    ) -> Self {
        Self {
            kind,
            meta: &object.meta,
            parents,
            hostnames,
        }
    }

    /// Finds all places of a route and hands it to each; tells the route's conditions.
    fn attach<R: Clone>(
        self,
        context: Context<'_>,
        parents: &Parents,
        out: &mut Vec<Condition>,
        translate: impl Fn(Referrer<'_>) -> Result<Translated<R>, Fault>,
        mut hand_over: impl FnMut(&Place, Vec<R>),
    ) {
        let request = Request {
            kind: self.kind,
            namespace: &self.meta.namespace,
            hostnames: self.hostnames,
        };
        for reference in self.parents {
            let attachments = parents.find(reference, &request, context);
            let Some(first) = attachments.first() else {
                // Another controller's.
                continue;
            };
            let translated = translate(Referrer {
                kind: self.kind,
                namespace: &self.meta.namespace,
                needs_grants: matches!(first.to, Target::Listener { .. }),
            });
            let fault = match &translated {
                Ok(translated) => translated.fault.as_ref(),
                Err(fault) => Some(fault),
            };
            let subject = Subject {
                kind: self.kind,
                meta: self.meta,
                parent: Some(format!(
                    "{}/{}",
                    reference.namespace(&self.meta.namespace),
                    reference.name.value
                )),
                listener: reference.section_name.clone(),
            };
            let denied = verdict(&attachments);
            out.push(subject.holds("Accepted", "Accepted", denied.as_ref()));
            out.push(subject.holds("ResolvedRefs", "ResolvedRefs", fault));
            let rules = translated.map_or_else(|_| Vec::new(), |translated| translated.rules);
            if rules.is_empty() {
                continue;
            }
            for attachment in attachments.iter().filter(|to| to.denied.is_none()) {
                for place in self.places(attachment) {
                    hand_over(&place, rules.clone());
                }
            }
        }
    }

    /// One place for each host.
    fn places(self, attachment: &Attachment) -> Vec<Place> {
        match &attachment.to {
            Target::Listener { internal, .. } => {
                let written: Vec<_> = match self.hostnames {
                    [] => vec!["*".to_owned()],
                    hosts => hosts.iter().map(|host| host.value.clone()).collect(),
                };
                let owned = written.into_iter().filter(|host| attachment.owns(host));
                owned
                    .map(|host| Place {
                        key: format!("{internal}/{host}"),
                        host,
                        gateway: internal.clone(),
                        port: None,
                    })
                    .collect()
            }
            Target::Service { hosts, port } => hosts
                .iter()
                .map(|host| Place {
                    key: match port {
                        Some(port) => format!("{}/{port}/{host}", self.meta.namespace),
                        None => format!("{}/{host}", self.meta.namespace),
                    },
                    host: host.clone(),
                    gateway: MESH_GATEWAY.to_owned(),
                    port: *port,
                })
                .collect(),
        }
    }

    fn empty(self, place: &Place, context: Context<'_>) -> VirtualService {
        let namespace = &self.meta.namespace;
        VirtualService {
            namespace: namespace.clone(),
            object: format!("{namespace}/{}", self.meta.name).into(),
            hosts: vec![place.host.clone()],
            gateways: vec![place.gateway.clone()],
            http: Vec::new(),
            tls: Vec::new(),
            tcp: Vec::new(),
            export_to: export_to(&VirtualServiceSpec::default(), namespace, context.mesh),
            created: self.meta.creation_timestamp,
            semantics: Semantics::GatewayApi,
        }
    }

    fn http(self, place: &Place, mut rules: Vec<HttpRule>, context: Context<'_>) -> VirtualService {
        if let Some(port) = place.port {
            for rule in &mut rules {
                let at = &rule.at;
                if rule.route.matches.is_empty() {
                    let any = Spanned::new(HttpMatchRequest::default(), at.clone());
                    rule.route.matches.push(any);
                }
                for block in &mut rule.route.matches {
                    block.value.port = u32::from(port);
                }
            }
        }
        VirtualService {
            http: rules,
            ..self.empty(place, context)
        }
    }

    fn tls(
        self,
        place: &Place,
        mut rules: Vec<Spanned<TlsRoute>>,
        context: Context<'_>,
    ) -> VirtualService {
        if let Some(port) = place.port {
            for rule in &mut rules {
                for block in &mut rule.value.matches {
                    block.value.port = u32::from(port);
                }
            }
        }
        VirtualService {
            tls: rules,
            ..self.empty(place, context)
        }
    }

    fn tcp(
        self,
        place: &Place,
        mut rules: Vec<Spanned<TcpRoute>>,
        context: Context<'_>,
    ) -> VirtualService {
        if let Some(port) = place.port {
            for rule in &mut rules {
                // A TCPRoute's rules have no conditions of their own.
                let of_port = L4MatchAttributes {
                    port: u32::from(port),
                    ..L4MatchAttributes::default()
                };
                rule.value.matches = vec![Spanned::new(of_port, rule.at.clone())];
            }
        }
        VirtualService {
            tcp: rules,
            ..self.empty(place, context)
        }
    }
}

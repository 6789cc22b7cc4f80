//! Where a route sends requests: backends as destinations.
//!
//! A backend that is not there, or may not be named, keeps its share, and its requests fail.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (buildDestination, buildHTTPDestination).

use manifest::destination::{Destination, PortSelector};
use manifest::gateway_api::http_route::HttpBackendReference;
use manifest::gateway_api::reference::BackendReference;
use manifest::span::Spanned;
use manifest::virtual_service::{HttpRouteDestination, RouteDestination};

use super::Context;
use super::condition::Fault;
use super::filter;
use super::grants::Named;

/// A route whose backends are named.
#[derive(Clone, Copy)]
pub(super) struct Referrer<'a> {
    pub(super) kind: &'static str,
    pub(super) namespace: &'a str,
    /// Whether other namespaces must grant references: routes of the mesh need none.
    pub(super) needs_grants: bool,
}

/// The destination of a backend, and what is wrong with it; an error if nothing can be made of the route at all.
pub(super) fn destination(
    backend: &Spanned<BackendReference>,
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<(Spanned<Destination>, Option<Fault>), Fault> {
    let at = &backend.at;
    let namespace = backend.namespace.as_deref().unwrap_or(referrer.namespace);
    let nowhere = Spanned::new(
        Destination {
            host: Spanned::new(String::new(), at.clone()),
            subset: None,
            port: None,
        },
        at.clone(),
    );
    let named = Named {
        group: backend.group(),
        kind: backend.kind(),
        namespace,
        name: &backend.name,
    };
    if referrer.needs_grants
        && !context
            .grants
            .allow(referrer.kind, referrer.namespace, named)
    {
        let message = format!(
            "backendRef {}/{namespace} not accessible to a {} in namespace {:?} (missing a ReferenceGrant?)",
            backend.name.value, referrer.kind, referrer.namespace
        );
        return Ok((nowhere, Some(Fault::new("RefNotPermitted", message))));
    }
    let name = &backend.name.value;
    let suffix = &context.mesh.domain_suffix;
    let (host, exists) = match (backend.group(), backend.kind()) {
        ("" | "core", "Service") => {
            if name.contains('.') {
                let message =
                    "service name invalid; the name of the Service must be used, not the hostname.";
                return Err(Fault::new(INVALID_DESTINATION, message));
            }
            let mut services = context.resources.services.iter();
            let exists = services
                .any(|service| service.meta.name == *name && service.meta.namespace == namespace);
            (format!("{name}.{namespace}.svc.{suffix}"), exists)
        }
        ("networking.istio.io", "Hostname") => {
            if backend.namespace.is_some() {
                let message = "namespace may not be set with Hostname type";
                return Err(Fault::new(INVALID_DESTINATION, message));
            }
            (name.clone(), is_known_host(name, context))
        }
        (group, kind) => {
            let message =
                format!("referencing unsupported backendRef: group {group:?} kind {kind:?}");
            return Ok((nowhere, Some(Fault::new("InvalidKind", message))));
        }
    };
    let Some(port) = backend.port else {
        return Err(Fault::new(
            INVALID_DESTINATION,
            "port is required in backendRef",
        ));
    };
    let missing = || Fault::new("BackendNotFound", format!("backend({host}) not found"));
    let fault = (!exists).then(missing);
    let port = PortSelector {
        number: u32::from(port),
    };
    let destination = Destination {
        host: Spanned::new(host, backend.name.at.clone()),
        subset: None,
        port: Some(Spanned::new(port, at.clone())),
    };
    Ok((Spanned::new(destination, at.clone()), fault))
}

const INVALID_DESTINATION: &str = "InvalidDestination";

fn is_known_host(name: &str, context: Context<'_>) -> bool {
    let suffix = format!(".svc.{}", context.mesh.domain_suffix);
    let mut entries = context.resources.service_entries.iter();
    let of_entry = entries.any(|entry| entry.spec.hosts.iter().any(|host| host.value == name));
    let of_service = name.strip_suffix(&suffix).is_some_and(|short| {
        let mut services = context.resources.services.iter();
        services.any(|service| short == format!("{}.{}", service.meta.name, service.meta.namespace))
    });
    of_entry || of_service
}

/// The destinations of a rule, and what is wrong with some of them.
pub(super) fn http_destinations(
    backends: &[Spanned<HttpBackendReference>],
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<(Vec<Spanned<HttpRouteDestination>>, Option<Fault>), Fault> {
    let named = |backend: &HttpBackendReference| (backend.backend(), backend.weight());
    destinations(
        backends,
        named,
        referrer,
        context,
        |backend, destination, weight| {
            Ok(HttpRouteDestination {
                destination,
                weight,
                headers: filter::headers(&backend.filters)?,
            })
        },
    )
}

/// The destinations of connections, and what is wrong with some of them.
pub(super) fn connection_destinations(
    backends: &[Spanned<BackendReference>],
    referrer: Referrer<'_>,
    context: Context<'_>,
) -> Result<(Vec<Spanned<RouteDestination>>, Option<Fault>), Fault> {
    let named = |backend: &BackendReference| (backend.clone(), backend.weight());
    destinations(
        backends,
        named,
        referrer,
        context,
        |_, destination, weight| {
            Ok(RouteDestination {
                destination,
                weight,
            })
        },
    )
}

/// Those of the backends that have a share; the last that something is wrong with says what.
fn destinations<B, D>(
    backends: &[Spanned<B>],
    named: impl Fn(&B) -> (BackendReference, u32),
    referrer: Referrer<'_>,
    context: Context<'_>,
    finish: impl Fn(&B, Spanned<Destination>, i32) -> Result<D, Fault>,
) -> Result<(Vec<Spanned<D>>, Option<Fault>), Fault> {
    let named: Vec<_> = backends
        .iter()
        .map(|backend| (backend, named(&backend.value)))
        .filter(|(_, (_, weight))| *weight != 0)
        .collect();
    let mut destinations = Vec::with_capacity(named.len());
    let mut last = None;
    let siblings = named.len();
    for (backend, (reference, share)) in named {
        let reference = Spanned::new(reference, backend.at.clone());
        let (destination, fault) = destination(&reference, referrer, context)?;
        last = fault.or(last);
        let finished = finish(&backend.value, destination, weight(share, siblings))?;
        destinations.push(Spanned::new(finished, backend.at.clone()));
    }
    Ok((destinations, last))
}

/// The weight of one of several; an only one has none.
fn weight(written: u32, siblings: usize) -> i32 {
    match siblings {
        1 => 0,
        _ => i32::try_from(written).unwrap_or(i32::MAX),
    }
}

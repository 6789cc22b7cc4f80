//! Listeners of a Gateway: each becomes an Istio Gateway with one server.
//!
//! The pods behind it are those that Istio makes for it (`<gateway>-<class>`, which need not be in the manifests), or
//! those of the Service that `addresses` names.
//!
//! Source: istio/istio, pilot/pkg/config/kube/gateway/gateway_collection.go, conversion.go (buildListener, buildTLS,
//! buildHostnameMatch), gatewaycommon/conversion.go (GenerateGatewaySupportedKinds).

use std::collections::BTreeMap;

use base::Location;
use manifest::gateway_api::GROUP;
use manifest::gateway_api::gateway::{
    Gateway, Listener, ListenerTls, ListenerTlsMode, RouteGroupKind, RoutesFrom,
};
use manifest::server_tls::{ServerTlsMode, ServerTlsSettings};
use manifest::span::Spanned;
use manifest::{ObjectMeta, Resource};

use super::Context;
use super::condition::{Condition, Fault, Status, Subject};
use super::grants::Named;

/// The label of pods that Istio makes for a Gateway.
const GATEWAY_NAME_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
/// The label that the API server gives every namespace.
const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A listener that is opened.
pub(super) struct OpenListener {
    /// The Istio Gateway.
    pub(super) gateway: manifest::Gateway,
    /// The name of the Gateway that it is part of.
    pub(super) parent: String,
    /// The listener's name.
    pub(super) section: String,
    /// The host as it is written; empty if it is not.
    pub(super) hostname: String,
    /// Hosts behind the namespaces that may claim them.
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
    pub(super) protocol: String,
    /// The kinds of routes that may attach.
    pub(super) kinds: Vec<&'static str>,
}

/// The listeners of a Gateway; tells its conditions and theirs.
pub(super) fn listeners(
    gateway: &Gateway,
    context: Context<'_>,
    out: &mut Vec<Condition>,
) -> Vec<OpenListener> {
    let (selector, unassigned) = pods(gateway, context);
    let mut open = Vec::new();
    let mut of_listeners = Vec::new();
    let mut valid = 0;
    for listener in &gateway.spec.listeners {
        let opened = open_listener(gateway, listener, context, &mut of_listeners);
        valid += usize::from(opened.is_valid);
        if let Some(server) = opened.server {
            open.push(as_gateway(gateway, listener, server, &selector));
        }
    }
    let subject = Subject {
        kind: "Gateway",
        meta: &gateway.meta,
        parent: None,
        listener: None,
    };
    let none = Fault::new(
        LISTENERS_NOT_VALID,
        "None of the Gateway's listeners are valid",
    );
    let (reason, fault) = match valid {
        0 => (LISTENERS_NOT_VALID, Some(&none)),
        some if some < gateway.spec.listeners.len() => (LISTENERS_NOT_VALID, None),
        _ => ("Accepted", None),
    };
    out.push(subject.holds("Accepted", reason, fault));
    out.push(subject.holds("Programmed", "Programmed", unassigned.as_ref()));
    out.push(subject.holds("ResolvedRefs", "ResolvedRefs", None));
    out.extend(of_listeners);
    open
}

const LISTENERS_NOT_VALID: &str = "ListenersNotValid";

/// The labels of the pods behind a Gateway, and why there may be none.
fn pods(gateway: &Gateway, context: Context<'_>) -> (BTreeMap<String, String>, Option<Fault>) {
    let own = BTreeMap::from([(GATEWAY_NAME_LABEL.to_owned(), gateway.meta.name.clone())]);
    let [address] = gateway.spec.addresses.as_slice() else {
        return (own, None);
    };
    if address.address_type.as_deref() != Some("Hostname") {
        return (own, None);
    }
    let mut parts = address.value.value.split('.');
    let name = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or(&gateway.meta.namespace);
    let mut services = context.resources.services.iter();
    let service =
        services.find(|service| service.meta.name == name && service.meta.namespace == namespace);
    match service {
        Some(service) => (service.spec.selector.clone(), None),
        None => {
            let message = format!("Failed to assign to any requested addresses: {name}");
            (own, Some(Fault::new("AddressNotUsable", message)))
        }
    }
}

/// A server, and whether all of the listener is right.
struct Opened {
    server: Option<Server>,
    is_valid: bool,
}

/// What a listener opens.
struct Server {
    hosts: Vec<String>,
    tls: Option<ServerTlsSettings>,
    kinds: Vec<&'static str>,
}

fn open_listener(
    gateway: &Gateway,
    listener: &Spanned<Listener>,
    context: Context<'_>,
    out: &mut Vec<Condition>,
) -> Opened {
    let subject = Subject {
        kind: "Gateway",
        meta: &gateway.meta,
        parent: None,
        listener: Some(listener.name.value.clone()),
    };
    let tls = tls(gateway, listener, context);
    let protocol = listener.protocol.as_str();
    let unsupported = (!["HTTP", "HTTPS", "TLS", "TCP", "HBONE"].contains(&protocol)).then(|| {
        let message = format!("protocol {protocol:?} is unsupported");
        Fault::new("UnsupportedProtocol", message)
    });
    let bad_tls = tls.as_ref().err();
    let (kinds, all_kinds) = supported_kinds(listener);
    let bad_kinds = (!all_kinds).then(|| Fault::new("InvalidRouteKinds", "Invalid route kinds"));
    let not_programmed = bad_tls.map(|_| Fault::new("Invalid", "Bad TLS configuration"));
    out.push(subject.holds("Accepted", "Accepted", unsupported.as_ref()));
    out.push(Condition {
        status: Status::False,
        ..subject.holds("Conflicted", "NoConflicts", None)
    });
    out.push(subject.holds("Programmed", "Programmed", not_programmed.as_ref()));
    let unresolved = bad_kinds.as_ref().or(bad_tls);
    out.push(subject.holds("ResolvedRefs", "ResolvedRefs", unresolved));
    let is_valid = bad_tls.is_none() && unsupported.is_none();
    let tls = tls.ok().flatten();
    let lacks_tls = tls.is_none() && ["HTTPS", "TLS"].contains(&protocol);
    Opened {
        server: (!lacks_tls && unsupported.is_none()).then(|| Server {
            hosts: hosts(gateway, listener, context),
            tls,
            kinds,
        }),
        is_valid,
    }
}

/// The Istio Gateway of a listener.
fn as_gateway(
    gateway: &Gateway,
    listener: &Spanned<Listener>,
    server: Server,
    selector: &BTreeMap<String, String>,
) -> OpenListener {
    let at = &listener.at;
    let port = manifest::gateway::Port {
        number: Spanned::new(u32::from(listener.port.value), listener.port.at.clone()),
        protocol: listener.protocol.clone(),
        name: Spanned::new("default".to_owned(), at.clone()),
        target_port: None,
    };
    let host = |host: &String| Spanned::new(host.clone(), at.clone());
    let written = manifest::gateway::Server {
        port: Spanned::new(port, listener.port.at.clone()),
        bind: None,
        hosts: server.hosts.iter().map(host).collect(),
        tls: server.tls.map(|tls| Spanned::new(tls, at.clone())),
        default_endpoint: None,
        name: None,
    };
    let section = listener.name.value.clone();
    OpenListener {
        gateway: Resource {
            meta: ObjectMeta {
                name: format!("{}~{INTERNAL}~{section}", gateway.meta.name),
                ..gateway.meta.clone()
            },
            spec: manifest::gateway::GatewaySpec {
                servers: vec![Spanned::new(written, at.clone())],
                selector: Some(Spanned::new(selector.clone(), at.clone())),
            },
            status: (),
            location: at.clone(),
        },
        parent: gateway.meta.name.clone(),
        section,
        hostname: hostname(listener).unwrap_or_default().to_owned(),
        hosts: server.hosts,
        port: listener.port.value,
        protocol: listener.protocol.value.clone(),
        kinds: server.kinds,
    }
}

/// How Pilot marks the objects that it makes.
const INTERNAL: &str = "istio-autogenerated-k8s-gateway";

/// The name of the Gateway as it is written, where an Istio Gateway of this name stands for one of its listeners.
pub(crate) fn written_name(name: &str) -> &str {
    match name.split_once('~') {
        Some((gateway, rest)) if rest.starts_with(INTERNAL) => gateway,
        _ => name,
    }
}

fn hostname(listener: &Listener) -> Option<&str> {
    listener.hostname.as_ref().map(|host| host.value.as_str())
}

/// A listener's host, behind each namespace whose routes may claim it.
fn hosts(gateway: &Gateway, listener: &Listener, context: Context<'_>) -> Vec<String> {
    let host = hostname(listener).unwrap_or("*");
    let allowed = listener.allowed_routes.as_ref();
    let namespaces = allowed.and_then(|allowed| allowed.namespaces.as_ref());
    let namespaces = match namespaces {
        None => vec![gateway.meta.namespace.clone()],
        Some(namespaces) => match (namespaces.from, &namespaces.selector) {
            (RoutesFrom::Same, _) => vec![gateway.meta.namespace.clone()],
            (RoutesFrom::All, _) | (RoutesFrom::Selector, None) => vec!["*".to_owned()],
            (RoutesFrom::Selector, Some(selector)) => {
                let mut names: Vec<_> = context
                    .resources
                    .namespaces
                    .iter()
                    .filter(|namespace| {
                        let mut labels = namespace.meta.labels.clone();
                        let name = namespace.meta.name.clone();
                        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), name);
                        selector.matches(&labels)
                    })
                    .map(|namespace| namespace.meta.name.clone())
                    .collect();
                names.sort();
                names
            }
        },
    };
    if namespaces.is_empty() {
        // No route may claim it, and the port is opened all the same.
        return vec![format!("~/{host}")];
    }
    let with_host = |namespace: &String| format!("{namespace}/{host}");
    namespaces.iter().map(with_host).collect()
}

/// The kinds of routes that may attach, and whether all that are asked for are among them.
fn supported_kinds(listener: &Listener) -> (Vec<&'static str>, bool) {
    let supported: &[&'static str] = match listener.protocol.as_str() {
        "HTTP" | "HTTPS" => &["HTTPRoute", "GRPCRoute"],
        "TCP" => &["TCPRoute"],
        "TLS" if terminates(listener) => &["TLSRoute", "TCPRoute"],
        "TLS" => &["TLSRoute"],
        _ => &[],
    };
    let asked = listener
        .allowed_routes
        .as_ref()
        .map_or(&[] as &[RouteGroupKind], |allowed| &allowed.kinds);
    if asked.is_empty() {
        return (supported.to_vec(), true);
    }
    let is_asked = |kind: &&'static str| {
        asked
            .iter()
            .any(|asked| asked.kind == **kind && asked.group.as_deref().unwrap_or(GROUP) == GROUP)
    };
    let both: Vec<_> = supported.iter().copied().filter(is_asked).collect();
    let all = both.len() == asked.len();
    (both, all)
}

fn terminates(listener: &Listener) -> bool {
    let tls = listener.tls.as_ref();
    tls.is_some_and(|tls| tls.mode == ListenerTlsMode::Terminate)
}

/// How a listener's connections are secured, in Istio's terms.
fn tls(
    gateway: &Gateway,
    listener: &Listener,
    context: Context<'_>,
) -> Result<Option<ServerTlsSettings>, Fault> {
    let Some(tls) = &listener.tls else {
        return Ok(None);
    };
    let mode = match tls.mode {
        ListenerTlsMode::Passthrough => ServerTlsMode::Passthrough,
        ListenerTlsMode::Terminate if is_mutual(tls) => ServerTlsMode::IstioMutual,
        ListenerTlsMode::Terminate => ServerTlsMode::Simple,
    };
    let mut settings = ServerTlsSettings {
        mode: Some(Spanned::new(mode, tls.at.clone())),
        ..ServerTlsSettings::default()
    };
    if mode != ServerTlsMode::Simple {
        return Ok(Some(settings));
    }
    let mut credentials = Vec::new();
    for certificate in &tls.certificate_refs {
        let namespace = certificate.namespace.as_deref();
        let named = Named {
            group: certificate.group.as_deref().unwrap_or_default(),
            kind: certificate.kind.as_deref().unwrap_or("Secret"),
            namespace: namespace.unwrap_or(&gateway.meta.namespace),
            name: &certificate.name,
        };
        credentials.push(credential(gateway, named, &certificate.at, context)?);
    }
    match credentials.len() {
        1 => settings.credential_name = credentials.pop(),
        _ => settings.credential_names = credentials,
    }
    Ok(Some(settings))
}

/// Whether the mesh's own certificates are used.
fn is_mutual(tls: &ListenerTls) -> bool {
    let option = tls.options.get("gateway.istio.io/tls-terminate-mode");
    option.is_some_and(|mode| mode == "ISTIO_MUTUAL")
}

/// The secret that holds a certificate, as Istio calls it.
fn credential(
    gateway: &Gateway,
    secret: Named<'_>,
    at: &Location,
    context: Context<'_>,
) -> Result<Spanned<String>, Fault> {
    let Named {
        group,
        kind,
        namespace,
        name,
    } = secret;
    if !group.is_empty() || kind != "Secret" {
        let message =
            format!("invalid certificate reference {kind}/{name}, only secret is allowed");
        return Err(Fault::new("InvalidCertificateRef", message));
    }
    let mut others = context.resources.others.iter();
    let exists = others.any(|other| {
        let own = other
            .namespace
            .as_deref()
            .unwrap_or(&gateway.meta.namespace);
        other.kind == "Secret" && other.name == name && own == namespace
    });
    if !exists {
        let message = format!("invalid certificate reference {namespace}/{name}, not found");
        return Err(Fault::new("InvalidCertificateRef", message));
    }
    if !context
        .grants
        .allow("Gateway", &gateway.meta.namespace, secret)
    {
        let message = format!(
            "certificateRef {namespace}/{name} not accessible to a Gateway in namespace {:?} (missing a ReferenceGrant?)",
            gateway.meta.namespace
        );
        return Err(Fault::new("RefNotPermitted", message));
    }
    let name = format!("kubernetes-gateway://{namespace}/{name}");
    Ok(Spanned::new(name, at.clone()))
}

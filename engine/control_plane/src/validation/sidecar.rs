//! The rules for Sidecars.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateSidecar).

use std::collections::{BTreeMap, BTreeSet};

use manifest::Sidecar;
use manifest::server_tls::{ServerTlsMode, ServerTlsSettings};
use manifest::sidecar::{
    CaptureMode, IstioEgressListener, IstioIngressListener, OutboundTrafficPolicy,
    OutboundTrafficPolicyMode, SidecarPort,
};
use manifest::span::Spanned;

use super::scoped_host::{self, Scope};
use super::{address, connection_pool, http_route, names, port, selector, server_tls};
use crate::finding::Findings;
use crate::host::UNIX;
use crate::protocol::Protocol;

pub(super) fn validate(object: &Sidecar, findings: &mut Findings<'_>) {
    let spec = &object.spec;
    let chosen = spec.workload_selector.as_ref();
    let is_empty = spec.egress.is_empty()
        && spec.ingress.is_empty()
        && spec.outbound_traffic_policy.is_none()
        && spec.inbound_connection_pool.is_none();
    let mut result = Ok(());
    // What is refused as empty is told nothing else.
    if is_empty {
        findings.errors_only(|findings| {
            result = selector::validate(chosen, "sidecar", findings);
        });
    } else {
        result = selector::validate(chosen, "sidecar", findings);
    }
    if result.is_err() {
        return;
    }
    if is_empty {
        let why = "sidecar: empty configuration provided";
        findings.refuse(&object.location, "spec", why);
        return;
    }
    for (index, listener) in spec.ingress.iter().enumerate() {
        let field = format!("spec.ingress[{index}]");
        ingress(listener, &field, findings);
        let number = listener.port.number;
        if spec.ingress[..index]
            .iter()
            .any(|other| other.port.number == number)
        {
            findings.refuse(&listener.port.at, &format!("{field}.port"), NOT_UNIQUE);
        }
    }
    if let Some(pool) = &spec.inbound_connection_pool {
        connection_pool::validate(pool, "spec.inboundConnectionPool", findings);
    }
    all_egress(object, findings);
    if let Some(policy) = &spec.outbound_traffic_policy {
        outbound_traffic_policy(policy, findings);
    }
}

fn ingress(listener: &Spanned<IstioIngressListener>, field: &str, findings: &mut Findings<'_>) {
    let port = &listener.port;
    let port_field = format!("{field}.port");
    no_target_port(port, &port_field, findings);
    port_name(port, &port_field, findings);
    for checked in [
        port::protocol(&port.protocol),
        port::number(i64::from(port.number)),
    ] {
        if let Err(why) = checked {
            findings.refuse(&port.at, &port_field, why);
        }
    }
    ip_bind(listener.bind.as_ref(), field, findings);
    if let Some(endpoint) = listener
        .default_endpoint
        .as_ref()
        .filter(|endpoint| !endpoint.is_empty())
    {
        default_endpoint(endpoint, &format!("{field}.defaultEndpoint"), findings);
    }
    let protocol = Protocol::parse(&port.protocol);
    if let Some(tls) = &listener.tls {
        ingress_tls(tls, protocol, &format!("{field}.tls"), findings);
    }
    if let Some(pool) = &listener.connection_pool {
        let field = format!("{field}.connectionPool");
        connection_pool::validate(pool, &field, findings);
        if pool.http.is_some() && !protocol.is_http() {
            let why = format!(
                "sidecar: HTTP connection pool settings are configured for port {} ({:?}) but its protocol is not HTTP \
                 ({}); only TCP settings will apply",
                port.number, port.name, port.protocol
            );
            findings.warn(&pool.at, &format!("{field}.http"), why);
        }
    }
}

fn default_endpoint(endpoint: &Spanned<String>, field: &str, findings: &mut Findings<'_>) {
    let mut refuse = |why: String| findings.refuse(&endpoint.at, field, why);
    if let Some(path) = endpoint.strip_prefix(UNIX) {
        if let Err(why) = address::unix_socket(path) {
            refuse(why);
        }
        return;
    }
    let (host, number) = match address::split_host_port(endpoint) {
        Ok(parts) => parts,
        Err(why) => {
            refuse(why);
            ("", "")
        }
    };
    if !["", "127.0.0.1", "0.0.0.0", "::1", "::"].contains(&host) {
        let why = "sidecar: defaultEndpoint must be of form \
                   127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,unix://filepath or unset";
        refuse(why.to_owned());
    }
    match number.parse::<i64>() {
        Ok(number) => {
            if let Err(why) = port::number(number) {
                refuse(why);
            }
        }
        Err(_) => refuse(format!(
            "sidecar: defaultEndpoint port ({number}) is not a number: strconv.Atoi: parsing {number:?}: invalid syntax"
        )),
    }
}

fn ingress_tls(
    tls: &Spanned<ServerTlsSettings>,
    protocol: Protocol,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let mut refuse = |why: &str| findings.refuse(&tls.at, field, why);
    for (is_given, why) in [
        (
            !tls.subject_alt_names.is_empty(),
            "sidecar: subjectAltNames is not supported in ingress tls",
        ),
        (
            tls.https_redirect,
            "sidecar: httpsRedirect is not supported",
        ),
        (
            server_tls::has(&tls.credential_name),
            "sidecar: credentialName is not currently supported",
        ),
        (
            !tls.credential_names.is_empty(),
            "sidecar: credentialNames is not currently supported",
        ),
        (
            !tls.tls_certificates.is_empty(),
            "sidecar: tls_certificates is not currently supported",
        ),
    ] {
        if is_given {
            refuse(why);
        }
    }
    let mode = tls.mode();
    if matches!(
        mode,
        ServerTlsMode::IstioMutual | ServerTlsMode::AutoPassthrough
    ) {
        refuse(&format!(
            "configuration is invalid: cannot set mode to {} in sidecar ingress tls",
            server_tls::mode_name(mode)
        ));
    }
    if !protocol.is_tls() {
        refuse("server cannot have TLS settings for non HTTPS/TLS ports");
    }
    server_tls::validate(tls, field, findings);
}

fn all_egress(object: &Sidecar, findings: &mut Findings<'_>) {
    let listeners = &object.spec.egress;
    let mut numbers = BTreeSet::new();
    let mut sockets = BTreeSet::new();
    for (index, listener) in listeners.iter().enumerate() {
        let field = format!("spec.egress[{index}]");
        if let Some(port) = &listener.port {
            egress_port(listener, port, &field, findings);
            if port.number != 0 {
                if !numbers.insert(port.number) {
                    findings.refuse(&port.at, &format!("{field}.port"), NOT_UNIQUE);
                }
            } else if !sockets.insert(bind_of(listener)) {
                let why = "sidecar: unix domain socket values for listeners must be unique";
                findings.refuse(&listener.at, &format!("{field}.bind"), why);
            }
        } else if index + 1 != listeners.len() {
            let why = "sidecar: the egress listener with empty port should be the last listener in the list";
            findings.refuse(&listener.at, &field, why);
        }
        egress_hosts(listener, &field, &object.meta.namespace, findings);
    }
}

fn egress_port(
    listener: &Spanned<IstioEgressListener>,
    port: &Spanned<SidecarPort>,
    field: &str,
    findings: &mut Findings<'_>,
) {
    let port_field = format!("{field}.port");
    no_target_port(port, &port_field, findings);
    port_name(port, &port_field, findings);
    if let Err(why) = port::protocol(&port.protocol) {
        findings.refuse(&port.at, &port_field, why);
    }
    if port.number != 0 {
        if let Err(why) = port::number(i64::from(port.number)) {
            findings.refuse(&port.at, &port_field, why);
        }
        ip_bind(listener.bind.as_ref(), field, findings);
        return;
    }
    // Without a number the listener is a Unix socket.
    let at = listener.bind.as_ref().map_or(&port.at, |bind| &bind.at);
    let checked = match bind_of(listener).strip_prefix(UNIX) {
        None => Err(
            "sidecar: ports with 0 value must have a unix domain socket bind address".to_owned(),
        ),
        Some(path) => address::unix_socket(path),
    };
    if let Err(why) = checked {
        findings.refuse(at, &format!("{field}.bind"), why);
    }
    if listener.capture_mode == CaptureMode::Iptables {
        let why = "sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners";
        findings.refuse(&listener.at, &format!("{field}.captureMode"), why);
    }
}

fn egress_hosts(
    listener: &Spanned<IstioEgressListener>,
    field: &str,
    own: &str,
    findings: &mut Findings<'_>,
) {
    let field = format!("{field}.hosts");
    if listener.hosts.is_empty() {
        let why = "sidecar: egress listener must contain at least one host";
        findings.refuse(&listener.at, &field, why);
        return;
    }
    let mut seen = BTreeMap::<&str, BTreeSet<&str>>::new();
    for host in &listener.hosts {
        if let Some((namespace, name)) = host.split_once('/')
            && !namespace.starts_with('~')
        {
            let namespace = if namespace == "." { own } else { namespace };
            let names = seen.entry(namespace).or_default();
            let is_covered = if name == "*" {
                !names.is_empty()
            } else {
                names.contains(name) || names.contains("*")
            };
            if is_covered {
                let why = format!("duplicated egress host: {}", host.value);
                findings.warn(&host.at, &field, why);
            }
            names.insert(name);
        }
        for why in scoped_host::errors(host, Scope::Sidecar) {
            findings.refuse(&host.at, &field, why);
        }
    }
    if seen.get("*").is_some_and(|names| names.contains("*")) && seen.len() != 1 {
        let why = "`*/*` host select all resources, no other hosts can be added";
        findings.warn(&listener.at, &field, why);
    }
}

fn outbound_traffic_policy(policy: &Spanned<OutboundTrafficPolicy>, findings: &mut Findings<'_>) {
    const FIELD: &str = "spec.outboundTrafficPolicy.egressProxy";
    let Some(proxy) = &policy.egress_proxy else {
        return;
    };
    if policy.mode != OutboundTrafficPolicyMode::AllowAny {
        let why =
            "sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode";
        findings.refuse(&proxy.at, FIELD, why);
        return;
    }
    if let Err(why) = names::fqdn(&proxy.host) {
        findings.refuse(&proxy.host.at, &format!("{FIELD}.host"), why);
    }
    if proxy.port.is_none() {
        let why = "sidecar: egress_proxy port must be non-nil";
        findings.refuse(&proxy.at, &format!("{FIELD}.port"), why);
        return;
    }
    http_route::destination(proxy, FIELD, findings);
}

fn no_target_port(port: &Spanned<SidecarPort>, field: &str, findings: &mut Findings<'_>) {
    if let Some(target) = port.target_port.as_ref().filter(|target| ***target > 0) {
        let why = "targetPort has no impact on Sidecars";
        findings.refuse(&target.at, &format!("{field}.targetPort"), why);
    }
}

/// A port need not have a name.
fn port_name(port: &Spanned<SidecarPort>, field: &str, findings: &mut Findings<'_>) {
    if !port.name.is_empty()
        && let Err(why) = port::name(&port.name)
    {
        findings.refuse(&port.at, &format!("{field}.name"), why);
    }
}

fn ip_bind(bind: Option<&Spanned<String>>, field: &str, findings: &mut Findings<'_>) {
    if let Some(bind) = bind.filter(|bind| !bind.is_empty())
        && let Err(why) = address::ip(bind)
    {
        findings.refuse(&bind.at, &format!("{field}.bind"), why);
    }
}

fn bind_of(listener: &IstioEgressListener) -> &str {
    listener.bind.as_ref().map_or("", |bind| bind.as_str())
}

const NOT_UNIQUE: &str = "sidecar: ports on IP bound listeners must be unique";

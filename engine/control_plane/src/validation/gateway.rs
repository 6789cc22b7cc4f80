//! The rules for Gateways.
//!
//! Source: istio/istio, pkg/config/validation/validation.go (ValidateGateway).

use manifest::Gateway;
use manifest::gateway::{Port, Server};
use manifest::span::Spanned;

use super::scoped_host::{self, Scope};
use super::{address, metadata, names, port, server_tls};
use crate::finding::Findings;
use crate::host::UNIX;
use crate::protocol::Protocol;

pub(super) fn validate(object: &Gateway, findings: &mut Findings<'_>) {
    let is_converted = metadata::is_converted(&object.meta);
    let name = &object.meta.name;
    if !names::is_dns_label(name) && !is_converted {
        let why = format!("invalid gateway name: {name:?}");
        findings.refuse(&object.location, "metadata.name", why);
    }
    let scope = if is_converted {
        Scope::ConvertedGateway
    } else {
        Scope::Gateway
    };
    let servers = &object.spec.servers;
    if servers.is_empty() {
        let why = "gateway must have at least one server";
        findings.refuse(&object.location, "spec.servers", why);
    }
    for (index, entry) in servers.iter().enumerate() {
        server(entry, &format!("spec.servers[{index}]"), scope, findings);
    }
    for (index, entry) in servers.iter().enumerate() {
        let field = format!("spec.servers[{index}]");
        let name = &entry.port.name;
        if servers[..index]
            .iter()
            .any(|other| other.port.name == *name)
        {
            let why = format!(
                "port names in servers must be unique: duplicate name {}",
                name.value
            );
            findings.refuse(&name.at, &format!("{field}.port.name"), why);
        }
        if let Some(tls) = entry.tls.as_ref().filter(|tls| tls.https_redirect)
            && !Protocol::parse(&entry.port.protocol).is_http()
        {
            let why = "tls.httpsRedirect should only be used with http servers";
            findings.warn(&tls.at, &format!("{field}.tls.httpsRedirect"), why);
        }
    }
}

fn server(server: &Spanned<Server>, field: &str, scope: Scope, findings: &mut Findings<'_>) {
    let hosts_field = format!("{field}.hosts");
    if server.hosts.is_empty() {
        let why = "server config must contain at least one host";
        findings.refuse(&server.at, &hosts_field, why);
    }
    for host in &server.hosts {
        for why in scoped_host::errors(host, scope) {
            findings.refuse(&host.at, &hosts_field, why);
        }
    }
    let is_port_valid = server_port(server, field, findings);
    bind(server, field, findings);
    let Some(tls) = &server.tls else {
        if is_port_valid && Protocol::parse(&server.port.protocol).is_tls() {
            let why = "server must have TLS settings for HTTPS/TLS protocols";
            findings.refuse(&server.at, &format!("{field}.tls"), why);
        }
        return;
    };
    let field = format!("{field}.tls");
    server_tls::validate(tls, &field, findings);
    let protocol = Protocol::parse(&server.port.protocol);
    if !is_port_valid || protocol.is_tls() {
        return;
    }
    if !protocol.is_http() {
        let why = "server cannot have TLS settings for non HTTPS/TLS ports";
        findings.refuse(&tls.at, &field, why);
    } else if !server_tls::is_passed_through(tls) || server_tls::names_files(tls) {
        // A redirect to HTTPS is all that such a port may have.
        let why = "server cannot have TLS settings for plain text HTTP ports";
        findings.refuse(&tls.at, &field, why);
    }
}

/// Checks a port; whether it is all right.
fn server_port(server: &Spanned<Server>, field: &str, findings: &mut Findings<'_>) -> bool {
    let written = &server.port;
    let mut errors = Vec::new();
    if !port::is_protocol(&written.protocol) {
        errors.push(format!(
            "invalid protocol {:?}, supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP",
            written.protocol.value
        ));
    }
    if *written.number > 0 || !bind_of(server).starts_with(UNIX) {
        errors.extend(port::number(i64::from(*written.number)).err());
    }
    if written.target_port.as_ref().is_some_and(|port| **port > 0) {
        errors.push("targetPort has no impact on Gateways".to_owned());
    }
    if written.name.is_empty() {
        errors.push(format!("port name must be set: {}", as_text(written)));
    }
    let is_valid = errors.is_empty();
    for why in errors {
        findings.refuse(&written.at, &format!("{field}.port"), why);
    }
    is_valid
}

fn bind(server: &Spanned<Server>, field: &str, findings: &mut Findings<'_>) {
    let Some(bind) = server.bind.as_ref().filter(|bind| !bind.is_empty()) else {
        return;
    };
    let field = format!("{field}.bind");
    let mut refuse = |why: String| findings.refuse(&bind.at, &field, why);
    let Some(path) = bind.strip_prefix(UNIX) else {
        if let Err(why) = address::ip(bind) {
            refuse(why);
        }
        return;
    };
    if let Err(why) = address::unix_socket(path) {
        refuse(why);
    }
    if *server.port.number != 0 {
        refuse(format!(
            "port number must be 0 for unix domain socket: {}",
            as_text(&server.port)
        ));
    }
}

fn bind_of(server: &Server) -> &str {
    server.bind.as_ref().map_or("", |bind| bind.as_str())
}

/// A port as Go prints a protobuf message.
fn as_text(port: &Port) -> String {
    let mut parts = Vec::new();
    if *port.number != 0 {
        parts.push(format!("number:{}", port.number.value));
    }
    if !port.protocol.is_empty() {
        parts.push(format!("protocol:{:?}", port.protocol.value));
    }
    if !port.name.is_empty() {
        parts.push(format!("name:{:?}", port.name.value));
    }
    if let Some(target) = port.target_port.as_ref().filter(|target| ***target != 0) {
        parts.push(format!("target_port:{}", target.value));
    }
    parts.join(" ")
}

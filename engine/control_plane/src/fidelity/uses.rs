//! Which fields of which objects are used, and where.
//!
//! Fields of a traffic policy are named from `trafficPolicy` on, wherever the policy stands.

use base::Location;
use manifest::server_tls::ServerTlsMode;
use manifest::service::SessionAffinity;
use manifest::sidecar::CaptureMode;
use manifest::span::Spanned;
use manifest::traffic_policy::TrafficPolicy;
use manifest::{ObjectMeta, Resource, Resources};

use super::pods;
use crate::host::UNIX;
use crate::protocol::Protocol;

/// An object that uses a field.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) kind: &'static str,
    pub(crate) meta: &'a ObjectMeta,
}

/// Names every use of a field that is not exact in every part.
pub(crate) fn uses(resources: &Resources, mut found: impl FnMut(Object<'_>, &str, &Location)) {
    for object in &resources.virtual_services {
        let by = Object {
            kind: "VirtualService",
            meta: &object.meta,
        };
        for rule in &object.spec.http {
            for block in &rule.matches {
                if !block.stat_prefix.is_empty() {
                    found(by, "spec.http.match.statPrefix", &block.at);
                }
            }
            if let Some(retries) = &rule.retries
                && retries.retry_remote_localities == Some(true)
            {
                found(by, "spec.http.retries.retryRemoteLocalities", &retries.at);
            }
        }
        if let Some(rule) = object.spec.tcp.first() {
            found(by, "spec.tcp", &rule.at);
        }
        if let Some(rule) = object.spec.tls.first() {
            found(by, "spec.tls", &rule.at);
        }
    }
    for object in &resources.destination_rules {
        let by = Object {
            kind: "DestinationRule",
            meta: &object.meta,
        };
        let subsets = object.spec.subsets.iter();
        let policies = subsets.filter_map(|subset| subset.traffic_policy.as_ref());
        for policy in object.spec.traffic_policy.iter().chain(policies) {
            traffic_policy(policy, |field, at| found(by, field, at));
        }
    }
    for object in &resources.gateways {
        let by = Object {
            kind: "Gateway",
            meta: &object.meta,
        };
        let modes = object.spec.servers.iter();
        for mode in modes.filter_map(|server| server.tls.as_ref()?.mode.as_ref()) {
            if mode.value == ServerTlsMode::AutoPassthrough {
                found(by, "spec.servers.tls.mode AUTO_PASSTHROUGH", &mode.at);
            }
        }
    }
    whole("WorkloadGroup", &resources.workload_groups, &mut found);
    whole(
        "BackendTLSPolicy",
        &resources.gateway_api.backend_tls_policies,
        &mut found,
    );
    for object in &resources.gateway_api.http_routes {
        let by = Object {
            kind: "HTTPRoute",
            meta: &object.meta,
        };
        let rules = object.spec.rules.iter();
        for session in rules.filter_map(|rule| rule.session_persistence.as_ref()) {
            found(by, "spec.rules.sessionPersistence", &session.at);
        }
    }
    for object in &resources.request_authentications {
        let by = Object {
            kind: "RequestAuthentication",
            meta: &object.meta,
        };
        // What becomes of keys that are not given is said where they are needed.
        for timeout in object
            .spec
            .jwt_rules
            .iter()
            .filter_map(|rule| rule.timeout.as_ref())
        {
            found(by, "spec.jwtRules.timeout", &timeout.at);
        }
    }
    pods::pods(resources, &mut found);
    services(resources, &mut found);
    sidecars(resources, &mut found);
    for object in &resources.services {
        let by = Object {
            kind: "Service",
            meta: &object.meta,
        };
        let at = &object.location;
        if object.spec.session_affinity == SessionAffinity::ClientIP {
            found(by, "spec.sessionAffinity", at);
        }
        if !object.spec.external_ips.is_empty() {
            found(by, "spec.externalIPs", at);
        }
    }
}

/// Names all of each object, of a kind that has no effect at all.
fn whole<K, S>(
    kind: &'static str,
    objects: &[Resource<K, S>],
    found: &mut impl FnMut(Object<'_>, &str, &Location),
) {
    for object in objects {
        let by = Object {
            kind,
            meta: &object.meta,
        };
        found(by, "spec", &object.location);
    }
}

/// Uses by objects that make services and their endpoints.
fn services(resources: &Resources, found: &mut impl FnMut(Object<'_>, &str, &Location)) {
    for object in &resources.service_entries {
        let by = Object {
            kind: "ServiceEntry",
            meta: &object.meta,
        };
        if !object.spec.subject_alt_names.is_empty() {
            found(by, "spec.subjectAltNames", &object.location);
        }
    }
    for object in &resources.workload_entries {
        let by = Object {
            kind: "WorkloadEntry",
            meta: &object.meta,
        };
        if let Some(network) = &object.spec.network {
            found(by, "spec.network", &network.at);
        }
    }
}

fn sidecars(resources: &Resources, found: &mut impl FnMut(Object<'_>, &str, &Location)) {
    for object in &resources.sidecars {
        let by = Object {
            kind: "Sidecar",
            meta: &object.meta,
        };
        for listener in &object.spec.egress {
            let port = listener.port.as_ref();
            if let Some(port) =
                port.filter(|port| Protocol::parse(&port.protocol) == Protocol::HttpProxy)
            {
                found(by, "spec.egress.port.protocol HTTP_PROXY", &port.at);
            }
            let bind = listener.bind.as_ref();
            if let Some(bind) = bind.filter(|bind| bind.starts_with(UNIX)) {
                found(by, "spec.egress.bind unix://", &bind.at);
            }
        }
        for listener in &object.spec.ingress {
            if listener.tls.is_some() {
                found(by, "spec.ingress.tls", &listener.at);
            }
            if let Some(pool) = &listener.connection_pool {
                found(by, "spec.ingress.connectionPool", &pool.at);
            }
            if listener.capture_mode == CaptureMode::None {
                found(by, "spec.ingress.captureMode", &listener.at);
            }
        }
        if let Some(pool) = &object.spec.inbound_connection_pool {
            found(by, "spec.inboundConnectionPool", &pool.at);
        }
    }
}

fn traffic_policy(policy: &Spanned<TrafficPolicy>, mut found: impl FnMut(&str, &Location)) {
    let ports = policy.port_level_settings.iter();
    let pools = ports
        .clone()
        .filter_map(|entry| entry.connection_pool.as_ref());
    for pool in policy.connection_pool.iter().chain(pools) {
        if pool
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.tcp_keepalive.is_some())
        {
            found("trafficPolicy.connectionPool.tcp.tcpKeepalive", &pool.at);
        }
        if pool
            .http
            .as_ref()
            .is_some_and(|http| http.http2_keep_alive.is_some())
        {
            found("trafficPolicy.connectionPool.http.http2KeepAlive", &pool.at);
        }
    }
    let modes = ports.filter_map(|entry| entry.tls.as_ref());
    for tls in policy.tls.iter().chain(modes) {
        found("trafficPolicy.tls", &tls.at);
    }
    if let Some(tunnel) = &policy.tunnel {
        found("trafficPolicy.tunnel", &tunnel.at);
    }
    if let Some(protocol) = &policy.proxy_protocol {
        found("trafficPolicy.proxyProtocol", &protocol.at);
    }
}

#[cfg(test)]
mod tests {
    use crate::fidelity::{Fidelity, row, rows};

    #[test]
    fn every_field_stands_once() {
        let mut fields: Vec<_> = rows().iter().map(|row| (row.kind, row.field)).collect();
        fields.sort_unstable();
        let before = fields.len();
        fields.dedup();
        assert_eq!(fields.len(), before);
    }

    #[test]
    fn what_is_not_simulated_is_looked_for() {
        let source = include_str!("uses.rs");
        for row in rows() {
            if let Fidelity::NotSimulated(_) = row.fidelity {
                let name = row.field.rsplit('.').next().expect("a name");
                let pods = include_str!("pods.rs");
                let is_named = source.contains(name) || pods.contains(name);
                assert!(is_named, "{} {}", row.kind, row.field);
            }
        }
        assert!(row("VirtualService", "spec.http.timeout").is_some());
    }
}

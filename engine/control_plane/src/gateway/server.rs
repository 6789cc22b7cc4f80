//! One server of a Gateway: a port, who may claim which of its hosts, and where its TLS ends.
//!
//! Source: istio/istio, pkg/config/gateway/gateway.go, pkg/config/host/names.go (NamesForNamespace),
//! pilot/pkg/model/gateway.go (gatewayRDSRouteName, GetSNIHostsForServer).

use manifest::server_tls::{ServerTlsMode, ServerTlsSettings};

use super::Gateway;
use crate::protocol::Protocol;

/// A server of a Gateway.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Its name; empty: none.
    pub(crate) name: String,
    /// Its port, as clients of the gateway's Service call it.
    pub(crate) port: u16,
    pub(crate) port_name: String,
    pub(crate) protocol: Protocol,
    /// The protocol as it is written: servers that spell it differently are kept apart.
    pub(crate) written_protocol: String,
    /// The address it listens on; empty: all.
    pub(crate) bind: String,
    /// `host`, or `<namespace>/<host>` for VirtualServices of that namespace only.
    pub(crate) hosts: Vec<String>,
    pub(crate) tls: Option<ServerTlsSettings>,
}

impl Server {
    /// The server as it is written in a Gateway of `namespace`.
    pub(super) fn new(written: &manifest::gateway::Server, namespace: &str) -> Self {
        let port = &written.port;
        Self {
            name: written
                .name
                .as_ref()
                .map_or_else(String::new, |name| name.value.clone()),
            port: u16::try_from(port.number.value).unwrap_or_default(),
            port_name: port.name.value.clone(),
            protocol: Protocol::parse(&port.protocol),
            written_protocol: port.protocol.value.clone(),
            bind: written
                .bind
                .as_ref()
                .map_or_else(String::new, |bind| bind.value.clone()),
            hosts: complete_hosts(written.hosts.iter().map(|host| host.as_str()), namespace),
            tls: written.tls.as_ref().map(|tls| tls.value.clone()),
        }
    }

    /// TLS goes on to whom the server name names.
    pub(crate) fn is_passthrough(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| {
            matches!(
                tls.mode(),
                ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough
            )
        })
    }

    /// Connections are told apart by their server names; false for plain text that is redirected to HTTPS.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some() && !self.protocol.is_http()
    }

    /// TLS ends here, and requests are visible then.
    pub(crate) fn terminates_https(&self) -> bool {
        self.tls.is_some() && self.protocol == Protocol::Https && !self.is_passthrough()
    }

    /// Requests are visible, in plain text or once TLS has ended.
    pub(crate) fn is_http(&self) -> bool {
        self.protocol.is_http() || (self.protocol == Protocol::Https && !self.is_passthrough())
    }

    /// Requests in plain text are redirected to HTTPS.
    pub(crate) fn redirects_to_https(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.https_redirect)
    }

    /// The hosts that VirtualServices of a namespace may claim.
    pub(crate) fn hosts_for<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        self.hosts
            .iter()
            .filter_map(move |entry| match entry.split_once('/') {
                Some((of, host)) => (of == namespace || of == "*").then_some(host),
                None => Some(entry),
            })
    }

    /// The hosts that clients may ask for in a TLS handshake.
    pub(crate) fn sni_hosts(&self) -> Vec<String> {
        let host = |entry: &String| match entry.split_once('/') {
            Some((_, host)) => host.to_owned(),
            None => entry.clone(),
        };
        let mut hosts: Vec<_> = self.hosts.iter().map(host).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Pilot's name of its route configuration on a port of the pod; empty where it has none.
    pub(crate) fn table_name(&self, gateway: &Gateway, listener_port: u16) -> String {
        let bind = match self.bind.as_str() {
            "" => String::new(),
            bind => format!(".{bind}"),
        };
        if self.protocol.is_http() {
            return format!("http.{listener_port}{bind}");
        }
        if self.protocol == Protocol::Https && !self.is_passthrough() {
            return format!(
                "https.{}.{}.{}.{}{bind}",
                self.port, self.port_name, gateway.name, gateway.namespace
            );
        }
        String::new()
    }
}

/// The gateway's own namespace in the place of `.`, and nothing in that of `*`.
fn complete_hosts<'a>(hosts: impl Iterator<Item = &'a str>, namespace: &str) -> Vec<String> {
    let mut completed = Vec::new();
    for host in hosts {
        completed.push(match host.split_once('/') {
            Some((".", host)) => format!("{namespace}/{host}"),
            // All hosts for everyone: nothing else counts any more.
            Some(("*", "*")) => return vec!["*".to_owned()],
            Some(("*", host)) => host.to_owned(),
            Some(_) | None => host.to_owned(),
        });
    }
    completed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_completed_as_pilot_does() {
        let complete = |hosts: &[&str]| complete_hosts(hosts.iter().copied(), "infra");
        assert_eq!(
            complete(&["./a.com", "*/b.com", "app/c.com", "d.com", "*"]),
            ["infra/a.com", "b.com", "app/c.com", "d.com", "*"]
        );
        assert_eq!(complete(&["a.com", "*/*"]), ["*"]);
    }
}

//! The rules for hosts with the namespace they belong to: `ns/host`, in Gateways and Sidecars.
//!
//! Source: istio/istio, pkg/config/validation/agent/validation.go (ValidateNamespaceSlashWildcardHostname).

use super::names;
use crate::host::is_ip;

/// Whose host it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A Gateway's: the namespace may be left out.
    Gateway,
    /// That of a Gateway which Istio made from one of the Gateway API: the namespace may be `~`, none.
    ConvertedGateway,
    /// A Sidecar's: a `~` before the namespace excludes the host.
    Sidecar,
}

/// All that is wrong with a host.
pub(super) fn errors(host: &str, scope: Scope) -> Vec<String> {
    let mut errors = Vec::new();
    let Some((namespace, name)) = host.split_once('/') else {
        if scope == Scope::Sidecar {
            return vec!["host must be of form namespace/dnsName".to_owned()];
        }
        dns_name(host, scope, &mut errors);
        return errors;
    };
    if namespace.is_empty() || name.is_empty() {
        errors.push("config namespace and dnsName in host entry cannot be empty".to_owned());
    }
    let is_allowed = match scope {
        Scope::Gateway => ["*", "."].contains(&namespace),
        Scope::ConvertedGateway => ["*", ".", "~"].contains(&namespace),
        Scope::Sidecar => {
            let included = namespace.strip_prefix('~').unwrap_or(namespace);
            ["", "*", "."].contains(&included) || names::is_dns_label(included)
        }
    };
    if !is_allowed && !names::is_dns_label(namespace) {
        let owner = match scope {
            Scope::Gateway | Scope::ConvertedGateway => "gateway",
            Scope::Sidecar => "sidecar",
        };
        errors.push(format!("invalid namespace value {namespace:?} in {owner}"));
    }
    dns_name(name, scope, &mut errors);
    errors
}

fn dns_name(name: &str, scope: Scope, errors: &mut Vec<String>) {
    if name != "*" && !name.contains('.') {
        errors.push("short names (non FQDN) are not allowed".to_owned());
    }
    if let Err(why) = names::wildcard_domain(name)
        && (scope == Scope::Sidecar || !is_ip(name))
    {
        errors.push(why);
    }
    errors.extend(names::partial_wildcard(name).err());
}

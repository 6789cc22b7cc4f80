//! What is hashed to keep a client at its host, from the DestinationRule of the destination.
//!
//! Source: istio/istio, pilot/pkg/networking/core/route/route.go (HashForHTTPDestination, hashForService,
//! ConsistentHashToHashPolicy).

use manifest::destination::Destination;
use manifest::load_balancer::{
    ConsistentHashLb, HashKey, LoadBalancerPolicy, LoadBalancerSettings,
};
use manifest::span::Spanned;
use manifest::traffic_policy::{PortTrafficPolicy, TrafficPolicy};
use xds::{HashPolicy, HashSource};

use crate::proxy::Client;
use crate::registry::ServiceId;

/// The hash policy of a destination. The outer option says whether its hosts are chosen by hash at all: one without a
/// key hashes nothing, and still keeps retries from avoiding hosts.
pub(crate) fn of_destination(
    destination: &Destination,
    client: &Client<'_>,
) -> Option<Option<HashPolicy>> {
    let service = client.service(&destination.host)?;
    let rule = client.destination_rule(service)?;
    let top = rule.traffic_policy.as_ref();
    let subset = rule.subset(destination.subset_name());
    let subset = subset.and_then(|subset| subset.traffic_policy.as_ref());
    let port = destination.port_number();
    let on_port = |policy: Option<&TrafficPolicy>| {
        of_settings(port_settings(policy?, port?)?.load_balancer.as_ref()).cloned()
    };
    let whole =
        |policy: Option<&TrafficPolicy>| of_settings(policy?.load_balancer.as_ref()).cloned();
    let subset = subset.map(|subset| &subset.value);
    let hash = on_port(subset)
        .or_else(|| whole(subset))
        .or_else(|| on_port(top))
        .or_else(|| whole(top))?;
    Some(hash_policy(&hash))
}

/// The hash policy of a service's default route on one of its ports.
pub(crate) fn of_service(service: ServiceId, port: u16, client: &Client<'_>) -> Option<HashPolicy> {
    let policy = client.destination_rule(service)?.traffic_policy.as_ref()?;
    let on_port = port_settings(policy, u32::from(port))
        .and_then(|settings| of_settings(settings.load_balancer.as_ref()));
    hash_policy(on_port.or_else(|| of_settings(policy.load_balancer.as_ref()))?)
}

/// The first entry for a port.
fn port_settings(policy: &TrafficPolicy, port: u32) -> Option<&PortTrafficPolicy> {
    let mut entries = policy.port_level_settings.iter().map(|entry| &entry.value);
    entries.find(|entry| entry.port.is_some_and(|selector| selector.number == port))
}

fn of_settings(settings: Option<&Spanned<LoadBalancerSettings>>) -> Option<&ConsistentHashLb> {
    match settings?.policy.as_ref()? {
        LoadBalancerPolicy::ConsistentHash(hash) => Some(&hash.value),
        LoadBalancerPolicy::Simple(_) => None,
    }
}

fn hash_policy(written: &ConsistentHashLb) -> Option<HashPolicy> {
    let source = match written.key.as_ref()? {
        HashKey::HttpHeaderName(name) => HashSource::Header {
            name: name.clone(),
            rewrite: None,
        },
        HashKey::HttpCookie(cookie) => HashSource::Cookie {
            name: cookie.name.clone(),
            path: (!cookie.path.is_empty()).then(|| cookie.path.clone()),
            ttl: cookie.ttl,
            attributes: cookie
                .attributes
                .iter()
                .map(|attribute| (attribute.name.clone(), attribute.value.clone()))
                .collect(),
        },
        HashKey::UseSourceIp(true) => HashSource::SourceIp,
        HashKey::UseSourceIp(false) => return None,
        HashKey::HttpQueryParameterName(name) => HashSource::QueryParameter { name: name.clone() },
    };
    Some(source.into())
}

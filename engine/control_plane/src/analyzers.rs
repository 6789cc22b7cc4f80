//! Findings about valid objects: what will hardly do what it says.
//!
//! One finding, or a few that belong together, a file. Where `istioctl analyze` has a code for a finding, ours is
//! Istio's, and so are level and message; codes that begin with `MS` are our own.

mod annotations;
mod application_uid;
mod conflicting_gateways;
mod conflicting_hosts;
mod deployment_services;
mod deprecated;
mod destination_hosts;
mod destination_ports;
mod destination_rule_ca;
mod destination_rule_host;
mod destination_subsets;
mod gateway_certificates;
mod gateway_credentials;
mod gateway_workloads;
mod gateways;
mod hidden_routes;
mod http_rules_without_http;
mod image_auto;
mod ingress_subsets;
mod injection;
mod jwt_claims;
mod known_hosts;
mod negative_conditions;
mod no_client_sidecar;
mod outlier_detection_without_effect;
mod policy_workloads;
mod port_names;
mod refused_table;
mod service_entries;
mod shadowed_destination_rules;
mod sidecars;
mod two_label_hosts;
mod unsimulated_fields;

use manifest::destination::Destination;
use manifest::span::Spanned;
use manifest::{Diagnostic, ObjectMeta, Resources, VirtualService};

use self::known_hosts::KnownHosts;
use crate::host::{self, resolve_short_name};
use crate::push_context::PushContext;
use crate::registry::{Registry, Service};
use crate::virtual_service;

/// What analyzers look at.
pub(crate) struct Context<'a> {
    pub(crate) resources: &'a Resources,
    pub(crate) push: &'a PushContext,
    /// What istioctl takes for the hosts of the mesh.
    pub(crate) hosts: KnownHosts<'a>,
}

/// All findings.
pub(crate) fn analyze(resources: &Resources, push: &PushContext) -> Vec<Diagnostic> {
    let context = Context {
        resources,
        push,
        hosts: KnownHosts::new(resources),
    };
    let mut out = Vec::new();
    for analyzer in ANALYZERS {
        analyzer(&context, &mut out);
    }
    out
}

type Analyzer = fn(&Context<'_>, &mut Vec<Diagnostic>);

const ANALYZERS: [Analyzer; 32] = [
    annotations::analyze,
    application_uid::analyze,
    conflicting_gateways::analyze,
    conflicting_hosts::analyze,
    deployment_services::analyze,
    deprecated::analyze,
    destination_hosts::analyze,
    destination_ports::analyze,
    destination_rule_ca::analyze,
    destination_rule_host::analyze,
    destination_subsets::analyze,
    gateway_certificates::analyze,
    gateway_credentials::analyze,
    gateway_workloads::analyze,
    gateways::analyze,
    hidden_routes::analyze,
    http_rules_without_http::analyze,
    image_auto::analyze,
    ingress_subsets::analyze,
    injection::analyze,
    jwt_claims::analyze,
    negative_conditions::analyze,
    no_client_sidecar::analyze,
    outlier_detection_without_effect::analyze,
    policy_workloads::analyze,
    port_names::analyze,
    refused_table::analyze,
    service_entries::analyze,
    shadowed_destination_rules::analyze,
    sidecars::analyze,
    two_label_hosts::analyze,
    unsimulated_fields::analyze,
];

impl<'a> Context<'a> {
    fn registry(&self) -> &'a Registry {
        &self.push.registry
    }

    /// The full name of a host in an object of `namespace`.
    fn resolve(&self, host: &str, namespace: &str) -> String {
        resolve_short_name(host, namespace, &self.push.mesh.domain_suffix)
    }

    /// The service that an object of `namespace` means by a host.
    fn service(&self, host: &str, namespace: &str) -> Option<&'a Service> {
        let id = self
            .registry()
            .service_by_hostname(&self.resolve(host, namespace))?;
        let service = self.registry().service(id);
        service.export_to.includes(namespace).then_some(service)
    }

    /// The VirtualServices that sidecars use.
    fn mesh_virtual_services(&self) -> impl Iterator<Item = &'a VirtualService> + use<'a> {
        self.resources.virtual_services.iter().filter(|object| {
            let gateways = &object.spec.gateways;
            !object.spec.hosts.is_empty()
                && (gateways.is_empty()
                    || gateways
                        .iter()
                        .any(|gateway| gateway.value == host::MESH_GATEWAY))
        })
    }

    /// Whether a namespace sees a VirtualService.
    fn sees(&self, namespace: &str, object: &VirtualService) -> bool {
        virtual_service::export_to(&object.spec, &object.meta.namespace, &self.push.mesh)
            .includes(namespace)
    }
}

/// Whether an object belongs to Istio's own installation.
fn is_control_plane(meta: &ObjectMeta) -> bool {
    meta.labels.contains_key("istio")
        || meta
            .labels
            .get("release")
            .is_some_and(|name| name == "istio")
}

/// A destination of a rule, with the path to it.
struct Named<'a> {
    destination: &'a Spanned<Destination>,
    field: String,
}

/// The destinations of all rules of a VirtualService.
fn destinations(object: &VirtualService) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    let mut add = |list: &str, rule: usize, index: usize, destination| {
        found.push(Named {
            destination,
            field: format!("spec.{list}[{rule}].route[{index}].destination"),
        });
    };
    for (rule_index, rule) in object.spec.http.iter().enumerate() {
        for (index, route) in rule.route.iter().enumerate() {
            add("http", rule_index, index, &route.destination);
        }
    }
    for (rule_index, rule) in object.spec.tcp.iter().enumerate() {
        for (index, route) in rule.route.iter().enumerate() {
            add("tcp", rule_index, index, &route.destination);
        }
    }
    for (rule_index, rule) in object.spec.tls.iter().enumerate() {
        for (index, route) in rule.route.iter().enumerate() {
            add("tls", rule_index, index, &route.destination);
        }
    }
    found
}

/// The mirrors of all rules of a VirtualService.
fn mirrors(object: &VirtualService) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    for (rule_index, rule) in object.spec.http.iter().enumerate() {
        let single = rule.mirror.iter().map(|destination| Named {
            destination,
            field: format!("spec.http[{rule_index}].mirror"),
        });
        let listed = rule
            .mirrors
            .iter()
            .enumerate()
            .map(|(index, mirror)| Named {
                destination: &mirror.destination,
                field: format!("spec.http[{rule_index}].mirrors[{index}].destination"),
            });
        found.extend(single.chain(listed));
    }
    found
}

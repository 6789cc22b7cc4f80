//! IST0116: services of one Deployment use a port with different transports. IST0137: they lead to one container port
//! by different numbers.
//!
//! Source: istio/istio, pkg/config/analysis/analyzers/deployment/services.go.

use std::collections::{BTreeMap, BTreeSet};

use manifest::service::TransportProtocol;
use manifest::{Diagnostic, Level};

use super::Context;
use crate::finding::Findings;
use crate::registry::{Service, WorkloadRef};

pub(super) fn analyze(context: &Context<'_>, out: &mut Vec<Diagnostic>) {
    // The first pod of each workload stands for it.
    let registry = context.registry();
    let mut services_of = BTreeMap::<_, Vec<&Service>>::new();
    for service in registry.services() {
        let mut seen = BTreeSet::new();
        for pod in service.pods() {
            let pod = registry.pod(pod);
            if pod.has_sidecar() && seen.insert(&pod.workload) {
                services_of.entry(&pod.workload).or_default().push(service);
            }
        }
    }
    for deployment in &context.resources.deployments {
        let meta = &deployment.meta;
        let workload = WorkloadRef {
            kind: "Deployment".to_owned(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
        };
        let Some(services) = services_of.get(&workload) else {
            continue;
        };
        let mut findings = Findings::new("Deployment", meta, out);
        let mut transports = BTreeMap::<u16, BTreeMap<&str, BTreeSet<String>>>::new();
        let mut numbers = BTreeMap::<String, BTreeMap<u16, BTreeSet<String>>>::new();
        for service in services {
            for port in &service.ports {
                let transport = match port.transport {
                    TransportProtocol::Tcp => "TCP",
                    TransportProtocol::Udp => "UDP",
                    TransportProtocol::Sctp => "SCTP",
                };
                let name = format!("{}/{}", service.namespace, service.name);
                transports
                    .entry(port.number)
                    .or_default()
                    .entry(transport)
                    .or_default()
                    .insert(name.clone());
                numbers
                    .entry(port.target_port.to_string())
                    .or_default()
                    .entry(port.number)
                    .or_default()
                    .insert(name);
            }
        }
        for (port, by_transport) in transports.iter().filter(|(_, list)| list.len() > 1) {
            let names: BTreeSet<_> = by_transport
                .values()
                .flatten()
                .map(String::as_str)
                .collect();
            let names: Vec<_> = names.into_iter().collect();
            // Istio's words speak of protocols, and its list is of services.
            let message = format!(
                "This deployment {} is associated with multiple services using port {port} but different protocols: [{}]",
                meta.name,
                names.join(" ")
            );
            let at = &deployment.location;
            findings.add("IST0116", Level::Warning, at, "metadata.name", message);
        }
        for (target, by_number) in numbers.iter().filter(|(_, list)| list.len() > 1) {
            let names: BTreeSet<_> = by_number.values().flatten().cloned().collect();
            let names: Vec<_> = names.into_iter().collect();
            let list: Vec<_> = by_number.keys().map(u16::to_string).collect();
            let message = format!(
                "This deployment {} is associated with multiple services [{}] using targetPort {target:?} but \
                 different ports: [{}].",
                meta.name,
                names.join(" "),
                list.join(" ")
            );
            let at = &deployment.location;
            findings.add("IST0137", Level::Warning, at, "metadata.name", message);
        }
    }
}

//! Gateways through which traffic enters from outside of the mesh.

use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::compile::stage::Stage;
use crate::object_name::ObjectName;
use crate::place::Placed;
use crate::traffic::Traffic;
use sim::plan::PodId;
use std::collections::{BTreeMap, BTreeSet};

/// Where requests enter.
#[derive(Debug, Default)]
pub(super) struct Entrance {
    /// The pods that serve the Gateway.
    pub(super) pods: Vec<PodId>,
    /// Their own port behind each port that their Gateways name.
    pub(super) ports: BTreeMap<u16, u16>,
}

/// Where the requests of a source enter, as it is in the first stage that has its Gateway.
pub(super) fn entrance(
    traffic: &Traffic,
    stages: &[Stage],
    population: &Population,
    report: &mut Report,
) -> Entrance {
    let Placed { value, place } = &traffic.from;
    let ObjectName { namespace, name } = value;
    let found = stages.iter().find_map(|stage| {
        let pods = stage.mesh.pods_of_gateway(namespace, name)?;
        let edge = stage.mesh.edge_of_gateway(namespace, name)?;
        Some((stage, pods, edge))
    });
    let Some((stage, pods, edge)) = found else {
        let known: BTreeSet<&str> = stages
            .iter()
            .flat_map(|stage| stage.mesh.gateway_names())
            .collect();
        report.unknown(place, "Gateway", &value.to_string(), known);
        return Entrance::default();
    };
    let registry = stage.mesh.registry();
    let pods: Vec<PodId> = pods
        .iter()
        .filter_map(|pod| population.pod_at(registry.pod(*pod).ip))
        .collect();
    if pods.is_empty() {
        report.invalid(
            place,
            format!("no pod of the manifests serves the Gateway `{value}`"),
            Some("add the Deployment of the gateway, with the labels that it selects".to_owned()),
        );
    }
    for template in &traffic.requests {
        let url = &template.request.url;
        if !edge.ports.contains_key(&url.port) {
            let ports: Vec<String> = edge.ports.keys().map(u16::to_string).collect();
            report.invalid(
                &url.place,
                format!("no Gateway of `{value}` has a server for port {}", url.port),
                Some(format!("there is {}", ports.join(", "))),
            );
        }
    }
    Entrance {
        pods,
        ports: edge.ports,
    }
}

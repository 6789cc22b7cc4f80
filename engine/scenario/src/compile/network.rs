//! Latencies by workload and by where pods are, and what happens to links: names become numbers.

use crate::compile::cluster::Pools;
use crate::compile::population::Population;
use crate::compile::report::Report;
use crate::compile::stage::Stage;
use crate::file::Scenario;
use crate::place::Placed;
use crate::timeline::{Act, End};
use base::SimTime;
use sim::plan::network::{Disturbance, Ends, Place, Tier};
use sim::plan::{Link, Network};

/// Where a pod is, by names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    region: String,
    zone: String,
    node: Option<String>,
}

pub(super) fn network(
    scenario: &Scenario,
    stages: &[Stage],
    population: &Population,
    pools: Option<&Pools>,
    report: &mut Report,
) -> Network {
    let written = &scenario.network;
    let mut links = Vec::new();
    for link in &written.links {
        let [a, b] = &link.between;
        let a = population.workloads_named(a, report);
        let b = population.workloads_named(b, report);
        for &a in &a {
            links.extend(b.iter().map(|&b| Link {
                a,
                b,
                latency: link.latency.clone(),
                bandwidth: link.bandwidth,
            }));
        }
    }
    let names = names(stages, population);
    let mut disturbances = Vec::new();
    for change in &scenario.timeline {
        for act in &change.acts {
            let Act::Link(link) = act else { continue };
            let ends = link.between.iter();
            let ends: Vec<Ends> = ends
                .map(|end| ends_of(end, population, &names, pools, report))
                .collect();
            let Ok(between) = <[Ends; 2]>::try_from(ends) else {
                continue;
            };
            disturbances.push(Disturbance {
                from: change.at,
                to: change.lasts.map_or(SimTime::MAX, |lasts| change.at + lasts),
                between,
                delay: link.delay.clone(),
                loss: link.loss,
            });
        }
    }
    Network {
        latency: written.latency.clone(),
        links,
        bandwidth: written.bandwidth,
        sidecar_latency: written.sidecar_latency.clone(),
        connect_trips: CONNECT_TRIPS,
        places: places(&names, pools),
        tiers: written.tiers.clone().map(|tier| {
            tier.map(|tier| Tier {
                latency: tier.latency,
                loss: tier.loss,
            })
        }),
        disturbances,
    }
}

/// Where each pod is, as the control plane knows it when the pod first exists.
fn names(stages: &[Stage], population: &Population) -> Vec<Names> {
    let pods = population.pods.iter().map(|pod| {
        let found = stages.iter().find_map(|stage| {
            let registry = stage.mesh.registry();
            let id = registry.pod_by_name(&pod.name.namespace, &pod.name.name)?;
            let pod = registry.pod(id);
            Some(Names {
                region: pod.locality.region.clone(),
                zone: pod.locality.zone.clone(),
                node: pod.node.clone(),
            })
        });
        found.unwrap_or_default()
    });
    pods.collect()
}

/// The same in numbers. Pods that come and go have the node on which they are at the time.
fn places(names: &[Names], pools: Option<&Pools>) -> Vec<Place> {
    let first = |is_like: &dyn Fn(&Names) -> bool| {
        let place = names.iter().position(is_like);
        place.expect("each is like itself") as u32
    };
    let places = names.iter().map(|one| Place {
        region: first(&|other| other.region == one.region),
        zone: first(&|other| (&other.region, &other.zone) == (&one.region, &one.zone)),
        node: match pools {
            Some(pools) => one.node.as_ref().and_then(|node| pools.node_named(node)),
            None => one
                .node
                .as_ref()
                .map(|_| first(&|other| other.node == one.node)),
        },
    });
    places.collect()
}

fn ends_of(
    end: &End,
    population: &Population,
    names: &[Names],
    pools: Option<&Pools>,
    report: &mut Report,
) -> Ends {
    match end {
        End::Any => Ends::Any,
        End::Workload(name) => {
            let workloads = population.workloads_named(name, report);
            let pods = population.pods.iter();
            Ends::Pods(pods.map(|pod| workloads.contains(&pod.workload)).collect())
        }
        End::Zone(zone) => named(zone, "zone", names, |names| Some(&names.zone), report),
        End::Region(region) => named(region, "region", names, |names| Some(&names.region), report),
        End::Node(node) => match pools.and_then(|pools| pools.node_named(node)) {
            Some(number) => Ends::Node(number),
            None => named(node, "node", names, |names| names.node.as_ref(), report),
        },
    }
}

/// The pods of which something has this name.
fn named(
    wanted: &Placed<String>,
    sort: &str,
    names: &[Names],
    of: impl Fn(&Names) -> Option<&String>,
    report: &mut Report,
) -> Ends {
    let pods: Vec<bool> = names
        .iter()
        .map(|names| of(names) == Some(&wanted.value))
        .collect();
    if !pods.contains(&true) {
        let known: std::collections::BTreeSet<&str> = names
            .iter()
            .filter_map(&of)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        report.unknown(&wanted.place, sort, wanted, known);
    }
    Ends::Pods(pods)
}

/// SYN and SYN-ACK; the request follows with the ACK. A TLS handshake, which would take as much again, is left out.
const CONNECT_TRIPS: u32 = 2;

//! The pods and workloads of all stages, numbered once: a pod keeps its number while it comes and goes.

use crate::compile::cluster::Pools;
use crate::compile::external::External;
use crate::compile::report::Report;
use crate::compile::stage::Stage;
use crate::object_name::{ObjectName, matches_pattern};
use crate::place::Placed;
use crate::target::Candidate;
use control_plane::WorkloadRef;
use sim::plan::{PodId, WorkloadId};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// All pods and workloads.
#[derive(Debug)]
pub(super) struct Population {
    /// By [`PodId`].
    pub(super) pods: Vec<Pod>,
    /// By [`WorkloadId`].
    pub(super) workloads: Vec<Workload>,
    /// By namespace and name.
    by_name: BTreeMap<(String, String), PodId>,
    by_ip: BTreeMap<IpAddr, PodId>,
    /// Servers outside of the mesh.
    externals: Vec<(External, PodId)>,
}

/// A pod.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) name: ObjectName,
    pub(super) workload: WorkloadId,
    pub(super) ip: IpAddr,
    /// It is no more than a proxy.
    pub(super) is_gateway: bool,
    /// Where the Envoy of a scenario reaches it; empty in a mesh.
    address: String,
    labels: BTreeMap<String, String>,
    images: Vec<String>,
    /// The environment of its containers.
    env: Vec<(String, String)>,
    /// The processors that its containers are limited to, where all of them are.
    pub(super) cpu_limit: Option<f64>,
    /// Whether it is there, by stage.
    pub(super) exists: Vec<bool>,
    /// Whether it has a proxy, when it first appears.
    pub(super) has_proxy: bool,
}

/// A workload.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) name: ObjectName,
    pub(super) app: String,
    pub(super) version: String,
    /// Its pods, in order.
    pub(super) pods: Vec<PodId>,
}

impl Population {
    /// The pods of all stages, those of the first in order of their names; then servers outside of the mesh. Pods that come
    /// and go at run time count as there in all stages.
    pub(super) fn of(stages: &[Stage], pools: Option<&Pools>, externals: Vec<External>) -> Self {
        let mut population = Self {
            pods: Vec::new(),
            workloads: Vec::new(),
            by_name: BTreeMap::new(),
            by_ip: BTreeMap::new(),
            externals: Vec::new(),
        };
        let mut workload_ids = BTreeMap::new();
        for (number, stage) in stages.iter().enumerate() {
            for pod in stage.mesh.pods() {
                let template = pools.and_then(|p| p.template_of(&pod.namespace, &pod.name));
                let key = (pod.workload.clone(), template.unwrap_or(0));
                let id = population.add(pod, key, &mut workload_ids, stages.len());
                let exists = &mut population.pods[id.index()].exists;
                match template {
                    Some(_) => exists.fill(true),
                    None => exists[number] = true,
                }
            }
        }
        for external in externals {
            let id = population.add_server(external.name(), external.address.clone());
            let pod = &mut population.pods[id.index()];
            pod.ip = external.ip;
            pod.exists = vec![true; stages.len()];
            population.externals.push((external, id));
        }
        population
    }

    /// The pod of a lone Envoy, and one for each address that it knows; each is its own workload.
    pub(super) fn of_envoy(envoy: &ObjectName, addresses: &[String]) -> Self {
        let endpoints = addresses.iter().map(|address| {
            let name = ObjectName {
                name: address.clone(),
                ..envoy.clone()
            };
            (name, address.clone())
        });
        let mut population = Self {
            pods: Vec::new(),
            workloads: Vec::new(),
            by_name: BTreeMap::new(),
            by_ip: BTreeMap::new(),
            externals: Vec::new(),
        };
        for (name, address) in std::iter::once((envoy.clone(), String::new())).chain(endpoints) {
            let is_envoy = address.is_empty();
            let id = population.add_server(name, address);
            population.pods[id.index()].has_proxy = is_envoy;
        }
        population
    }

    /// A pod without a sidecar that is its own workload, at an address that is no pod's.
    fn add_server(&mut self, name: ObjectName, address: String) -> PodId {
        let id = PodId::new(self.pods.len());
        let key = (name.namespace.clone(), name.name.clone());
        self.by_name.insert(key, id);
        self.workloads.push(Workload {
            name: name.clone(),
            app: String::new(),
            version: String::new(),
            pods: vec![id],
        });
        self.pods.push(Pod {
            workload: WorkloadId::new(self.workloads.len() - 1),
            name,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            is_gateway: false,
            address,
            labels: BTreeMap::new(),
            images: Vec::new(),
            env: Vec::new(),
            cpu_limit: None,
            exists: vec![true],
            has_proxy: false,
        });
        id
    }

    fn add(
        &mut self,
        pod: &control_plane::Pod,
        workload: (WorkloadRef, usize),
        workload_ids: &mut BTreeMap<(WorkloadRef, usize), WorkloadId>,
        stages: usize,
    ) -> PodId {
        let key = (pod.namespace.clone(), pod.name.clone());
        if let Some(id) = self.by_name.get(&key) {
            return *id;
        }
        let workload = *workload_ids.entry(workload).or_insert_with(|| {
            self.workloads.push(self::workload(pod));
            WorkloadId::new(self.workloads.len() - 1)
        });
        let id = PodId::new(self.pods.len());
        self.workloads[workload.index()].pods.push(id);
        let containers = &pod.template.spec.containers;
        self.pods.push(Pod {
            name: ObjectName {
                namespace: pod.namespace.clone(),
                name: pod.name.clone(),
            },
            workload,
            ip: pod.ip,
            is_gateway: pod.is_gateway(),
            address: String::new(),
            labels: pod.labels().clone(),
            images: containers
                .iter()
                .map(|container| container.image.clone())
                .collect(),
            env: containers
                .iter()
                .flat_map(|container| &container.env)
                .map(|variable| (variable.name.clone(), variable.value.clone()))
                .collect(),
            cpu_limit: containers
                .iter()
                .map(|container| Some(container.resources.limits.get("cpu")?.value()))
                .sum(),
            exists: vec![false; stages],
            has_proxy: pod.has_proxy(),
        });
        self.by_name.insert(key, id);
        self.by_ip.entry(pod.ip).or_insert(id);
        id
    }

    /// The ids of all pods.
    pub(super) fn pod_ids(&self) -> impl Iterator<Item = PodId> + use<> {
        (0..self.pods.len()).map(PodId::new)
    }

    /// The pod of this name.
    pub(super) fn pod_named(&self, namespace: &str, name: &str) -> Option<PodId> {
        let key = (namespace.to_owned(), name.to_owned());
        self.by_name.get(&key).copied()
    }

    /// The pod at this address.
    pub(super) fn pod_at(&self, ip: IpAddr) -> Option<PodId> {
        self.by_ip.get(&ip).copied()
    }

    /// The pod at this address, or the server outside of the mesh that listens on this port of it.
    pub(super) fn server_at(&self, ip: IpAddr, port: u16) -> Option<PodId> {
        let outside = self.external(|external| external.is_at(ip, port));
        self.pod_at(ip).or(outside.map(|(_, pod)| pod))
    }

    /// Whether a pod, or a server outside of the mesh, has this address.
    pub(super) fn is_somebody_at(&self, ip: IpAddr) -> bool {
        self.pod_at(ip).is_some() || self.external(|external| external.ip == ip).is_some()
    }

    /// The server outside of the mesh that a name and a port lead to.
    pub(super) fn external_named(&self, host: &str, port: u16) -> Option<PodId> {
        Some(self.external(|external| external.is_named(host, port))?.1)
    }

    /// The address of a name outside of the mesh, whatever its servers listen on.
    pub(super) fn external_address(&self, host: &str) -> Option<IpAddr> {
        let named =
            |external: &External| external.is_named(host, external.port.unwrap_or_default());
        Some(self.external(named)?.0.ip)
    }

    fn external(&self, is_meant: impl Fn(&External) -> bool) -> Option<(&External, PodId)> {
        let mut externals = self.externals.iter();
        let (external, pod) = externals.find(|(external, _)| is_meant(external))?;
        Some((external, *pod))
    }

    /// The workloads of this name; none is an error.
    pub(super) fn workloads_named(
        &self,
        name: &Placed<ObjectName>,
        report: &mut Report,
    ) -> Vec<WorkloadId> {
        let found = self.find_workloads(name);
        if found.is_empty() {
            let known = self.workload_names();
            let known = known.iter().map(String::as_str);
            report.unknown(&name.place, "workload", &name.to_string(), known);
        }
        found
    }

    /// The workloads whose names meet a pattern.
    pub(super) fn find_workloads(&self, pattern: &ObjectName) -> Vec<WorkloadId> {
        let matches = |name: &ObjectName| {
            matches_pattern(&pattern.namespace, &name.namespace)
                && matches_pattern(&pattern.name, &name.name)
        };
        (0..self.workloads.len())
            .map(WorkloadId::new)
            .filter(|id| matches(&self.workloads[id.index()].name))
            .collect()
    }

    /// The names of all workloads.
    pub(super) fn workload_names(&self) -> Vec<String> {
        self.workloads.iter().map(|w| w.name.to_string()).collect()
    }

    /// The names of all pods.
    pub(super) fn pod_names(&self) -> Vec<String> {
        self.pods.iter().map(|pod| pod.name.to_string()).collect()
    }

    /// The addresses at which an Envoy reaches pods.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        let addresses = self.pods.iter().map(|pod| pod.address.as_str());
        addresses.filter(|address| !address.is_empty())
    }

    /// A pod as a target sees it.
    pub(super) fn candidate(&self, id: PodId) -> Candidate<'_> {
        let pod = &self.pods[id.index()];
        Candidate {
            namespace: &pod.name.namespace,
            pod: &pod.name.name,
            workload: &self.workloads[pod.workload.index()].name.name,
            labels: &pod.labels,
            images: &pod.images,
            env: &pod.env,
            address: &pod.address,
        }
    }
}

fn workload(pod: &control_plane::Pod) -> Workload {
    let label = |names: [&str; 2]| {
        let mut values = names.iter().filter_map(|name| pod.labels().get(*name));
        values.next().cloned().unwrap_or_default()
    };
    Workload {
        name: ObjectName {
            namespace: pod.workload.namespace.clone(),
            name: pod.workload.name.clone(),
        },
        app: label(["app.kubernetes.io/name", "app"]),
        version: label(["app.kubernetes.io/version", "version"]),
        pods: Vec::new(),
    }
}

//! What each proxy is told in each stage: compiled once for all proxies that are told the same.
//!
//! The two sides of a proxy have tables of their own. What is told about requests that leave a pod grows with the mesh,
//! and plays a part only in pods that make requests: few tables are needed. What is told about requests that reach a pod
//! differs from service to service, and is small.

use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::stage::Stage;
use crate::compile::{application, outside};
use crate::file::Scenario;
use base::Location;
use control_plane::{Mesh, ProxyRef};
use manifest::{Diagnostic, Level};
use proxy::names::{ClusterId, Endpoint, EndpointId, Names};
use proxy::problem::{Problem, ProblemKind};
use proxy::table::Table;
use rustc_hash::FxHashMap;
use sim::plan::{ClusterLabels, PodId, Side, TableId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xds::Snapshot;

/// Compiled configurations, and who is told which.
#[derive(Debug)]
pub(super) struct Tables {
    /// By [`TableId`].
    pub(super) tables: Vec<Arc<Table>>,
    /// The names behind all their ids.
    pub(super) names: Names,
    /// By stage and [`PodId`].
    of_pods: Vec<Vec<Told>>,
    /// By stage, setting of deliveries beyond the first, and [`PodId`].
    with_settings: Vec<Vec<Vec<Told>>>,
}

/// What a pod's proxy is told: none without such a side, or while the pod is not there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// About requests that leave it.
    outbound: Option<TableId>,
    /// About requests that reach it.
    inbound: Option<TableId>,
}

impl Told {
    /// What one side is told.
    pub(super) const fn on(self, side: Side) -> Option<TableId> {
        match side {
            Side::Outbound => self.outbound,
            Side::Inbound => self.inbound,
        }
    }
}

impl Tables {
    /// The configurations of all stages. A proxy that is told the same in two stages keeps its table, and those of pods
    /// that are not among `senders` are told nothing.
    pub(super) fn of(
        stages: &[Stage],
        population: &Population,
        senders: &BTreeSet<PodId>,
        scenario: &Scenario,
        report: &mut Report,
    ) -> Self {
        let mut builder = Builder {
            population,
            tables: Vec::new(),
            names: Names::default(),
            known: FxHashMap::default(),
            same: FxHashMap::default(),
            somewhere: Location::start_of(scenario.source.name.clone()),
        };
        let silent = builder.add(Table::default());
        let others = stages.first().map_or(0, |stage| stage.others.len());
        let mut memory = vec![Memory::default(); population.pods.len()];
        let mut memories: Vec<Vec<Memory>> = Vec::new();
        let (mut of_pods, mut with_settings) = (Vec::new(), Vec::new());
        for (number, stage) in stages.iter().enumerate() {
            let mut tell = |mesh: &Mesh, memory: &mut Vec<Memory>| {
                let stage = (number, mesh);
                builder.tell_all(stage, population, senders, silent, memory, report)
            };
            of_pods.push(tell(&stage.mesh, &mut memory));
            // A setting differs little from the first.
            memories.resize(others, memory.clone());
            let told = stage.others.iter().zip(&mut memories);
            with_settings.push(told.map(|(mesh, memory)| tell(mesh, memory)).collect());
        }
        Self {
            tables: builder.tables,
            names: builder.names,
            of_pods,
            with_settings,
        }
    }

    /// The one configuration of a lone Envoy, which is the first pod.
    pub(super) fn of_envoy(table: Table, names: Names, population: &Population) -> Self {
        let told = |pod: PodId| Told {
            outbound: (pod.index() == 0).then(|| TableId::new(0)),
            inbound: None,
        };
        Self {
            tables: vec![Arc::new(table)],
            names,
            of_pods: vec![population.pod_ids().map(told).collect()],
            with_settings: Vec::new(),
        }
    }

    /// What a side of a pod's proxy is told in a stage.
    pub(super) fn of_pod(&self, stage: usize, pod: PodId, side: Side) -> Option<TableId> {
        self.of_pods[stage][pod.index()].on(side)
    }

    /// What all proxies are told in a stage, with a setting of deliveries.
    pub(super) fn with_setting(&self, stage: usize, setting: usize) -> Vec<(PodId, Side, TableId)> {
        let told = match setting {
            0 => &self.of_pods[stage],
            setting => &self.with_settings[stage][setting - 1],
        };
        let sides = told.iter().enumerate().flat_map(|(pod, told)| {
            [Side::Outbound, Side::Inbound].map(|side| (PodId::new(pod), side, told.on(side)))
        });
        sides
            .filter_map(|(pod, side, table)| Some((pod, side, table?)))
            .collect()
    }

    /// What a side of a pod's proxy is told when the pod first appears.
    pub(super) fn first_of_pod(&self, pod: PodId, side: Side) -> Option<TableId> {
        let mut stages = self.of_pods.iter();
        stages.find_map(|stage| stage[pod.index()].on(side))
    }

    /// The pod behind each endpoint, and the port at which it is reached where that is another one.
    pub(super) fn endpoints(
        &self,
        stages: &[Stage],
        population: &Population,
    ) -> (Vec<Option<PodId>>, BTreeMap<EndpointId, u16>) {
        let mut forwarded = BTreeMap::new();
        let pods = (0..self.names.endpoint_count()).map(|index| {
            let id = EndpointId::new(index);
            let (behind, port) = match self.names.endpoint_address(id) {
                Endpoint::Socket(socket) => {
                    let (ip, port) = (socket.ip(), socket.port());
                    let own = population.server_at(ip, port).map(|pod| (pod, port));
                    let of_service = || outside::pod_of_service(ip, port, stages, population);
                    (own.or_else(of_service), port)
                }
                Endpoint::Name(name, port) => {
                    (outside::pod_named(name, *port, stages, population), *port)
                }
            };
            let (pod, reached) = behind?;
            if reached != port {
                forwarded.insert(id, reached);
            }
            Some(pod)
        });
        (pods.collect(), forwarded)
    }

    /// What each cluster stands for.
    pub(super) fn cluster_labels(&self, stages: &[Stage]) -> Vec<ClusterLabels> {
        (0..self.names.cluster_count())
            .map(|index| labels(self.names.cluster_name(ClusterId::new(index)), stages))
            .collect()
    }
}

/// What the sides of a pod's proxy were told last.
#[derive(Clone, Default)]
struct Memory {
    outbound: Option<(Arc<Snapshot>, TableId)>,
    inbound: Option<(Arc<Snapshot>, TableId)>,
}

struct Builder<'a> {
    population: &'a Population,
    tables: Vec<Arc<Table>>,
    names: Names,
    /// The table of each snapshot, by its address: snapshots live as long as their meshes.
    known: FxHashMap<*const Snapshot, TableId>,
    /// Whether two snapshots tell the same.
    same: FxHashMap<(*const Snapshot, *const Snapshot), bool>,
    /// The place of problems that have none.
    somewhere: Location,
}

impl Builder<'_> {
    /// What all proxies are told by a mesh of a stage.
    fn tell_all(
        &mut self,
        (number, mesh): (usize, &Mesh),
        population: &Population,
        senders: &BTreeSet<PodId>,
        silent: TableId,
        memory: &mut [Memory],
        report: &mut Report,
    ) -> Vec<Told> {
        for id in population.pod_ids() {
            let pod = &population.pods[id.index()];
            if !pod.exists[number] || !pod.has_proxy {
                continue;
            }
            // A pod that loses its sidecar by a change of labels would have to be made anew: it keeps it.
            let proxy = ProxyRef::new(&pod.name.namespace, &pod.name.name);
            let memory = &mut memory[id.index()];
            if (pod.is_gateway || senders.contains(&id))
                && let Ok(snapshot) = mesh.outbound_snapshot(&proxy)
            {
                let before = memory.outbound.take();
                memory.outbound = Some(self.tell(snapshot, before, report));
            }
            if !pod.is_gateway
                && let Ok(snapshot) = mesh.inbound_snapshot(&proxy)
            {
                let before = memory.inbound.take();
                memory.inbound = Some(self.tell(snapshot, before, report));
            }
        }
        let now = population.pod_ids().map(|id| {
            let pod = &population.pods[id.index()];
            if !pod.exists[number] || !pod.has_proxy {
                return Told::default();
            }
            let Memory { outbound, inbound } = &memory[id.index()];
            Told {
                outbound: if pod.is_gateway || senders.contains(&id) {
                    outbound.as_ref().map(|(_, table)| *table)
                } else {
                    Some(silent)
                },
                inbound: inbound.as_ref().map(|(_, table)| *table),
            }
        });
        now.collect()
    }

    fn tell(
        &mut self,
        snapshot: Arc<Snapshot>,
        before: Option<(Arc<Snapshot>, TableId)>,
        report: &mut Report,
    ) -> (Arc<Snapshot>, TableId) {
        if let Some((old, table)) = before {
            let key = (Arc::as_ptr(&old), Arc::as_ptr(&snapshot));
            let same = *self
                .same
                .entry(key)
                .or_insert_with(|| tell_the_same(&old, &snapshot));
            if same {
                return (old, table);
            }
        }
        let table = match self.known.get(&Arc::as_ptr(&snapshot)) {
            Some(table) => *table,
            None => self.compile(&snapshot, report),
        };
        (snapshot, table)
    }

    fn compile(&mut self, snapshot: &Arc<Snapshot>, report: &mut Report) -> TableId {
        let is_outside = |host: &str, port| self.population.external_named(host, port).is_some();
        let in_place = application::in_place(snapshot, is_outside);
        let (table, problems) = Table::compile(&in_place, &mut self.names);
        // What is approximate without anybody having asked for it is so in every mesh, and belongs into a manual.
        let notable =
            |problem: &&Problem| problem.origin.is_some() || problem.kind == ProblemKind::Refused;
        for problem in problems.iter().filter(notable) {
            report.push(self.diagnostic(problem));
        }
        let id = self.add(table);
        self.known.insert(Arc::as_ptr(snapshot), id);
        id
    }

    fn add(&mut self, table: Table) -> TableId {
        self.tables.push(Arc::new(table));
        TableId::new(self.tables.len() - 1)
    }

    fn diagnostic(&self, problem: &Problem) -> Diagnostic {
        let location = problem.origin.as_ref().map(|origin| &origin.location);
        Diagnostic {
            code: match problem.kind {
                ProblemKind::Refused => code::REFUSED,
                ProblemKind::Approximate => code::APPROXIMATE,
                ProblemKind::NotSimulated => code::NOT_SIMULATED,
            },
            level: Level::Warning,
            location: location.unwrap_or(&self.somewhere).clone(),
            span: 0..0,
            object: None,
            field: String::new(),
            message: problem.to_string(),
            help: None,
        }
    }
}

/// Whether two snapshots differ in nothing but whom they are for.
fn tell_the_same(a: &Snapshot, b: &Snapshot) -> bool {
    let Snapshot {
        node: _,
        listeners,
        routes,
        clusters,
        endpoints,
    } = a;
    *listeners == b.listeners
        && *routes == b.routes
        && *clusters == b.clusters
        && *endpoints == b.endpoints
}

/// The labels of a cluster; Istio's names are `outbound|<port>|<subset>|<host>`.
fn labels(cluster: &str, stages: &[Stage]) -> ClusterLabels {
    let mut parts = cluster.splitn(4, '|');
    let (Some(_), Some(port), Some(subset), Some(host)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return ClusterLabels {
            cluster: cluster.to_owned(),
            service: cluster.to_owned(),
            ..ClusterLabels::default()
        };
    };
    let service = stages.iter().find_map(|stage| {
        let registry = stage.mesh.registry();
        let service = registry.service(registry.service_by_hostname(host)?);
        Some(format!("{}/{}", service.namespace, service.name))
    });
    ClusterLabels {
        cluster: cluster.to_owned(),
        service: service.unwrap_or_else(|| host.to_owned()),
        subset: subset.to_owned(),
        port: port.parse().unwrap_or(0),
    }
}

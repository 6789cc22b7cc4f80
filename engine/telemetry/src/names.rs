//! The names behind a plan's ids, copied once so that a recorder outlives its plan.

use crate::labels::{DestinationLabels, RequestProtocol, WorkloadLabels};
use proxy::listener::Layer;
use proxy::names::{ClusterId, Endpoint, EndpointId};
use sim::plan::{ChangeEffect, ClusterLabels, Plan, PodId, ServiceId, Site, SiteId, WorkloadId};

/// What measurements need to know of a plan.
#[derive(Debug)]
pub(crate) struct PlanNames {
    pub(crate) workloads: Vec<WorkloadLabels>,
    pub(crate) pods: Vec<PodNames>,
    /// The workload of each pod.
    workload_of: Vec<u32>,
    /// Destinations: clusters, then Services, then what each site dials.
    pub(crate) destinations: Vec<DestinationLabels>,
    clusters: Vec<ClusterLabels>,
    /// Where Services begin among destinations, and where sites do.
    first_service: u32,
    first_site: u32,
    endpoints: Vec<(String, Option<PodId>)>,
    pub(crate) callers: Vec<String>,
    /// The caller of each site.
    caller_of: Vec<u32>,
    /// What is sent at each site.
    protocols: Vec<RequestProtocol>,
    /// The caller that each pod's workload is.
    pod_callers: Vec<u32>,
    pub(crate) traffic: Vec<String>,
    /// What degraded answers lack, by number; the first is empty.
    pub(crate) marks: Vec<String>,
    pub(crate) changes: Vec<ChangeNames>,
}

/// What measurements need to know of a pod.
#[derive(Debug)]
pub(crate) struct PodNames {
    pub(crate) name: String,
    pub(crate) workload: WorkloadId,
    pub(crate) sidecar: bool,
    /// Workers; none: no limit.
    pub(crate) workers: Option<u32>,
}

/// What measurements need to know of a change.
#[derive(Debug)]
pub(crate) struct ChangeNames {
    pub(crate) label: String,
    /// Pods whose number of workers changes.
    pub(crate) workers: Vec<(PodId, Option<u32>)>,
}

impl PlanNames {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut callers: Vec<String> = plan.sites.iter().map(|site| site.name.clone()).collect();
        callers.extend(plan.workloads.iter().map(full_workload_name));
        callers.sort_unstable();
        callers.dedup();
        let place = |name: &String| {
            let place = callers.binary_search(name);
            place.expect("every site's and workload's name is among the callers") as u32
        };
        let caller_of = plan.sites.iter().map(|site| place(&site.name)).collect();
        let workload_callers: Vec<u32> = (plan.workloads.iter())
            .map(|workload| place(&full_workload_name(workload)))
            .collect();
        let pod_callers = plan.pods.iter();
        let pod_callers = pod_callers.map(|pod| workload_callers[pod.workload.index()]);
        let endpoints = (0..plan.names.endpoint_count())
            .map(EndpointId::new)
            .map(|id| (address(plan.names.endpoint_address(id)), plan.pod_at(id)))
            .collect();
        Self {
            workloads: plan.workloads.iter().map(workload_labels).collect(),
            workload_of: (plan.pods.iter())
                .map(|pod| pod.workload.index() as u32)
                .collect(),
            pods: plan.pods.iter().map(|pod| pod_names(plan, pod)).collect(),
            destinations: destinations(plan),
            clusters: plan.clusters.clone(),
            first_service: plan.clusters.len() as u32,
            first_site: (plan.clusters.len() + plan.services.len()) as u32,
            endpoints,
            pod_callers: pod_callers.collect(),
            callers,
            caller_of,
            protocols: plan.sites.iter().map(protocol).collect(),
            traffic: plan
                .traffic
                .iter()
                .map(|traffic| traffic.name.clone())
                .collect(),
            marks: plan.marks.clone(),
            changes: plan.timeline.iter().map(change_names).collect(),
        }
    }

    /// The destination's number: of the cluster if one was chosen, else of the Service, else of what the site dials.
    #[inline]
    pub(crate) fn destination(
        &self,
        cluster: Option<ClusterId>,
        service: Option<ServiceId>,
        site: SiteId,
    ) -> u32 {
        match (cluster, service) {
            (Some(cluster), _) => cluster.index() as u32,
            (None, Some(service)) => self.first_service + service.index() as u32,
            (None, None) => self.first_site + site.index() as u32,
        }
    }

    /// The number of who makes requests at a site, or of the gateway that passed them on.
    #[inline]
    pub(crate) fn caller(&self, site: SiteId, source: PodId, passed_on: bool) -> u32 {
        if passed_on {
            self.pod_callers[source.index()]
        } else {
            self.caller_of[site.index()]
        }
    }

    /// What a proxy takes for what is sent at a site; `is_tcp`: for bytes, whatever they are.
    #[inline]
    pub(crate) fn protocol(&self, site: SiteId, is_tcp: bool) -> RequestProtocol {
        if is_tcp {
            RequestProtocol::Tcp
        } else {
            self.protocols[site.index()]
        }
    }

    /// `<namespace>/<name>` of a pod.
    pub(crate) fn full_pod_name(&self, pod: PodId) -> String {
        let names = &self.pods[pod.index()];
        let namespace = &self.workloads[names.workload.index()].namespace;
        format!("{namespace}/{}", names.name)
    }

    /// The number of a pod's workload.
    #[inline]
    pub(crate) fn workload(&self, pod: PodId) -> u32 {
        self.workload_of[pod.index()]
    }

    pub(crate) fn cluster(&self, cluster: ClusterId) -> &ClusterLabels {
        &self.clusters[cluster.index()]
    }

    /// An endpoint's address, and the name of the pod there, empty if there is none.
    pub(crate) fn endpoint(&self, endpoint: EndpointId) -> (&str, &str) {
        let (address, pod) = &self.endpoints[endpoint.index()];
        (address, pod.map_or("", |pod| &self.pods[pod.index()].name))
    }

    /// The labels of a destination and of the workload that answered there.
    pub(crate) fn destination_labels(
        &self,
        destination: u32,
        workload: Option<u32>,
    ) -> DestinationLabels {
        DestinationLabels {
            workload: self.workload_labels(workload),
            ..self.destinations[destination as usize].clone()
        }
    }

    pub(crate) fn workload_labels(&self, workload: Option<u32>) -> WorkloadLabels {
        workload.map_or_else(WorkloadLabels::default, |workload| {
            self.workloads[workload as usize].clone()
        })
    }
}

fn protocol(site: &Site) -> RequestProtocol {
    let mut types = site.head.values("content-type");
    if matches!(site.layer, Layer::Bytes) {
        RequestProtocol::Tcp
    } else if types.any(|value| value.starts_with("application/grpc")) {
        RequestProtocol::Grpc
    } else {
        RequestProtocol::Http
    }
}

fn full_workload_name(workload: &sim::plan::Workload) -> String {
    format!("{}/{}", workload.namespace, workload.name)
}

fn workload_labels(workload: &sim::plan::Workload) -> WorkloadLabels {
    WorkloadLabels {
        namespace: workload.namespace.clone(),
        workload: workload.name.clone(),
        app: workload.app.clone(),
        version: workload.version.clone(),
    }
}

fn pod_names(plan: &Plan, pod: &sim::plan::Pod) -> PodNames {
    let workload = &plan.workloads[pod.workload.index()];
    let server = pod.server.as_ref().unwrap_or(&workload.server);
    PodNames {
        name: pod.name.clone(),
        workload: pod.workload,
        sidecar: pod.table.is_some(),
        workers: server.concurrency,
    }
}

fn change_names(change: &sim::plan::Change) -> ChangeNames {
    let workers = change.effects.iter().filter_map(|effect| match effect {
        ChangeEffect::Server { pod, server } => Some((*pod, server.concurrency)),
        ChangeEffect::Push { .. }
        | ChangeEffect::Stage(_)
        | ChangeEffect::Load { .. }
        | ChangeEffect::Cluster(_) => None,
    });
    ChangeNames {
        label: change.label.clone(),
        workers: workers.collect(),
    }
}

fn destinations(plan: &Plan) -> Vec<DestinationLabels> {
    let all = sim::plan::destinations(&plan.clusters, &plan.services, &plan.sites);
    let labels = all.map(|destination| DestinationLabels {
        service: destination.service.to_owned(),
        host: destination.host,
        subset: destination.subset.to_owned(),
        ..DestinationLabels::default()
    });
    labels.collect()
}

fn address(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Socket(socket) => socket.to_string(),
        Endpoint::Name(name, port) => format!("{name}:{port}"),
    }
}

//! One proxy on the way: what its configuration decides, as data.

use control_plane::Pod;
use proxy::listener::{BLACK_HOLE_CLUSTER, Layer};
use proxy::request::RequestHead;
use proxy::table::{Resolution, Table};
use proxy::trace::Trace;
use xds::{ClusterType, HealthStatus, LbEndpoint, Snapshot};

use crate::conditions;
use crate::model::{
    Cluster, Direction, Fault, Hop, Millis, Mirror, Place, Rejected, Retry, Route, Rule,
    TokenCheck, UpstreamRequest,
};
use crate::outcome::BLOCK_ALL;

/// What one proxy is told, and what it makes of it.
pub(crate) struct Told {
    /// As Pilot sends it.
    pub(crate) snapshot: Snapshot,
    /// As the proxy compiles it.
    pub(crate) table: Table,
    /// The pod at the address that was dialled, `<namespace>/<name>`, or an address.
    pub(crate) original_destination: Option<String>,
    /// What was dialled lies outside of the mesh, where somebody may answer.
    pub(crate) is_outside: bool,
}

impl Hop {
    /// A pod about whose proxy nothing is known yet.
    pub(crate) fn at(pod: &Pod, direction: Direction) -> Self {
        Self::of_proxy(full_name(pod), direction, pod.has_sidecar())
    }

    /// A proxy, or the pod where one would be, about which nothing is known yet.
    pub(crate) fn of_proxy(proxy: String, direction: Direction, sidecar: bool) -> Self {
        Self {
            proxy,
            direction,
            sidecar,
            listener: None,
            route_config: None,
            tokens: None,
            virtual_host: None,
            route: None,
            rejected: Vec::new(),
            fault: None,
            timeout_ms: None,
            retry: None,
            clusters: Vec::new(),
            mirrors: Vec::new(),
            upstream_request: None,
            arrival: Vec::new(),
        }
    }

    /// Fills in what the route table decides.
    pub(crate) fn describe(&mut self, told: &Told, resolution: &Resolution, trace: &Trace<'_>) {
        self.tokens = trace.tokens.as_ref().map(TokenCheck::all);
        self.virtual_host = trace.virtual_host.map(str::to_owned);
        self.rejected = trace
            .rejected
            .iter()
            .map(|rejected| Rejected {
                rule: Rule::from(rejected.origin),
                reason: rejected.reason.clone(),
            })
            .collect();
        if let Some(path) = &trace.normalized_path {
            self.arrival
                .push(format!("the path is normalised to `{path}`"));
        }
        if trace.virtual_host == Some(BLOCK_ALL) {
            self.clusters = vec![told.cluster(BLACK_HOLE_CLUSTER, 100, 1)];
        }
        let Some(route) = &trace.route else {
            return;
        };
        self.route = Some(Route {
            name: route.name.to_owned(),
            rule: Rule::from(route.origin),
            conditions: conditions::in_words(&told.table.route(route.id).match_),
        });
        self.fault = route.fault.map(Fault::from);
        self.timeout_ms = route.timeout.map(Millis);
        self.retry = route.retry.map(|policy| Retry {
            per_try_timeout_ms: route.per_try_timeout.map(Millis),
            ..Retry::from(policy)
        });
        let heads = &resolution.upstream_heads;
        for (named, head) in route.clusters.iter().zip(heads) {
            self.clusters.push(Cluster {
                upstream_request: Some(UpstreamRequest::from(head)),
                head: Some(head.clone()),
                source: named.origin.map(|origin| Place::from(&origin.location)),
                ..told.cluster(named.name, named.weight, route.clusters.len())
            });
        }
        self.mirrors = route
            .mirrors
            .iter()
            .map(|mirror| told.mirror(mirror.name, mirror.fraction.percent()))
            .collect();
        self.upstream_request = self
            .likeliest()
            .and_then(|(_, cluster)| cluster.upstream_request.clone());
    }

    /// The cluster with the largest weight, the first of equals, and its position.
    pub(crate) fn likeliest(&self) -> Option<(usize, &Cluster)> {
        self.clusters
            .iter()
            .enumerate()
            .rev()
            .max_by_key(|(_, cluster)| cluster.weight)
    }
}

impl Told {
    /// What is known of a cluster that a route names, among so many others.
    pub(crate) fn cluster(&self, name: &str, weight: u32, siblings: usize) -> Cluster {
        let config = self.config(name);
        Cluster {
            name: name.to_owned(),
            // The weight of an only destination plays no part.
            weight: if siblings == 1 { 100 } else { weight },
            exists: config.is_some(),
            endpoints: self.pods_of(name),
            upstream_request: None,
            head: None,
            response_headers: None,
            destination_rule: config.and_then(|config| config.origin.clone()),
            source: None,
        }
    }

    fn mirror(&self, name: &str, percent: f64) -> Mirror {
        Mirror {
            cluster: name.to_owned(),
            percent,
            exists: self.config(name).is_some(),
            endpoints: self.pods_of(name),
        }
    }

    /// The configuration of a cluster.
    pub(crate) fn config(&self, name: &str) -> Option<&xds::Cluster> {
        self.snapshot
            .clusters
            .iter()
            .find(|c| c.name == name)
            .map(|c| &**c)
    }

    /// The endpoints of a cluster that may be used.
    pub(crate) fn healthy_endpoints<'a>(
        &'a self,
        cluster: &'a str,
    ) -> impl Iterator<Item = &'a LbEndpoint> {
        self.snapshot
            .load_assignments()
            .filter(move |assignment| assignment.cluster_name == cluster)
            .flat_map(|assignment| &assignment.endpoints)
            .flat_map(|locality| &locality.lb_endpoints)
            .filter(|endpoint| endpoint.health_status == HealthStatus::Healthy)
    }

    /// Whether the likeliest cluster of a hop goes where the client dialled.
    pub(crate) fn keeps_destination(&self, hop: &Hop) -> bool {
        let likeliest = hop.likeliest();
        likeliest.is_some_and(|(_, cluster)| self.is_as_dialled(&cluster.name))
    }

    /// Whether a cluster goes where the client dialled, outside of the mesh.
    pub(crate) fn leaves(&self, cluster: &str) -> bool {
        self.is_outside && self.is_as_dialled(cluster)
    }

    fn is_as_dialled(&self, cluster: &str) -> bool {
        self.config(cluster)
            .is_some_and(|config| config.type_ == ClusterType::OriginalDst)
    }

    /// The pods behind a cluster, or the addresses of endpoints that are no pods.
    fn pods_of(&self, cluster: &str) -> Vec<String> {
        if self.is_as_dialled(cluster) {
            return self.original_destination.iter().cloned().collect();
        }
        self.healthy_endpoints(cluster)
            .map(|endpoint| match &endpoint.workload {
                Some(workload) => format!("{}/{}", workload.namespace, workload.pod),
                None => format!("{}:{}", endpoint.address, endpoint.port),
            })
            .collect()
    }
}

/// `<namespace>/<name>`.
pub(crate) fn full_name(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}

/// A request on its way to a pod.
pub(crate) struct Next {
    /// The pod; none for a gateway of which the manifests have no pod.
    pub(crate) pod: Option<control_plane::PodId>,
    /// The container's port.
    pub(crate) port: u16,
    /// What is sent.
    pub(crate) head: RequestHead,
    /// What the connection carries.
    pub(crate) layer: Layer,
}

//! The way of a request: from the client's proxy to that of the pod it reaches.
//!
//! What is left to chance is not drawn: where several clusters share a route, the way follows the one with the largest
//! weight, and there the first endpoint.

use control_plane::PodId;
use proxy::listener::{
    BLACK_HOLE_CLUSTER, Connection, PASSTHROUGH_CLUSTER, Payload, Preface, Verdict, accept,
};
use proxy::names::Names;
use proxy::problem::{Problem, ProblemKind};
use proxy::request::{Protocol, RequestHead};
use proxy::table::{self, Resolution, Table};
use xds::{TlsMode, TrafficDirection};

use super::dial::Dialled;
use super::hop::{Next, Told, full_name};
use super::model::{Direction, Hop, Outcome, Route, Rule};
use super::outcome::response_headers;
use super::request::{Request, Scheme};
use crate::mesh::Mesh;
use crate::output::Output;

/// A walk through a mesh.
pub(crate) struct Walk<'a> {
    mesh: &'a Mesh,
    output: &'a Output,
    /// The names behind the ids of all tables on the way.
    pub(crate) names: Names,
    /// What was said already.
    problems: Vec<Problem>,
}

/// What happened at one proxy.
pub(crate) struct Visit {
    pub(crate) hop: Hop,
    pub(crate) outcome: Outcome,
    /// Where the request is next.
    next: Option<Next>,
    /// The decisions about an HTTP request, for those who want to draw.
    pub(crate) decided: Option<(Table, Resolution)>,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub(crate) fn new(mesh: &'a Mesh, output: &'a Output) -> Self {
        Self {
            mesh,
            output,
            names: Names::default(),
            problems: Vec::new(),
        }
    }

    /// The proxy that is asked about, and the one at the destination.
    pub(crate) fn of(
        &mut self,
        from: PodId,
        request: &Request,
        dialled: &Dialled,
    ) -> (Visit, Option<Hop>) {
        let destination = self.dialled_pod(request, dialled);
        let mut first = self.outbound(from, request, dialled, destination);
        first.hop.arrival.insert(0, self.arrival(request, dialled));
        let next = first.next.take();
        let second = next.and_then(|next| self.inbound(request.scheme, &next));
        (first, second)
    }

    /// What the URL's host leads to, in words.
    fn arrival(&self, request: &Request, dialled: &Dialled) -> String {
        let registry = self.mesh.registry();
        let (host, port) = (&request.host, request.port);
        let address = dialled.ip.map(|ip| format!("{ip}:{port}"));
        match (dialled.service, dialled.pod, address) {
            (Some(service), Some(pod), Some(address)) => {
                let (service, pod) = (registry.service(service), registry.pod(pod));
                format!(
                    "`{host}` leads to the pod {} at {address}, of the headless Service {}/{}",
                    full_name(pod),
                    service.namespace,
                    service.name
                )
            }
            (None, Some(pod), Some(address)) => {
                let name = full_name(registry.pod(pod));
                format!("`{host}` is the pod {name} at {address}")
            }
            (Some(service), _, address) => {
                let service = registry.service(service);
                let name = format!("Service {}/{}", service.namespace, service.name);
                match address {
                    Some(address) => format!("`{host}` is the {name} at {address}"),
                    None => format!("`{host}` is the {name}, none of whose pods is ready"),
                }
            }
            (None, ..) => format!("the cluster does not know `{host}`; port {port} is dialled"),
        }
    }

    /// The pod at the address that is dialled, or the first that Kubernetes may choose for it.
    fn dialled_pod(&self, request: &Request, dialled: &Dialled) -> Option<Next> {
        let registry = self.mesh.registry();
        let next = |pod, port| Next {
            pod,
            port,
            head: request.head.clone(),
            is_mutual_tls: false,
        };
        if let Some(pod) = dialled.pod {
            return Some(next(pod, request.port));
        }
        let service = registry.service(dialled.service?);
        let port = service.port(request.port)?;
        registry
            .endpoints(service, port)
            .find(|(pod, _)| service.accepts(registry.pod(*pod)))
            .map(|(pod, port)| next(pod, port))
    }

    /// What the sidecar of a pod is told; none: it has no sidecar.
    fn told(&mut self, pod: PodId, original_destination: Option<PodId>) -> Option<Told> {
        let snapshot = self.mesh.snapshot(pod)?;
        let (table, problems) = Table::compile(&snapshot, &mut self.names);
        for problem in problems {
            self.tell(problem);
        }
        let registry = self.mesh.registry();
        Some(Told {
            snapshot,
            table,
            original_destination: original_destination.map(|pod| full_name(registry.pod(pod))),
        })
    }

    /// Says once what cannot be done exactly: what a manifest asks for to everyone, the rest to those who ask.
    fn tell(&mut self, problem: Problem) {
        if self.problems.contains(&problem) {
            return;
        }
        match (&problem.origin, problem.kind) {
            (Some(origin), _) => self
                .output
                .note(format_args!("{}: {problem}", origin.location)),
            (None, ProblemKind::Refused) => self.output.note(&problem),
            (None, ProblemKind::Approximate | ProblemKind::NotSimulated) => {
                self.output.detail(&problem);
            }
        }
        self.problems.push(problem);
    }

    /// What happens at the client.
    fn outbound(
        &mut self,
        from: PodId,
        request: &Request,
        dialled: &Dialled,
        destination: Option<Next>,
    ) -> Visit {
        let pod = self.mesh.registry().pod(from);
        let mut hop = Hop::at(pod, Direction::Outbound);
        let Some(told) = self.told(from, destination.as_ref().map(|next| next.pod)) else {
            let why = format!("it has no sidecar: {}", pod.template.injection);
            hop.arrival.push(why);
            return Visit {
                next: destination,
                ..Visit::new(hop, Outcome::no_sidecar())
            };
        };
        let connection = Connection {
            direction: TrafficDirection::Outbound,
            ip: dialled.ip,
            port: request.port,
            preface: match request.scheme {
                Scheme::Http => Preface::Http1,
                Scheme::Grpc => Preface::Http2,
                Scheme::Https => Preface::Tls(&request.host),
                Scheme::Tcp => Preface::Other,
            },
        };
        let accepted = accept(&told.snapshot.listeners, &connection);
        hop.listener = accepted.listener.map(|listener| listener.name.clone());
        let mut resolution = None;
        let mut visit = match accepted.verdict {
            Verdict::Http(name) => {
                let (visit, resolved) = self.http(hop, &told, name, &request.head);
                resolution = Some(resolved);
                visit
            }
            Verdict::Tcp(clusters) => {
                let origin = accepted.filter_chain.and_then(|c| c.origin.as_ref());
                hop.route = origin.map(|origin| Route {
                    name: String::new(),
                    rule: Rule::from(Some(origin)),
                    conditions: "the connection".to_owned(),
                });
                for (name, weight) in clusters {
                    hop.clusters
                        .push(told.cluster(name, *weight, clusters.len()));
                }
                self.forwarded(hop, &told, &request.head)
            }
            Verdict::Passthrough => {
                hop.clusters = vec![told.cluster(PASSTHROUGH_CLUSTER, 100, 1)];
                Visit::new(hop, Outcome::passthrough())
            }
            Verdict::BlackHole => {
                hop.clusters = vec![told.cluster(BLACK_HOLE_CLUSTER, 100, 1)];
                Visit::new(hop, Outcome::closed())
            }
            Verdict::NoFilterChain | Verdict::NoListener => Visit::new(hop, Outcome::closed()),
        };
        if !visit.outcome.is_local() {
            // Clusters that balance nothing go where the client dialled.
            visit.next = visit.next.or(destination);
        }
        visit.decided = resolution.map(|resolution| (told.table, resolution));
        visit
    }

    /// What a route configuration makes of a request.
    fn http(
        &self,
        mut hop: Hop,
        told: &Told,
        route_config: &str,
        head: &RequestHead,
    ) -> (Visit, Resolution) {
        let id = told
            .table
            .route_config(route_config)
            .expect("a listener names route configurations of its own snapshot");
        hop.route_config = Some(route_config.to_owned());
        let (resolution, trace) = told.table.explain(id, head);
        hop.describe(told, &resolution, &trace);
        let position = hop.likeliest().map_or(0, |(position, _)| position);
        let mut visit = match Outcome::local_reply(&resolution, &trace) {
            Some(reply) => Visit::new(hop, reply),
            None => self.forwarded(hop, told, head),
        };
        if let Some(route) = &trace.route {
            let abort = Outcome::certain_abort(route, resolution.grpc);
            let is_abort = abort.is_some();
            if let Some(abort) = abort {
                visit.outcome = abort;
                visit.next = None;
            }
            if is_abort || matches!(resolution.outcome, table::Outcome::Forward) {
                let headers = response_headers(&told.table, route, &resolution, position);
                visit.outcome.headers.extend(headers);
            }
        }
        if resolution.grpc {
            visit.outcome = visit.outcome.for_grpc_clients();
        }
        (visit, resolution)
    }

    /// What follows where the hop's clusters take the request.
    fn forwarded(&self, hop: Hop, told: &Told, head: &RequestHead) -> Visit {
        let Some((_, cluster)) = hop.likeliest() else {
            return Visit::new(hop, Outcome::no_cluster());
        };
        if cluster.name == PASSTHROUGH_CLUSTER {
            return Visit::new(hop, Outcome::passthrough());
        }
        if !cluster.exists {
            return Visit::new(hop, Outcome::no_cluster());
        }
        if cluster.endpoints.is_empty() {
            return Visit::new(hop, Outcome::no_healthy_upstream());
        }
        Visit {
            next: self.first_endpoint(told, &cluster.name, cluster.head.as_ref().unwrap_or(head)),
            ..Visit::new(hop, Outcome::forwarded())
        }
    }

    fn first_endpoint(&self, told: &Told, cluster: &str, head: &RequestHead) -> Option<Next> {
        let endpoint = told.healthy_endpoints(cluster).next()?;
        let workload = endpoint.workload.as_ref()?;
        let registry = self.mesh.registry();
        let tls = told.config(cluster)?.tls;
        Some(Next {
            pod: registry.pod_by_name(&workload.namespace, &workload.pod)?,
            port: endpoint.port,
            head: head.clone(),
            is_mutual_tls: workload.sidecar && matches!(tls, TlsMode::Auto | TlsMode::IstioMutual),
        })
    }

    /// The destination's own proxy, if it has one.
    fn inbound(&mut self, scheme: Scheme, next: &Next) -> Option<Hop> {
        let told = self.told(next.pod, Some(next.pod))?;
        let pod = self.mesh.registry().pod(next.pod);
        let mut hop = Hop::at(pod, Direction::Inbound);
        let connection = Connection {
            direction: TrafficDirection::Inbound,
            ip: Some(pod.ip),
            port: next.port,
            preface: inbound_preface(scheme, next),
        };
        let accepted = accept(&told.snapshot.listeners, &connection);
        hop.listener = accepted.listener.map(|listener| listener.name.clone());
        let words = match next.is_mutual_tls {
            true => "mutual TLS",
            false => "plain text",
        };
        hop.arrival
            .push(format!("{words} arrives at {}:{}", pod.ip, next.port));
        match accepted.verdict {
            Verdict::Http(name) => return Some(self.http(hop, &told, name, &next.head).0.hop),
            Verdict::Tcp(clusters) => {
                for (name, weight) in clusters {
                    hop.clusters
                        .push(told.cluster(name, *weight, clusters.len()));
                }
            }
            Verdict::Passthrough
            | Verdict::BlackHole
            | Verdict::NoFilterChain
            | Verdict::NoListener => {}
        }
        Some(hop)
    }
}

impl Visit {
    fn new(hop: Hop, outcome: Outcome) -> Self {
        Self {
            hop,
            outcome,
            next: None,
            decided: None,
        }
    }
}

/// What the first bytes at the destination show.
const fn inbound_preface(scheme: Scheme, next: &Next) -> Preface<'static> {
    match (next.is_mutual_tls, scheme, next.head.protocol) {
        (true, Scheme::Http | Scheme::Grpc, Protocol::Http1) => {
            Preface::IstioMutualTls(Payload::Http1)
        }
        (true, Scheme::Http | Scheme::Grpc, Protocol::Http2) => {
            Preface::IstioMutualTls(Payload::Http2)
        }
        (true, Scheme::Https | Scheme::Tcp, _) => Preface::IstioMutualTls(Payload::Other),
        (false, Scheme::Http | Scheme::Grpc, Protocol::Http1) => Preface::Http1,
        (false, Scheme::Http | Scheme::Grpc, Protocol::Http2) => Preface::Http2,
        (false, Scheme::Https, _) => Preface::Tls(""),
        (false, Scheme::Tcp, _) => Preface::Other,
    }
}

//! The way of a request: from the client's proxy to that of the pod it reaches.
//!
//! What is left to chance is not drawn: where several clusters share a route, the way follows the one with the largest
//! weight, and there the first endpoint.

use control_plane::dns::Answer;
use control_plane::registry::Provider;
use control_plane::{PodId, Service};
use proxy::listener::{Connection, Payload, Preface};
use proxy::names::Names;
use proxy::problem::{Problem, ProblemKind};
use proxy::request::{Protocol, RequestHead};
use proxy::table::Table;
use xds::{TlsMode, TrafficDirection};

use super::hop::{Next, Told, full_name};
use super::model::{Direction, Hop, Outcome, OutcomeKind};
use super::request::{Request, Scheme};
use super::visit::Visit;
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

/// Where a request goes.
pub(crate) struct Way {
    /// What happens at the client.
    pub(crate) first: Visit,
    /// The tables of the client's proxy, if it has one.
    pub(crate) table: Option<Table>,
    /// The proxy at the destination.
    pub(crate) second: Option<Hop>,
}

/// What happened at one proxy, and where the request is next.
struct Step {
    visit: Visit,
    table: Option<Table>,
    next: Option<Next>,
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
    pub(crate) fn of(&mut self, from: PodId, request: &Request, dialled: &Answer) -> Way {
        let destination = self.dialled_pod(request, dialled);
        let mut first = self.outbound(from, request, dialled, destination);
        let arrival = self.arrival(request, dialled);
        first.visit.hop.arrival.insert(0, arrival);
        let next = first.next.take();
        let second = next.and_then(|next| self.inbound(request.scheme, &next));
        Way {
            first: first.visit,
            table: first.table,
            second,
        }
    }

    /// What the URL's host leads to, in words.
    fn arrival(&self, request: &Request, dialled: &Answer) -> String {
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
                let name = in_words(service);
                match (address, service.provider) {
                    (Some(address), _) => format!("`{host}` is {name} at {address}"),
                    (None, Provider::Kubernetes) => {
                        format!("`{host}` is {name}, none of whose pods is ready")
                    }
                    (None, Provider::ServiceEntry) => {
                        format!(
                            "`{host}` is {name}, whose address others know; port {port} is dialled"
                        )
                    }
                }
            }
            (None, ..) => format!("the cluster does not know `{host}`; port {port} is dialled"),
        }
    }

    /// The pod at the address that is dialled, or the first that Kubernetes may choose for it.
    fn dialled_pod(&self, request: &Request, dialled: &Answer) -> Option<Next> {
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
        if service.provider == Provider::ServiceEntry {
            return None;
        }
        let port = service.port(request.port)?;
        let ready = registry
            .endpoints(service, port)
            .find(|behind| behind.is_ready)?;
        let pod = registry.endpoint_pod(ready.endpoint)?;
        Some(next(pod, ready.port))
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

    /// What happens at the client, and where the request is next.
    fn outbound(
        &mut self,
        from: PodId,
        request: &Request,
        dialled: &Answer,
        destination: Option<Next>,
    ) -> Step {
        let pod = self.mesh.registry().pod(from);
        let mut hop = Hop::at(pod, Direction::Outbound);
        let Some(told) = self.told(from, destination.as_ref().map(|next| next.pod)) else {
            let why = format!("it has no sidecar: {}", pod.template.injection);
            hop.arrival.push(why);
            return Step {
                visit: Visit::new(hop, Outcome::no_sidecar()),
                table: None,
                next: destination,
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
        let visit = told.visit(hop, &connection, &request.head);
        let next = match visit.outcome.kind {
            OutcomeKind::Forwarded => self
                .first_endpoint(&told, &visit.hop, &request.head)
                // Clusters that balance nothing go where the client dialled.
                .or(destination),
            OutcomeKind::Passthrough => destination,
            _ => None,
        };
        Step {
            visit,
            table: Some(told.table),
            next,
        }
    }

    /// The endpoint that the likeliest cluster tries first.
    fn first_endpoint(&self, told: &Told, hop: &Hop, head: &RequestHead) -> Option<Next> {
        let (_, cluster) = hop.likeliest()?;
        let endpoint = told.healthy_endpoints(&cluster.name).next()?;
        let workload = endpoint.workload.as_ref()?;
        let registry = self.mesh.registry();
        let tls = told.config(&cluster.name)?.tls;
        Some(Next {
            pod: registry.pod_by_name(&workload.namespace, &workload.pod)?,
            port: endpoint.port,
            head: cluster.head.as_ref().unwrap_or(head).clone(),
            is_mutual_tls: endpoint.is_mutual_tls
                && matches!(tls, TlsMode::Auto | TlsMode::IstioMutual),
        })
    }

    /// The destination's own proxy, if it has one.
    fn inbound(&mut self, scheme: Scheme, next: &Next) -> Option<Hop> {
        let told = self.told(next.pod, Some(next.pod))?;
        let pod = self.mesh.registry().pod(next.pod);
        let mut hop = Hop::at(pod, Direction::Inbound);
        let words = match next.is_mutual_tls {
            true => "mutual TLS",
            false => "plain text",
        };
        hop.arrival
            .push(format!("{words} arrives at {}:{}", pod.ip, next.port));
        let connection = Connection {
            direction: TrafficDirection::Inbound,
            ip: Some(pod.ip),
            port: next.port,
            preface: inbound_preface(scheme, next),
        };
        Some(told.visit(hop, &connection, &next.head).hop)
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

fn in_words(service: &Service) -> String {
    match service.provider {
        Provider::Kubernetes => format!("the Service {}/{}", service.namespace, service.name),
        Provider::ServiceEntry => {
            let (namespace, host) = (&service.namespace, &service.hostname);
            format!("the host {host} of a ServiceEntry in {namespace}")
        }
    }
}

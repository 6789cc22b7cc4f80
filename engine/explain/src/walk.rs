//! The way of a request: from the client's proxy to that of the pod it reaches.
//!
//! What is left to chance is not drawn: where several clusters share a route, the way follows the one with the largest
//! weight, and there the first endpoint.

mod dialled;

use base::Location;
use control_plane::dns::{self, Answer};
use control_plane::{Edge, Mesh, PodId, ProxyRef};
use proxy::listener::{Connection, Layer};
use proxy::names::Names;
use proxy::problem::Problem;
use proxy::request::RequestHead;
use proxy::table::Table;
use xds::{LbEndpoint, Snapshot, TrafficDirection};

use crate::closed::Closed;
use crate::draw::{self, Sample};
use crate::hop::{Next, Told, full_name};
use crate::layer;
use crate::model::{
    Cluster, Direction, Draws, Explanation, Hop, Outcome, OutcomeKind, Place, SCHEMA,
};
use crate::request::Request;
use crate::visit::Visit;

/// Where a request goes.
pub struct Way {
    /// What happens at the client.
    first: Visit,
    /// The tables of the client's proxy, if it has one.
    table: Option<Table>,
    /// The names behind the ids of all tables on the way.
    names: Names,
    /// The proxies on the way: the client's, gateways, and that at the destination.
    pub hops: Vec<Hop>,
    /// What the client meets in the end.
    pub outcome: Outcome,
    /// Where it leaves what the manifests know, if it does.
    pub leaves: Option<Leaving>,
    /// The policy by which the destination's proxy takes no plain text, where that is what came.
    pub turned_away_by: Option<Policy>,
    /// What of the proxies' configurations cannot be done exactly, each once.
    pub problems: Vec<Problem>,
}

/// Where a request leaves what the manifests know, and as what.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaving {
    /// The name or address that is dialled.
    pub host: String,
    /// The port that is dialled.
    pub port: u16,
    /// What the connection carries.
    pub layer: Layer,
}

/// The way of a request from a pod: its proxy first, if it has one; through it, if it is a gateway.
pub fn from_pod(mesh: &Mesh, from: PodId, request: &Request) -> Way {
    if let Some(edge) = mesh.edge_of_pod(from) {
        return through_gateway(mesh, &edge, request);
    }
    let namespace = &mesh.registry().pod(from).namespace;
    let dialled = dns::look_up(mesh.registry(), mesh.config(), namespace, &request.host);
    Walk::new(mesh).from(from, request, &dialled.unwrap_or_default())
}

/// The way of a request from outside of the mesh through a gateway, whose port is dialled as its Gateways name it.
pub fn through_gateway(mesh: &Mesh, edge: &Edge, request: &Request) -> Way {
    Walk::new(mesh).through(edge, request)
}

/// What chance made of a request: the way follows it as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The cluster that the first proxy chose; empty: the likeliest.
    pub cluster: String,
    /// `<namespace>/<name>` of the pod that was tried there; empty: the first.
    pub pod: String,
}

/// The way of a request from a pod that went as is known.
pub fn from_pod_as(mesh: &Mesh, from: PodId, request: &Request, taken: &Taken) -> Way {
    if let Some(edge) = mesh.edge_of_pod(from) {
        return through_gateway_as(mesh, &edge, request, taken);
    }
    let namespace = &mesh.registry().pod(from).namespace;
    let dialled = dns::look_up(mesh.registry(), mesh.config(), namespace, &request.host);
    let walk = Walk {
        taken: Some(taken),
        ..Walk::new(mesh)
    };
    walk.from(from, request, &dialled.unwrap_or_default())
}

/// The way of a request through a gateway that went as is known.
pub fn through_gateway_as(mesh: &Mesh, edge: &Edge, request: &Request, taken: &Taken) -> Way {
    let walk = Walk {
        taken: Some(taken),
        ..Walk::new(mesh)
    };
    walk.through(edge, request)
}

/// A PeerAuthentication by which a connection is turned away.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `<namespace>/<name>`.
    pub name: String,
    /// Where it is written.
    pub location: Location,
}

impl Way {
    /// The way of a request at one proxy, beyond which nothing is known.
    pub(crate) fn at_one(visit: Visit, table: Table, names: Names, problems: Vec<Problem>) -> Self {
        Self {
            hops: vec![visit.hop.clone()],
            outcome: visit.outcome.clone(),
            first: visit,
            table: Some(table),
            names,
            leaves: None,
            turned_away_by: None,
            problems,
        }
    }

    /// What happens to many such requests.
    pub fn draw(&self, sample: Sample) -> Draws {
        match (&self.table, &self.first.resolution) {
            (Some(table), Some(resolution)) => {
                let outcome = &self.first.outcome;
                draw::requests(sample, (table, resolution), outcome, &self.names)
            }
            _ => draw::connections(sample, &self.first.hop.clusters, &self.first.outcome),
        }
    }

    /// The same where it is known whether the server at which it leaves takes TLS, and nothing else, or plain text alone.
    #[must_use]
    pub fn at_server(mut self, takes_tls: bool) -> Self {
        let Some(leaving) = &self.leaves else {
            return self;
        };
        let closed = match (takes_tls, &leaving.layer) {
            // Its certificate is none of the mesh.
            (_, Layer::IstioMutualTls { .. }) => Closed::HandshakeFails,
            (true, Layer::Tls { .. }) | (false, Layer::Http(_) | Layer::Bytes) => return self,
            (true, Layer::Http(_)) => {
                self.outcome.status = Some(400);
                PLAIN_AT_TLS.clone_into(&mut self.outcome.body);
                return self;
            }
            (true, Layer::Bytes) => Closed::TlsExpected,
            (false, Layer::Tls { .. }) => Closed::HandshakeFails,
        };
        let is_routed = self
            .hops
            .last()
            .is_some_and(|hop| hop.route_config.is_some());
        let outcome = Outcome::closed(closed);
        self.outcome = match is_routed {
            true => outcome.before_the_proxy(),
            false => outcome,
        };
        self
    }

    /// The whole explanation.
    pub fn explanation(self, request: &Request, draws: Option<Draws>) -> Explanation {
        Explanation {
            schema: SCHEMA,
            request: request.described(),
            hops: self.hops,
            outcome: self.outcome,
            written_by: Vec::new(),
            draws,
        }
    }
}

/// What nginx says to a plain request at a port for TLS.
const PLAIN_AT_TLS: &str = "The plain HTTP request was sent to HTTPS port";

/// A walk through a mesh.
struct Walk<'a> {
    mesh: &'a Mesh,
    /// What chance made of the request at its first proxy.
    taken: Option<&'a Taken>,
    turned_away_by: Option<Policy>,
    names: Names,
    problems: Vec<Problem>,
}

/// What happened at one proxy, and where the request is next.
struct Step {
    visit: Visit,
    table: Option<Table>,
    next: Option<Next>,
    /// Where it leaves, if there is no next.
    leaves: Option<Leaving>,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    fn new(mesh: &'a Mesh) -> Self {
        Self {
            mesh,
            taken: None,
            turned_away_by: None,
            names: Names::default(),
            problems: Vec::new(),
        }
    }

    /// The way from a pod: its proxy first, if it has one.
    fn from(mut self, from: PodId, request: &Request, dialled: &Answer) -> Way {
        let destination = self.dialled_pod(request, dialled);
        let mut first = self.outbound(from, request, dialled, destination);
        let arrival = self.arrival(request, dialled);
        first.visit.hop.arrival.insert(0, arrival);
        self.follow(first)
    }

    /// The way from outside of the mesh through a gateway, whose port is dialled as its Gateways name it.
    fn through(mut self, edge: &Edge, request: &Request) -> Way {
        let port = edge.ports.get(&request.port).copied();
        let entry = Next {
            pod: edge.pod,
            port: port.unwrap_or(request.port),
            head: request.head.clone(),
            layer: layer::of(request),
        };
        let mut first = self.gateway(&edge.snapshot, &entry);
        let words = match port {
            Some(own) if own == request.port => format!("port {own} is dialled"),
            Some(own) => format!("port {} leads to the gateway's port {own}", request.port),
            None => format!("no Gateway has a server for port {}", request.port),
        };
        first.visit.hop.arrival.push(words);
        self.follow(first)
    }

    /// Follows the request from its first proxy on.
    fn follow(mut self, first: Step) -> Way {
        let mut outcome = first.visit.outcome.clone();
        let mut rest = Vec::new();
        let mut next = first.next;
        let mut leaves = first.leaves;
        self.taken = None;
        while let Some(at) = next.take() {
            let pod = at.pod.filter(|_| rest.len() < MAX_HOPS);
            let Some(edge) = pod.and_then(|pod| self.mesh.edge_of_pod(pod)) else {
                if let Some(visit) = pod.and_then(|pod| self.inbound(pod, &at)) {
                    // Without a proxy of its own the client meets what that of the destination does.
                    let is_alone = rest.is_empty() && outcome.kind == OutcomeKind::NoSidecar;
                    let turns_away = is_alone && visit.outcome.closed.is_some();
                    if turns_away || visit.outcome.kind == OutcomeKind::TokenRefused {
                        outcome = visit.outcome;
                    }
                    rest.push(visit.hop);
                }
                break;
            };
            let step = self.gateway(&edge.snapshot, &at);
            if step.visit.outcome.kind != OutcomeKind::Forwarded
                || outcome.kind != OutcomeKind::NoSidecar
            {
                let before = rest.last().unwrap_or(&first.visit.hop);
                outcome = match before.route_config {
                    Some(_) => step.visit.outcome.before_the_proxy(),
                    None => step.visit.outcome,
                };
            }
            rest.push(step.visit.hop);
            next = step.next;
            leaves = step.leaves;
        }
        let hops = std::iter::once(first.visit.hop.clone()).chain(rest);
        Way {
            hops: hops.collect(),
            first: first.visit,
            table: first.table,
            names: self.names,
            turned_away_by: self.turned_away_by,
            leaves: leaves.filter(|_| outcome.closed.is_none() && outcome.status.is_none()),
            outcome,
            problems: self.problems,
        }
    }

    /// What happens at a gateway, and where the request is next.
    fn gateway(&mut self, snapshot: &Snapshot, entry: &Next) -> Step {
        let registry = self.mesh.registry();
        let pod = entry.pod.map(|pod| registry.pod(pod));
        let name = match pod {
            Some(pod) => full_name(pod),
            None => format!("{}/{}", snapshot.node.namespace, snapshot.node.pod),
        };
        let hop = Hop::of_proxy(name, Direction::Gateway, false);
        let told = self.compile(snapshot.clone(), None);
        let connection = Connection {
            direction: TrafficDirection::Outbound,
            ip: pod.map(|pod| pod.ip),
            port: entry.port,
            preface: entry.layer.preface(),
        };
        let mut visit = told.visit(hop, &connection, &entry.head);
        self.follow_taken(&mut visit);
        let first = if visit.outcome.kind == OutcomeKind::Forwarded {
            self.first_endpoint(&told, &visit, &entry.head, entry.layer.clone())
        } else {
            First::Nobody
        };
        let (next, leaves) = first.parts();
        Step {
            visit,
            table: Some(told.table),
            next,
            leaves,
        }
    }

    /// What the sidecar of a pod is told; none: it has no sidecar.
    fn told(&mut self, pod: PodId, original_destination: Option<PodId>) -> Option<Told> {
        let registry = self.mesh.registry();
        let own = registry.pod(pod);
        let proxy = ProxyRef::new(&own.namespace, &own.name);
        let snapshot = self.mesh.snapshot(&proxy).ok()?;
        let destination = original_destination.map(|pod| full_name(registry.pod(pod)));
        Some(self.compile(snapshot, destination))
    }

    /// A configuration as its proxy understands it.
    fn compile(&mut self, snapshot: Snapshot, original_destination: Option<String>) -> Told {
        let (table, problems) = Table::compile(&snapshot, &mut self.names);
        for problem in problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        Told {
            snapshot,
            table,
            original_destination,
            is_outside: false,
        }
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
        let toward = destination.as_ref().and_then(|next| next.pod);
        let Some(mut told) = self.told(from, toward) else {
            let why = format!("it has no sidecar: {}", pod.template.injection);
            hop.arrival.push(why);
            return Step {
                visit: Visit::new(hop, Outcome::no_sidecar()),
                table: None,
                leaves: destination.is_none().then(|| dialled_at(request)),
                next: destination,
            };
        };
        told.is_outside = self.is_outside(dialled);
        let layer = layer::of(request);
        let connection = Connection {
            direction: TrafficDirection::Outbound,
            ip: dialled.ip,
            port: request.port,
            preface: layer.preface(),
        };
        let mut visit = told.visit(hop, &connection, &request.head);
        self.follow_taken(&mut visit);
        let kind = visit.outcome.kind;
        let is_forwarded = kind == OutcomeKind::Forwarded;
        // Clusters that balance nothing go where the client dialled.
        let is_as_dialled = kind == OutcomeKind::Passthrough
            || (is_forwarded && told.keeps_destination(&visit.hop));
        let first = if is_as_dialled {
            destination.map_or_else(|| First::Outside(dialled_at(request)), First::Pod)
        } else if is_forwarded {
            self.first_endpoint(&told, &visit, &request.head, layer.clone())
        } else {
            First::Nobody
        };
        let (next, leaves) = first.parts();
        Step {
            visit,
            table: Some(told.table),
            next,
            leaves,
        }
    }

    /// The endpoint that the likeliest cluster tries first.
    fn first_endpoint(
        &self,
        told: &Told,
        visit: &Visit,
        head: &RequestHead,
        layer: Layer,
    ) -> First {
        let taken = |cluster: &&Cluster| self.taken.is_some_and(|t| t.cluster == cluster.name);
        let chosen = visit.hop.clusters.iter().find(taken);
        let likeliest = || visit.hop.likeliest().map(|(_, cluster)| cluster);
        let Some(cluster) = chosen.or_else(likeliest) else {
            return First::Nobody;
        };
        let is_tried = |endpoint: &&LbEndpoint| {
            let own = endpoint.workload.as_ref();
            let pod = own.map(|own| (own.namespace.as_str(), own.pod.as_str()));
            pod.is_some() && self.taken.and_then(|t| t.pod.split_once('/')) == pod
        };
        let tried = told.healthy_endpoints(&cluster.name).find(is_tried);
        let endpoint = tried.or_else(|| told.healthy_endpoints(&cluster.name).next());
        let (Some(endpoint), Some(config)) = (endpoint, told.config(&cluster.name)) else {
            return First::Nobody;
        };
        let head = cluster.head.as_ref().unwrap_or(head).clone();
        let layer = if visit.ends_tls { layer.ended() } else { layer };
        let layer = layer.sent_to(config, endpoint.is_mutual_tls, &head);
        match self.behind(endpoint) {
            Some((pod, port)) => First::Pod(Next {
                pod: Some(pod),
                port,
                layer,
                head,
            }),
            None => First::Outside(Leaving {
                host: endpoint.address.clone(),
                port: endpoint.port,
                layer,
            }),
        }
    }

    /// Where the cluster that was taken is known, what is sent on is what it is sent.
    fn follow_taken(&self, visit: &mut Visit) {
        let Some(taken) = self.taken else {
            return;
        };
        let mut clusters = visit.hop.clusters.iter();
        if let Some(cluster) = clusters.find(|cluster| cluster.name == taken.cluster)
            && cluster.upstream_request.is_some()
        {
            visit.hop.upstream_request = cluster.upstream_request.clone();
        }
    }

    /// The pod behind an endpoint, and the port that is dialled there.
    fn behind(&self, endpoint: &LbEndpoint) -> Option<(PodId, u16)> {
        let registry = self.mesh.registry();
        if let Some(workload) = &endpoint.workload {
            let pod = registry.pod_by_name(&workload.namespace, &workload.pod)?;
            return Some((pod, endpoint.port));
        }
        // A name or an address that others wrote down may be a Service's.
        let (config, name) = (self.mesh.config(), &endpoint.address);
        let answer = dns::look_up(registry, config, NOWHERE, name)?;
        self.pod_at(&answer, endpoint.port)
    }

    /// The destination's own proxy, if it has one.
    fn inbound(&mut self, id: PodId, next: &Next) -> Option<Visit> {
        let pod = id;
        let told = self.told(pod, Some(pod))?;
        let pod = self.mesh.registry().pod(pod);
        let mut hop = Hop::at(pod, Direction::Inbound);
        let preface = next.layer.preface();
        let words = layer::in_words(preface);
        hop.arrival
            .push(format!("{words} arrives at {}:{}", pod.ip, next.port));
        let connection = Connection {
            direction: TrafficDirection::Inbound,
            ip: Some(pod.ip),
            port: next.port,
            preface,
        };
        let mut visit = told.visit(hop, &connection, &next.head);
        if visit.outcome.closed == Some(Closed::UnknownPlainText)
            && let Some(written) = self.mesh.peer_authentication(id, next.port)
        {
            let name = format!("{}/{}", written.meta.namespace, written.meta.name);
            let location = written.location.clone();
            let place = Place::from(&location);
            let words = format!("PeerAuthentication {name} takes mutual TLS alone  {place}");
            visit.hop.arrival.push(words);
            self.turned_away_by = Some(Policy { name, location });
        }
        Some(visit)
    }
}

/// Whom a cluster tries first.
enum First {
    /// A pod.
    Pod(Next),
    /// Someone whom the manifests do not know.
    Outside(Leaving),
    /// Nobody.
    Nobody,
}

impl First {
    fn parts(self) -> (Option<Next>, Option<Leaving>) {
        match self {
            Self::Pod(next) => (Some(next), None),
            Self::Outside(leaving) => (None, Some(leaving)),
            Self::Nobody => (None, None),
        }
    }
}

/// Where a request leaves that goes where its client dialled.
fn dialled_at(request: &Request) -> Leaving {
    Leaving {
        host: request.host.clone(),
        port: request.port,
        layer: layer::of(request),
    }
}

/// The namespace of nobody: names are looked up there as they are written.
const NOWHERE: &str = "";

/// More gateways in a row are going in circles.
const MAX_HOPS: usize = 8;

//! What one proxy makes of a connection and the request on it: listener, route, clusters, and what the client meets.
//!
//! A snapshot is all that is asked, whoever it is from: no mesh around the proxy is known here.

use proxy::listener::{
    Accepted, BLACK_HOLE_CLUSTER, Connection, PASSTHROUGH_CLUSTER, Preface, Verdict, accept,
};
use proxy::request::RequestHead;
use proxy::response::ResponseHead;
use proxy::table::Resolution;
use proxy::trace::Trace;
use xds::{FilterChain, RouteAction};

use crate::closed::Closed;
use crate::hop::Told;
use crate::model::{Hop, Outcome, OutcomeKind, Route, Rule};

/// What happened at one proxy.
pub(crate) struct Visit {
    pub(crate) hop: Hop,
    pub(crate) outcome: Outcome,
    /// TLS of the connection ends here.
    pub(crate) ends_tls: bool,
    /// The decisions about an HTTP request, for those who want to draw.
    pub(crate) resolution: Option<Resolution>,
}

impl Visit {
    /// A proxy that decides nothing further.
    pub(crate) fn new(hop: Hop, outcome: Outcome) -> Self {
        Self {
            hop,
            outcome,
            ends_tls: false,
            resolution: None,
        }
    }
}

impl Told {
    /// What the proxy makes of a connection that carries this request.
    pub(crate) fn visit(&self, hop: Hop, connection: &Connection<'_>, head: &RequestHead) -> Visit {
        let accepted = accept(&self.snapshot.listeners, connection);
        self.follow(hop, &accepted, connection.preface, head)
    }

    /// The same once it is known which listener takes the connection, and how.
    pub(crate) fn follow(
        &self,
        mut hop: Hop,
        accepted: &Accepted<'_>,
        preface: Preface<'_>,
        head: &RequestHead,
    ) -> Visit {
        hop.listener = accepted.listener.map(|listener| listener.name.clone());
        let chain = accepted.filter_chain;
        let closed = |hop, why| Visit::new(hop, Outcome::closed(why));
        let visit = match accepted.verdict {
            Verdict::Http(name) => self.http(hop, name, head),
            Verdict::Tcp(clusters) => self.tcp(hop, chain, clusters),
            Verdict::Passthrough => {
                hop.clusters = vec![self.cluster(PASSTHROUGH_CLUSTER, 100, 1)];
                Visit::new(hop, Outcome::passthrough())
            }
            Verdict::BlackHole => {
                hop.clusters = vec![self.cluster(BLACK_HOLE_CLUSTER, 100, 1)];
                closed(hop, Closed::NotLetOut)
            }
            Verdict::NoFilterChain => closed(hop, Closed::without_filter_chain(preface)),
            Verdict::TlsExpected => closed(hop, Closed::TlsExpected),
            Verdict::PlainTextExpected => closed(hop, Closed::PlainTextExpected),
            Verdict::NoListener => closed(hop, Closed::Refused),
        };
        Visit {
            ends_tls: chain.is_some_and(|chain| chain.tls.is_some()),
            ..visit
        }
    }

    /// What a route configuration makes of a request.
    fn http(&self, mut hop: Hop, route_config: &str, head: &RequestHead) -> Visit {
        hop.route_config = Some(route_config.to_owned());
        let Some(id) = self.table.route_config(route_config) else {
            // Envoy has no routes either until it is told them.
            return Visit::new(hop, Outcome::no_route());
        };
        let (resolution, trace) = self.table.explain(id, head);
        hop.describe(self, &resolution, &trace);
        let position = hop.likeliest().map_or(0, |(position, _)| position);
        let mut visit = match Outcome::local_reply(&resolution, &trace) {
            Some(reply) => Visit::new(hop, reply),
            None => self.forwarded(hop, self.no_cluster_status(&trace)),
        };
        let abort = trace.route.as_ref();
        let abort = abort.and_then(|route| Outcome::certain_abort(route, &resolution));
        let reply = match abort {
            Some((outcome, reply)) => {
                visit.outcome = outcome;
                Some(reply)
            }
            None => visit.outcome.record(&resolution),
        };
        if let Some(mut reply) = reply {
            // Where chance decides, it is the likeliest cluster's answer.
            let named = trace.route.iter().flat_map(|route| &route.clusters);
            let ids: Vec<_> = named.map(|cluster| cluster.id).collect();
            let is_forwarded = visit.outcome.kind == OutcomeKind::Forwarded;
            let upstream = is_forwarded.then(|| ResponseHead::of(200));
            let mut response = |cluster| {
                reply.cluster = cluster;
                self.table
                    .response(&resolution, head, &reply, upstream.as_ref())
            };
            if is_forwarded {
                for (cluster, id) in visit.hop.clusters.iter_mut().zip(&ids) {
                    cluster.response_headers = Some(response(Some(*id)).headers);
                }
            }
            let response = response(ids.get(position).copied());
            visit.outcome = visit.outcome.with_response(response);
        }
        visit.resolution = Some(resolution);
        visit
    }

    /// What becomes of bytes that nobody looks into. There is nobody to answer: what goes wrong closes the connection.
    fn tcp(&self, mut hop: Hop, chain: Option<&FilterChain>, clusters: &[(String, u32)]) -> Visit {
        let origin = chain.and_then(|chain| chain.origin.as_ref());
        hop.route = origin.map(|origin| Route {
            name: String::new(),
            rule: Rule::from(Some(origin)),
            conditions: "the connection".to_owned(),
        });
        for (name, weight) in clusters {
            hop.clusters
                .push(self.cluster(name, *weight, clusters.len()));
        }
        let visit = self.forwarded(hop, 503);
        Visit {
            outcome: visit.outcome.for_connections(),
            ..visit
        }
    }

    /// The status of requests whose cluster does not exist.
    fn no_cluster_status(&self, trace: &Trace<'_>) -> u16 {
        let route = trace.route.as_ref().map(|route| self.table.route(route.id));
        match route.map(|route| &route.action) {
            Some(RouteAction::Route(target)) => target.cluster_not_found_response_code,
            _ => 503,
        }
    }

    /// What follows where the hop's clusters take the request.
    fn forwarded(&self, hop: Hop, no_cluster_status: u16) -> Visit {
        let outcome = match hop.likeliest() {
            None => Outcome::no_cluster(no_cluster_status),
            Some((_, cluster)) if cluster.name == PASSTHROUGH_CLUSTER => Outcome::passthrough(),
            Some((_, cluster)) if !cluster.exists => Outcome::no_cluster(no_cluster_status),
            Some((_, cluster)) if self.leaves(&cluster.name) => Outcome::forwarded(),
            Some((_, cluster)) if cluster.endpoints.is_empty() => Outcome::no_healthy_upstream(),
            Some(_) => Outcome::forwarded(),
        };
        Visit::new(hop, outcome)
    }
}

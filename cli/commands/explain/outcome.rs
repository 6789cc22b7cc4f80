//! What the client meets in the end.

use base::Ratio;
use proxy::response_flag::Details;
use proxy::router::grpc_status;
use proxy::table::{self, Resolution, Table};
use proxy::trace::{RouteTrace, Trace};
use xds::AbortStatus;

use super::closed::Closed;
use super::model::{Outcome, OutcomeKind};

/// Istio's name of the virtual host that answers 502 to all that is unknown.
pub(crate) const BLOCK_ALL: &str = "block_all";

impl Outcome {
    /// The server answers, whatever it answers.
    pub(crate) fn forwarded() -> Self {
        Self::upstream(OutcomeKind::Forwarded)
    }

    /// Whoever was dialled answers.
    pub(crate) fn passthrough() -> Self {
        Self::upstream(OutcomeKind::Passthrough)
    }

    fn upstream(kind: OutcomeKind) -> Self {
        Self {
            details: Some(Details::ViaUpstream.as_str().to_owned()),
            ..Self::plain(kind, None)
        }
    }

    /// No proxy has a say.
    pub(crate) fn no_sidecar() -> Self {
        Self::plain(OutcomeKind::NoSidecar, None)
    }

    /// The connection ends without an answer.
    pub(crate) fn closed(why: Closed) -> Self {
        Self {
            response_flags: why.response_flags().to_owned(),
            details: why.details().map(str::to_owned),
            closed: Some(why),
            ..Self::plain(OutcomeKind::NoListener, CLOSED)
        }
    }

    /// What a proxy answers whose own connection ended so: Envoy could not connect.
    pub(crate) fn before_the_proxy(self) -> Self {
        if self.closed.is_none() {
            return self;
        }
        Self {
            status: Some(503),
            response_flags: "UF".to_owned(),
            ..self
        }
    }

    /// What happens to a connection where a request would be answered: it ends.
    pub(crate) fn for_connections(self) -> Self {
        Self {
            status: self.status.and(CLOSED),
            body: String::new(),
            ..self
        }
    }

    /// The route's cluster does not exist.
    pub(crate) fn no_cluster(status: u16) -> Self {
        Self {
            response_flags: "NC".to_owned(),
            details: Some(Details::ClusterNotFound.as_str().to_owned()),
            ..Self::plain(OutcomeKind::NoCluster, Some(status))
        }
    }

    /// No route matches.
    pub(crate) fn no_route() -> Self {
        Self {
            response_flags: "NR".to_owned(),
            details: Some(Details::RouteNotFound.as_str().to_owned()),
            ..Self::plain(OutcomeKind::NoRoute, Some(404))
        }
    }

    /// The cluster has no endpoint that can take it.
    pub(crate) fn no_healthy_upstream() -> Self {
        Self {
            response_flags: "UH".to_owned(),
            details: Some(Details::NoHealthyUpstream.as_str().to_owned()),
            body: "no healthy upstream".to_owned(),
            ..Self::plain(OutcomeKind::NoHealthyUpstream, Some(503))
        }
    }

    fn plain(kind: OutcomeKind, status: Option<u16>) -> Self {
        Self {
            kind,
            status,
            response_flags: "-".to_owned(),
            details: None,
            headers: Vec::new(),
            body: String::new(),
            closed: None,
        }
    }

    /// What a proxy answers by itself; none where it forwards.
    pub(crate) fn local_reply(resolution: &Resolution, trace: &Trace<'_>) -> Option<Self> {
        let table::Outcome::Reply {
            status,
            flags,
            details,
            body,
            headers,
        } = &resolution.outcome
        else {
            return None;
        };
        let kind = match details {
            Details::RouteNotFound => OutcomeKind::NoRoute,
            Details::CorsPreflight => OutcomeKind::CorsPreflight,
            _ if trace.virtual_host == Some(BLOCK_ALL) => OutcomeKind::Blackhole,
            _ if headers.iter().any(|(name, _)| name == "location") => OutcomeKind::Redirect,
            _ => OutcomeKind::DirectResponse,
        };
        Some(Self {
            response_flags: flags.to_string(),
            details: Some(details.as_str().to_owned()),
            headers: headers.clone(),
            body: body.clone(),
            ..Self::plain(kind, Some(*status))
        })
    }

    /// The answer of a fault that spares nobody; none where there is none.
    pub(crate) fn certain_abort(route: &RouteTrace<'_>, is_grpc: bool) -> Option<Self> {
        let is_certain = |share: Ratio| share.percent() >= 100.0;
        let fault = route.fault?;
        let abort = fault
            .abort
            .as_ref()
            .filter(|abort| is_certain(abort.percentage))?;
        let is_delayed = fault
            .delay
            .as_ref()
            .is_some_and(|delay| is_certain(delay.percentage));
        let status = match abort.status {
            AbortStatus::Http(status) => status,
            AbortStatus::Grpc(_) => 200,
        };
        let mut answer = Self {
            response_flags: if is_delayed { "DI,FI" } else { "FI" }.to_owned(),
            details: Some(Details::FaultFilterAbort.as_str().to_owned()),
            body: "fault filter abort".to_owned(),
            ..Self::plain(OutcomeKind::FaultAbort, Some(status))
        };
        if let (AbortStatus::Grpc(code), true) = (abort.status, is_grpc) {
            answer.become_grpc(code);
        }
        Some(answer)
    }

    /// Turns a local answer into what gRPC clients receive.
    pub(crate) fn for_grpc_clients(mut self) -> Self {
        let is_grpc_already = self.headers.iter().any(|(name, _)| name == "grpc-status");
        match self.status {
            Some(status @ 1..) if !is_grpc_already => self.become_grpc(grpc_status(status)),
            _ => {}
        }
        self
    }

    /// Status 200, the code in the headers, the body as the message.
    fn become_grpc(&mut self, code: u8) {
        self.status = Some(200);
        let mut headers = vec![
            ("content-type".to_owned(), "application/grpc".to_owned()),
            ("grpc-status".to_owned(), code.to_string()),
        ];
        let body = std::mem::take(&mut self.body);
        if !body.is_empty() {
            headers.push(("grpc-message".to_owned(), body));
        }
        self.headers.splice(0..0, headers);
    }
}

/// The status of a connection that ends without an answer, as Envoy logs it.
const CLOSED: Option<u16> = Some(0);

/// What a route adds to the response of its cluster at `position`, or to a fault's answer.
pub(crate) fn response_headers(
    table: &Table,
    route: &RouteTrace<'_>,
    resolution: &Resolution,
    position: usize,
) -> Vec<(String, String)> {
    resolution
        .upstream_heads
        .get(position)
        .map_or_else(Vec::new, |head| {
            table.response_headers(route.id, position, head)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_clients_receive_200_and_a_code() {
        let answer = Outcome::no_healthy_upstream().for_grpc_clients();
        assert_eq!(answer.status, Some(200));
        let headers: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            headers,
            [
                "content-type: application/grpc",
                "grpc-status: 14",
                "grpc-message: no healthy upstream"
            ]
        );
        let forwarded = Outcome::forwarded().for_grpc_clients();
        assert_eq!((forwarded.status, forwarded.headers.len()), (None, 0));
        let closed = Outcome::closed(Closed::Refused).for_grpc_clients();
        assert_eq!(closed.status, Some(0));
    }
}

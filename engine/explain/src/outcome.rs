//! What the client meets in the end.

use base::Ratio;
use proxy::effect::Reply;
use proxy::local_reply::grpc_status;
use proxy::response::Response;
use proxy::response_flag::{Details, ResponseFlags};
use proxy::table::{self, Resolution};
use proxy::trace::{RouteTrace, Trace};
use xds::AbortStatus;

use crate::closed::Closed;
use crate::model::{Outcome, OutcomeKind};

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
            answer: None,
            closed: None,
        }
    }

    /// What a proxy answers by itself; none where it forwards.
    pub(crate) fn local_reply(resolution: &Resolution, trace: &Trace<'_>) -> Option<Self> {
        let table::Outcome::Reply {
            status,
            flags,
            details,
            headers,
            ..
        } = &resolution.outcome
        else {
            return None;
        };
        let kind = match details {
            Details::RouteNotFound => OutcomeKind::NoRoute,
            Details::CorsPreflight => OutcomeKind::CorsPreflight,
            Details::JwtAuthnAccessDenied(_) => OutcomeKind::TokenRefused,
            _ if trace.virtual_host == Some(BLOCK_ALL) => OutcomeKind::Blackhole,
            _ if headers.iter().any(|(name, _)| name == "location") => OutcomeKind::Redirect,
            _ => OutcomeKind::DirectResponse,
        };
        Some(Self {
            response_flags: flags.to_string(),
            details: Some(details.as_str().to_owned()),
            ..Self::plain(kind, Some(*status))
        })
    }

    /// What it is recorded as; none where the proxy says nothing, or passes on what it does not look into.
    pub(crate) fn record(&self, resolution: &Resolution) -> Option<Reply> {
        let details = match self.kind {
            OutcomeKind::Forwarded => Details::ViaUpstream,
            OutcomeKind::NoCluster => Details::ClusterNotFound,
            OutcomeKind::NoHealthyUpstream => Details::NoHealthyUpstream,
            OutcomeKind::NoRoute
            | OutcomeKind::CorsPreflight
            | OutcomeKind::TokenRefused
            | OutcomeKind::Redirect
            | OutcomeKind::DirectResponse
            | OutcomeKind::Blackhole => match &resolution.outcome {
                table::Outcome::Reply { details, .. } => *details,
                table::Outcome::Forward | table::Outcome::Passthrough(_) => return None,
            },
            OutcomeKind::FaultAbort
            | OutcomeKind::Passthrough
            | OutcomeKind::NoListener
            | OutcomeKind::NoSidecar => return None,
        };
        let status = self.status.unwrap_or(200);
        let is_local = details != Details::ViaUpstream && resolution.grpc;
        Some(Reply {
            status: if is_local { 200 } else { status },
            grpc_status: is_local.then(|| grpc_status(status)),
            ..record(resolution, details)
        })
    }

    /// The answer of a fault that spares nobody; none where there is none.
    pub(crate) fn certain_abort(
        route: &RouteTrace<'_>,
        resolution: &Resolution,
    ) -> Option<(Self, Reply)> {
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
        let (status, code) = match abort.status {
            AbortStatus::Http(status) => (status, grpc_status(status)),
            AbortStatus::Grpc(code) => (200, code),
        };
        let details = Details::FaultFilterAbort;
        let reply = Reply {
            status: if resolution.grpc { 200 } else { status },
            grpc_status: resolution.grpc.then_some(code),
            ..record(resolution, details)
        };
        let answer = Self {
            response_flags: if is_delayed { "DI,FI" } else { "FI" }.to_owned(),
            details: Some(details.as_str().to_owned()),
            ..Self::plain(OutcomeKind::FaultAbort, Some(reply.status))
        };
        Some((answer, reply))
    }

    /// The outcome with what the client receives.
    pub(crate) fn with_response(self, response: Response) -> Self {
        Self {
            status: self.status.and(Some(response.status)),
            headers: response.headers,
            body: response.body,
            ..self
        }
    }
}

/// The record of a request that ended so, otherwise empty.
const fn record(resolution: &Resolution, details: Details) -> Reply {
    Reply {
        status: 200,
        grpc_status: None,
        truncated: false,
        flags: ResponseFlags::NONE,
        details,
        attempts: 0,
        route: resolution.route,
        cluster: None,
        endpoint: None,
    }
}

/// The status of a connection that ends without an answer, as Envoy logs it.
const CLOSED: Option<u16> = Some(0);

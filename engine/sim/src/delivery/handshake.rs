//! Whether what is sent to a server is what it takes: TLS, or plain text.
//!
//! A server says so (`tls`); one that does not takes whatever comes. A proxy's handshake with a server that takes plain text
//! fails as its connection is made. Plain text at a server that takes TLS is answered as the common servers do it, and what
//! is no HTTP finds its connection closed.
//!
//! Source: nginx, ngx_http_request.c: a plain request at a TLS port is answered 400.

use crate::deed::Answer;
use crate::observation::{AttemptOutcome, Observer};
use crate::plan::{PodId, Side};
use crate::pod::Seat;
use crate::shape::{Sent, Way};
use crate::world::World;
use base::SimTime;
use proxy::input::ResetReason;
use proxy::listener::Layer;
use proxy::names::{ClusterId, EndpointId};
use xds::TlsMode;

impl<O: Observer> World<'_, O> {
    /// Whether a proxy and a server find no common language when the connection is made.
    pub(crate) fn fails_handshake(
        &self,
        seat: Seat,
        cluster: ClusterId,
        endpoint: EndpointId,
    ) -> bool {
        let server = match seat.side {
            Side::Outbound => self.plan.pod_at(endpoint),
            Side::Inbound => None,
        };
        let takes = server.and_then(|pod| self.pods[pod.index()].server.tls);
        let Some(takes) = takes else {
            return false;
        };
        let state = self.pods[seat.pod.index()].proxy(seat.side);
        let table = &self.plan.tables[state.expect("a proxy asks for it").table.index()];
        match table.cluster_config(cluster).map(|config| config.tls) {
            Some(TlsMode::Simple | TlsMode::Mutual) => !takes,
            // No server outside of the mesh has a certificate of it.
            Some(TlsMode::IstioMutual) => true,
            Some(TlsMode::Auto) => table.speaks_mutual_tls(cluster, endpoint),
            Some(TlsMode::Disable) | None => false,
        }
    }

    /// Turns away a request that comes as its server does not take it; false where it does.
    #[inline]
    pub(super) fn is_turned_away(&mut self, now: SimTime, slot: u32, target: PodId) -> bool {
        let delivery = &self.deliveries[slot as usize];
        let takes = self.pods[target.index()].server.tls;
        let Some(takes) = takes.filter(|_| !delivery.is_for_application()) else {
            return false;
        };
        let sent = match delivery.way {
            Way::Sent {
                shape,
                cluster,
                endpoint,
                ..
            } => (self.shapes).sent_as(self.plan, shape, cluster, endpoint),
            Way::Dialled { .. } => match self.plan.sites[delivery.site.index()].layer {
                Layer::Tls { .. } | Layer::IstioMutualTls { .. } => Sent::Tls,
                Layer::Http(_) => Sent::Plain,
                Layer::Bytes => Sent::Bytes,
            },
        };
        let outcome = match (takes, sent) {
            (true, Sent::Tls) | (false, Sent::Plain | Sent::Bytes) => return false,
            (true, Sent::Plain) => {
                self.deliveries[slot as usize].answer = Answer::Status(PLAIN_AT_TLS);
                AttemptOutcome::Response(PLAIN_AT_TLS)
            }
            (true, Sent::Bytes) | (false, Sent::Tls) => {
                AttemptOutcome::Reset(ResetReason::ConnectionTermination)
            }
        };
        self.give_back(now, slot, outcome);
        true
    }
}

/// Bad Request.
const PLAIN_AT_TLS: u16 = 400;

//! The TCP proxy filter: connections from downstream whose bytes are passed on, whatever they mean.
//!
//! ```text
//!                cluster by weight, limits,
//!                host by load balancer                 connected
//!  accepted ──────────────────────────► Connecting ─────────────────► Established ──► ended
//!      │ no cluster (NC), no room (UO),     │ refused, too late (UF,URX)      │ either end closes,
//!      │ no host (UH)                       │ the client goes away            │ idle timeout, duration (DT)
//!      └────────────────────────────────────┴─────────────────────────────────┴───► ended
//! ```
//!
//! A *session* is a connection from downstream and the one upstream that is made for it. It ends with either of them.
//! A connection upstream counts in `max_connections` and, while it is being made, in `max_pending_requests`;
//! `max_requests` does not limit it. A host or cluster that goes from the configuration lets its sessions go on.
//!
//! One difference: Envoy notices that a client has gone away only once its upstream is connected; here the session ends
//! at once.
//!
//! Source: envoyproxy/envoy 1.40, source/common/tcp_proxy/tcp_proxy.cc, source/common/tcp/conn_pool.cc; flags and
//! counters were observed.

use crate::cluster::Selection;
use crate::cluster::connection_pool::{ClosedBy, Unfinished};
use crate::cluster::outlier_detection::Report;
use crate::draws;
use crate::effect::{Effect, Reply, TimerKind};
use crate::input::ResetReason;
use crate::names::{ClusterId, EndpointId};
use crate::response_flag::{Details, ResponseFlag, ResponseFlags};
use crate::router::{Router, Turn};
use crate::slab::Slab;
use crate::stats::TcpStats;
use crate::table::{Destination, TcpProxyId, choose};
use base::SimDuration;

/// A session inside one proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    /// The slot that the session occupies; reused when it ends.
    pub slot: u32,
    /// Tells the slot's occupants apart.
    pub generation: u32,
}

/// The upstream connection of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The session.
    pub session: SessionId,
    /// The tag of the connection from downstream.
    pub tag: u32,
    /// Through which cluster.
    pub cluster: ClusterId,
    /// Where it goes.
    pub endpoint: EndpointId,
}

/// What happens to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Its upstream connection is made.
    Connected,
    /// Its upstream connection is refused.
    Refused,
    /// Bytes pass, in whichever direction.
    Data,
    /// The server closes its end, and the client closes in turn.
    ServerCloses,
    /// The client closes its end, and the server closes in turn.
    ClientCloses,
    /// The client goes away without a word.
    Cancelled,
}

/// What a session asks its world to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SessionEffect {
    /// Make its upstream connection. [`SessionEvent::Connected`] tells when it is made, [`SessionEvent::Refused`] that it
    /// is refused; nothing, that nobody answers.
    Dial(Dial),
    /// Its upstream connection is made: bytes pass from now on.
    Established(Dial),
    /// Its upstream connection is not made.
    Unreached {
        /// What would have been made.
        dial: Dial,
        /// Why not.
        reason: ResetReason,
    },
    /// Close its upstream connection, or give up making it.
    HangUp(SessionId),
    /// The connection from downstream with this tag is closed.
    Ended {
        /// The connection.
        tag: u32,
        /// What is recorded of it: no status.
        record: Reply,
    },
}

/// What the configuration says of a TCP proxy.
#[derive(Clone, Debug)]
pub(crate) struct TcpProxy {
    /// As configured.
    pub(crate) source: xds::TcpProxy,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) total_weight: u64,
}

/// All sessions of one proxy, and what it counts of them.
#[derive(Debug)]
pub(crate) struct TcpProxies {
    pub(crate) sessions: Slab<Session>,
    /// By prefix, in the order of first use.
    pub(crate) stats: Vec<(String, TcpStats)>,
}

/// A session under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    phase: Phase,
    tag: u32,
    cluster: u32,
    host: u32,
    /// Its place among the statistics.
    account: u32,
    /// Zero: no limit.
    idle_timeout: SimDuration,
    is_timed: bool,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Established,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ServerCloses,
    ClientCloses,
    Cancelled,
    IdleTimeout,
    MaxDuration,
}

/// A connection from downstream, as its world tells it.
pub(crate) struct Accepted {
    pub(crate) tag: u32,
    pub(crate) identity: u64,
    pub(crate) proxy: TcpProxyId,
    pub(crate) worker: u16,
}

impl TcpProxies {
    pub(crate) const fn new() -> Self {
        Self {
            sessions: Slab::new(),
            stats: Vec::new(),
        }
    }

    /// The place of the statistics under this prefix.
    fn account(&mut self, prefix: &str) -> u32 {
        let found = self.stats.iter().position(|(known, _)| known == prefix);
        let place = found.unwrap_or_else(|| {
            self.stats.push((prefix.to_owned(), TcpStats::default()));
            self.stats.len() - 1
        });
        u32::try_from(place).expect("fewer than 2^32 prefixes")
    }
}

impl Router {
    /// A connection from downstream is accepted.
    pub(crate) fn on_accepted(&mut self, turn: &mut Turn<'_>, accepted: &Accepted) {
        let tables = turn.tables;
        let proxy = tables[turn.epoch as usize].tcp_proxy_plan(accepted.proxy);
        let account = self.tcp.account(&proxy.source.stat_prefix);
        self.tcp.stats[account as usize].1.downstream_cx_total += 1;
        // One draw for each connection.
        let stream = draws::draw(self.key, accepted.identity, draws::STREAM);
        let position = choose(&proxy.destinations, proxy.total_weight, stream);
        let chosen = proxy.destinations.get(position).map(|to| to.cluster);
        let mut record = Reply {
            cluster: chosen,
            ..CLOSED
        };
        let cluster = chosen.and_then(|id| self.cluster(turn, id));
        let (Some(id), Some(cluster)) = (chosen, cluster) else {
            self.tcp.stats[account as usize].1.downstream_cx_no_route += 1;
            record.flags = ResponseFlags::of(ResponseFlag::NoClusterFound);
            return end_at_once(turn, accepted.tag, record);
        };
        let state = &mut self.clusters[cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        if state.usage.connections.get() >= state.settings.max_connections {
            stats.upstream_cx_overflow += 1;
            record.flags = ResponseFlags::of(ResponseFlag::UpstreamOverflow);
            return end_at_once(turn, accepted.tag, record);
        }
        let worker = accepted.worker % self.workers;
        let mut selection = Selection::new(self.key, accepted.identity, 1, false);
        selection.worker = worker;
        selection.hash = (proxy.source.hashes_source_ip).then(|| base::rng::mix(self.seed));
        let Some(host) = state.pick(turn.now, &mut selection, None, stats) else {
            stats.upstream_cx_none_healthy += 1;
            record.flags = ResponseFlags::of(ResponseFlag::NoHealthyUpstream);
            return end_at_once(turn, accepted.tag, record);
        };
        record.attempts = 1;
        let endpoint = state.hosts[host as usize].endpoint;
        if !state.usage.admits_pending(&state.settings) {
            stats.upstream_rq_pending_overflow += 1;
            stats.upstream_cx_connect_attempts_exceeded += 1;
            record.flags = ResponseFlags::of(ResponseFlag::UpstreamRetryLimitExceeded);
            return end_at_once(turn, accepted.tag, record);
        }
        stats.upstream_rq_pending_total += 1;
        stats.upstream_cx_total += 1;
        state.usage.pending.rise(turn.now);
        state.usage.connections.rise(turn.now);
        state.references += 1;
        let host_state = &mut state.hosts[host as usize];
        host_state.references += 1;
        host_state.connections += 1;
        let connect_timeout = state.settings.connect_timeout;
        let (slot, generation) = self.tcp.sessions.insert(Session {
            phase: Phase::Connecting,
            tag: accepted.tag,
            cluster,
            host,
            account,
            idle_timeout: proxy.source.idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT),
            is_timed: proxy.source.max_downstream_connection_duration.is_some(),
        });
        let session = SessionId { slot, generation };
        let dial = Dial {
            session,
            tag: accepted.tag,
            cluster: id,
            endpoint,
        };
        ask(turn, SessionEffect::Dial(dial));
        let connected_by = turn.now + connect_timeout;
        turn.set_timer(TimerKind::SessionConnect, slot, connected_by);
        if let Some(longest) = proxy.source.max_downstream_connection_duration {
            turn.set_timer(TimerKind::SessionDuration, slot, turn.now + longest);
        }
    }

    /// Something happens to a session.
    pub(crate) fn on_session_event(
        &mut self,
        turn: &mut Turn<'_>,
        id: SessionId,
        event: SessionEvent,
    ) {
        if !self.tcp.sessions.holds(id.slot, id.generation) {
            return;
        }
        let phase = self.tcp.sessions[id.slot].phase;
        match (event, phase) {
            (SessionEvent::Connected, Phase::Connecting) => self.establish(turn, id.slot),
            (SessionEvent::Refused, Phase::Connecting) => {
                self.fail_to_connect(turn, id.slot, ResetReason::ConnectionFailure);
            }
            (SessionEvent::Data, Phase::Established) => self.touch_session(turn, id.slot),
            (SessionEvent::ServerCloses, Phase::Established) => {
                self.end_session(turn, id.slot, End::ServerCloses);
            }
            (SessionEvent::ClientCloses, Phase::Established) => {
                self.end_session(turn, id.slot, End::ClientCloses);
            }
            (SessionEvent::Cancelled, Phase::Connecting | Phase::Established) => {
                self.end_session(turn, id.slot, End::Cancelled);
            }
            (SessionEvent::Connected | SessionEvent::Refused, Phase::Established)
            | (
                SessionEvent::Data | SessionEvent::ServerCloses | SessionEvent::ClientCloses,
                Phase::Connecting,
            ) => {}
        }
    }

    /// The upstream connection of a session has taken too long to be made.
    pub(crate) fn on_session_connect_timeout(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if self.is_session(slot, Phase::Connecting) {
            self.fail_to_connect(turn, slot, ResetReason::ConnectionTimeout);
        }
    }

    /// A session has been silent for too long.
    pub(crate) fn on_session_idle(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if self.is_session(slot, Phase::Established) {
            let account = self.tcp.sessions[slot].account as usize;
            self.tcp.stats[account].1.idle_timeout += 1;
            self.end_session(turn, slot, End::IdleTimeout);
        }
    }

    /// A session has lasted too long.
    pub(crate) fn on_session_duration(&mut self, turn: &mut Turn<'_>, slot: u32) {
        if self.tcp.sessions.is_live(slot) && std::mem::take(&mut self.tcp.sessions[slot].is_timed)
        {
            let account = self.tcp.sessions[slot].account as usize;
            let stats = &mut self.tcp.stats[account].1;
            stats.max_downstream_connection_duration += 1;
            self.end_session(turn, slot, End::MaxDuration);
        }
    }

    fn is_session(&self, slot: u32, phase: Phase) -> bool {
        self.tcp.sessions.is_live(slot) && self.tcp.sessions[slot].phase == phase
    }

    /// The upstream connection is made: bytes pass.
    fn establish(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let session = &mut self.tcp.sessions[slot];
        session.phase = Phase::Established;
        let session = *session;
        turn.cancel_timer(TimerKind::SessionConnect, slot);
        let state = &mut self.clusters[session.cluster];
        state.usage.pending.fall(turn.now);
        state.usage.requests.rise(turn.now);
        state.hosts[session.host as usize].active += 1;
        let stats = &mut self.accounts[state.entry as usize].stats;
        stats.upstream_rq_total += 1;
        let dial = self.dial(slot);
        ask(turn, SessionEffect::Established(dial));
        self.report_session(turn, &session, Report::ConnectedForGood);
        self.touch_session(turn, slot);
    }

    /// Bytes pass: the idle timeout begins anew.
    fn touch_session(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let idle_timeout = self.tcp.sessions[slot].idle_timeout;
        if !idle_timeout.is_zero() {
            turn.set_timer(TimerKind::SessionIdle, slot, turn.now + idle_timeout);
        }
    }

    /// The upstream connection is not made. There is one attempt, as Istio leaves it.
    fn fail_to_connect(&mut self, turn: &mut Turn<'_>, slot: u32, reason: ResetReason) {
        let session = self.tcp.sessions[slot];
        let entry = self.clusters[session.cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        stats.upstream_cx_connect_fail += 1;
        stats.upstream_rq_pending_failure_eject += 1;
        stats.upstream_cx_connect_attempts_exceeded += 1;
        let (by, report) = if reason == ResetReason::ConnectionTimeout {
            stats.upstream_cx_connect_timeout += 1;
            (ClosedBy::Us, Report::Timeout(504))
        } else {
            turn.cancel_timer(TimerKind::SessionConnect, slot);
            (ClosedBy::Peer, Report::Failure)
        };
        stats.destroy(by, Unfinished::No);
        let dial = self.dial(slot);
        ask(turn, SessionEffect::Unreached { dial, reason });
        self.report_session(turn, &session, report);
        let flags = ResponseFlags::of(ResponseFlag::UpstreamConnectionFailure)
            .with(ResponseFlag::UpstreamRetryLimitExceeded);
        let details = if reason == ResetReason::ConnectionTimeout {
            Details::ConnectionTimeout
        } else {
            Details::RemoteConnectionFailure
        };
        let record = self.record(slot, flags, details);
        self.release_session(turn, slot);
        end_at_once(turn, session.tag, record);
    }

    /// A session ends.
    fn end_session(&mut self, turn: &mut Turn<'_>, slot: u32, end: End) {
        let session = self.tcp.sessions[slot];
        let (by, is_up, details, flags) = match end {
            // Who is closed last closes what is left.
            End::ServerCloses => (ClosedBy::Us, false, Details::ViaUpstream, None),
            End::ClientCloses => (ClosedBy::Peer, false, Details::ViaUpstream, None),
            End::Cancelled => (
                ClosedBy::Us,
                true,
                Details::DownstreamRemoteDisconnect,
                None,
            ),
            End::IdleTimeout => (ClosedBy::Us, true, Details::StreamIdleTimeout, None),
            End::MaxDuration => {
                let flag = Some(ResponseFlag::DurationTimeout);
                (ClosedBy::Us, true, Details::MaxDurationTimeout, flag)
            }
        };
        let entry = self.clusters[session.cluster].entry as usize;
        let stats = &mut self.accounts[entry].stats;
        match session.phase {
            Phase::Connecting => {
                turn.cancel_timer(TimerKind::SessionConnect, slot);
                stats.upstream_rq_cancelled += 1;
                stats.destroy(by, Unfinished::No);
            }
            Phase::Established => {
                if end != End::IdleTimeout && !session.idle_timeout.is_zero() {
                    turn.cancel_timer(TimerKind::SessionIdle, slot);
                }
                stats.destroy(by, Unfinished::Yes);
            }
        }
        let generation = self.tcp.sessions.generation(slot);
        let flags = flags.map_or(ResponseFlags::NONE, ResponseFlags::of);
        let mut record = self.record(slot, flags, details);
        // Envoy names a host once it is connected, or cannot be.
        if end == End::MaxDuration && session.phase == Phase::Connecting {
            record.endpoint = None;
        }
        if is_up {
            ask(turn, SessionEffect::HangUp(SessionId { slot, generation }));
        }
        self.release_session(turn, slot);
        let tag = session.tag;
        if end == End::Cancelled {
            turn.effects.push(Effect::Cancelled { tag, record });
        } else {
            end_at_once(turn, tag, record);
        }
    }

    /// What a session holds is free.
    fn release_session(&mut self, turn: &mut Turn<'_>, slot: u32) {
        let session = self.tcp.sessions[slot];
        if session.is_timed {
            turn.cancel_timer(TimerKind::SessionDuration, slot);
        }
        self.tcp.sessions.remove(slot);
        let state = &mut self.clusters[session.cluster];
        let host = &mut state.hosts[session.host as usize];
        host.references -= 1;
        host.connections -= 1;
        state.usage.connections.fall(turn.now);
        match session.phase {
            Phase::Connecting => state.usage.pending.fall(turn.now),
            Phase::Established => {
                state.usage.requests.fall(turn.now);
                host.active -= 1;
            }
        }
        self.release_cluster(turn.now, session.cluster);
    }

    fn report_session(&mut self, turn: &mut Turn<'_>, session: &Session, report: Report) {
        let state = &mut self.clusters[session.cluster];
        let stats = &mut self.accounts[state.entry as usize].stats;
        let mut world = turn.world(self.seed, &mut self.connections);
        state.report(session.host, report, &mut world, stats);
    }

    fn dial(&self, slot: u32) -> Dial {
        let session = &self.tcp.sessions[slot];
        let state = &self.clusters[session.cluster];
        Dial {
            session: SessionId {
                slot,
                generation: self.tcp.sessions.generation(slot),
            },
            tag: session.tag,
            cluster: state.id,
            endpoint: state.hosts[session.host as usize].endpoint,
        }
    }

    fn record(&self, slot: u32, flags: ResponseFlags, details: Details) -> Reply {
        let dial = self.dial(slot);
        Reply {
            flags,
            details,
            attempts: 1,
            cluster: Some(dial.cluster),
            endpoint: Some(dial.endpoint),
            ..CLOSED
        }
    }
}

fn ask(turn: &mut Turn<'_>, effect: SessionEffect) {
    turn.effects.push(Effect::Session(effect));
}

/// The connection from downstream is closed.
fn end_at_once(turn: &mut Turn<'_>, tag: u32, record: Reply) {
    ask(turn, SessionEffect::Ended { tag, record });
}

/// What is recorded of a connection that is closed at once.
const CLOSED: Reply = Reply {
    status: 0,
    grpc_status: None,
    truncated: false,
    flags: ResponseFlags::NONE,
    details: Details::ConnectionTermination,
    attempts: 0,
    route: None,
    cluster: None,
    endpoint: None,
};

/// Envoy's own.
const DEFAULT_IDLE_TIMEOUT: SimDuration = SimDuration::from_secs(3600);

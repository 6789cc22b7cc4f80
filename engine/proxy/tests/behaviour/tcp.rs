//! Connections whose bytes are passed on. Flags and counters were observed on Envoy 1.40.

use crate::config::{cluster, hosts, listener, ms, sidecar};
use base::SimTime;
use proxy::effect::{Effect, Reply, Timer, TimerKind};
use proxy::input::Input;
use proxy::names::Names;
use proxy::proxy::Proxy;
use proxy::table::{Table, TcpProxyId};
use proxy::tcp_proxy::{Dial, SessionEffect, SessionEvent, SessionId};
use std::collections::BTreeMap;
use std::sync::Arc;
use xds::{Cluster, Filter, LocalityLbEndpoints, TcpProxy};

struct Stage {
    proxy: Proxy,
    names: Names,
    filter: TcpProxyId,
    now: SimTime,
    effects: Vec<Effect>,
}

impl Stage {
    fn new(filter: TcpProxy, clusters: Vec<(Cluster, Vec<LocalityLbEndpoints>)>) -> Self {
        let mut snapshot = sidecar(vec![], clusters);
        snapshot.listeners = vec![listener(Filter::TcpProxy(filter.clone()))];
        let mut names = Names::default();
        let (table, _) = Table::compile(&snapshot, &mut names);
        let compiled = table.tcp_proxy(&filter).expect("a chain has it");
        Self {
            proxy: Proxy::new(Arc::new(table), 7),
            names,
            filter: compiled,
            now: SimTime::ZERO,
            effects: vec![],
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.effects.clear();
        self.proxy.handle(self.now, input, &mut self.effects);
    }

    fn accept(&mut self, tag: u32) -> Option<Dial> {
        self.tell(Input::Accepted {
            tag,
            identity: u64::from(tag),
            proxy: self.filter,
            worker: 0,
        });
        self.sessions().find_map(|effect| match effect {
            SessionEffect::Dial(dial) => Some(dial),
            _ => None,
        })
    }

    fn event(&mut self, session: SessionId, event: SessionEvent) {
        self.tell(Input::Session { session, event });
    }

    fn expire(&mut self, kind: TimerKind, session: SessionId) {
        let slot = session.slot;
        self.tell(Input::Timer(Timer { kind, slot }));
    }

    fn sessions(&self) -> impl Iterator<Item = SessionEffect> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Session(effect) => Some(*effect),
            _ => None,
        })
    }

    /// How the session that the last input was about ended.
    fn record(&self) -> Reply {
        let found = self.sessions().find_map(|effect| match effect {
            SessionEffect::Ended { record, .. } => Some(record),
            _ => None,
        });
        found.expect("it has ended")
    }

    /// What the last input led to, in words.
    fn words(&self) -> String {
        let words = self.effects.iter().filter_map(|effect| match effect {
            Effect::Session(SessionEffect::Dial(_)) => Some("dials".to_owned()),
            Effect::Session(SessionEffect::Established(_)) => Some("passes".to_owned()),
            Effect::Session(SessionEffect::Unreached { .. }) => Some("fails".to_owned()),
            Effect::Session(SessionEffect::HangUp(_)) => Some("hangs up".to_owned()),
            Effect::Session(SessionEffect::Ended { record, .. }) => {
                Some(format!("ends {}", record.flags))
            }
            Effect::Cancelled { record, .. } => Some(format!("cancelled {}", record.flags)),
            Effect::SetTimer { timer, .. } => Some(format!("+{:?}", timer.kind)),
            Effect::CancelTimer(timer) => Some(format!("-{:?}", timer.kind)),
            _ => None,
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The counters of a cluster that are not zero.
    fn counters(&mut self, cluster: &str) -> BTreeMap<&'static str, u64> {
        let id = self.names.cluster(cluster);
        let mut stats = self.proxy.stats();
        let Some((_, stats)) = stats.find(|(other, _)| *other == id) else {
            return BTreeMap::new();
        };
        stats.counters().filter(|(_, count)| *count > 0).collect()
    }
}

fn to_one() -> TcpProxy {
    TcpProxy {
        max_downstream_connection_duration: Some(ms(9000)),
        ..TcpProxy::to_cluster("a")
    }
}

fn one_host() -> Vec<(Cluster, Vec<LocalityLbEndpoints>)> {
    vec![(cluster("a"), hosts(&[1]))]
}

/// The whole table: inputs down, states across; an empty cell changes nothing.
#[test]
fn every_state_meets_every_input() {
    type Act = fn(&mut Stage, SessionId);
    let table: [(&str, Act, [&str; 2]); 9] = [
        (
            "connected",
            |stage, id| stage.event(id, SessionEvent::Connected),
            ["-SessionConnect, passes, +SessionIdle", ""],
        ),
        (
            "refused",
            |stage, id| stage.event(id, SessionEvent::Refused),
            ["-SessionConnect, fails, -SessionDuration, ends UF,URX", ""],
        ),
        (
            "data",
            |stage, id| stage.event(id, SessionEvent::Data),
            ["", "+SessionIdle"],
        ),
        (
            "server closes",
            |stage, id| stage.event(id, SessionEvent::ServerCloses),
            ["", "-SessionIdle, -SessionDuration, ends -"],
        ),
        (
            "client closes",
            |stage, id| stage.event(id, SessionEvent::ClientCloses),
            ["", "-SessionIdle, -SessionDuration, ends -"],
        ),
        (
            "client leaves",
            |stage, id| stage.event(id, SessionEvent::Cancelled),
            [
                "-SessionConnect, hangs up, -SessionDuration, cancelled -",
                "-SessionIdle, hangs up, -SessionDuration, cancelled -",
            ],
        ),
        (
            "connect timeout",
            |stage, id| stage.expire(TimerKind::SessionConnect, id),
            ["fails, -SessionDuration, ends UF,URX", ""],
        ),
        (
            "idle timeout",
            |stage, id| stage.expire(TimerKind::SessionIdle, id),
            ["", "hangs up, -SessionDuration, ends -"],
        ),
        (
            "duration",
            |stage, id| stage.expire(TimerKind::SessionDuration, id),
            [
                "-SessionConnect, hangs up, ends DT",
                "-SessionIdle, hangs up, ends DT",
            ],
        ),
    ];
    for (input, act, cells) in table {
        for (is_established, want) in [false, true].into_iter().zip(cells) {
            let mut stage = Stage::new(to_one(), one_host());
            let dial = stage.accept(1).expect("it has a host");
            if is_established {
                stage.event(dial.session, SessionEvent::Connected);
            }
            act(&mut stage, dial.session);
            assert_eq!(
                stage.words(),
                want,
                "{input}, established: {is_established}"
            );
            // Whatever ended leaves nothing behind.
            stage.event(dial.session, SessionEvent::Cancelled);
            assert_eq!(stage.proxy.active_sessions(), 0);
            let id = stage.names.cluster("a");
            let view = stage.proxy.cluster(id).expect("it was used");
            let left = (
                view.connections(),
                view.pending_requests(),
                view.active_requests(),
            );
            assert_eq!(left, (0, 0, 0), "{input}");
        }
    }
}

#[test]
fn counters_are_those_of_envoy() {
    let check = |act: &dyn Fn(&mut Stage, SessionId), want: &[(&'static str, u64)]| {
        let mut stage = Stage::new(to_one(), one_host());
        let dial = stage.accept(1).expect("it has a host");
        act(&mut stage, dial.session);
        let want: BTreeMap<_, _> = want.iter().copied().collect();
        assert_eq!(stage.counters("a"), want);
    };
    let established = |then: SessionEvent| {
        move |stage: &mut Stage, id| {
            stage.event(id, SessionEvent::Connected);
            stage.event(id, then);
        }
    };
    check(
        &established(SessionEvent::ClientCloses),
        &[
            ("upstream_cx_destroy", 1),
            ("upstream_cx_destroy_remote", 1),
            ("upstream_cx_destroy_remote_with_active_rq", 1),
            ("upstream_cx_destroy_with_active_rq", 1),
            ("upstream_cx_total", 1),
            ("upstream_rq_pending_total", 1),
            ("upstream_rq_total", 1),
        ],
    );
    check(
        &established(SessionEvent::ServerCloses),
        &[
            ("upstream_cx_destroy", 1),
            ("upstream_cx_destroy_local", 1),
            ("upstream_cx_destroy_local_with_active_rq", 1),
            ("upstream_cx_destroy_with_active_rq", 1),
            ("upstream_cx_total", 1),
            ("upstream_rq_pending_total", 1),
            ("upstream_rq_total", 1),
        ],
    );
    check(
        &|stage, id| stage.event(id, SessionEvent::Refused),
        &[
            ("upstream_cx_connect_attempts_exceeded", 1),
            ("upstream_cx_connect_fail", 1),
            ("upstream_cx_destroy", 1),
            ("upstream_cx_destroy_remote", 1),
            ("upstream_cx_total", 1),
            ("upstream_rq_pending_failure_eject", 1),
            ("upstream_rq_pending_total", 1),
        ],
    );
    check(
        &|stage, id| stage.expire(TimerKind::SessionConnect, id),
        &[
            ("upstream_cx_connect_attempts_exceeded", 1),
            ("upstream_cx_connect_fail", 1),
            ("upstream_cx_connect_timeout", 1),
            ("upstream_cx_destroy", 1),
            ("upstream_cx_destroy_local", 1),
            ("upstream_cx_total", 1),
            ("upstream_rq_pending_failure_eject", 1),
            ("upstream_rq_pending_total", 1),
        ],
    );
}

#[test]
fn what_finds_no_place_ends_at_once() {
    let limited = |change: fn(&mut xds::CircuitBreakers)| {
        let mut limited = cluster("a");
        change(&mut limited.circuit_breakers);
        vec![(limited, hosts(&[1]))]
    };
    let end = |filter: TcpProxy, clusters, before: u32| {
        let mut stage = Stage::new(filter, clusters);
        for tag in 0..before {
            stage.accept(tag).expect("there is room");
        }
        assert_eq!(stage.accept(99), None);
        let stats = stage.proxy.tcp_stats().next().expect("it is used").1;
        let no_route = stats.downstream_cx_no_route;
        (stage.record().flags.to_string(), no_route)
    };
    let to_a = || TcpProxy::to_cluster("a");
    for (got, flags, no_route) in [
        (end(to_a(), vec![], 0), "NC", 1),
        (end(to_a(), vec![(cluster("a"), vec![])], 0), "UH", 0),
        (
            end(to_a(), limited(|limits| limits.max_connections = 1), 1),
            "UO",
            0,
        ),
        (
            end(to_a(), limited(|limits| limits.max_pending_requests = 0), 0),
            "URX",
            0,
        ),
    ] {
        assert_eq!(got, (flags.to_owned(), no_route));
    }
}

#[test]
fn connections_are_shared_out_by_weight() {
    let weighted = TcpProxy {
        clusters: vec![("a".to_owned(), 80), ("b".to_owned(), 20)],
        ..TcpProxy::default()
    };
    let clusters = vec![(cluster("a"), hosts(&[1])), (cluster("b"), hosts(&[2]))];
    let mut stage = Stage::new(weighted, clusters);
    let b = stage.names.cluster("b");
    let of_b = (0..10_000)
        .filter(|tag| stage.accept(*tag).is_some_and(|dial| dial.cluster == b))
        .count();
    assert!((1850..2150).contains(&of_b), "{of_b} of 10000");
}

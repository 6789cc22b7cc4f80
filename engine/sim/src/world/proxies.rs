//! Proxies are told what happens and what holds, and what they ask for is done.

use super::World;
use crate::event::Event;
use crate::observation::{Ejection, Observer};
use crate::pass::Downstream;
use crate::plan::{PodId, Side, TableId};
use crate::pod::Seat;
use base::SimTime;
use kernel::TimerId;
use proxy::effect::{Effect, Timer};
use proxy::input::Input;
use proxy::table::Table;
use proxy::tcp_proxy::SessionEffect;
use proxy::usage::ClusterUse;
use std::sync::Arc;

impl<O: Observer> World<'_, O> {
    /// Hands an input to a proxy and carries out what it asks for.
    #[inline]
    pub(crate) fn tell(&mut self, now: SimTime, seat: Seat, input: Input<'_>) {
        let Some(state) = self.pods[seat.pod.index()].proxy_mut(seat.side) else {
            return;
        };
        let mut effects = self.buffers.pop().unwrap_or_default();
        state.proxy.handle(now, input, &mut effects);
        self.perform(now, seat, effects);
    }

    /// An empty buffer for effects; give it to [`Self::perform`].
    #[inline]
    pub(crate) fn buffer(&mut self) -> Vec<Effect> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Carries out what a proxy asks for: what it abandons and replies last, since they may lead to new inputs to the
    /// same proxy.
    #[inline]
    pub(crate) fn perform(&mut self, now: SimTime, seat: Seat, mut effects: Vec<Effect>) {
        let mut replies = false;
        let abandoned_before = self.abandoned.len();
        for effect in &effects {
            match *effect {
                Effect::Connect(connect) => self.connect(now, seat, &connect),
                // Servers do not count their connections, and what comes of one that is given up is ignored.
                Effect::Close(_) => {}
                Effect::Send(send) => self.send(now, seat, send),
                Effect::Waits(send) => self.wait(seat, &send),
                Effect::Unsent { send, reason } => self.unsent(now, seat, &send, reason),
                Effect::SetTimer { timer, at } => {
                    let event = Event::ProxyTimer {
                        pod: seat.pod.index() as u32,
                        side: seat.side,
                        timer,
                    };
                    let id = self.calendar.schedule_cancellable(at, event);
                    let old = std::mem::replace(self.timer(seat, timer), id);
                    self.calendar.cancel(old);
                }
                Effect::CancelTimer(timer) => {
                    let id = std::mem::replace(self.timer(seat, timer), TimerId::NONE);
                    self.calendar.cancel(id);
                }
                Effect::Abandon(attempt) => self.abandoned.push(self.delivery_of(seat, attempt)),
                Effect::Ejection {
                    cluster,
                    endpoint,
                    ejected,
                } => {
                    self.observer.on_ejection(
                        now,
                        seat.pod,
                        Ejection {
                            cluster,
                            endpoint,
                            ejected,
                        },
                    );
                }
                Effect::Cancelled { tag, record } => match Downstream::of(tag) {
                    Downstream::Call(call) => self.end_exchange(now, call, record, None),
                    Downstream::Delivery(delivery) => self.end_pass(now, delivery, record),
                },
                Effect::ReplyStarted { tag, .. } => match Downstream::of(tag) {
                    Downstream::Call(call) => self.calls[call as usize].responded = Some(now),
                    Downstream::Delivery(delivery) => self.on_pass_reply_started(now, delivery),
                },
                Effect::Reply { .. } | Effect::Session(SessionEffect::Ended { .. }) => {
                    replies = true;
                }
                Effect::Session(effect) => self.on_session(now, seat, effect),
            }
        }
        let mut next = abandoned_before;
        while let Some(&slot) = self.abandoned.get(next) {
            self.abandon(now, slot);
            next += 1;
        }
        self.abandoned.truncate(abandoned_before);
        if replies {
            for effect in &effects {
                if let Effect::Reply { tag, reply } = *effect {
                    match Downstream::of(tag) {
                        Downstream::Call(call) => self.on_proxy_reply(now, call, reply),
                        Downstream::Delivery(delivery) => self.on_pass_reply(now, delivery, reply),
                    }
                } else if let Effect::Session(SessionEffect::Ended { tag, record }) = *effect {
                    self.on_session_ended(now, tag, record);
                }
            }
        }
        effects.clear();
        self.buffers.push(effects);
    }

    #[inline]
    fn timer(&mut self, seat: Seat, timer: Timer) -> &mut TimerId {
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("only a proxy has timers");
        let timers = &mut state.timers[timer.kind as usize];
        let slot = timer.slot as usize;
        if slot >= timers.len() {
            timers.resize(slot + 1, TimerId::NONE);
        }
        &mut timers[slot]
    }

    /// A proxy learns another configuration.
    pub(crate) fn push(&mut self, now: SimTime, seat: Seat, table: TableId) {
        let Some(state) = self.pods[seat.pod.index()].proxy_mut(seat.side) else {
            return;
        };
        state.table = table;
        let told = match seat.side {
            Side::Outbound => self.told_table(seat.pod, table),
            Side::Inbound => Some(Arc::clone(&self.plan.tables[table.index()])),
        };
        if let Some(told) = told {
            self.apply(now, seat, told);
        }
    }

    /// Tells the watcher what clusters had in use until `now` since it was last told: of sidecars as clients, and of
    /// gateways. Nothing else comes of it.
    pub fn tell_usage(&mut self, now: SimTime) {
        let observer = &mut *self.observer;
        for (index, pod) in self.pods.iter_mut().enumerate() {
            if let Some(state) = pod.proxy_mut(Side::Outbound) {
                let mut tell = |cluster, used: &ClusterUse| {
                    observer.on_usage(now, PodId::new(index), cluster, used);
                };
                state.proxy.take_usage(now, &mut tell);
            }
        }
    }

    /// Shows the watcher the same proxies, with all that they counted.
    pub fn show_proxies(&mut self) {
        for (index, pod) in self.pods.iter().enumerate() {
            if let Some(state) = pod.proxy(Side::Outbound) {
                self.observer.on_proxy(PodId::new(index), &state.proxy);
            }
        }
    }

    /// A proxy takes over a configuration.
    pub(crate) fn apply(&mut self, now: SimTime, seat: Seat, table: Arc<Table>) {
        let mut effects = self.buffer();
        let state = self.pods[seat.pod.index()].proxy_mut(seat.side);
        let state = state.expect("it has a proxy");
        state.proxy.apply(now, table, &mut effects);
        self.perform(now, seat, effects);
    }
}

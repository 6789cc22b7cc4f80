//! Requests from outside begin, and the users and connections that made them are free again.

use super::{Culprit, MOST_AT_ONCE, World};
use crate::call::{Call, NO_LINE, Owner, Request};
use crate::client::Origin;
use crate::event::Event;
use crate::observation::{Observer, Trace};
use crate::plan::{Load, LoadChange, TrafficId};
use base::SimTime;

impl<O: Observer> World<'_, O> {
    pub(super) fn start_traffic(&mut self, id: TrafficId) {
        let traffic = &self.plan.traffic[id.index()];
        match &traffic.load {
            Load::Open { .. } | Load::Varying { .. } => self.schedule_arrival(traffic.start, id),
            Load::Closed {
                users, think_time, ..
            } => {
                for user in 0..*users {
                    let at = traffic.start + self.clients[id.index()].think(think_time);
                    self.schedule_thought(at, id, user);
                }
            }
            Load::Listed(_) => self.schedule_listed(id, 0),
        }
    }

    /// A source sends more, or less, from now on; before its start, from there on.
    pub(super) fn change_load(&mut self, now: SimTime, id: TrafficId, change: LoadChange) {
        let traffic = &self.plan.traffic[id.index()];
        let from = now.max(traffic.start);
        let client = &mut self.clients[id.index()];
        match &traffic.load {
            Load::Open { .. } | Load::Varying { .. } => {
                client.change_rate(from.since(traffic.start), change);
                self.schedule_arrival(from, id);
            }
            Load::Closed { think_time, .. } => {
                for (user, due) in client.users.change(from, change) {
                    let at = match due {
                        Some(due) => due,
                        None => from + self.clients[id.index()].think(think_time),
                    };
                    self.schedule_thought(at, id, user);
                }
            }
            Load::Listed(_) => {}
        }
    }

    /// A user will have thought enough at a time; never, if that is the end of all times.
    fn schedule_thought(&mut self, at: SimTime, id: TrafficId, user: u32) {
        if at == SimTime::MAX {
            return;
        }
        let event = Event::Thought {
            traffic: id.index() as u32,
            user,
            epoch: self.clients[id.index()].users.epoch(),
        };
        self.calendar.schedule(at, event);
    }

    #[inline]
    pub(super) fn schedule_arrival(&mut self, now: SimTime, id: TrafficId) {
        let traffic = &self.plan.traffic[id.index()];
        let client = &mut self.clients[id.index()];
        if let Some(at) = client.next_arrival(traffic, now) {
            let event = Event::Arrival {
                traffic: id.index() as u32,
                epoch: client.epoch,
            };
            self.calendar.schedule(at, event);
        }
    }

    #[inline]
    pub(super) fn on_arrival(&mut self, now: SimTime, id: TrafficId, epoch: u32) {
        if epoch != self.clients[id.index()].epoch || now >= self.plan.traffic[id.index()].stop {
            return;
        }
        self.schedule_arrival(now, id);
        self.begin(now, id, Origin::ANY);
    }

    /// A user has thought enough: it sends its next request, if it has one.
    pub(super) fn on_thought(&mut self, now: SimTime, id: TrafficId, user: u32, epoch: u32) {
        let Load::Closed { each, more, .. } = self.plan.traffic[id.index()].load else {
            return;
        };
        let users = &mut self.clients[id.index()].users;
        if epoch != users.epoch() {
            return;
        }
        let more = if user == 0 { more } else { 0 };
        let limit = each.map(|each| each + more);
        if users.sends(user, limit) {
            let origin = Origin {
                line: Some(user),
                ..Origin::ANY
            };
            self.begin(now, id, origin);
        }
    }

    /// The next listed request will be due at its time.
    fn schedule_listed(&mut self, id: TrafficId, index: u32) {
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        if let Some(next) = listed.get(index as usize) {
            let traffic = id.index() as u32;
            self.calendar
                .schedule(next.at, Event::Listed { traffic, index });
        }
    }

    /// A listed request is due: it is sent, or waits for its connection.
    pub(super) fn on_listed(&mut self, now: SimTime, id: TrafficId, index: u32) {
        self.schedule_listed(id, index + 1);
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        let line = listed[index as usize].connection;
        let client = &mut self.clients[id.index()];
        if line.is_none_or(|line| client.take_line(line, index)) {
            self.begin_listed(now, id, index);
        }
    }

    pub(super) fn begin_listed(&mut self, now: SimTime, id: TrafficId, index: u32) {
        let Load::Listed(listed) = &self.plan.traffic[id.index()].load else {
            return;
        };
        let listed = listed[index as usize];
        let origin = Origin {
            line: listed.connection,
            template: Some(listed.template),
            worker: listed.worker,
            number: Some(index + 1),
        };
        self.begin(now, id, origin);
    }

    /// A traffic source's next request begins.
    #[inline]
    fn begin(&mut self, now: SimTime, id: TrafficId, origin: Origin) {
        let traffic = &self.plan.traffic[id.index()];
        if now >= traffic.stop {
            return;
        }
        let client = &mut self.clients[id.index()];
        let turn = client.begun;
        let (identity, planned, site) = client.next(traffic, origin);
        let source = self.sender(id, turn, planned);
        let client = &mut self.clients[id.index()];
        let workers = self.plan.pods[source.index()].workers;
        let worker = client.worker(origin, identity, workers);
        // After four thousand million requests it begins anew.
        let number = origin.number.unwrap_or(client.begun as u32);
        self.tally.begun += 1;
        self.observer.on_arrival(now, id, site);
        let user = match self.cookies {
            Some(_) => self.clients[id.index()].user(traffic, identity, origin),
            None => None,
        };
        let head = self.head_of_user(now, id, site, user);
        let request = Request {
            site,
            source,
            head,
            identity,
            trace: Trace {
                journey: identity,
                parent: identity,
            },
            depth: 0,
            number,
            line: origin.line.unwrap_or(NO_LINE),
            worker,
            session: user.unwrap_or(NO_LINE),
        };
        self.start(now, Call::new(Owner::Traffic(id), request, now));
    }

    /// A traffic source's request has ended: in a closed load its user thinks, in a list its connection is free.
    pub(crate) fn rest(&mut self, now: SimTime, id: TrafficId, line: u32, started: SimTime) {
        self.tally.ended += 1;
        let traffic = id.index() as u32;
        match &self.plan.traffic[id.index()].load {
            Load::Open { .. } | Load::Varying { .. } => {}
            Load::Closed {
                users,
                think_time,
                each,
                ..
            } => {
                let client = &mut self.clients[id.index()];
                if let Some(due) = client.users.rests(line) {
                    let at = due.max(now + client.think(think_time));
                    let is_endless = each.is_none_or(|each| u64::from(each) > MOST_AT_ONCE);
                    if at == started
                        && is_endless
                        && client.count_idle_turn(now) > MOST_AT_ONCE + u64::from(*users)
                    {
                        return self.stand_still(now, Culprit::Users(id));
                    }
                    self.schedule_thought(at, id, line);
                }
            }
            Load::Listed(_) if line == NO_LINE => {}
            Load::Listed(_) => {
                if let Some(index) = self.clients[id.index()].free_line(line) {
                    self.calendar.schedule(now, Event::Turn { traffic, index });
                }
            }
        }
    }
}

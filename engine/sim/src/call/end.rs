//! Exchanges and calls end, and watchers are told.

use super::Owner;
use crate::observation::{Exchange, Journey, Observer};
use crate::plan::PodId;
use crate::world::World;
use base::SimTime;
use kernel::TimerId;
use proxy::effect::Reply;

impl<O: Observer> World<'_, O> {
    #[inline]
    pub(crate) fn end_exchange(
        &mut self,
        now: SimTime,
        slot: u32,
        reply: Reply,
        plain: Option<PodId>,
    ) {
        self.count_exchange();
        let call = &mut self.calls[slot as usize];
        let upload = std::mem::replace(&mut call.upload_timer, TimerId::NONE);
        self.calendar.cancel(upload);
        let call = &self.calls[slot as usize];
        let proxied = self.pods[call.request.source.index()].has_proxy();
        let exchange = Exchange {
            identity: call.exchange_identity(),
            trace: call.request.trace,
            traffic: match call.owner {
                Owner::Traffic(traffic) => Some((traffic, call.request.number)),
                Owner::Job(_) => None,
            },
            site: call.request.site,
            source: call.request.source,
            passed_on: false,
            proxied,
            started: call.exchange_started,
            completed: call.uploaded().min(now),
            responded: call.responded.or((reply.status != 0).then_some(now)),
            ended: now,
            reply,
            target: reply
                .endpoint
                .map_or(plain, |endpoint| self.plan.pod_at(endpoint)),
            service: self.plan.sites[call.request.site.index()].dial.service,
            is_tcp: proxied && self.shapes.get(call.shape).is_tcp(),
            content: call.content_of(&reply),
            route: if proxied {
                self.shapes.get(call.shape).route()
            } else {
                None
            },
        };
        if let Some(progress) = &mut self.progress {
            progress.count_exchange(now, &exchange);
        }
        self.observer.on_exchange(&exchange);
    }

    #[inline]
    pub(super) fn end_call(&mut self, now: SimTime, slot: u32, reply: Reply) {
        let call = self.calls.remove(slot as usize);
        let mark = call.content_of(&reply).mark;
        match call.owner {
            Owner::Traffic(traffic) => {
                self.keep_cookies(now, traffic, (slot, &call), &reply);
                self.observer.on_journey(&Journey {
                    identity: call.request.identity,
                    traffic,
                    site: call.request.site,
                    source: call.request.source,
                    started: call.started,
                    ended: now,
                    reply,
                    mark,
                    requests: call.requests,
                });
                self.rest(now, traffic, call.request.line, call.started);
            }
            Owner::Job(job) => {
                let made = (slot, call.request.identity);
                self.on_nested_reply(now, job, made, call.request.site, (reply.status, mark))
            }
        }
    }
}

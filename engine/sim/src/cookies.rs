//! What the users of a traffic source keep of the cookies that they receive, and send again.
//!
//! Users are those of `sessions`: each has a jar, as a browser has one. A cookie comes from a proxy that chooses hosts by
//! it, or from an application's `set-cookie`; it is sent to the host that set it, below its path, until its age (`Max-Age`) ends or
//! its date (`Expires`) comes.
//!
//! What of it is kept and sent is decided in `cookies/jar.rs`. A head with cookies is made when a jar or its age changes,
//! and looked up otherwise: nothing is allocated while jars stay as they are.

mod date;
mod jar;

use self::jar::Jar;
use crate::call::Call;
use crate::delivery::SentFor;
use crate::observation::Observer;
use crate::plan::{Plan, SiteId, TrafficId};
use crate::shape::{HeadId, Shape};
use crate::world::World;
use base::SimTime;
use base::rng::mix;
use proxy::effect::Reply;
use proxy::response::ResponseHead;
use proxy::response_flag::Details;
use rustc_hash::FxHashMap;

/// The cookies of all traffic sources whose users keep any.
#[derive(Debug)]
pub(crate) struct Cookies<'a> {
    /// By traffic source.
    sources: Vec<Jars>,
    /// Responses of applications that set cookies, by the call that they are on their way to.
    answered: FxHashMap<u32, &'a ResponseHead>,
    /// Proxies make cookies of connections.
    are_made_by_proxies: bool,
}

/// The jars of one traffic source's users.
#[derive(Debug, Default)]
struct Jars {
    of_users: Vec<User>,
}

/// What a user keeps, and how that is sent.
#[derive(Debug, Default)]
struct User {
    jar: Jar,
    /// Heads as they are sent, in order of their sites.
    heads: Vec<Head>,
}

/// A head at a site.
#[derive(Clone, Copy, Debug)]
struct Head {
    site: SiteId,
    /// The version of the jar that it shows.
    version: u32,
    id: HeadId,
}

impl<'a> Cookies<'a> {
    /// Empty jars; none where nobody keeps any.
    pub(crate) fn of(plan: &Plan) -> Option<Box<Self>> {
        let mut sources = plan.traffic.iter();
        sources.any(|traffic| traffic.sessions.is_some()).then(|| {
            let tables = &mut plan.tables.iter();
            Box::new(Self {
                sources: plan.traffic.iter().map(|_| Jars::default()).collect(),
                answered: FxHashMap::default(),
                are_made_by_proxies: tables.any(|table| table.makes_cookies()),
            })
        })
    }
}

impl<'a, O: Observer> World<'a, O> {
    /// The head of a request that a user of a traffic source makes at a site.
    #[inline]
    pub(crate) fn head_of_user(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        site: SiteId,
        user: Option<u32>,
    ) -> HeadId {
        match (&self.cookies, user) {
            (Some(_), Some(user)) => self.head_with_cookies(now, traffic, site, user),
            _ => self.site_heads[site.index()],
        }
    }

    fn head_with_cookies(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        site: SiteId,
        user: u32,
    ) -> HeadId {
        let plain = self.site_heads[site.index()];
        let Some(cookies) = &mut self.cookies else {
            return plain;
        };
        let are_made = cookies.are_made_by_proxies;
        let User { jar, heads } = cookies.sources[traffic.index()].user(user);
        jar.expire(now);
        if jar.is_empty() && !are_made {
            return plain;
        }
        let version = jar.version();
        let place = heads.binary_search_by_key(&site, |head| head.site);
        if let Ok(place) = place
            && heads[place].version == version
        {
            return heads[place].id;
        }
        let at = &self.plan.sites[site.index()];
        let mut head = at.head.clone();
        if are_made {
            // A user has one connection, of which a proxy makes the same cookie again.
            head.connection = Some(mix(traffic.index() as u64 ^ mix(u64::from(user))));
        }
        jar.add_to(&mut head, at);
        let id = self.shapes.head_id(head);
        let made = Head { site, version, id };
        match place {
            Ok(place) => heads[place] = made,
            Err(place) => heads.insert(place, made),
        }
        id
    }

    /// An application answers a request of a traffic source's user, perhaps with cookies.
    #[inline]
    pub(crate) fn note_cookies(&mut self, slot: u32, head: &'a ResponseHead) {
        if self.cookies.is_some() && head.values(SET_COOKIE).next().is_some() {
            self.note_answer(slot, head);
        }
    }

    fn note_answer(&mut self, slot: u32, head: &'a ResponseHead) {
        let Some(call) = self.call_behind(slot) else {
            return;
        };
        if self.calls[call as usize].is_traffic()
            && let Some(cookies) = &mut self.cookies
        {
            cookies.answered.insert(call, head);
        }
    }

    /// The call that a delivery leads back to.
    fn call_behind(&self, slot: u32) -> Option<u32> {
        let mut at = slot;
        loop {
            match self.deliveries.get(at as usize)?.sent_for() {
                SentFor::Call(call) => return Some(call),
                SentFor::Delivery(parent) => at = parent,
                SentFor::Nothing => return None,
            }
        }
    }

    /// A user has been answered, and keeps the cookies of the response.
    #[inline]
    pub(crate) fn keep_cookies(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        (slot, call): (u32, &Call),
        reply: &Reply,
    ) {
        if self.cookies.is_some() {
            self.keep_cookies_of(now, traffic, (slot, call), reply);
        }
    }

    fn keep_cookies_of(
        &mut self,
        now: SimTime,
        traffic: TrafficId,
        (slot, call): (u32, &Call),
        reply: &Reply,
    ) {
        let Some(cookies) = &mut self.cookies else {
            return;
        };
        let answered = cookies.answered.remove(&slot);
        let Some(user) = call.request.user() else {
            return;
        };
        if reply.details != Details::ViaUpstream {
            return;
        }
        let plan = self.plan;
        let site = &plan.sites[call.request.site.index()];
        let jar = &mut cookies.sources[traffic.index()].user(user).jar;
        let is_proxied = self.pods[call.request.source.index()].has_proxy();
        if is_proxied
            && let Shape::Routed {
                table, resolution, ..
            } = self.shapes.get(call.shape)
            && let Some(cluster) = reply.cluster
            && !resolution.cookies.is_empty()
            && plan.tables[table.index()].hashes(cluster)
        {
            for line in &resolution.cookies {
                jar.keep(now, line, site);
            }
        }
        if let Some(head) = answered {
            for line in head.values(SET_COOKIE) {
                jar.keep(now, line, site);
            }
        }
    }
}

impl Jars {
    fn user(&mut self, user: u32) -> &mut User {
        let user = user as usize;
        if user >= self.of_users.len() {
            self.of_users.resize_with(user + 1, User::default);
        }
        &mut self.of_users[user]
    }
}

const SET_COOKIE: &str = "set-cookie";

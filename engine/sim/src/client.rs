//! Traffic sources: when the next request arrives, from which pod, of which template.

use crate::plan::{Arrivals, Load, Plan, PodId, Sessions, SiteId, Template, Traffic};
use crate::profile::{Course, Profile};
use base::math::ln;
use base::rng::mix;
use base::{Draws, SimDuration, Stream};
use std::collections::VecDeque;

/// The state of one traffic source.
#[derive(Debug)]
pub(crate) struct Client {
    /// Keys its requests' identities.
    key: u64,
    /// The gaps between arrivals, or the pauses of users.
    gaps: Stream,
    /// Requests begun so far.
    pub(crate) begun: u64,
    /// The current rate of an open load, requests a second.
    rate: f64,
    /// How far a load has come whose rate changes by itself.
    course: Course,
    /// Tells arrivals scheduled before a change of rate from those after.
    pub(crate) epoch: u32,
    total_weight: u64,
    /// The connections of a list that have names.
    lines: Vec<Line>,
    /// Requests of each user so far, where they are counted.
    of_users: Vec<u32>,
}

/// A client's connection, on which requests wait for each other.
#[derive(Debug, Default)]
struct Line {
    busy: bool,
    /// Places in the list of requests that are due.
    waiting: VecDeque<u32>,
}

/// What a request is and on which connection it comes, as far as that is not left to chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The user, or the named connection.
    pub(crate) line: Option<u32>,
    /// The place of its template; none: drawn.
    pub(crate) template: Option<u32>,
    /// The worker that takes its connection; none: drawn.
    pub(crate) worker: Option<u16>,
    /// Its place in a list, counted from 1; none: as many as have begun.
    pub(crate) number: Option<u32>,
}

impl Origin {
    /// A connection of its own, all else drawn.
    pub(crate) const ANY: Self = Self {
        line: None,
        template: None,
        worker: None,
        number: None,
    };
}

impl Client {
    pub(crate) fn new(plan: &Plan, traffic: &Traffic) -> Self {
        Self {
            key: plan.seed.key(&format!("traffic/{}", traffic.name)),
            gaps: plan.seed.stream(&format!("arrivals/{}", traffic.name)),
            begun: 0,
            rate: match traffic.load {
                Load::Open { rate, .. } => rate,
                Load::Varying { .. } | Load::Closed { .. } | Load::Listed(_) => 0.0,
            },
            course: Course::new(plan.seed.stream(&format!("bursts/{}", traffic.name))),
            epoch: 0,
            total_weight: traffic
                .templates
                .iter()
                .map(|template| u64::from(template.weight))
                .sum(),
            lines: Vec::new(),
            of_users: Vec::new(),
        }
    }

    /// Counts one more request of a user, and gives how many came before it.
    pub(crate) fn count_of_user(&mut self, user: u32) -> u32 {
        let user = user as usize;
        if user >= self.of_users.len() {
            self.of_users.resize(user + 1, 0);
        }
        let before = self.of_users[user];
        self.of_users[user] += 1;
        before
    }

    /// Takes a named connection for a listed request; false: it is busy, and the request waits.
    pub(crate) fn take_line(&mut self, line: u32, index: u32) -> bool {
        let line = line as usize;
        if line >= self.lines.len() {
            self.lines.resize_with(line + 1, Line::default);
        }
        let line = &mut self.lines[line];
        if line.busy {
            line.waiting.push_back(index);
            return false;
        }
        line.busy = true;
        true
    }

    /// A named connection is free; gives the request that waited for it, for which it is taken again.
    pub(crate) fn free_line(&mut self, line: u32) -> Option<u32> {
        let line = &mut self.lines[line as usize];
        let next = line.waiting.pop_front();
        line.busy = next.is_some();
        next
    }

    /// The worker, of so many, that takes the connection of a request.
    #[inline]
    pub(crate) fn worker(&self, origin: Origin, identity: u64, workers: u16) -> u16 {
        if workers <= 1 {
            return 0;
        }
        let draw = || {
            let connection = origin.line.map_or(identity, u64::from);
            let draw = Draws::new(self.key, connection, WORKER).next_u64();
            (draw % u64::from(workers)) as u16
        };
        origin.worker.map_or_else(draw, |worker| worker % workers)
    }

    /// The time to the next arrival of an open load; none while its rate is zero.
    #[inline]
    pub(crate) fn gap(&mut self, arrivals: Arrivals) -> Option<SimDuration> {
        if self.rate <= 0.0 {
            return None;
        }
        let mean = 1e9 / self.rate;
        let nanos = match arrivals {
            Arrivals::Constant => mean,
            Arrivals::Poisson => -ln(self.gaps.unit()) * mean,
        };
        Some(SimDuration::from_nanos((nanos + 0.5) as u64))
    }

    /// The time of the next arrival of a load whose rate changes by itself, from its start; none: nothing comes any more.
    #[inline]
    pub(crate) fn next_of(&mut self, rate: &Profile, arrivals: Arrivals) -> Option<SimDuration> {
        let demand = match arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => -ln(self.gaps.unit()),
        };
        let seconds = self.course.next(rate, demand)?;
        Some(SimDuration::from_nanos((seconds * 1e9 + 0.5) as u64))
    }

    /// Requests of a user so far.
    pub(crate) fn of_user(&self, user: u32) -> u32 {
        self.of_users.get(user as usize).copied().unwrap_or(0)
    }

    /// The load goes on at another rate; arrivals scheduled so far are void.
    pub(crate) fn change_rate(&mut self, rate: f64) {
        self.rate = rate;
        self.epoch += 1;
    }

    /// A user's pause.
    pub(crate) fn think(&mut self, distribution: &base::Distribution) -> SimDuration {
        match distribution.constant() {
            Some(pause) => pause,
            None => distribution.quantile(self.gaps.unit()),
        }
    }

    /// The next request: its identity, pod and template.
    #[inline]
    pub(crate) fn next(&mut self, traffic: &Traffic, origin: Origin) -> (u64, PodId, SiteId) {
        let identity = mix(self.key.wrapping_add(self.begun));
        let pod = traffic.from[(self.begun % traffic.from.len() as u64) as usize];
        self.begun += 1;
        let template = match origin.template {
            Some(place) => &traffic.templates[place as usize],
            None => self.template(traffic, identity),
        };
        let site = match template.uses.is_empty() {
            true => template.site,
            false => self.site(traffic, template, identity, origin),
        };
        (identity, pod, site)
    }

    #[inline]
    fn template<'t>(&self, traffic: &'t Traffic, identity: u64) -> &'t Template {
        if let [only] = &traffic.templates[..] {
            return only;
        }
        let mut left = Draws::new(self.key, identity, 0).next_u64() % self.total_weight;
        for template in &traffic.templates {
            if left < u64::from(template.weight) {
                return template;
            }
            left -= u64::from(template.weight);
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// The user whose request it is, where users keep anything.
    pub(crate) fn user(&self, traffic: &Traffic, identity: u64, origin: Origin) -> Option<u32> {
        match &traffic.sessions {
            None => None,
            Some(Sessions::OfUsers) => origin.line,
            Some(Sessions::Drawn(users)) => {
                Some(users.at(Draws::new(self.key, identity, USER).unit()) as u32)
            }
        }
    }

    /// The site of the combination of values that is drawn for a request, or once for all requests of its user.
    fn site(
        &self,
        traffic: &Traffic,
        template: &Template,
        identity: u64,
        origin: Origin,
    ) -> SiteId {
        let user = self.user(traffic, identity, origin);
        let whose = user.map_or(identity, |user| mix(!self.key ^ u64::from(user)));
        let mut place = 0;
        for &values in &template.uses {
            let drawn = Draws::new(self.key, whose, VALUE + values).unit();
            let values = &traffic.values[values as usize];
            place = place * values.count() + values.at(drawn);
        }
        SiteId::new(template.site.index() + place)
    }
}

/// The site of the draws for the worker that takes a connection.
const WORKER: u32 = 1;
/// The site of the draw of a request's user.
const USER: u32 = 2;
/// The sites of the draws of values begin here.
const VALUE: u32 = 16;

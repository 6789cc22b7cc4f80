//! Traffic sources: when the next request arrives, from which pod, of which template.

use crate::plan::{Arrivals, Load, LoadChange, Plan, PodId, Sessions, SiteId, Template, Traffic};
use crate::profile::{Course, Profile};
use crate::users::Users;
use base::math::ln;
use base::rng::mix;
use base::{Draws, SimDuration, SimTime, Stream};
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
    /// What the timeline makes of an open load's own rate.
    tempo: Tempo,
    /// How far a load has come whose rate changes by itself.
    course: Course,
    /// Tells arrivals scheduled before a change of rate from those after.
    pub(crate) epoch: u32,
    /// The users of a closed load.
    pub(crate) users: Users,
    /// When users last sent their next request in the instant of the one before, and how many have done so then.
    instant: SimTime,
    idle_turns: u64,
    total_weight: u64,
    /// The connections of a list that have names.
    lines: Vec<Line>,
}

/// The rate of an open load, requests a second.
#[derive(Clone, Copy, Debug)]
enum Tempo {
    /// Its own, so many times.
    Own { factor: f64 },
    /// This one, whatever its own would be.
    Steady { rate: f64 },
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
            tempo: Tempo::Own { factor: 1.0 },
            course: Course::new(plan.seed.stream(&format!("bursts/{}", traffic.name))),
            epoch: 0,
            users: Users::of(traffic),
            total_weight: traffic
                .templates
                .iter()
                .map(|template| u64::from(template.weight))
                .sum(),
            lines: Vec::new(),
            instant: SimTime::ZERO,
            idle_turns: 0,
        }
    }

    /// Counts a request that took no time, and after which its user does not pause; gives how many there were in this
    /// instant.
    pub(crate) fn count_idle_turn(&mut self, now: SimTime) -> u64 {
        if self.instant != now {
            self.instant = now;
            self.idle_turns = 0;
        }
        self.idle_turns += 1;
        self.idle_turns
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

    /// When an open load's next request arrives, after one at `now`; none while its rate is zero, or once nothing comes any
    /// more.
    #[inline]
    pub(crate) fn next_arrival(&mut self, traffic: &Traffic, now: SimTime) -> Option<SimTime> {
        match (&traffic.load, self.tempo) {
            (Load::Open { rate, arrivals }, Tempo::Own { factor }) => {
                Some(now + self.gap(rate * factor, *arrivals)?)
            }
            (
                Load::Open { arrivals, .. } | Load::Varying { arrivals, .. },
                Tempo::Steady { rate },
            ) => Some(now + self.gap(rate, *arrivals)?),
            (Load::Varying { rate, arrivals }, Tempo::Own { factor }) => {
                Some(traffic.start + self.next_of(rate, factor, *arrivals)?)
            }
            (Load::Closed { .. } | Load::Listed(_), _) => None,
        }
    }

    /// The time to the next arrival at a rate.
    #[inline]
    fn gap(&mut self, rate: f64, arrivals: Arrivals) -> Option<SimDuration> {
        if rate <= 0.0 {
            return None;
        }
        let mean = 1e9 / rate;
        let nanos = match arrivals {
            Arrivals::Constant => mean,
            Arrivals::Poisson => -ln(self.gaps.unit()) * mean,
        };
        Some(SimDuration::from_nanos((nanos + 0.5) as u64))
    }

    /// The time of the next arrival of a load whose rate changes by itself, from its start.
    #[inline]
    fn next_of(&mut self, rate: &Profile, factor: f64, arrivals: Arrivals) -> Option<SimDuration> {
        if factor <= 0.0 {
            return None;
        }
        let demand = match arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => -ln(self.gaps.unit()),
        };
        let seconds = self.course.next(rate, demand / factor)?;
        Some(SimDuration::from_nanos((seconds * 1e9 + 0.5) as u64))
    }

    /// An open load goes on in another way, so long after its start; arrivals scheduled so far are void.
    pub(crate) fn change_rate(&mut self, since: SimDuration, change: LoadChange) {
        self.tempo = match change {
            LoadChange::Rate(rate) => Tempo::Steady { rate },
            LoadChange::Factor(factor) => Tempo::Own { factor },
            LoadChange::Users(_) => return,
        };
        self.epoch += 1;
        self.course.go_to(since.as_secs_f64());
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

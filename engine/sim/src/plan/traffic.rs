//! Sources of requests from outside: what is drawn for each, and when it sets out.

use crate::plan::{PodId, SiteId};
use crate::profile::Profile;
use base::{Distribution, SimDuration, SimTime};

/// A source of requests.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Its name.
    pub name: String,
    /// The pods that send, in turn.
    pub from: Vec<PodId>,
    /// Request templates with their weights.
    pub templates: Vec<Template>,
    /// What is drawn for requests, beside their template.
    pub values: Vec<Values>,
    /// Whose requests they are: users who keep what is drawn for them; none: each is drawn anew.
    pub sessions: Option<Sessions>,
    /// How requests are paced.
    pub load: Load,
    /// When it starts.
    pub start: SimTime,
    /// When it stops.
    pub stop: SimTime,
}

/// A request template: a site for each combination of the values that it uses, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// How often it is drawn, relative to the others.
    pub weight: u32,
    /// The site of the first combination.
    pub site: SiteId,
    /// Which [`Values`] it uses, by their place; the last changes fastest from site to site.
    pub uses: Vec<u32>,
}

impl Template {
    /// A template that uses no values.
    pub const fn of(weight: u32, site: SiteId) -> Self {
        Self {
            weight,
            site,
            uses: Vec::new(),
        }
    }
}

/// Values of which one is drawn, each as likely as its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The sums of the weights up to each value, itself included; the last is 1.
    pub cumulative: Vec<f64>,
}

impl Values {
    /// Values as likely as their weights; none if there is none above zero.
    pub fn of_weights(weights: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = weights
            .into_iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        if sum <= 0.0 || !sum.is_finite() {
            return None;
        }
        for up_to in &mut cumulative {
            *up_to /= sum;
        }
        Some(Self { cumulative })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.cumulative.len()
    }

    /// The place of the value at `u` in (0, 1).
    pub fn at(&self, u: f64) -> usize {
        let place = self.cumulative.partition_point(|up_to| *up_to < u);
        place.min(self.cumulative.len() - 1)
    }
}

/// Users of an open load, or those of a closed one.
#[derive(Clone, Debug, PartialEq)]
pub enum Sessions {
    /// The users of a closed load.
    OfUsers,
    /// One of so many, drawn for each request.
    Drawn(Values),
}

/// How requests are paced.
#[derive(Clone, Debug)]
pub enum Load {
    /// Arrivals do not wait for responses.
    Open {
        /// Requests a second.
        rate: f64,
        /// Their spacing.
        arrivals: Arrivals,
    },
    /// The same at a rate that changes over time.
    Varying {
        /// The rate, from the source's start on.
        rate: Profile,
        /// Their spacing.
        arrivals: Arrivals,
    },
    /// Each user waits for its response and thinks before the next request.
    Closed {
        /// Users.
        users: u32,
        /// The pause between a response and the next request.
        think_time: Distribution,
        /// Requests of each user; none: no limit.
        each: Option<u32>,
        /// Requests of the first user beyond that.
        more: u32,
        /// The time from one request of a user to the next at least, counted from the source's start so that a user who
        /// fell behind catches up; none: it need not wait.
        pace: Option<SimDuration>,
    },
    /// Requests at given times, in order of time.
    Listed(Vec<Listed>),
}

/// A request at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// When.
    pub at: SimTime,
    /// The place of its template.
    pub template: u32,
    /// The client's connection, by number: requests of one wait for each other. None: one of its own.
    pub connection: Option<u32>,
    /// The worker that takes its connection; none: drawn.
    pub worker: Option<u16>,
}

/// The spacing of open arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly spaced.
    Constant,
    /// Exponentially distributed gaps.
    Poisson,
}

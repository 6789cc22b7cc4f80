//! What a server does about a request besides answering at once: slow bodies, scripts, and the ways in which real servers
//! fail.

use crate::application::Mark;
use base::{Distribution, SimDuration, Sizes};
use proxy::input::ResetReason;
use proxy::response::ResponseHead;

/// How a server takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// So long after they have crossed the network.
    After(SimDuration),
    /// Not at all: clients run into their connect timeouts.
    Never,
}

impl Accept {
    /// As soon as they arrive.
    pub const AT_ONCE: Self = Self::After(SimDuration::ZERO);
}

/// What is done about one request after the other; the last act goes for all further ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What the acts are counted by.
    pub by: ScriptBy,
    /// The acts; at least one.
    pub acts: Vec<Act>,
}

/// What the acts of a script are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptBy {
    /// Each pod counts the requests that it serves.
    Server,
    /// Each request counts its tries.
    Try,
    /// Nothing: each request meets an act by chance.
    Chance,
}

/// What is done about one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// How it ends.
    pub ending: Ending,
    /// The head of its response, where it has one.
    pub response: ResponseHead,
    /// How long a worker is busy before anything is sent.
    pub service_time: Distribution,
    /// From the head to the end of the body.
    pub body_time: Distribution,
    /// What the response lacks.
    pub mark: Mark,
    /// What the response says, as far as it is known; no part of a simulation.
    pub body: String,
    /// How long the response's body is.
    pub body_bytes: Sizes,
    /// Where chance decides: the weight of this act and all before it.
    pub weight: u64,
}

/// How an act ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a whole response.
    Respond,
    /// With the response's head and a part of its body, which this ends.
    Cut(ResetReason),
    /// Without a response.
    Reset(ResetReason),
    /// Never.
    Hang,
}

impl Script {
    /// The act for the n-th request or try, counted from zero.
    #[inline]
    pub fn act(&self, number: u32) -> &Act {
        &self.acts[(number as usize).min(self.acts.len() - 1)]
    }

    /// The act that most requests meet, or the first ones.
    pub(crate) fn likeliest(&self) -> &Act {
        let mut before = 0;
        let mut best = (0, &self.acts[0]);
        if self.by == ScriptBy::Chance {
            for act in &self.acts {
                let weight = act.weight - before;
                before = act.weight;
                if weight > best.0 {
                    best = (weight, act);
                }
            }
        }
        best.1
    }

    /// The act that a draw hits.
    #[inline]
    pub fn drawn(&self, draw: u64) -> &Act {
        let last = &self.acts[self.acts.len() - 1];
        let hit = (u128::from(draw) * u128::from(last.weight)) >> 64;
        let acts = self.acts.iter();
        let mut after = acts.skip_while(|act| u128::from(act.weight) <= hit);
        after.next().unwrap_or(last)
    }
}

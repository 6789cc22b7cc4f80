//! How versions got their traffic, step by step: which setting of all deliveries held from when on, and what each controller
//! had decided by then. There is an entry for each change, none for a request.

use base::SimTime;
use serde::{Deserialize, Serialize};

/// Settings of progressive delivery over the time of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    changes: Vec<Change>,
    steps: Vec<Step>,
}

/// What a controller had decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    #[serde(rename = "at_ns", with = "crate::written::time")]
    pub at: SimTime,
    /// Its delivery, by its place in the plan.
    pub delivery: usize,
    /// What, and why.
    pub text: String,
}

/// Another setting holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Change {
    #[serde(rename = "at_ns", with = "crate::written::time")]
    at: SimTime,
    place: usize,
}

impl Settings {
    /// Whether nothing ever changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.steps.is_empty()
    }

    /// A controller has decided something.
    pub fn decided(&mut self, at: SimTime, delivery: usize, text: &str) {
        self.steps.push(Step {
            at,
            delivery,
            text: text.to_owned(),
        });
    }

    /// Another setting holds from now on.
    pub fn changed(&mut self, at: SimTime, place: usize) {
        self.changes.push(Change { at, place });
    }

    /// The places of the settings that held at a time: where one of them began at this very time, those before it follow.
    pub fn places_at(&self, at: SimTime) -> Vec<usize> {
        let begun = self.changes.partition_point(|change| change.at <= at);
        let mut places = Vec::new();
        for change in self.changes[..begun].iter().rev() {
            places.push(change.place);
            if change.at < at {
                return places;
            }
        }
        places.push(0);
        places
    }

    /// What the controller of a delivery had decided last by a time.
    pub fn step_at(&self, delivery: usize, at: SimTime) -> Option<&Step> {
        let mut steps = self.steps.iter().rev();
        steps.find(|step| step.delivery == delivery && step.at <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SimDuration;

    fn second(second: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(second)
    }

    #[test]
    fn a_setting_holds_until_the_next_and_both_at_the_change() {
        let mut settings = Settings::default();
        assert!(settings.is_empty());
        assert_eq!(settings.places_at(second(5)), [0]);
        for (at, place) in [(10, 2), (20, 5)] {
            settings.decided(second(at), 0, "a step");
            settings.changed(second(at), place);
        }
        settings.decided(second(15), 1, "another's");
        let at = |time| settings.places_at(second(time));
        assert_eq!(at(9), [0]);
        assert_eq!(at(10), [2, 0]);
        assert_eq!(at(19), [2]);
        assert_eq!(at(20), [5, 2]);
        assert_eq!(at(99), [5]);
        let step = |delivery, time| settings.step_at(delivery, second(time)).map(|step| step.at);
        assert_eq!(step(0, 9), None);
        assert_eq!(step(0, 19), Some(second(10)));
        assert_eq!(step(0, 20), Some(second(20)));
        assert_eq!(step(1, 20), Some(second(15)));
    }
}

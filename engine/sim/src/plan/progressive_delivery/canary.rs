//! A Canary of Flagger: how its new version gets traffic, and what each step must keep.

use crate::plan::cluster::ControllerId;
use crate::plan::progressive_delivery::series::SeriesId;
use base::SimDuration;

/// A workload whose new versions get their traffic step by step.
#[derive(Clone, Debug)]
pub struct Canary {
    /// `<namespace>/<name>`.
    pub name: String,
    /// What makes the pods of the version that is tried.
    pub target: ControllerId,
    /// What makes the pods of the version that holds; its templates are those of the target, in the same order.
    pub primary: ControllerId,
    /// How traffic can be shared; the first holds at the start.
    pub settings: Vec<Setting>,
    /// From one look to the next.
    pub interval: SimDuration,
    /// How it goes on.
    pub strategy: Strategy,
    /// What each step must keep.
    pub checks: Vec<Check>,
    /// The requests that pods of the new version answered, as their sidecars report them.
    pub answered: SeriesId,
    /// Those of them that were answered with 5xx.
    pub failed: SeriesId,
    /// Failed checks that end it.
    pub threshold: u32,
    /// For how long pods may fail to become ready.
    pub progress_deadline: SimDuration,
    /// New versions are promoted without any of this.
    pub skips_analysis: bool,
}

/// How traffic is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The share of the new version, in per cent.
    pub weight: u32,
    /// It gets copies of what the other gets.
    pub is_mirrored: bool,
}

/// How a new version gets its traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// More and more of it.
    Canary {
        /// Its shares one after the other, without zero.
        weights: Vec<u32>,
        /// It gets copies first.
        mirrors: bool,
        /// How much the promoted version gets at a time; none: all at once.
        promotion_step: Option<u32>,
    },
    /// Nothing but copies, or what is sent to it by name, for so many checks; then all of it.
    BlueGreen {
        /// Checks.
        iterations: u32,
        /// It gets copies meanwhile.
        mirrors: bool,
        /// How much the promoted version gets at a time; none: all at once.
        promotion_step: Option<u32>,
    },
    /// All requests of a kind for so many checks.
    Experiment {
        /// Checks.
        iterations: u32,
        /// How much the promoted version gets at a time; none: all at once.
        promotion_step: Option<u32>,
    },
}

/// What a step must keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// What is measured of the new version's pods.
    pub figure: Figure,
    /// Over how long.
    pub interval: SimDuration,
    /// The least that is allowed.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

/// What is measured of requests as the sidecars of pods report them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Responses other than 5xx, in per cent of all.
    SuccessRate,
    /// The 99th percentile of durations in milliseconds, as Prometheus makes it of Istio's buckets.
    Duration,
}

impl Strategy {
    /// How much the promoted version gets at a time; none: all at once.
    pub const fn promotion_step(&self) -> Option<u32> {
        match self {
            Self::Canary { promotion_step, .. }
            | Self::BlueGreen { promotion_step, .. }
            | Self::Experiment { promotion_step, .. } => *promotion_step,
        }
    }

    /// All ways of sharing traffic that it can come to, the first of which holds at the start.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = vec![Setting::default()];
        let mut add = |setting| {
            if !settings.contains(&setting) {
                settings.push(setting);
            }
        };
        let copies = Setting {
            weight: 0,
            is_mirrored: true,
        };
        let share = |weight| Setting {
            weight,
            is_mirrored: false,
        };
        let last = match self {
            Self::Canary {
                weights, mirrors, ..
            } => {
                if *mirrors {
                    add(copies);
                }
                for weight in weights {
                    add(share(*weight));
                }
                weights.last().copied().unwrap_or(0)
            }
            Self::BlueGreen { mirrors, .. } => {
                if *mirrors {
                    add(copies);
                }
                add(share(100));
                100
            }
            Self::Experiment { .. } => {
                add(share(100));
                100
            }
        };
        if let Some(step) = self.promotion_step().filter(|step| *step > 0) {
            let mut weight = last;
            while weight > 0 {
                weight = weight.saturating_sub(step);
                add(share(weight));
            }
        }
        settings
    }
}

impl Canary {
    /// The place of a way of sharing traffic.
    pub fn setting(&self, wanted: Setting) -> usize {
        let found = self.settings.iter().position(|setting| *setting == wanted);
        found.expect("all settings that a strategy can come to are compiled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_all_that_a_strategy_comes_to() {
        let strategy = Strategy::Canary {
            weights: vec![20, 40, 60],
            mirrors: true,
            promotion_step: Some(25),
        };
        let weights: Vec<u32> = strategy.settings().iter().map(|one| one.weight).collect();
        assert_eq!(weights, [0, 0, 20, 40, 60, 35, 10]);
        assert!(strategy.settings()[1].is_mirrored);
    }
}

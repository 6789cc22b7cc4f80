//! Progressive delivery, described: what a controller may tell proxies, and by what it chooses.
//!
//! Two controllers are played: Flagger's, by its Canaries ([`canary`]), and that of Argo Rollouts ([`rollout`]). Both have
//! *settings*, the ways in which traffic can be shared. All of them are compiled beforehand: each stage of the manifests has
//! one configuration for each combination of the settings of all deliveries. A run holds one of them at a time.

pub mod analysis;
pub mod canary;
pub mod condition;
pub mod query;
pub mod rollout;
pub mod series;

use crate::plan::progressive_delivery::canary::Canary;
use crate::plan::progressive_delivery::rollout::Rollout;
use crate::plan::progressive_delivery::series::Series;
use crate::plan::{PodId, Side, TableId};
use base::SimDuration;

/// Versions that get their traffic step by step.
#[derive(Clone, Debug, Default)]
pub struct ProgressiveDelivery {
    /// Who plays them.
    pub deliveries: Vec<Delivery>,
    /// What is counted for them, by [`SeriesId`](series::SeriesId).
    pub series: Vec<Series>,
    /// What proxies are told, by stage of the manifests and setting: the settings of the last delivery change fastest.
    pub told: Vec<Vec<Vec<Told>>>,
}

/// What a side of a pod's proxy is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The pod.
    pub pod: PodId,
    /// About which requests.
    pub side: Side,
    /// The configuration.
    pub table: TableId,
}

/// A workload whose new versions get their traffic step by step.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// As a Canary of Flagger says.
    Canary(Canary),
    /// As a Rollout of Argo says.
    Rollout(Rollout),
}

impl Delivery {
    /// `<namespace>/<name>`.
    pub fn name(&self) -> &str {
        match self {
            Self::Canary(canary) => &canary.name,
            Self::Rollout(rollout) => &rollout.name,
        }
    }

    /// In how many ways traffic can be shared.
    pub fn settings(&self) -> usize {
        match self {
            Self::Canary(canary) => canary.settings.len(),
            Self::Rollout(rollout) => rollout.settings.len(),
        }
    }

    /// From one look of its controller to the next.
    pub fn interval(&self) -> SimDuration {
        match self {
            Self::Canary(canary) => canary.interval,
            Self::Rollout(_) => rollout::INTERVAL,
        }
    }
}

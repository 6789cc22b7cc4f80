//! A Rollout of Argo: its steps, how it shares traffic and pods, and what it has analysed.

use crate::plan::cluster::{ControllerId, Share};
use crate::plan::progressive_delivery::analysis::Analysis;
use base::{SimDuration, SimTime};

/// How often the controller looks. It is told of changes in a cluster; here it looks for them.
pub const INTERVAL: SimDuration = SimDuration::from_secs(1);

/// A workload whose pods come and go as its strategy says.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// `<namespace>/<name>`.
    pub name: String,
    /// What makes its pods, those of each template by themselves.
    pub controller: ControllerId,
    /// How traffic can be shared; the first holds at the start.
    pub settings: Vec<Traffic>,
    /// A stable template and one that may follow it.
    pub pairs: Vec<(usize, usize)>,
    /// How it goes on.
    pub strategy: Strategy,
    /// For how long nothing may happen.
    pub progress_deadline: SimDuration,
    /// It is aborted then.
    pub aborts_at_deadline: bool,
    /// Whether its manifest holds it from these times on, in order of time.
    pub held: Vec<(SimTime, bool)>,
}

/// How traffic is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The template whose pods the stable, or active, Service selects.
    pub stable: usize,
    /// The template whose pods the canary's, or preview, Service selects.
    pub canary: usize,
    /// The canary's share, in per cent.
    pub weight: u32,
    /// Which of the routes that it manages are there: their number, where 0 is none.
    pub routes: usize,
}

/// How a new template comes to be the stable one.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// Step by step.
    Canary(CanaryStrategy),
    /// Beside the old one, and then in its place.
    BlueGreen(BlueGreenStrategy),
}

/// Step by step.
#[derive(Clone, Debug)]
pub struct CanaryStrategy {
    /// One after the other.
    pub steps: Vec<Step>,
    /// Proxies share traffic; otherwise the number of pods does.
    pub is_routed: bool,
    /// What is analysed meanwhile.
    pub background: Option<Background>,
    /// Pods beyond those that are wanted.
    pub max_surge: Share,
    /// Pods that may be missing.
    pub max_unavailable: Share,
    /// Stable pods go as canaries come.
    pub dynamic_stable_scale: bool,
    /// The least number of pods of a template, where there are any.
    pub min_pods: u32,
    /// What becomes of pods that get no traffic any more.
    pub scale_down: ScaleDown,
}

/// Beside the old one, and then in its place.
#[derive(Clone, Debug)]
pub struct BlueGreenStrategy {
    /// Pods of the new template before it is promoted; none: as many as are wanted.
    pub preview_replicas: Option<u32>,
    /// How long it waits when it could be promoted; none: until it is told to go on.
    pub auto_promotion: Option<SimDuration>,
    /// What is analysed before it gets traffic, by pair of templates.
    pub pre_promotion: Option<Vec<Analysis>>,
    /// What is analysed after it got traffic, by pair of templates.
    pub post_promotion: Option<Vec<Analysis>>,
    /// What becomes of pods that get no traffic any more.
    pub scale_down: ScaleDown,
}

/// What becomes of pods that get no traffic any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleDown {
    /// For how long those of the old template stay.
    pub delay: SimDuration,
    /// Of how many old templates they may stay at once.
    pub revisions: Option<u32>,
    /// For how long those of an aborted one stay; none: for ever.
    pub abort_delay: Option<SimDuration>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// As it is told of.
    pub text: String,
    /// What it does.
    pub action: StepAction,
    /// The routes that are there from it on, by number.
    pub routes: usize,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum StepAction {
    /// The canary gets a share, in per cent.
    SetWeight(u32),
    /// It waits; none: until it is told to go on.
    Pause(Option<SimDuration>),
    /// The canary gets another number of pods.
    SetCanaryScale(CanaryScale),
    /// It waits for an analysis, by pair of templates.
    Analysis(Vec<Analysis>),
    /// It changes routes.
    SetRoutes,
    /// Nothing that is simulated.
    Skipped,
}

/// How many pods a canary has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryScale {
    /// So many.
    Replicas(u32),
    /// As if it had this share, in per cent.
    Weight(u32),
    /// As its share is.
    MatchTrafficWeight,
}

/// What is analysed while steps go on.
#[derive(Clone, Debug)]
pub struct Background {
    /// From this step on.
    pub starting_step: usize,
    /// By pair of templates.
    pub analyses: Vec<Analysis>,
}

impl Rollout {
    /// The place of a way of sharing traffic. Of shares that were not foreseen, the next smaller one holds; a pair of
    /// templates that was not foreseen leaves all to the stable one.
    pub fn setting(&self, wanted: Traffic) -> usize {
        let settled = Traffic {
            canary: wanted.stable,
            weight: 0,
            routes: 0,
            ..wanted
        };
        let all = || self.settings.iter().enumerate();
        let is_like = |one: Traffic| Traffic {
            weight: wanted.weight,
            ..one
        };
        let like = all().filter(|(_, one)| is_like(**one) == wanted && one.weight <= wanted.weight);
        let found = like.max_by_key(|(_, one)| one.weight);
        let found = found.or_else(|| all().find(|(_, one)| **one == settled));
        let (place, _) = found.expect("each template has a setting of its own");
        place
    }

    /// Since when its manifest holds it; none: it does not.
    pub fn held_at(&self, now: SimTime) -> Option<SimTime> {
        let mut begun = self.held.iter().rev().filter(|(from, _)| *from <= now);
        let (_, is_held) = begun.clone().next()?;
        // The first of those without another between them.
        let since = begun
            .by_ref()
            .take_while(|(_, held)| held == is_held)
            .last();
        since.filter(|(_, held)| *held).map(|(from, _)| *from)
    }

    /// What is analysed of a pair of templates.
    pub fn analysis<'r>(&self, of: &'r [Analysis], pair: (usize, usize)) -> Option<&'r Analysis> {
        let place = self.pairs.iter().position(|one| *one == pair)?;
        of.get(place)
    }
}

impl CanaryStrategy {
    /// The share that the last step at or before `step` sets.
    pub fn weight_at(&self, step: usize) -> u32 {
        let until = self.steps.get(..=step).unwrap_or(&self.steps);
        let mut weights = until.iter().rev().filter_map(|step| match step.action {
            StepAction::SetWeight(weight) => Some(weight),
            StepAction::Pause(_)
            | StepAction::SetCanaryScale(_)
            | StepAction::Analysis(_)
            | StepAction::SetRoutes
            | StepAction::Skipped => None,
        });
        weights.next().unwrap_or(0)
    }

    /// The number of pods that the last step at or before `step` sets, where it has nothing to do with the share.
    pub fn scale_at(&self, step: usize) -> Option<CanaryScale> {
        let until = self.steps.get(..=step)?;
        let mut scales = until.iter().rev().filter_map(|step| match step.action {
            StepAction::SetCanaryScale(scale) => Some(scale),
            StepAction::SetWeight(_)
            | StepAction::Pause(_)
            | StepAction::Analysis(_)
            | StepAction::SetRoutes
            | StepAction::Skipped => None,
        });
        scales
            .next()
            .filter(|scale| *scale != CanaryScale::MatchTrafficWeight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(weights: &[u32]) -> Rollout {
        let to = |weight| Traffic {
            stable: 0,
            canary: 1,
            weight,
            routes: 0,
        };
        let mut settings = vec![Traffic::default()];
        settings.extend(weights.iter().copied().map(to));
        Rollout {
            name: "default/shop".to_owned(),
            controller: ControllerId::new(0),
            settings,
            pairs: vec![(0, 1)],
            strategy: Strategy::BlueGreen(BlueGreenStrategy {
                preview_replicas: None,
                auto_promotion: None,
                pre_promotion: None,
                post_promotion: None,
                scale_down: ScaleDown {
                    delay: SimDuration::ZERO,
                    revisions: None,
                    abort_delay: None,
                },
            }),
            progress_deadline: SimDuration::ZERO,
            aborts_at_deadline: false,
            held: Vec::new(),
        }
    }

    #[test]
    fn it_is_held_while_its_manifest_says_so() {
        let second = |second| SimTime::ZERO + SimDuration::from_secs(second);
        let mut rollout = rollout(&[]);
        assert_eq!(rollout.held_at(second(5)), None);
        let all = [(0, false), (10, true), (15, true), (20, false)];
        rollout.held = all.map(|(at, held)| (second(at), held)).to_vec();
        let since = |time| rollout.held_at(second(time));
        assert_eq!(since(9), None);
        assert_eq!([10, 17].map(since), [Some(second(10)); 2]);
        assert_eq!(since(20), None);
    }

    #[test]
    fn shares_that_were_not_foreseen_are_rounded_down() {
        let rollout = rollout(&[0, 20, 50]);
        let place = |weight| {
            rollout.setting(Traffic {
                canary: 1,
                weight,
                ..Traffic::default()
            })
        };
        assert_eq!([0, 19, 20, 49, 100].map(place), [1, 1, 2, 2, 3]);
        let unknown = Traffic {
            canary: 2,
            weight: 20,
            ..Traffic::default()
        };
        assert_eq!(rollout.setting(unknown), 0);
    }
}

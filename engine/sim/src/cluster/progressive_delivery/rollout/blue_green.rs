//! Blue-green: the new template beside the old one, and then in its place.
//!
//! ```text
//!  preview ─► all pods ─► analysis before ─► pause ─► active ─► analysis after ─► stable
//! ```
//! Source: argoproj/argo-rollouts, rollout/bluegreen.go, rollout/service.go (reconcileActiveService).

use crate::cluster::progressive_delivery::rollout::RolloutState;
use crate::observation::Observer;
use crate::plan::progressive_delivery::rollout::{BlueGreenStrategy, Traffic};
use crate::world::World;
use base::SimTime;

impl<O: Observer> World<'_, O> {
    /// Pods, then Services, then analyses; gives whether anything was done that may lead to more.
    pub(super) fn switch(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &BlueGreenStrategy,
    ) -> bool {
        if state.is_inconclusive() {
            return false;
        }
        let controller = self.rollout(index).controller;
        let replicas = self.controller(controller).replicas;
        let counts = self.counts(controller);
        let active = state.traffic.stable;
        let mut wanted: Vec<u32> = counts.iter().map(|count| count.wanted).collect();
        wanted[active] = replicas;
        if active != state.current {
            let is_preview = !state.is_preview_done && !state.is_promoted_in_full;
            let preview = strategy.preview_replicas.filter(|_| is_preview);
            match (state.aborted, strategy.scale_down.abort_delay) {
                (None, _) => wanted[state.current] = preview.unwrap_or(replicas),
                (Some(since), Some(delay)) if now >= since + delay => wanted[state.current] = 0,
                (Some(_), _) => {}
            }
        }
        // Pods of a template that is to be tried again within its delay are still there, and proved.
        let is_proved = state.deadlines[state.current].is_some();
        state.is_promoted_in_full |= is_proved && state.is_under_way() && active != state.current;
        state.scale_down(now, strategy.scale_down, &counts, &mut wanted);
        if self.want_each(now, controller, wanted) {
            return true;
        }
        let traffic = Traffic {
            stable: match state.aborted {
                Some(_) => state.stable,
                None => active,
            },
            canary: state.current,
            ..Traffic::default()
        };
        if traffic != state.traffic {
            self.share_traffic(now, index, state, traffic);
            return true;
        }
        if !state.is_under_way() {
            return false;
        }
        let pods = counts[state.current];
        if pods.available < pods.wanted || pods.wanted == 0 {
            return false;
        }
        if active == state.current {
            return self.is_proved(now, index, state, strategy);
        }
        if !self.may_switch(now, index, state, strategy) {
            return state.aborted.is_some();
        }
        if pods.available < replicas {
            state.is_preview_done = true;
            return pods.wanted < replicas;
        }
        self.share_traffic(
            now,
            index,
            state,
            Traffic {
                stable: state.current,
                ..traffic
            },
        );
        self.decide(now, index, "the active Service selects the new template");
        true
    }

    /// Whether the analysis before and the pause are over.
    fn may_switch(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &BlueGreenStrategy,
    ) -> bool {
        if state.is_promoted_in_full || state.is_preview_done {
            return true;
        }
        if state.is_held {
            return false;
        }
        let pair = (state.stable, state.current);
        let analyses = strategy.pre_promotion.as_deref().unwrap_or_default();
        if let Some(analysis) = self.rollout(index).analysis(analyses, pair) {
            let mut run = state.run.take();
            if run.is_none() {
                let text = format!("analysis {} before the promotion", analysis.name);
                self.decide(now, index, &text);
            }
            let outcome = self.analyse(now, index, &mut run, analysis);
            state.run = run;
            if !self.follow(now, index, state, outcome) {
                return false;
            }
        }
        let lasts = strategy.auto_promotion;
        match (state.pause, lasts) {
            _ if state.is_resumed => true,
            (_, Some(lasts)) if lasts.is_zero() => true,
            (Some(pause), Some(lasts)) => now >= pause.since + lasts,
            (Some(_), None) => false,
            (None, lasts) => {
                state.pause(now, false);
                let text = match lasts {
                    Some(lasts) => format!("paused for {lasts}"),
                    None => "paused until promoted".to_owned(),
                };
                self.decide(now, index, &text);
                false
            }
        }
    }

    /// Follows the analysis after the promotion; gives whether anything was done.
    fn is_proved(
        &mut self,
        now: SimTime,
        index: usize,
        state: &mut RolloutState,
        strategy: &BlueGreenStrategy,
    ) -> bool {
        state.pause = None;
        let pair = (state.stable, state.current);
        let analyses = strategy.post_promotion.as_deref().unwrap_or_default();
        let analysis = self.rollout(index).analysis(analyses, pair);
        let (false, Some(analysis)) = (state.is_promoted_in_full, analysis) else {
            let reason = match state.is_promoted_in_full {
                true => "in full",
                false => "the active Service selects it",
            };
            self.settle(now, index, state, reason);
            return true;
        };
        let mut run = state.background.take();
        if run.is_none() {
            let text = format!("analysis {} after the promotion", analysis.name);
            self.decide(now, index, &text);
        }
        let outcome = self.analyse(now, index, &mut run, analysis);
        state.background = run;
        if self.follow(now, index, state, outcome) {
            let reason = format!("analysis {} succeeded", analysis.name);
            self.settle(now, index, state, &reason);
            return true;
        }
        state.aborted.is_some()
    }
}

//! More or less load than a scenario says.

use crate::file::Scenario;
use sim::plan::Load;
use sim::profile::Profile;

impl Scenario {
    /// Lets all sources send so many times as much: rates and their changes are multiplied, users too, to at least one.
    /// Listed requests stay as they are.
    pub fn scale_load(&mut self, factor: f64) {
        for traffic in &mut self.traffic {
            match &mut traffic.load {
                Load::Open { rate, .. } => *rate *= factor,
                Load::Varying { rate, .. } => scale(rate, factor),
                Load::Closed { users, .. } => {
                    *users = (f64::from(*users) * factor).round().max(1.0) as u32;
                }
                Load::Listed(_) => {}
            }
        }
        for change in self.timeline.iter_mut().filter_map(|c| c.rate.as_mut()) {
            if let Some(rate) = &mut change.rate {
                *rate *= factor;
            }
            if let Some(users) = &mut change.users {
                *users = (f64::from(*users) * factor).round() as u32;
            }
        }
    }
}

fn scale(profile: &mut Profile, factor: f64) {
    match profile {
        Profile::Pieces(pieces) => {
            for piece in pieces {
                piece.begins *= factor;
                piece.slope *= factor;
            }
        }
        Profile::Wave(wave) => {
            wave.mean *= factor;
            wave.amplitude *= factor;
        }
        Profile::Bursts(bursts) => {
            bursts.rate *= factor;
            bursts.off_rate *= factor;
        }
    }
}

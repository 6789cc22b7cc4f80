//! Rates that change over time, and when the next request comes: exactly, by inverting the sum of the rate over time.
//!
//! With `demand` requests still to come, the next comes when the rate, added up from now on, has reached it: a demand of
//! one each gives even arrivals, exponential demands a Poisson process whose rate is the given one at each moment.
//! Source: E. Cinlar, Introduction to Stochastic Processes (1975), 4.7.

use base::math::{cos, sin};
use base::{Distribution, SimDuration, Stream};
use std::f64::consts::TAU;

/// A rate over time, from the start of a source; requests a second.
#[derive(Clone, Debug, PartialEq)]
pub enum Profile {
    /// Steps and ramps.
    Pieces(Vec<Piece>),
    /// A sine wave.
    Wave(Wave),
    /// Phases of high and low load that follow each other.
    Bursts(Bursts),
}

/// A span of time in which the rate moves evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// When it begins.
    pub from: SimDuration,
    /// The rate there.
    pub begins: f64,
    /// How much the rate changes in a second.
    pub slope: f64,
}

/// A rate that swings around its mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wave {
    /// The mean rate.
    pub mean: f64,
    /// How far it swings, at most as far as the mean.
    pub amplitude: f64,
    /// From one peak to the next.
    pub period: SimDuration,
    /// The first peak.
    pub peak: SimDuration,
}

/// High load, low load, and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Bursts {
    /// How long each burst lasts.
    pub on: Distribution,
    /// How long each pause lasts.
    pub off: Distribution,
    /// The rate in bursts.
    pub rate: f64,
    /// The rate in pauses.
    pub off_rate: f64,
}

/// A profile under way.
#[derive(Debug)]
pub(crate) struct Course {
    /// Where the phases of bursts are drawn.
    phases: Stream,
    is_on: bool,
    /// When the phase ends, in seconds from the start.
    ends: f64,
    /// When the last request came, in seconds from the start.
    now: f64,
    /// The phase of the request before it, where that was another one.
    before: Option<Phase>,
}

/// Where a course stands among the phases of bursts.
#[derive(Clone, Debug)]
struct Phase {
    phases: Stream,
    is_on: bool,
    ends: f64,
}

impl Course {
    pub(crate) fn new(phases: Stream) -> Self {
        Self {
            phases,
            is_on: false,
            ends: 0.0,
            now: 0.0,
            before: None,
        }
    }

    /// Forgets the request that was to come, and counts on from a time after the one before it.
    pub(crate) fn go_to(&mut self, seconds: f64) {
        if let Some(before) = self.before.take() {
            self.phases = before.phases;
            self.is_on = before.is_on;
            self.ends = before.ends;
        }
        self.now = seconds;
    }

    /// When `demand` more requests have come, in seconds from the start; none: never.
    pub(crate) fn next(&mut self, profile: &Profile, demand: f64) -> Option<f64> {
        let next = match profile {
            Profile::Pieces(pieces) => after_pieces(pieces, self.now, demand),
            Profile::Wave(wave) => Some(after_wave(wave, self.now, demand)),
            Profile::Bursts(bursts) => self.after_bursts(bursts, demand),
        };
        self.now = next?;
        next
    }

    fn after_bursts(&mut self, bursts: &Bursts, demand: f64) -> Option<f64> {
        let (mut now, mut demand) = (self.now, demand);
        self.before = None;
        // A pair of phases without any length would go on for ever.
        for _ in 0..MOST_PHASES {
            if now < self.ends {
                let rate = if self.is_on {
                    bursts.rate
                } else {
                    bursts.off_rate
                };
                let room = (self.ends - now) * rate;
                if demand <= room + ROUNDING && rate > 0.0 {
                    return Some((now + demand / rate).min(self.ends));
                }
                demand -= room;
                now = self.ends;
            }
            self.before.get_or_insert_with(|| Phase {
                phases: self.phases.clone(),
                is_on: self.is_on,
                ends: self.ends,
            });
            self.is_on = !self.is_on;
            let length = if self.is_on { &bursts.on } else { &bursts.off };
            let length = match length.constant() {
                Some(length) => length,
                None => length.quantile(self.phases.unit()),
            };
            self.ends += length.as_secs_f64();
        }
        None
    }
}

/// A request that is due at the very end of a phase still belongs to it, however sums are rounded.
const ROUNDING: f64 = 1e-9;

/// No one waits for so many phases without a request.
const MOST_PHASES: u32 = 1_000_000;

fn after_pieces(pieces: &[Piece], now: f64, demand: f64) -> Option<f64> {
    let (mut now, mut demand) = (now, demand);
    let ahead = pieces.partition_point(|piece| piece.from.as_secs_f64() <= now);
    for place in ahead.saturating_sub(1)..pieces.len() {
        let piece = &pieces[place];
        let from = piece.from.as_secs_f64();
        now = now.max(from);
        let rate = (piece.begins + piece.slope * (now - from)).max(0.0);
        let room = match pieces.get(place + 1) {
            Some(next) => {
                let span = next.from.as_secs_f64() - now;
                let end = (rate + piece.slope * span).max(0.0);
                (rate + end) / 2.0 * span
            }
            None => f64::INFINITY,
        };
        if demand <= room + ROUNDING && (rate > 0.0 || piece.slope > 0.0) {
            // The root of rate * x + slope * x^2 / 2 = demand, in the form that cancels nothing.
            let root = (rate * rate + 2.0 * piece.slope * demand).max(0.0).sqrt();
            let x = 2.0 * demand / (rate + root);
            let end = pieces.get(place + 1).map(|next| next.from.as_secs_f64());
            return x
                .is_finite()
                .then(|| (now + x).min(end.unwrap_or(f64::INFINITY)));
        }
        demand -= room;
    }
    None
}

fn after_wave(wave: &Wave, now: f64, demand: f64) -> f64 {
    let period = wave.period.as_secs_f64();
    let angle = |t: f64| TAU * (t - wave.peak.as_secs_f64()) / period;
    let rate = |t: f64| wave.mean + wave.amplitude * cos(angle(t));
    let sum = |t: f64| wave.mean * t + wave.amplitude * period / TAU * sin(angle(t));
    let target = sum(now) + demand;
    // Over whole periods the sum is the mean's; a half-period's swing bounds what is left.
    let swing = wave.amplitude * period / TAU * 2.0 / wave.mean;
    let mut low = (now + demand / wave.mean - swing).max(now);
    let mut high = now + demand / wave.mean + swing;
    let mut t = now + demand / wave.mean;
    for _ in 0..MOST_STEPS {
        let over = sum(t) - target;
        if over.abs() <= 1e-9 * demand.max(1e-3) || high - low < 1e-10 {
            break;
        }
        if over > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let newton = t - over / rate(t);
        t = if low < newton && newton < high {
            newton
        } else {
            (low + high) / 2.0
        };
    }
    t.max(now)
}

/// Newton's steps are few; halving alone needs no more for the length of a run in nanoseconds.
const MOST_STEPS: u32 = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use base::Seed;

    fn course() -> Course {
        Course::new(Seed::new(1).stream("phases"))
    }

    /// The times of even arrivals: each when the sum of the rate has grown by one.
    fn even(profile: &Profile, count: usize) -> Vec<f64> {
        let mut course = course();
        (0..count)
            .map_while(|_| course.next(profile, 1.0))
            .collect()
    }

    fn piece(from: u64, begins: f64, slope: f64) -> Piece {
        Piece {
            from: SimDuration::from_secs(from),
            begins,
            slope,
        }
    }

    #[test]
    fn steps_and_ramps_are_inverted_exactly() {
        // 1/s for 10 s, then up to 11/s at 20 s, then nothing.
        let pieces = [piece(0, 1.0, 0.0), piece(10, 1.0, 1.0), piece(20, 0.0, 0.0)];
        let times = even(&Profile::Pieces(pieces.to_vec()), 1000);
        assert_eq!(times.len(), 70, "10 and 60 requests, and no more");
        assert_eq!(
            times[..10],
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
        );
        for (index, time) in times.iter().enumerate().skip(10) {
            let x = time - 10.0;
            let sum = 10.0 + x + x * x / 2.0;
            assert!((sum - (index + 1) as f64).abs() < 1e-9, "{index} at {time}");
        }
    }

    #[test]
    fn a_ramp_down_to_nothing_ends() {
        let down = [piece(0, 10.0, -1.0), piece(10, 0.0, 0.0)];
        let times = even(&Profile::Pieces(down.to_vec()), 1000);
        assert_eq!(times.len(), 50);
        assert!(times.iter().all(|time| *time <= 10.0));
    }

    #[test]
    fn waves_are_inverted() {
        let wave = Wave {
            mean: 5.0,
            amplitude: 5.0,
            period: SimDuration::from_secs(60),
            peak: SimDuration::from_secs(20),
        };
        let times = even(&Profile::Wave(wave), 600);
        let angle = |t: f64| TAU * (t - 20.0) / 60.0;
        let sum = |t: f64| 5.0 * t + 5.0 * 60.0 / TAU * (sin(angle(t)) - sin(angle(0.0)));
        for (index, time) in times.iter().enumerate() {
            let want = (index + 1) as f64;
            assert!(
                (sum(*time) - want).abs() < 1e-5,
                "{want} at {time}: {}",
                sum(*time)
            );
        }
        assert!(
            (times[599] - 120.0).abs() < 0.5,
            "two periods: {}",
            times[599]
        );
        let near = |peak: f64| times.iter().filter(|t| (*t - peak).abs() < 5.0).count();
        assert!(
            near(20.0) > 90 && near(50.0) < 10,
            "{} {}",
            near(20.0),
            near(50.0)
        );
    }

    #[test]
    fn bursts_and_pauses_follow_each_other() {
        let bursts = |on, off, off_rate| {
            Profile::Bursts(Bursts {
                on,
                off,
                rate: 10.0,
                off_rate,
            })
        };
        let seconds = |seconds| Distribution::Constant(SimDuration::from_secs(seconds));
        let times = even(&bursts(seconds(2), seconds(3), 0.0), 40);
        assert!(
            (times[19] - 2.0).abs() < 1e-9 && (times[20] - 5.1).abs() < 1e-9,
            "{times:?}"
        );
        assert!((times[39] - 7.0).abs() < 1e-9, "{times:?}");
        let mean = |mean| Distribution::Exponential {
            mean: SimDuration::from_secs(mean),
        };
        let times = even(&bursts(mean(2), mean(3), 1.0), 20_000);
        let rate = times.len() as f64 / times[times.len() - 1];
        assert!(
            (rate - 4.6).abs() < 0.2,
            "2/5 of 10/s and 3/5 of 1/s: {rate}"
        );
        assert!(even(&bursts(seconds(0), seconds(1), 0.0), 1).is_empty());
    }

    #[test]
    fn going_back_before_a_request_changes_no_phase() {
        let mean = |mean| Distribution::Exponential {
            mean: SimDuration::from_secs(mean),
        };
        let bursts = Profile::Bursts(Bursts {
            on: mean(2),
            off: mean(3),
            rate: 10.0,
            off_rate: 0.0,
        });
        let whole = even(&bursts, 500);
        for cut in 1..400 {
            // The request after this one is forgotten half-way to it, and half of its demand is still to come.
            let (last, due) = (whole[cut - 1], whole[cut]);
            let mut course = course();
            for _ in 0..=cut {
                course.next(&bursts, 1.0);
            }
            course.go_to(last);
            let again = course.next(&bursts, 1.0).expect("bursts go on");
            assert!((again - due).abs() < 1e-6, "{again} and {due}");
            course.go_to(due + 50.0);
            let later = course.next(&bursts, 1e-6).expect("bursts go on");
            let mut fresh = super::tests::course();
            fresh.go_to(due + 50.0);
            assert_eq!(fresh.next(&bursts, 1e-6), Some(later));
        }
    }
}

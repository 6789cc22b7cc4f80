//! Which of the journeys that ended in a slot of time are kept, and why.

use base::SimDuration;
use proxy::response_flag::ResponseFlags;
use std::collections::BTreeMap;

/// How a journey ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) identity: u64,
    /// Its place in an order that has nothing to do with time.
    pub(super) rank: u64,
    pub(super) duration: SimDuration,
    /// Status and flags, if it failed.
    pub(super) failure: Option<(u16, ResponseFlags)>,
    /// It was retried, or one of its tries failed.
    pub(super) troubled: bool,
}

/// The journeys of a slot that are kept, by reason; one may have several.
#[derive(Debug, Default)]
pub(super) struct Picks {
    even: Best,
    slow: Best,
    troubled: Best,
    failed: Vec<((u16, ResponseFlags), Best)>,
}

/// Identities in order of a key, the least first.
#[derive(Debug, Default)]
struct Best(BTreeMap<(u64, u64), ()>);

impl Picks {
    /// Takes a journey, or not; gives those that there is no reason any more to keep.
    pub(super) fn offer(&mut self, ending: &Ending) -> Vec<u64> {
        let Ending { identity, rank, .. } = *ending;
        let mut gone = vec![identity];
        gone.extend(self.even.offer(rank, identity, EVEN));
        let slowest_first = u64::MAX - ending.duration.as_nanos();
        gone.extend(self.slow.offer(slowest_first, identity, SLOW));
        match ending.failure {
            Some(kind) => {
                let known = self.failed.iter().position(|(other, _)| *other == kind);
                let place = known.unwrap_or(self.failed.len());
                if known.is_none() && place < KINDS {
                    self.failed.push((kind, Best::default()));
                }
                if let Some((_, best)) = self.failed.get_mut(place) {
                    gone.extend(best.offer(rank, identity, FAILED));
                }
            }
            None if ending.troubled => {
                gone.extend(self.troubled.offer(rank, identity, TROUBLED));
            }
            None => {}
        }
        gone.retain(|identity| !self.holds(*identity));
        gone
    }

    /// Those that are kept, each with its place among those of its reason.
    pub(super) fn kept(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.all().flat_map(|best| {
            let identities = best.0.keys().map(|(_, identity)| *identity);
            identities.enumerate()
        })
    }

    fn holds(&self, identity: u64) -> bool {
        let mut kept = self.kept();
        kept.any(|(_, kept)| kept == identity)
    }

    fn all(&self) -> impl Iterator<Item = &Best> {
        let failed = self.failed.iter().map(|(_, best)| best);
        failed.chain([&self.even, &self.slow, &self.troubled])
    }
}

impl Best {
    /// Takes an identity if its key is among the `most` least; gives the one that has to leave.
    fn offer(&mut self, key: u64, identity: u64, most: usize) -> Option<u64> {
        if self.0.len() == most {
            let ((greatest, _), ()) = self.0.last_key_value()?;
            if key >= *greatest {
                return None;
            }
        }
        self.0.insert((key, identity), ());
        if self.0.len() <= most {
            return None;
        }
        self.0.pop_last().map(|((_, identity), ())| identity)
    }
}

const EVEN: usize = 8;
const SLOW: usize = 4;
const TROUBLED: usize = 4;
/// Of each kind.
const FAILED: usize = 3;
const KINDS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_each_reason_are_kept_and_the_others_let_go() {
        let mut picks = Picks::default();
        let mut alive: Vec<u64> = Vec::new();
        for identity in 0..1_000_u64 {
            let ending = Ending {
                identity,
                rank: identity.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                duration: SimDuration::from_millis(if identity == 500 { 9_000 } else { 10 }),
                failure: (identity % 100 == 7).then_some((503, ResponseFlags::NONE)),
                troubled: identity % 50 == 3,
            };
            alive.push(identity);
            let gone = picks.offer(&ending);
            alive.retain(|identity| !gone.contains(identity));
        }
        let mut kept: Vec<u64> = picks.kept().map(|(_, identity)| identity).collect();
        kept.sort_unstable();
        kept.dedup();
        assert_eq!(alive, kept);
        let failed = kept.iter().filter(|identity| *identity % 100 == 7).count();
        let troubled = kept.iter().filter(|identity| *identity % 50 == 3).count();
        assert!(kept.contains(&500) && failed >= FAILED && troubled >= TROUBLED);
        assert!(kept.len() <= EVEN + SLOW + TROUBLED + FAILED, "{kept:?}");
    }
}

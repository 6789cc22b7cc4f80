//! Two runs of replications, figure by figure: what differs, and whether chance explains it.
//!
//! Both runs meet the same dice, replication by replication, so their differences are paired and far less scattered
//! than the figures themselves. Many figures are looked at in one comparison; that one of them lies outside its interval
//! by chance would be likely, so the level at which a difference counts is divided by their number (Bonferroni).

use crate::expectation::Unit;
use crate::interval::{CONFIDENCE, Interval};
use crate::statistic::{Name, Statistic, Subject};
use std::collections::BTreeMap;

/// A figure before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// Which figure.
    pub name: Name,
    /// Its mean over the replications before; none where there was nothing to measure.
    pub before: Option<f64>,
    /// The same after.
    pub after: Option<f64>,
    /// The mean of the differences with its interval; none where the figure exists on one side only.
    pub difference: Option<Interval>,
    /// What the difference means.
    pub effect: Effect,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is none: the figure is the same in every replication.
    Identical,
    /// No more than chance does.
    Noise,
    /// More than chance does, and so little that nobody minds.
    Negligible,
    /// More than chance does.
    Changed,
    /// A single replication cannot tell.
    Unknown,
}

/// Compares runs: the figures of each replication, in the same order of replications on both sides.
///
/// # Panics
/// If the sides have different numbers of replications.
pub fn compare(before: &[Vec<Statistic>], after: &[Vec<Statistic>]) -> Vec<Change> {
    assert_eq!(before.len(), after.len(), "each replication has its pair");
    let order = order(before.iter().chain(after).flatten());
    let (before, after) = (by_key(before), by_key(after));
    let mut changes: Vec<Change> = (order.into_iter())
        .map(|(subject, name)| {
            let of = |side: &[Side<'_>]| -> Vec<Option<f64>> {
                let value = |side: &Side<'_>| {
                    let listed = side.get(&(subject, name)).copied();
                    listed.unwrap_or_else(|| name.when_absent())
                };
                side.iter().map(value).collect()
            };
            change(subject, name, &of(&before), &of(&after))
        })
        .collect();
    judge(&mut changes);
    changes
}

/// The figures of one replication.
type Side<'s> = BTreeMap<(&'s Subject, &'s Name), Option<f64>>;

fn by_key(replications: &[Vec<Statistic>]) -> Vec<Side<'_>> {
    let mut sides = Vec::with_capacity(replications.len());
    for statistics in replications {
        let keyed = statistics.iter().map(|s| ((&s.subject, &s.name), s.value));
        sides.push(keyed.collect());
    }
    sides
}

/// Each figure once; those of one subject stand together, and subjects of one kind: traffic first, in its order.
fn order<'s>(all: impl Iterator<Item = &'s Statistic>) -> Vec<(&'s Subject, &'s Name)> {
    let mut subjects: Vec<(&Subject, Vec<&Name>)> = Vec::new();
    let mut places: BTreeMap<&Subject, usize> = BTreeMap::new();
    for statistic in all {
        let place = *places.entry(&statistic.subject).or_insert_with(|| {
            subjects.push((&statistic.subject, Vec::new()));
            subjects.len() - 1
        });
        let names = &mut subjects[place].1;
        if !names.contains(&&statistic.name) {
            names.push(&statistic.name);
        }
    }
    subjects.sort_by_key(|(subject, _)| kind(subject));
    let pairs = subjects.into_iter();
    pairs
        .flat_map(|(subject, names)| names.into_iter().map(move |name| (subject, name)))
        .collect()
}

/// Destinations are sorted, so that those of one Service stand together whoever has them.
const fn kind(subject: &Subject) -> (u8, Option<&Subject>) {
    match subject {
        Subject::Traffic(_) => (0, None),
        Subject::Destination { .. } => (1, Some(subject)),
        Subject::Pod(_) => (2, Some(subject)),
        Subject::Mesh => (3, None),
        Subject::Expectation(_) => (4, None),
    }
}

fn change(subject: &Subject, name: &Name, before: &[Option<f64>], after: &[Option<f64>]) -> Change {
    let mean = |values: &[Option<f64>]| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        Interval::of(&known, CONFIDENCE).map(|interval| interval.mean)
    };
    let pairs = before.iter().zip(after);
    let differences: Vec<f64> = (pairs.clone())
        .filter_map(|(before, after)| Some((*after)? - (*before)?))
        .collect();
    let is_identical = pairs.clone().all(|(before, after)| before == after);
    Change {
        subject: subject.clone(),
        name: name.clone(),
        before: mean(before),
        after: mean(after),
        difference: Interval::of(&differences, CONFIDENCE),
        effect: if is_identical {
            Effect::Identical
        } else {
            Effect::Unknown
        },
    }
}

impl Change {
    /// Whether the figure moves by less than a thousandth of itself, or of the whole that it is a part of.
    fn is_negligible(&self) -> bool {
        let whole = match self.name.unit() {
            Unit::Percent => 1.0,
            Unit::Time | Unit::PerSecond | Unit::Number => self.before.unwrap_or(0.0).abs(),
        };
        self.difference
            .is_some_and(|d| d.mean.abs() < NEGLIGIBLE * whole)
    }
}

/// The part that nobody minds.
const NEGLIGIBLE: f64 = 0.001;

/// Tells effects from noise, among all figures that are not identical.
fn judge(changes: &mut [Change]) {
    let open = changes
        .iter()
        .filter(|c| c.effect == Effect::Unknown)
        .count();
    let confidence = 1.0 - (1.0 - CONFIDENCE) / open.max(1) as f64;
    for change in changes.iter_mut().filter(|c| c.effect == Effect::Unknown) {
        change.effect = match change.difference {
            // It exists on one side only.
            None => Effect::Changed,
            Some(difference) => match difference.at(confidence) {
                None => Effect::Unknown,
                Some(half) if difference.mean.abs() > half => match change.is_negligible() {
                    true => Effect::Negligible,
                    false => Effect::Changed,
                },
                Some(_) => Effect::Noise,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figures: &[(Name, Option<f64>)]) -> Vec<Statistic> {
        let statistic = |(name, value): &(Name, Option<f64>)| Statistic {
            subject: Subject::Traffic("users".to_owned()),
            name: name.clone(),
            value: *value,
        };
        figures.iter().map(statistic).collect()
    }

    fn effects(before: &[Vec<Statistic>], after: &[Vec<Statistic>]) -> Vec<Effect> {
        compare(before, after)
            .into_iter()
            .map(|c| c.effect)
            .collect()
    }

    #[test]
    fn effects_are_told_from_noise() {
        let rate = |values: [f64; 4]| values.map(|v| run(&[(Name::RequestRate, Some(v))]));
        let before = rate([10.0, 12.0, 9.0, 11.0]);
        for (after, effect) in [
            ([10.0, 12.0, 9.0, 11.0], Effect::Identical),
            ([10.1, 11.8, 9.1, 11.0], Effect::Noise),
            ([20.1, 22.0, 19.0, 21.1], Effect::Changed),
            ([11.0, 13.0, 10.0, 12.0], Effect::Changed),
            ([10.001, 12.001, 9.001, 11.001], Effect::Negligible),
        ] {
            assert_eq!(effects(&before, &rate(after)), [effect], "{after:?}");
        }
        assert_eq!(
            effects(&before[..1], &rate([11.0; 4])[..1]),
            [Effect::Unknown]
        );
    }

    #[test]
    fn what_never_happened_happened_in_no_part() {
        let failed = Name::Response(503, "UO".to_owned());
        let (quiet, loud) = (run(&[]), run(&[(failed, Some(0.25))]));
        let changes = compare(&[quiet.clone(), quiet], &[loud.clone(), loud]);
        assert_eq!(
            (changes[0].before, changes[0].after),
            (Some(0.0), Some(0.25))
        );
        assert_eq!(changes[0].effect, Effect::Changed);
    }

    #[test]
    fn a_figure_on_one_side_only_is_a_change() {
        let without = run(&[(Name::Mean, None)]);
        let with = run(&[(Name::Mean, Some(1.0))]);
        let changes = compare(&[without.clone(), without], &[with.clone(), with]);
        assert_eq!(
            (changes[0].difference, changes[0].effect),
            (None, Effect::Changed)
        );
    }
}

//! Changes that make a comparison fail: `any`, or a figure and how far it may move.

use std::str::FromStr;

use base::SimDuration;
use scenario::expectation::Unit;
use scenario::{Change, Effect};

/// `any`, `p99 latency:+10%`, `mean latency:+20ms`, `success rate:-0.5%`, `share:5%`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tolerance {
    text: String,
    /// None: any figure, by any amount.
    limit: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq)]
struct Limit {
    statistic: String,
    direction: Direction,
    amount: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    /// Of a share, points; of all else, a part of what it was before.
    Part(f64),
    /// In the figure's own unit; seconds, of a time.
    Absolute(f64),
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = text.trim();
        if whole == "any" {
            return Ok(Self {
                text: whole.to_owned(),
                limit: None,
            });
        }
        let limit = whole.rsplit_once(':').and_then(|(statistic, amount)| {
            let (direction, amount) = match amount.trim() {
                up if up.starts_with('+') => (Direction::Up, &up[1..]),
                down if down.starts_with('-') => (Direction::Down, &down[1..]),
                either => (Direction::Either, either),
            };
            Some(Limit {
                statistic: statistic.trim().to_owned(),
                direction,
                amount: Amount::parse(amount)?,
            })
        });
        match limit {
            Some(limit) if !limit.statistic.is_empty() => Ok(Self {
                text: whole.to_owned(),
                limit: Some(limit),
            }),
            Some(_) | None => Err(
                "write it as in `any`, `success rate:-0.5%`, `p99 latency:+10%` or `mean latency:+20ms`".to_owned(),
            ),
        }
    }
}

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|n| *n >= 0.0 && n.is_finite())
        };
        if let Some(percent) = text.strip_suffix('%') {
            return Some(Self::Part(number(percent)? / 100.0));
        }
        if let Some(number) = number(text) {
            return Some(Self::Absolute(number));
        }
        let span: SimDuration = text.parse().ok()?;
        Some(Self::Absolute(span.as_secs_f64()))
    }
}

impl Tolerance {
    /// Why a change is too much; none if it is not.
    pub(crate) fn failure(&self, change: &Change) -> Option<String> {
        if change.effect != Effect::Changed {
            return None;
        }
        let what = || {
            format!(
                "{}, {}: beyond `{}`",
                change.subject, change.name, self.text
            )
        };
        let Some(limit) = &self.limit else {
            return Some(what());
        };
        if change.name.to_string() != limit.statistic {
            return None;
        }
        // What is on one side only has not moved.
        let difference = change.difference?;
        let allowed = match limit.amount {
            Amount::Absolute(amount) => amount,
            Amount::Part(part) if change.name.unit() == Unit::Percent => part,
            Amount::Part(part) => part * change.before.unwrap_or(0.0).abs(),
        };
        let moved = match limit.direction {
            Direction::Up => difference.mean,
            Direction::Down => -difference.mean,
            Direction::Either => difference.mean.abs(),
        };
        (moved > allowed).then(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario::compare;
    use scenario::statistic::{Name, Percentile, Statistic, Subject};

    fn change(name: Name, before: f64, after: f64) -> Change {
        let side = |value| {
            let statistic = Statistic {
                subject: Subject::Mesh,
                name: name.clone(),
                value: Some(value),
            };
            vec![vec![statistic]; 2]
        };
        compare(&side(before), &side(after)).remove(0)
    }

    #[test]
    fn tolerances_have_a_direction_and_a_measure() {
        let p99 = || Name::Latency(Percentile::P99);
        for (text, name, before, after, fails) in [
            ("any", Name::SuccessRate, 0.9, 0.91, true),
            ("any", Name::SuccessRate, 0.9, 0.9, false),
            ("success rate:-0.5%", Name::SuccessRate, 1.0, 0.99, true),
            ("success rate:-0.5%", Name::SuccessRate, 0.99, 1.0, false),
            ("success rate:-5%", Name::SuccessRate, 1.0, 0.99, false),
            ("p99 latency:+10%", p99(), 0.1, 0.12, true),
            ("p99 latency:+30%", p99(), 0.1, 0.12, false),
            ("p99 latency:+10ms", p99(), 0.1, 0.12, true),
            ("p99 latency:+30ms", p99(), 0.1, 0.12, false),
            ("share:5%", Name::Share, 0.5, 0.4, true),
            ("share:5%", Name::SuccessRate, 0.5, 0.4, false),
            ("ejections:+0", Name::Ejections, 0.0, 1.0, true),
        ] {
            let tolerance: Tolerance = text.parse().expect("valid");
            let failure = tolerance.failure(&change(name, before, after));
            assert_eq!(failure.is_some(), fails, "{text}: {before} to {after}");
        }
        for wrong in ["", "p99", "p99 latency:", "p99 latency:x", ":5%", "share:-"] {
            assert!(wrong.parse::<Tolerance>().is_err(), "{wrong}");
        }
    }
}

//! Changes that make a comparison fail: `any`, or a figure and how far it may move.

use std::str::FromStr;

use base::SimDuration;
use scenario::expectation::Unit;
use scenario::statistic::{Name, Percentile};
use scenario::{Change, Effect};

use crate::similar::most_similar;

/// `any`, `p99 latency:+10%`, `mean latency:+20ms`, `success rate:-0.5%`, `share:5%`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tolerance {
    text: String,
    /// None: any figure, by any amount.
    limit: Option<Limit>,
}

#[derive(Clone, Debug, PartialEq)]
struct Limit {
    /// The figure's name, as [`plain`] spells it.
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
                limit: Some(Limit {
                    statistic: known(&limit.statistic)?,
                    ..limit
                }),
            }),
            Some(_) | None => Err(
                "write it as in `any`, `success rate:-0.5%`, `p99 latency:+10%` or `mean latency:+20ms`".to_owned(),
            ),
        }
    }
}

/// A figure's name in its plain spelling, or what is wrong with it. The names of `expect` mean the same figures.
fn known(name: &str) -> Result<String, String> {
    let wanted = plain(name);
    let figures = FIGURES.iter().map(ToString::to_string);
    let spellings: Vec<(String, String)> = figures
        .map(|figure| (plain(&figure), figure))
        .chain(IN_EXPECT.map(|(name, figure)| (plain(name), figure.to_string())))
        .collect();
    if let Some((_, figure)) = spellings.iter().find(|(plain, _)| *plain == wanted) {
        return Ok(plain(figure));
    }
    let code = wanted.strip_prefix("responses").unwrap_or_default();
    if code.bytes().take_while(u8::is_ascii_digit).count() == 3 || code.starts_with('0') {
        return Ok(wanted);
    }
    let similar = most_similar(&wanted, spellings.iter().map(|(plain, _)| plain.as_str()));
    let similar = spellings
        .iter()
        .find(|(plain, _)| Some(plain.as_str()) == similar);
    Err(match similar {
        Some((_, figure)) => format!("no figure is called `{name}`: did you mean `{figure}`?"),
        None => {
            let all: Vec<String> = FIGURES.iter().map(|name| format!("`{name}`")).collect();
            let all = all.join(", ");
            format!(
                "no figure is called `{name}`: there are {all}, and `responses 503 UO` and the like"
            )
        }
    })
}

/// A name without what spellings differ in: `success rate`, `successRate` and `success-rate` are one.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// The figures that all comparisons have; those of responses bear their status and flags.
const FIGURES: [Name; 15] = [
    Name::RequestRate,
    Name::SuccessRate,
    Name::Mean,
    Name::Latency(Percentile::P50),
    Name::Latency(Percentile::P90),
    Name::Latency(Percentile::P99),
    Name::Latency(Percentile::P999),
    Name::Max,
    Name::Share,
    Name::TriesPerRequest,
    Name::Load,
    Name::Utilization,
    Name::QueueLength,
    Name::Ejections,
    Name::Observed(Unit::Number),
];

/// What `expect` calls otherwise.
const IN_EXPECT: [(&str, Name); 6] = [
    ("mean", Name::Mean),
    ("p50", Name::Latency(Percentile::P50)),
    ("p90", Name::Latency(Percentile::P90)),
    ("p99", Name::Latency(Percentile::P99)),
    ("p99.9", Name::Latency(Percentile::P999)),
    ("max", Name::Max),
];

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
        if plain(&change.name.to_string()) != limit.statistic {
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
            ("successRate:-0.1%", Name::SuccessRate, 1.0, 0.98, true),
            ("p99:+10%", p99(), 0.1, 0.12, true),
            ("p99latency:+10%", p99(), 0.1, 0.12, true),
            ("max:+10%", Name::Max, 0.1, 0.12, true),
            ("triesPerRequest:+0", Name::TriesPerRequest, 1.0, 1.5, true),
            (
                "responses 503 UO:+1%",
                Name::Response(503, "UO".to_owned()),
                0.0,
                0.5,
                true,
            ),
            (
                "responses 0 DC:+1%",
                Name::Response(0, "DC".to_owned()),
                0.0,
                0.5,
                true,
            ),
        ] {
            let tolerance: Tolerance = text.parse().expect("valid");
            let failure = tolerance.failure(&change(name, before, after));
            assert_eq!(failure.is_some(), fails, "{text}: {before} to {after}");
        }
        for wrong in ["", "p99", "p99 latency:", "p99 latency:x", ":5%", "share:-"] {
            assert!(wrong.parse::<Tolerance>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_figure_that_no_comparison_has_is_refused() {
        for (text, hint) in [
            ("succesRate:-0.1%", "did you mean `success rate`?"),
            ("p95:+1%", "did you mean `p9"),
            ("utilisation:+1%", "did you mean `utilization`?"),
            ("xx:+1%", "there are `rate`, `success rate`, `mean latency`"),
            ("responses:+1%", "`responses 503 UO`"),
        ] {
            let wrong = text.parse::<Tolerance>().expect_err(text);
            assert!(wrong.contains(hint), "{text}: {wrong}");
        }
    }
}

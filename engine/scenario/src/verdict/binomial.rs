//! Where a fair draw stays: exact intervals of the binomial distribution.
//!
//! No normal approximation: shares of 1 % or 99 % of a few hundred requests are everyday cases, and there it promises
//! the wrong confidence. The exact tail costs a few thousand multiplications whatever the number of requests.

use base::math::{exp, ln, ln_gamma};

/// The central interval of the number of successes among `trials` independent draws with probability `share` each:
/// it is left on either side with a probability of at most half of `1 - confidence`.
pub(crate) fn central_interval(trials: u64, share: f64, confidence: f64) -> (u64, u64) {
    let tail = (1.0 - confidence) / 2.0;
    let low = smallest(trials, |x| at_most(x, trials, share) > tail);
    let high = smallest(trials, |x| more_than(x, trials, share) <= tail);
    (low, high)
}

/// The smallest number up to `limit` for which `holds`, a condition that stays true once it is true.
fn smallest(limit: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, limit);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// P(X <= x).
fn at_most(x: u64, trials: u64, share: f64) -> f64 {
    if x >= trials {
        return 1.0;
    }
    incomplete_beta((trials - x) as f64, x as f64 + 1.0, 1.0 - share, share)
}

/// P(X > x), computed as such: one minus [`at_most`] would lose small tails.
fn more_than(x: u64, trials: u64, share: f64) -> f64 {
    if x >= trials {
        return 0.0;
    }
    incomplete_beta(x as f64 + 1.0, (trials - x) as f64, share, 1.0 - share)
}

/// The regularised incomplete beta function at `x`, where `y = 1 - x`.
///
/// Source: NIST Digital Library of Mathematical Functions, 8.17.22 (the continued fraction) and 8.17.4 (the reflection).
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = exp(ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * ln(x) + b * ln(y));
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, y) / b
    }
}

/// Evaluates the continued fraction by Lentz's method; it needs about the square root of the larger parameter in steps.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const STEPS: u32 = 1_000_000;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P(X <= x) by adding up the probabilities.
    fn sum(x: u64, trials: u64, share: f64) -> f64 {
        (0..=x)
            .map(|k| {
                exp(ln_gamma(trials as f64 + 1.0)
                    - ln_gamma(k as f64 + 1.0)
                    - ln_gamma((trials - k) as f64 + 1.0)
                    + k as f64 * ln(share)
                    + (trials - k) as f64 * ln(1.0 - share))
            })
            .sum()
    }

    #[test]
    fn tails_are_those_of_the_sum() {
        for trials in [1, 2, 10, 117, 1000] {
            for share in [0.001, 0.1, 0.5, 0.93] {
                for x in (0..=trials).step_by(1 + trials as usize / 23) {
                    let exact = sum(x, trials, share);
                    assert!((at_most(x, trials, share) - exact).abs() < 1e-9);
                    assert!((more_than(x, trials, share) - (1.0 - exact)).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn intervals() {
        for (trials, share, confidence, interval) in [
            // R: qbinom(c(.025, .975), n, p)
            (100, 0.5, 0.95, (40, 60)),
            (10, 0.1, 0.95, (0, 3)),
            (10_000, 0.1, 0.95, (9_42, 1059)),
            // What cannot vary
            (50, 0.0, 0.999, (0, 0)),
            (50, 1.0, 0.999, (50, 50)),
            (0, 0.5, 0.999, (0, 0)),
        ] {
            assert_eq!(
                central_interval(trials, share, confidence),
                interval,
                "{trials} {share} {confidence}"
            );
        }
    }

    #[test]
    fn large_numbers_meet_the_normal_law() {
        let (trials, share) = (10_000_000_u64, 0.25);
        let (low, high) = central_interval(trials, share, 0.9999);
        let z = base::math::normal_quantile(0.99995);
        let half = z * (trials as f64 * share * (1.0 - share)).sqrt();
        let mean = trials as f64 * share;
        assert!((low as f64 - (mean - half)).abs() < 5.0, "{low}");
        assert!((high as f64 - (mean + half)).abs() < 5.0, "{high}");
    }
}

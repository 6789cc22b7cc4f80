//! Axes: values to places, and round values to put beside them.

use base::math;

/// A linear or logarithmic axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// The value at its start.
    pub(crate) min: f64,
    /// The value at its end, greater than `min`.
    pub(crate) max: f64,
    /// Places are proportional to logarithms; both ends are positive.
    pub(crate) logarithmic: bool,
    /// Values with what is written beside them.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to a round number that is at least `max`, with about `count` ticks.
    pub(crate) fn from_zero(max: f64, count: u32, text: impl Fn(f64) -> String) -> Self {
        let max = if max > 0.0 { max } else { 1.0 };
        let step = round_step(max / f64::from(count.max(1)));
        let steps = (max / step - 1e-9).ceil().max(1.0) as u32;
        Self {
            min: 0.0,
            max: step * f64::from(steps),
            logarithmic: false,
            ticks: (0..=steps)
                .map(|index| step * f64::from(index))
                .map(|value| (value, text(value)))
                .collect(),
        }
    }

    /// From `min` to `max` exactly, with ticks at multiples of a round step.
    pub(crate) fn between(min: f64, max: f64, step: f64, text: impl Fn(f64) -> String) -> Self {
        let first = (min / step - 1e-9).ceil() as i64;
        let last = (max / step + 1e-9).floor() as i64;
        Self {
            min,
            max: if max > min { max } else { min + 1.0 },
            logarithmic: false,
            ticks: (first..=last)
                .map(|index| index as f64 * step)
                .map(|value| (value, text(value)))
                .collect(),
        }
    }

    /// Logarithmic over all of `min` to `max`, both positive.
    pub(crate) fn logarithmic(min: f64, max: f64, text: impl Fn(f64) -> String) -> Self {
        let (min, max) = (min, max.max(min * 1.05));
        let decades = math::log10(max / min);
        let multiples: &[f64] = match decades {
            d if d > 4.0 => &[1.0],
            d if d > 2.2 => &[1.0, 3.0],
            d if d > 0.7 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        };
        let mut ticks = Vec::new();
        let mut decade = math::pow(10.0, math::log10(min).floor());
        while decade <= max {
            for multiple in multiples {
                let value = decade * multiple;
                if value >= min * 0.999 && value <= max * 1.001 {
                    ticks.push((value, text(value)));
                }
            }
            decade *= 10.0;
        }
        Self {
            min,
            max,
            logarithmic: true,
            ticks,
        }
    }

    /// Where a value lies, from 0 at the start to 1 at the end; values beyond the ends are put there.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            let value = value.max(self.min);
            math::ln(value / self.min) / math::ln(self.max / self.min)
        } else {
            (value - self.min) / (self.max - self.min)
        };
        place.clamp(0.0, 1.0)
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is at least `step`.
pub(crate) fn round_step(step: f64) -> f64 {
    let decade = math::pow(10.0, math::log10(step).floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|multiple| multiple * decade)
        .find(|round| *round >= step * 0.999_999)
        .unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::{milliseconds, number};

    #[test]
    fn linear_axes_end_at_round_numbers() {
        for (max, count, end, step) in [
            (97.0, 5, 100.0, 20.0),
            (1.03, 4, 1.5, 0.5),
            (0.0, 4, 1.0, 0.25),
            (51_000.0, 5, 60_000.0, 20_000.0),
        ] {
            let axis = Axis::from_zero(max, count, number);
            assert_eq!((axis.max, axis.ticks[1].0), (end, step), "{max}");
            assert_eq!(axis.place(end), 1.0);
        }
    }

    #[test]
    fn logarithmic_axes_have_round_ticks() {
        let axis = Axis::logarithmic(7.0, 700.0, milliseconds);
        let texts: Vec<_> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms"]
        );
        assert!((axis.place(70.0) - 0.5).abs() < 1e-9);
    }
}

//! How far chance moves a figure from run to run: Student's interval for the mean of independent replications.
//!
//! Source: A. M. Law, Simulation Modeling and Analysis, 5th edition, 9.4.1 (replication/deletion).

use base::math::student_t;

/// The mean of a figure over replications, and how far its expected value may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of the interval; none from a single replication.
    pub half_width: Option<f64>,
    /// How many replications had the figure.
    pub count: usize,
    /// The standard error of the mean; zero from a single replication.
    error: f64,
}

/// The confidence with which intervals hold where nothing else is said.
pub const CONFIDENCE: f64 = 0.95;

impl Interval {
    /// The interval of independent values; none of no values.
    pub fn of(values: &[f64], confidence: f64) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let variance = squares / (count - 1).max(1) as f64;
        let mut interval = Self {
            mean,
            half_width: None,
            count,
            error: (variance / count as f64).sqrt(),
        };
        interval.half_width = interval.at(confidence);
        Some(interval)
    }

    /// The standard error of the mean.
    pub(crate) const fn error(&self) -> f64 {
        self.error
    }

    /// Half the width at another confidence; none from a single replication.
    pub fn at(&self, confidence: f64) -> Option<f64> {
        let degrees = u32::try_from(self.count.checked_sub(1)?).unwrap_or(u32::MAX);
        (degrees > 0).then(|| student_t(confidence, degrees) * self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Seed;

    #[test]
    fn a_few_known_numbers() {
        assert_eq!(Interval::of(&[], CONFIDENCE), None);
        let one = Interval::of(&[4.0], CONFIDENCE).expect("a value");
        assert_eq!((one.mean, one.half_width, one.count), (4.0, None, 1));
        // Standard error 0.7071, t(0.95, 4) = 2.7764.
        let five = Interval::of(&[1.0, 2.0, 3.0, 4.0, 5.0], CONFIDENCE).expect("values");
        let half = five.half_width.expect("five values");
        assert!((half - 1.963_24).abs() < 2e-3, "{five:?}");
        let same = Interval::of(&[0.0; 5], CONFIDENCE).expect("values");
        assert_eq!(same.half_width, Some(0.0));
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        let mut stream = Seed::new(11).stream("test");
        let trials = 4000;
        let covers = |_: &i32| {
            let values: Vec<f64> = (0..5)
                .map(|_| (0..12).map(|_| stream.unit()).sum::<f64>())
                .collect();
            let interval = Interval::of(&values, 0.9).expect("values");
            interval
                .half_width
                .is_some_and(|half| (interval.mean - 6.0).abs() <= half)
        };
        let covered = (0..trials).filter(covers).count();
        let share = covered as f64 / f64::from(trials);
        assert!((share - 0.9).abs() < 0.02, "{share}");
    }
}

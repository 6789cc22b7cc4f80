//! How far chance moves a mean over time: the method of batch means.
//!
//! A run is cut into batches of equal length. They are long against the memory of queues, so their means are nearly
//! independent, and Student's t says how far the mean of all of them may be from its expected value. Batches hold
//! different numbers of requests, so the mean is a ratio of two sums, whose spread is that of its residuals.
//!
//! Source: A. M. Law, Simulation Modeling and Analysis, 5th edition, 9.5.3 (batch means), 9.5.2 (ratio estimators).

use base::math::student_t;

/// What one bucket of time contributes: a sum and the weight that it is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Batch {
    pub(super) sum: f64,
    pub(super) weight: f64,
}

/// An interval around a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BatchMeans {
    /// How far the mean may be from its expected value.
    pub(super) half_width: f64,
    /// How many batches it was worked out from.
    pub(super) count: usize,
}

/// As many as are recommended: more would be shorter, and so less independent, and buy little.
const MAX_BATCHES: usize = 30;

/// The interval for the ratio of the buckets' sums; none from fewer than two batches, or without any weight.
pub(super) fn interval(buckets: &[Batch], confidence: f64) -> Option<BatchMeans> {
    let batches = merge(buckets);
    let sum: f64 = batches.iter().map(|batch| batch.sum).sum();
    let weight: f64 = batches.iter().map(|batch| batch.weight).sum();
    let count = batches.len();
    if count < 2 || weight <= 0.0 {
        return None;
    }
    let mean = sum / weight;
    let squares: f64 = batches
        .iter()
        .map(|batch| {
            let residual = batch.sum - mean * batch.weight;
            residual * residual
        })
        .sum();
    let variance = squares * count as f64 / (count - 1) as f64 / (weight * weight);
    let degrees = u32::try_from(count - 1).expect("few batches");
    Some(BatchMeans {
        half_width: student_t(confidence, degrees) * variance.sqrt(),
        count,
    })
}

/// Joins neighbouring buckets until there are few; what is left over at the beginning is left out.
fn merge(buckets: &[Batch]) -> Vec<Batch> {
    let size = buckets.len().div_ceil(MAX_BATCHES).max(1);
    let surplus = buckets.len() % size;
    buckets[surplus..]
        .chunks_exact(size)
        .map(|chunk| Batch {
            sum: chunk.iter().map(|batch| batch.sum).sum(),
            weight: chunk.iter().map(|batch| batch.weight).sum(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Seed;

    #[test]
    fn buckets_are_joined_to_at_most_thirty() {
        for (buckets, batches) in [
            (0, 0),
            (1, 1),
            (30, 30),
            (31, 15),
            (60, 30),
            (61, 20),
            (1000, 29),
        ] {
            let buckets = vec![
                Batch {
                    sum: 1.0,
                    weight: 1.0
                };
                buckets
            ];
            assert_eq!(merge(&buckets).len(), batches, "{}", buckets.len());
        }
    }

    #[test]
    fn a_few_known_numbers() {
        let batch = |sum, weight| Batch { sum, weight };
        assert_eq!(interval(&[batch(1.0, 1.0)], 0.95), None);
        assert_eq!(interval(&[batch(0.0, 0.0); 5], 0.95), None);
        let same = interval(&[batch(6.0, 3.0), batch(2.0, 1.0)], 0.95);
        assert_eq!(same.map(|i| i.half_width), Some(0.0));
        // Values 1, 2, 3, 4, 5: standard error 0.7071, t(0.95, 4) = 2.7764.
        let values = [1.0, 2.0, 3.0, 4.0, 5.0].map(|value| batch(value, 1.0));
        let interval = interval(&values, 0.95).expect("five batches");
        assert!(
            (interval.half_width - 1.963_24).abs() < 2e-3,
            "{interval:?}"
        );
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        let mut stream = Seed::new(5).stream("test");
        let trials = 4000;
        let covered = (0..trials)
            .filter(|_| {
                let batches: Vec<Batch> = (0..30)
                    .map(|_| {
                        let weight = 50.0 + 50.0 * stream.unit();
                        let noise: f64 = (0..12).map(|_| stream.unit()).sum::<f64>() - 6.0;
                        Batch {
                            sum: weight * (3.0 + noise),
                            weight,
                        }
                    })
                    .collect();
                let mean = batches.iter().map(|b| b.sum).sum::<f64>()
                    / batches.iter().map(|b| b.weight).sum::<f64>();
                let interval = interval(&batches, 0.9).expect("batches");
                (mean - 3.0).abs() <= interval.half_width
            })
            .count();
        let share = covered as f64 / f64::from(trials);
        assert!((share - 0.9).abs() < 0.02, "{share}");
    }
}

//! What pictures, pages and tables over time have in common: the axis, the timeline's marks, the warm-up, and series by bucket.

use crate::model::RunReport;
use crate::numbers::number;
use crate::plots::axis::Axis;
use crate::plots::frame::{Mark, Shade};
use crate::plots::svg::Point;
use telemetry::{Facts, Histogram, LatencyBucket};

/// The time of a run.
#[derive(Debug)]
pub(crate) struct Times<'a> {
    facts: &'a Facts,
}

impl<'a> Times<'a> {
    pub(crate) const fn of(report: &'a RunReport) -> Self {
        Self {
            facts: &report.measurements.facts,
        }
    }

    /// How many buckets there are.
    pub(crate) fn buckets(&self) -> usize {
        self.facts.buckets() as usize
    }

    /// Seconds or minutes from the start to the end.
    pub(crate) fn axis(&self) -> Axis {
        let (unit, end) = self.unit();
        let step = if unit > 1.0 {
            minutes_step(end)
        } else {
            crate::plots::axis::round_step(end / 8.0)
        };
        let mut axis = Axis::between(0.0, end, step, number);
        axis.max *= unit;
        for (value, _) in &mut axis.ticks {
            *value *= unit;
        }
        axis
    }

    /// What the axis shows.
    pub(crate) fn axis_title(&self) -> String {
        let unit = if self.unit().0 > 1.0 {
            "minutes"
        } else {
            "seconds"
        };
        format!("simulated {unit}")
    }

    fn unit(&self) -> (f64, f64) {
        let end = self.facts.end.as_secs_f64().max(1e-6);
        if end >= 300.0 {
            (60.0, end / 60.0)
        } else {
            (1.0, end)
        }
    }

    /// The timeline's changes.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let mark = |mark: &telemetry::Mark| Mark {
            x: mark.at.as_secs_f64(),
            label: mark.label.clone(),
        };
        self.facts.marks.iter().map(mark).collect()
    }

    /// The warm-up, if there is one.
    pub(crate) fn shade(&self) -> Option<Shade> {
        let to = self.facts.warm_up.as_secs_f64();
        (to > 0.0).then_some(Shade {
            from: 0.0,
            to,
            label: "warm-up",
        })
    }

    /// What the figures beside lines are of.
    pub(crate) fn caption(&self) -> String {
        if self.facts.warm_up.as_nanos() > 0 {
            "after warm-up"
        } else {
            "whole run"
        }
        .to_owned()
    }

    /// What so many in a bucket are per second of one replication.
    pub(crate) fn per_second(&self, bucket: usize, count: f64) -> f64 {
        let seconds = self.facts.width_of(bucket as u32).as_secs_f64();
        if seconds > 0.0 {
            count / seconds / f64::from(self.facts.replications.max(1))
        } else {
            0.0
        }
    }

    /// Nanoseconds in a bucket, of all replications together.
    pub(crate) fn watched_ns(&self, bucket: usize) -> f64 {
        let nanos = self.facts.width_of(bucket as u32).as_nanos() as f64;
        nanos * f64::from(self.facts.replications.max(1))
    }

    /// A line through the middles of buckets, broken where several have no value.
    pub(crate) fn line(&self, values: &[Option<f64>]) -> Vec<Vec<Point>> {
        self.stretches(values)
    }

    /// An area between two such lines.
    pub(crate) fn band(&self, values: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64, f64)>> {
        let flat = |stretch: Vec<(f64, (f64, f64))>| {
            let points = stretch.into_iter().map(|(x, (low, high))| (x, low, high));
            points.collect()
        };
        self.stretches(values).into_iter().map(flat).collect()
    }

    /// An area with a step for each bucket, broken where one has no value.
    pub(crate) fn steps(&self, values: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64, f64)>> {
        let mut stretches: Vec<Vec<(f64, f64, f64)>> = Vec::new();
        let mut open = false;
        for (bucket, value) in values.iter().enumerate() {
            let Some((low, high)) = value else {
                open = false;
                continue;
            };
            let start = self.facts.start_of(bucket as u32).as_secs_f64();
            let end = start + self.facts.width_of(bucket as u32).as_secs_f64();
            let step = [(start, *low, *high), (end, *low, *high)];
            match stretches.last_mut() {
                Some(stretch) if open => stretch.extend(step),
                _ => stretches.push(step.to_vec()),
            }
            open = true;
        }
        stretches
    }

    /// Values at the middles of their buckets, from the start of the first bucket to the end of the last.
    fn stretches<V: Copy>(&self, values: &[Option<V>]) -> Vec<Vec<(f64, V)>> {
        let mut stretches: Vec<Vec<(f64, V)>> = Vec::new();
        let mut last = None;
        for (bucket, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let point = (self.middle(bucket), *value);
            match (stretches.last_mut(), last) {
                (Some(stretch), Some(last)) if bucket - last <= GAP => stretch.push(point),
                _ => stretches.push(vec![point]),
            }
            last = Some(bucket);
        }
        let half = self.facts.bucket.as_secs_f64() / 2.0;
        let end = self.facts.end.as_secs_f64();
        for stretch in &mut stretches {
            let (first, last) = (stretch[0], stretch[stretch.len() - 1]);
            stretch.insert(0, ((first.0 - half).max(0.0), first.1));
            stretch.push(((last.0 + half).min(end), last.1));
        }
        stretches
    }

    fn middle(&self, bucket: usize) -> f64 {
        let bucket = bucket as u32;
        let start = self.facts.start_of(bucket).as_secs_f64();
        start + self.facts.width_of(bucket).as_secs_f64() / 2.0
    }
}

/// Adds the counts of a series to those by bucket.
pub(crate) fn add_counts(counts: &mut [f64], buckets: &[LatencyBucket]) {
    for bucket in buckets {
        if let Some(count) = counts.get_mut(bucket.bucket as usize) {
            *count += bucket.latency.count() as f64;
        }
    }
}

/// Adds the histograms of a series to those by bucket.
pub(crate) fn add_latencies(histograms: &mut [Histogram], buckets: &[LatencyBucket]) {
    for bucket in buckets {
        if let Some(histogram) = histograms.get_mut(bucket.bucket as usize) {
            bucket.latency.add_to(histogram);
        }
    }
}

/// Values by bucket, one on top of the other; none where `shown` says so.
pub(crate) fn stack(layers: &[Vec<f64>], shown: &[bool]) -> Vec<Vec<Option<(f64, f64)>>> {
    let mut below = vec![0.0; shown.len()];
    (layers.iter())
        .map(|layer| {
            (layer.iter().zip(&mut below).zip(shown))
                .map(|((value, below), shown)| {
                    let low = *below;
                    *below += value;
                    shown.then_some((low, *below))
                })
                .collect()
        })
        .collect()
}

/// The last value that there is.
pub(crate) fn last<T: Copy>(values: &[Option<T>]) -> Option<T> {
    values.iter().rev().flatten().next().copied()
}

fn minutes_step(minutes: f64) -> f64 {
    let wanted = minutes / 8.0;
    [
        0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 240.0, 720.0,
    ]
    .into_iter()
    .find(|step| *step >= wanted)
    .unwrap_or(1440.0)
}

/// A line goes on over buckets without a value if they are fewer than this.
const GAP: usize = 3;

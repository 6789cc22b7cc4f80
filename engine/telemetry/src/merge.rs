//! Figures with equal labels become one: within a run, and across replications of it.
//!
//! All sums are integers, so the order of merging does not matter but for the numbering of replications.

use crate::histogram::Histogram;
use crate::measurements::{
    AskedFigures, AttemptFigures, AttemptSeries, JourneyFigures, JourneySeries, LatencyBucket,
    Measurements, Occupancy, PodFigures, PodSeries, RequestFigures, RequestSeries, Series, Window,
};
use std::cmp::Ordering;

impl Measurements {
    /// Adds what another replication of the same run measured. Counts become those of all replications together, and
    /// times, windows and buckets stay as they are.
    ///
    /// # Panics
    /// If the two do not have the same windows and buckets.
    pub fn merge(&mut self, other: Self) {
        assert!(
            self.facts.bucket == other.facts.bucket && self.windows.len() == other.windows.len(),
            "replications have the same windows and buckets"
        );
        let before = self.facts.replications;
        self.facts.replications += other.facts.replications;
        self.facts.end = self.facts.end.max(other.facts.end);
        for (window, more) in std::iter::once(&mut self.window)
            .chain(&mut self.windows)
            .zip(std::iter::once(other.window).chain(other.windows))
        {
            window.merge(more);
        }
        self.series.merge(other.series);
        for mut ejection in other.ejections {
            ejection.replication += before;
            self.ejections.push(ejection);
        }
        self.ejections.sort_by_key(|e| (e.at, e.replication));
        for mut record in other.replicas {
            record.replication += before;
            self.replicas.push(record);
        }
        self.replicas.sort_by_key(|r| (r.at, r.replication));
        self.proxies.extend(other.proxies);
        combine(&mut self.proxies);
    }
}

impl Window {
    fn merge(&mut self, other: Self) {
        assert!(
            self.from == other.from && self.traffic.len() == other.traffic.len(),
            "replications have the same windows and traffic"
        );
        self.to = self.to.max(other.to);
        self.requests.extend(other.requests);
        self.requests_by_pod.extend(other.requests_by_pod);
        self.asked.extend(other.asked);
        self.receptions.extend(other.receptions);
        self.attempts.extend(other.attempts);
        for (traffic, more) in self.traffic.iter_mut().zip(other.traffic) {
            traffic.arrivals += more.arrivals;
            traffic.journeys.extend(more.journeys);
        }
        for (pod, more) in self.pods.iter_mut().zip(&other.pods) {
            pod.merge(more);
        }
        self.combine();
    }

    fn combine(&mut self) {
        combine(&mut self.requests);
        combine(&mut self.requests_by_pod);
        combine(&mut self.asked);
        combine(&mut self.receptions);
        combine(&mut self.attempts);
        for traffic in &mut self.traffic {
            combine(&mut traffic.journeys);
        }
    }
}

impl PodFigures {
    fn merge(&mut self, other: &Self) {
        self.watched_ns += other.watched_ns;
        self.occupancy.merge(&other.occupancy);
        self.tries += other.tries;
        self.overflowed += other.overflowed;
    }
}

impl Series {
    fn merge(&mut self, other: Self) {
        self.requests.extend(other.requests);
        self.journeys.extend(other.journeys);
        self.attempts.extend(other.attempts);
        self.pods.extend(other.pods);
        self.pools.extend(other.pools);
        self.combine();
    }

    fn combine(&mut self) {
        combine(&mut self.requests);
        combine(&mut self.journeys);
        combine(&mut self.attempts);
        combine(&mut self.pods);
        combine(&mut self.pools);
    }
}

/// The same of all groups of a run.
pub(crate) fn combine_groups(windows: &mut [Window], series: &mut Series) {
    windows.iter_mut().for_each(Window::combine);
    series.combine();
}

/// Something that is counted under labels.
pub(crate) trait Group {
    /// By its labels.
    fn compare(&self, other: &Self) -> Ordering;
    /// Adds a group with equal labels.
    fn absorb(&mut self, other: Self);
}

/// Puts groups in order of their labels, and makes those with equal labels one.
pub(crate) fn combine<G: Group>(groups: &mut Vec<G>) {
    groups.sort_by(G::compare);
    let mut combined: Vec<G> = Vec::with_capacity(groups.len());
    for group in groups.drain(..) {
        match combined.last_mut() {
            Some(last) if last.compare(&group).is_eq() => last.absorb(group),
            _ => combined.push(group),
        }
    }
    *groups = combined;
}

impl Group for RequestFigures {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        self.tries += other.tries;
        self.latency.merge(&other.latency);
    }
}

impl Group for AskedFigures {
    fn compare(&self, other: &Self) -> Ordering {
        (&self.asked, &self.destination).cmp(&(&other.asked, &other.destination))
    }

    fn absorb(&mut self, other: Self) {
        self.count += other.count;
    }
}

impl Group for JourneyFigures {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        self.requests += other.requests;
        self.latency.merge(&other.latency);
    }
}

impl Group for AttemptFigures {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.duration_ns += other.duration_ns;
    }
}

impl Group for RequestSeries {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        merge_buckets(
            &mut self.buckets,
            other.buckets,
            |b| b.bucket,
            absorb_latency,
        );
    }
}

impl Group for JourneySeries {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        merge_buckets(
            &mut self.buckets,
            other.buckets,
            |b| b.bucket,
            absorb_latency,
        );
    }
}

impl Group for AttemptSeries {
    fn compare(&self, other: &Self) -> Ordering {
        self.labels.cmp(&other.labels)
    }

    fn absorb(&mut self, other: Self) {
        merge_buckets(&mut self.buckets, other.buckets, |b| b.0, |a, b| a.1 += b.1);
    }
}

impl Group for PodSeries {
    fn compare(&self, other: &Self) -> Ordering {
        self.pod.cmp(&other.pod)
    }

    fn absorb(&mut self, other: Self) {
        let absorb = |a: &mut (u32, Occupancy), b: (u32, Occupancy)| a.1.merge(&b.1);
        merge_buckets(&mut self.buckets, other.buckets, |b| b.0, absorb);
    }
}

fn absorb_latency(bucket: &mut LatencyBucket, other: LatencyBucket) {
    let mut histogram = Histogram::default();
    bucket.latency.add_to(&mut histogram);
    other.latency.add_to(&mut histogram);
    bucket.latency = histogram.pack();
    bucket.tries += other.tries;
}

/// Adds buckets, both in order, one to the other.
pub(crate) fn merge_buckets<B>(
    buckets: &mut Vec<B>,
    more: Vec<B>,
    number: impl Fn(&B) -> u32,
    absorb: impl Fn(&mut B, B),
) {
    buckets.extend(more);
    buckets.sort_by_key(&number);
    let mut merged: Vec<B> = Vec::with_capacity(buckets.len());
    for bucket in buckets.drain(..) {
        match merged.last_mut() {
            Some(last) if number(last) == number(&bucket) => absorb(last, bucket),
            _ => merged.push(bucket),
        }
    }
    *buckets = merged;
}

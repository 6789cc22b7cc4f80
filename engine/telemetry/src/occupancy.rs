//! How busy each pod was: its station's occupancy, integrated over windows and buckets of time.
//!
//! A station keeps its state from one change to the next, so each change adds the state before it times its duration,
//! cut where a window or a bucket begins or ends. Sums are integers and exact.

use crate::measurements::Occupancy;
use base::{SimDuration, SimTime};
use sim::observation::Station;

/// A span of time; its end is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: SimTime,
    pub(crate) to: SimTime,
}

impl Span {
    #[inline]
    pub(crate) fn contains(self, time: SimTime) -> bool {
        self.from <= time && time < self.to
    }
}

/// One pod's station over time.
#[derive(Debug)]
pub(crate) struct StationTrack {
    /// Since when the station is as it is.
    since: SimTime,
    station: Station,
    /// Workers; none: no limit.
    workers: Option<u32>,
    open: Open,
    /// Occupancy and overflows in each window.
    pub(crate) windows: Vec<(Occupancy, u64)>,
    /// Occupancy in closed buckets, idle ones left out.
    pub(crate) buckets: Vec<(u32, Occupancy)>,
}

/// The bucket that is open.
#[derive(Debug)]
struct Open {
    bucket: u32,
    end: SimTime,
    occupancy: Occupancy,
}

impl StationTrack {
    pub(crate) fn new(workers: Option<u32>, windows: usize, bucket: SimDuration) -> Self {
        Self {
            since: SimTime::ZERO,
            station: Station::default(),
            workers,
            open: Open {
                bucket: 0,
                end: SimTime::ZERO + bucket,
                occupancy: Occupancy::default(),
            },
            windows: vec![(Occupancy::default(), 0); windows],
            buckets: Vec::new(),
        }
    }

    /// The station is `station` from `now` on.
    #[inline]
    pub(crate) fn change(
        &mut self,
        now: SimTime,
        station: Station,
        windows: &[Span],
        bucket: SimDuration,
    ) {
        self.advance(now, windows, bucket);
        let overflowed = station.overflowed - self.station.overflowed;
        if overflowed > 0 {
            for (span, (_, sum)) in windows.iter().zip(&mut self.windows) {
                if span.contains(now) {
                    *sum += overflowed;
                }
            }
        }
        self.station = station;
    }

    /// The station has so many workers from `now` on.
    pub(crate) fn resize(
        &mut self,
        now: SimTime,
        workers: Option<u32>,
        windows: &[Span],
        bucket: SimDuration,
    ) {
        self.advance(now, windows, bucket);
        self.workers = workers;
    }

    /// Adds the time since the last change.
    #[inline]
    pub(crate) fn advance(&mut self, now: SimTime, windows: &[Span], bucket: SimDuration) {
        if now <= self.since {
            return;
        }
        for (span, (sum, _)) in windows.iter().zip(&mut self.windows) {
            let time = now.min(span.to).since(self.since.max(span.from));
            add(sum, self.station, self.workers, time);
        }
        if now >= self.open.end {
            self.close_until(now, bucket);
        }
        let time = now.since(self.since);
        add(&mut self.open.occupancy, self.station, self.workers, time);
        self.since = now;
    }

    /// Packs the open bucket away.
    pub(crate) fn close(&mut self) {
        let occupancy = std::mem::take(&mut self.open.occupancy);
        if occupancy.in_service_ns > 0 || occupancy.queued_ns > 0 {
            self.buckets.push((self.open.bucket, occupancy));
        }
    }

    #[cold]
    fn close_until(&mut self, now: SimTime, bucket: SimDuration) {
        while now >= self.open.end {
            let time = self.open.end.since(self.since);
            add(&mut self.open.occupancy, self.station, self.workers, time);
            self.since = self.open.end;
            self.close();
            self.open.bucket += 1;
            self.open.end += bucket;
        }
    }
}

#[inline]
fn add(sum: &mut Occupancy, station: Station, workers: Option<u32>, time: SimDuration) {
    let nanos = u128::from(time.as_nanos());
    if nanos == 0 {
        return;
    }
    sum.in_service_ns += u128::from(station.in_service) * nanos;
    sum.queued_ns += u128::from(station.queued) * nanos;
    sum.workers_ns += u128::from(workers.unwrap_or(0)) * nanos;
    sum.queued_max = sum.queued_max.max(station.queued);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    fn station(in_service: u32, queued: u32, overflowed: u64) -> Station {
        Station {
            in_service,
            queued,
            overflowed,
        }
    }

    #[test]
    fn areas_are_cut_at_windows_and_buckets() {
        let windows = [
            Span {
                from: seconds(10),
                to: seconds(40),
            },
            Span {
                from: seconds(15),
                to: seconds(25),
            },
        ];
        let bucket = SimDuration::from_secs(10);
        let mut track = StationTrack::new(Some(2), 2, bucket);
        track.change(seconds(5), station(2, 0, 0), &windows, bucket);
        track.change(seconds(20), station(2, 3, 1), &windows, bucket);
        track.change(seconds(20), station(2, 9, 1), &windows, bucket);
        track.change(seconds(20), station(2, 4, 3), &windows, bucket);
        track.change(seconds(22), station(0, 0, 3), &windows, bucket);
        track.advance(seconds(40), &windows, bucket);
        track.close();
        let second: u128 = 1_000_000_000;
        let occupancy = |in_service: u128, queued: u128, workers: u128, queued_max| Occupancy {
            in_service_ns: in_service * second,
            queued_ns: queued * second,
            workers_ns: workers * second,
            queued_max,
        };
        assert_eq!(track.windows[0], (occupancy(24, 8, 60, 4), 3));
        assert_eq!(track.windows[1], (occupancy(14, 8, 20, 4), 3));
        let buckets = [
            (0, occupancy(10, 0, 20, 0)),
            (1, occupancy(20, 0, 20, 0)),
            (2, occupancy(4, 8, 20, 4)),
        ];
        assert_eq!(track.buckets, buckets);
        assert_eq!(track.windows[0].0.utilization(), Some(0.4));
    }
}

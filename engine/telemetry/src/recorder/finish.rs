//! The end of a recording: ids become names, cells become figures.

use super::{PodCells, Recorder};
use crate::cells::{Cells, CountCell, LatencyCell, LatencySum};
use crate::keys::{AttemptKey, JourneyKey, RequestKey};
use crate::measurements::{
    AskedFigures, AttemptFigures, AttemptSeries, EjectionRecord, Facts, JourneyFigures,
    JourneySeries, Measurements, PodFigures, PodSeries, RequestFigures, RequestSeries, Series,
    TrafficFigures, Window,
};
use crate::merge::{combine, combine_groups};
use crate::names::PlanNames;
use crate::occupancy::{Span, StationTrack};
use base::SimTime;
use sim::observation::Ejection;
use sim::plan::PodId;

impl Recorder {
    /// What was measured until `end`, when the simulation ended.
    pub fn finish(mut self, end: SimTime) -> Measurements {
        self.close_bucket();
        for span in &mut self.windows {
            span.to = span.to.min(end);
            span.from = span.from.min(span.to);
        }
        // Times after `end` were never reached, so windows cut now sum up as if they had been cut before.
        for track in &mut self.stations {
            track.advance(end, &self.windows, self.bucket);
            track.close();
        }
        let mut windows = self.empty_windows();
        let mut series = Series::default();
        let names = &self.names;
        finish_requests(self.requests, names, &mut windows, &mut series);
        if let Some(cells) = self.by_pod {
            finish_by_pod(cells, names, &mut windows);
        }
        windows[0].receptions = finish_receptions(self.receptions, names);
        finish_journeys(self.journeys, names, &mut windows, &mut series);
        finish_attempts(self.attempts, names, &mut windows, &mut series);
        finish_pods(self.stations, &self.tries, names, &mut windows, &mut series);
        for window in &mut windows {
            let span = Span {
                from: window.from,
                to: window.to,
            };
            for (index, pod) in window.pods.iter_mut().enumerate() {
                if let Some(watched) = self.lives.watched(index, span, end) {
                    pod.watched_ns = watched;
                }
            }
        }
        series.pools = self.pools.finish(names);
        combine_groups(&mut windows, &mut series);
        self.proxies.extend(self.inbound.finish(names));
        combine(&mut self.proxies);
        let mut windows = windows.into_iter();
        Measurements {
            facts: Facts {
                replications: 1,
                end,
                warm_up: self.warm_up.min(end),
                bucket: self.bucket,
                marks: self.marks,
                settings: self.settings,
            },
            window: windows.next().expect("the first window is always there"),
            windows: windows.collect(),
            series,
            ejections: finish_ejections(&self.ejections, names),
            replicas: self.lives.replicas(),
            proxies: self.proxies,
        }
    }

    /// Windows with nothing but their times and arrivals.
    fn empty_windows(&self) -> Vec<Window> {
        let figures = |(span, arrivals): (&Span, &Vec<u64>)| Window {
            from: span.from,
            to: span.to,
            traffic: (self.names.traffic.iter().zip(arrivals))
                .map(|(name, arrivals)| TrafficFigures {
                    name: name.clone(),
                    arrivals: *arrivals,
                    journeys: Vec::new(),
                })
                .collect(),
            ..Window::default()
        };
        self.windows
            .iter()
            .zip(&self.arrivals)
            .map(figures)
            .collect()
    }
}

fn finish_requests(
    cells: Cells<RequestKey, LatencyCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, LatencySum { tries, latency }) in windows.iter_mut().zip(sums) {
            if !latency.is_empty() {
                window.asked.push(AskedFigures {
                    asked: key.asked(names).to_owned(),
                    destination: labels.destination.clone(),
                    count: latency.count(),
                });
                window.requests.push(RequestFigures {
                    labels: labels.clone(),
                    tries,
                    latency,
                });
            }
        }
        series.requests.push(RequestSeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_by_pod(cells: PodCells, names: &PlanNames, windows: &mut [Window]) {
    for ((key, pod), sums) in cells.into_cells() {
        for (window, LatencySum { tries, latency }) in windows.iter_mut().zip(sums) {
            if !latency.is_empty() {
                window.requests_by_pod.push(RequestFigures {
                    labels: key.labels_at(pod, names),
                    tries,
                    latency,
                });
            }
        }
    }
}

fn finish_receptions(
    cells: Cells<RequestKey, LatencySum>,
    names: &PlanNames,
) -> Vec<RequestFigures> {
    let figures = cells.into_cells().map(|(key, sum)| RequestFigures {
        labels: key.labels(names),
        tries: sum.tries,
        latency: sum.latency,
    });
    figures.collect()
}

fn finish_journeys(
    cells: Cells<JourneyKey, LatencyCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, LatencySum { tries, latency }) in windows.iter_mut().zip(sums) {
            if !latency.is_empty() {
                window.traffic[key.traffic()].journeys.push(JourneyFigures {
                    labels: labels.clone(),
                    requests: tries,
                    latency,
                });
            }
        }
        series.journeys.push(JourneySeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_attempts(
    cells: Cells<AttemptKey, CountCell>,
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (key, cell) in cells.into_cells() {
        let labels = key.labels(names);
        let sums = std::iter::once(cell.main).chain(cell.windows);
        for (window, sum) in windows.iter_mut().zip(sums) {
            if sum.count > 0 {
                window.attempts.push(AttemptFigures {
                    labels: labels.clone(),
                    count: sum.count,
                    duration_ns: sum.duration_ns,
                });
            }
        }
        series.attempts.push(AttemptSeries {
            labels,
            buckets: cell.buckets,
        });
    }
}

fn finish_pods(
    stations: Vec<StationTrack>,
    tries: &[Vec<u64>],
    names: &PlanNames,
    windows: &mut [Window],
    series: &mut Series,
) {
    for (index, track) in stations.into_iter().enumerate() {
        let pod = &names.pods[index];
        let workload = &names.workloads[pod.workload.index()];
        for (number, (window, (occupancy, overflowed))) in
            windows.iter_mut().zip(track.windows).enumerate()
        {
            window.pods.push(PodFigures {
                pod: pod.name.clone(),
                workload: workload.clone(),
                sidecar: pod.sidecar,
                watched_ns: u128::from(window.to.since(window.from).as_nanos()),
                occupancy,
                tries: tries[number][index],
                overflowed,
            });
        }
        if !track.buckets.is_empty() {
            series.pods.push(PodSeries {
                pod: pod.name.clone(),
                workload: workload.clone(),
                buckets: track.buckets,
            });
        }
    }
}

fn finish_ejections(
    ejections: &[(SimTime, PodId, Ejection)],
    names: &PlanNames,
) -> Vec<EjectionRecord> {
    let record = |&(at, proxy, ejection): &(SimTime, PodId, Ejection)| {
        let cluster = names.cluster(ejection.cluster);
        let (endpoint, pod) = names.endpoint(ejection.endpoint);
        EjectionRecord {
            replication: 0,
            at,
            proxy: names.pods[proxy.index()].name.clone(),
            cluster: cluster.cluster.clone(),
            service: cluster.service.clone(),
            subset: cluster.subset.clone(),
            endpoint: endpoint.to_owned(),
            pod: pod.to_owned(),
            ejected: ejection.ejected,
        }
    };
    ejections.iter().map(record).collect()
}

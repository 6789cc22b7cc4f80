//! The labels of edges, and where they stand.

use super::places::SMALL;
use super::{Course, EDGES, Frame, Places};
use crate::numbers::{milliseconds, number, percent};
use crate::plots::call_graph::{CallGraph, Edge};
use crate::plots::svg::{Point, text_width};
use telemetry::Quantile;

/// Where the labels of edges stand: on their edges, and apart from nodes, from each other and from other edges where there
/// is room.
pub(crate) fn label_places(graph: &CallGraph, places: &Places, courses: &[Course]) -> Vec<Frame> {
    let candidates: Vec<Vec<Frame>> = (graph.edges.iter().zip(courses))
        .map(|(edge, course)| {
            let [first, second] = label(edge);
            let first = text_width(&first, SMALL, edge.failures > 0);
            let width = first.max(text_width(&second, SMALL, false)) * places.wider_label + 12.0;
            let size = (width, LABEL_HEIGHT);
            let frame = |part: f64| {
                let (x, y) = course.at(part);
                Frame {
                    at: (x - size.0 / 2.0, y - size.1 / 2.0),
                    size,
                }
            };
            // A long way has more places.
            let more = if course.legs() > 1 { MORE } else { 0 };
            let more = (1..more).map(|step| f64::from(step) / f64::from(MORE));
            PARTS.into_iter().chain(more).map(frame).collect()
        })
        .collect();
    let points: Vec<Vec<Point>> = (courses.iter())
        .map(|course| {
            (1..STEPS)
                .map(|step| course.at(f64::from(step) / f64::from(STEPS)))
                .collect()
        })
        .collect();
    // What a place costs beside other labels: where there is no room, the least is covered.
    let alone = |edge: usize, frame: &Frame| {
        let nodes = places.nodes.iter().map(|node| overlap(frame, node));
        let others = points
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != edge);
        let crossed = others.flat_map(|(_, points)| points);
        let crossed = crossed.filter(|point| contains(frame, **point)).count();
        ON_NODE * nodes.sum::<f64>() + CROSSING * crossed as f64
    };
    let costs: Vec<Vec<f64>> = (candidates.iter().enumerate())
        .map(|(edge, frames)| frames.iter().map(|frame| alone(edge, frame)).collect())
        .collect();
    let mut chosen: Vec<Option<usize>> = vec![None; candidates.len()];
    let rounds = if candidates.len() > EDGES { 1 } else { 4 };
    for _ in 0..rounds {
        for edge in 0..candidates.len() {
            let cost = |index: usize| {
                let frame = &candidates[edge][index];
                let others = chosen
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != edge);
                let others =
                    others.filter_map(|(other, index)| Some(&candidates[other][(*index)?]));
                costs[edge][index] + 2.0 * others.map(|other| overlap(frame, other)).sum::<f64>()
            };
            let places = 0..candidates[edge].len();
            chosen[edge] = places.min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        }
    }
    let chosen = chosen.iter().zip(&candidates);
    chosen
        .map(|(index, frames)| frames[index.expect("there are places to choose from")])
        .collect()
}

/// How often and how well, and how fast.
pub(crate) fn label(edge: &Edge) -> [String; 2] {
    let count = number(edge.count as f64);
    let what = if edge.mirror { "mirrored" } else { "requests" };
    let first = if edge.failures == 0 {
        format!("{count} {what}")
    } else {
        let failed = percent(edge.failures as f64 / edge.count as f64);
        let what = if edge.mirror { " mirrored" } else { "" };
        format!("{count}{what} · {failed} failed")
    };
    let second = if edge.mirror {
        format!("mean {}", milliseconds(edge.mean_ms))
    } else {
        let p99 = edge.latency.quantile(Quantile::P99);
        format!("p99 {}", milliseconds(p99.as_millis_f64()))
    };
    [first, second]
}

/// The area that two rectangles share, or come close to.
fn overlap(a: &Frame, b: &Frame) -> f64 {
    let shared = |start_a: f64, size_a: f64, start_b: f64, size_b: f64| {
        let shared = (start_a + size_a).min(start_b + size_b) - start_a.max(start_b);
        (shared + APART).max(0.0)
    };
    shared(a.at.0, a.size.0, b.at.0, b.size.0) * shared(a.at.1, a.size.1, b.at.1, b.size.1)
}

fn contains(frame: &Frame, point: Point) -> bool {
    let (x, y) = (point.0 - frame.at.0, point.1 - frame.at.1);
    (0.0..=frame.size.0).contains(&x) && (0.0..=frame.size.1).contains(&y)
}

/// How far labels stay apart from each other and from nodes.
const APART: f64 = 5.0;
/// In how many steps an edge is looked at, and what it costs a label to cover such a step of another edge.
const STEPS: u32 = 32;
const CROSSING: f64 = 60.0;
/// What it costs to cover a pixel of a node: there is always a better place.
const ON_NODE: f64 = 1_000.0;
/// In how many steps a long way is searched for room.
const MORE: u32 = 40;
/// Where along its edge a label may stand, best first.
const PARTS: [f64; 15] = [
    0.58, 0.5, 0.54, 0.46, 0.62, 0.42, 0.66, 0.34, 0.38, 0.74, 0.3, 0.7, 0.26, 0.78, 0.22,
];
const LABEL_HEIGHT: f64 = 40.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(x: f64, y: f64) -> Frame {
        Frame {
            at: (x, y),
            size: (100.0, 40.0),
        }
    }

    #[test]
    fn what_is_close_overlaps() {
        let label = frame(100.0, 100.0);
        assert_eq!(overlap(&label, &frame(206.0, 100.0)), 0.0);
        assert!(overlap(&label, &frame(203.0, 100.0)) > 0.0);
        assert!(overlap(&label, &frame(150.0, 120.0)) > overlap(&label, &frame(190.0, 120.0)));
        assert!(contains(&label, (150.0, 120.0)) && !contains(&label, (150.0, 141.0)));
    }
}

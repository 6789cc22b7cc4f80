//! The way of an edge: from border to border, past the nodes of the layers between.

use super::places::{NODE_HEIGHT, Places};
use crate::plots::call_graph::CallGraph;
use crate::plots::svg::Point;
use std::fmt::Write;

/// Curves one after the other.
#[derive(Debug)]
pub(crate) struct Course {
    legs: Vec<Leg>,
}

/// A cubic curve that leaves and arrives horizontally.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: Point,
    to: Point,
    /// How far to the right it goes straight on at either end.
    reach: (f64, f64),
}

/// A point of a course, and whether it goes to the right there.
type Waypoint = (Point, bool);

/// Edges leave and arrive one below the other, in the order of where they go to and come from.
pub(crate) fn course(graph: &CallGraph, places: &Places, index: usize) -> Course {
    let edge = &graph.edges[index];
    let (from, to) = (places.nodes[edge.from], places.nodes[edge.to]);
    let start = (
        from.at.0 + from.size.0,
        middle(places, edge.from) + offset(graph, places, index, true),
    );
    let end = (
        to.at.0 - 2.0,
        middle(places, edge.to) + offset(graph, places, index, false),
    );
    let mut lanes = places.lanes_of(graph, index);
    let forth = lanes.first().is_none_or(|first| start.0 <= first.left);
    if !forth {
        lanes.reverse();
    }
    let mut way: Vec<Waypoint> = vec![(start, true)];
    for lane in lanes {
        let (left, right) = ((lane.left, lane.y), (lane.right, lane.y));
        let (first, second) = if forth { (left, right) } else { (right, left) };
        way.extend([(first, forth), (second, forth)]);
    }
    way.push((end, true));
    Course {
        legs: way.windows(2).map(|pair| leg(pair[0], pair[1])).collect(),
    }
}

fn leg((from, right): Waypoint, (to, still_right): Waypoint) -> Leg {
    let distance = to.0 - from.0;
    let reach = match (right, still_right) {
        (true, true) if distance > 0.0 => distance * 0.45,
        (false, false) if distance < 0.0 => -distance * 0.45,
        // Back within one box, in a wide bow.
        (true, true) | (false, false) => BOW,
        (true, false) | (false, true) => TURN,
    };
    let signed = |right: bool| if right { reach } else { -reach };
    Leg {
        from,
        to,
        reach: (signed(right), signed(still_right)),
    }
}

fn middle(places: &Places, node: usize) -> f64 {
    let frame = places.nodes[node];
    frame.at.1 + frame.size.1 / 2.0
}

/// How far from the middle of its node an edge leaves or arrives.
fn offset(graph: &CallGraph, places: &Places, index: usize, leaving: bool) -> f64 {
    let of = |edge: usize| {
        let edge = &graph.edges[edge];
        if leaving { edge.from } else { edge.to }
    };
    let other_end = |edge: usize| {
        let forth = {
            let edge = &graph.edges[edge];
            places.nodes[edge.from].at.0 < places.nodes[edge.to].at.0
        };
        let lanes = places.lanes_of(graph, edge);
        let lane = if leaving == forth {
            lanes.first()
        } else {
            lanes.last()
        };
        match lane {
            Some(lane) => lane.y,
            None if leaving => middle(places, graph.edges[edge].to),
            None => middle(places, graph.edges[edge].from),
        }
    };
    let mut others: Vec<(f64, usize)> = (0..graph.edges.len())
        .filter(|edge| of(*edge) == of(index))
        .map(|edge| (other_end(edge), edge))
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let place = others
        .iter()
        .position(|(_, edge)| *edge == index)
        .unwrap_or(0) as f64;
    let gap = (NODE_HEIGHT - 16.0) / (others.len() as f64).max(1.0);
    (place - (others.len() as f64 - 1.0) / 2.0) * gap.min(14.0)
}

impl Course {
    /// Where it arrives.
    pub(crate) fn end(&self) -> Point {
        self.legs.last().map_or((0.0, 0.0), |leg| leg.to)
    }

    /// The point at a part of the way, from 0 to 1.
    pub(super) fn at(&self, part: f64) -> Point {
        let whole: f64 = self.legs.iter().map(Leg::length).sum();
        let mut left = part * whole;
        for leg in &self.legs {
            let length = leg.length();
            if left <= length {
                return leg.at(left / length.max(1e-9));
            }
            left -= length;
        }
        self.end()
    }

    /// Points so close to each other that they look like the curves; the last ones are `short` before its end.
    pub(crate) fn points(&self, short: f64) -> Vec<Point> {
        let steps = |leg: &Leg| if leg.from.1 == leg.to.1 { 1 } else { 48 };
        let mut points = vec![self.legs.first().map_or((0.0, 0.0), |leg| leg.from)];
        for leg in self.shortened(short) {
            let count = steps(&leg);
            points.extend((1..=count).map(|step| leg.at(f64::from(step) / f64::from(count))));
        }
        points
    }

    /// The course as the data of an SVG path that ends `short` before its end.
    pub(crate) fn path(&self, short: f64) -> String {
        let mut path = String::new();
        for (place, leg) in self.shortened(short).enumerate() {
            let ((x1, y1), (x2, y2)) = (leg.from, leg.to);
            if place == 0 {
                write!(path, "M{x1:.1} {y1:.1}").expect("memory takes all that is written");
            }
            if y1 == y2 && leg.reach.0 * leg.reach.1 > 0.0 {
                write!(path, "H{x2:.1}").expect("memory takes all that is written");
            } else {
                let (leave, arrive) = (x1 + leg.reach.0, x2 - leg.reach.1);
                write!(
                    path,
                    "C{leave:.1} {y1:.1} {arrive:.1} {y2:.1} {x2:.1} {y2:.1}"
                )
                .expect("memory takes all that is written");
            }
        }
        path
    }

    fn shortened(&self, short: f64) -> impl Iterator<Item = Leg> {
        let last = self.legs.len().saturating_sub(1);
        (self.legs.iter().enumerate()).map(move |(place, leg)| {
            let less = if place == last { short } else { 0.0 };
            Leg {
                to: (leg.to.0 - less, leg.to.1),
                ..*leg
            }
        })
    }

    /// How many curves it has.
    pub(super) fn legs(&self) -> usize {
        self.legs.len()
    }
}

impl Leg {
    fn at(&self, part: f64) -> Point {
        let rest = 1.0 - part;
        let (a, b) = (self.from.0 + self.reach.0, self.to.0 - self.reach.1);
        let (leave, arrive) = (3.0 * rest * rest * part, 3.0 * rest * part * part);
        let (start, end) = (rest * rest * rest, part * part * part);
        let x = start * self.from.0 + leave * a + arrive * b + end * self.to.0;
        (
            x,
            (start + leave) * self.from.1 + (arrive + end) * self.to.1,
        )
    }

    /// Roughly.
    fn length(&self) -> f64 {
        (self.to.0 - self.from.0).abs() + (self.to.1 - self.from.1).abs()
    }
}

/// How far an edge goes on before it comes back, beside a layer and within a box.
const TURN: f64 = 34.0;
const BOW: f64 = 120.0;

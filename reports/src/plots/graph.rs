//! The service graph, drawn from left to right.
//!
//! The workloads of one Service share a box. An edge is the wider the busier it is, and has the colour of failure where
//! requests fail.

mod course;
mod labels;
mod places;

pub(crate) use self::course::{Course, course};
pub(crate) use self::labels::{label, label_places};
pub(crate) use self::places::{Frame, HEAD, PAGE, Places};

use self::places::{MARGIN, PICTURE, SMALL, TEXT};
use super::call_graph::{CallGraph, Edge, Key, Node};
use super::frame::title;
use super::palette::{
    AXIS, BOX, INK, NOBODY, ORANGE, PAPER, Palette, SIDECAR, SOFT_INK, VERMILION,
};
use super::svg::{Anchor, Fill, Point, Stroke, Style, Svg, fit, fit_name};
use crate::model::RunReport;
use base::math;

/// The graph as an SVG document, if anything was requested.
pub(crate) fn draw(report: &RunReport, palette: &Palette) -> Option<String> {
    let graph = CallGraph::of(report, EDGES);
    if graph.edges.is_empty() {
        return None;
    }
    let places = Places::of(&graph, PICTURE);
    let width = places.width;
    let mut svg = Svg::new(width, places.height);
    let heading = "Service graph with measured edges";
    let mut about = super::subtitle(report);
    if graph.left_out > 0 {
        let shown = graph.edges.len();
        about.push_str(&format!(
            " · the {shown} busiest of {} edges",
            shown + graph.left_out
        ));
    }
    title(&mut svg, heading, &about, width);
    for (group, frame) in graph.groups.iter().zip(&places.boxes) {
        if let Some(frame) = frame {
            svg.rectangle(frame.at, frame.size, 10.0, Fill::solid(BOX));
            let style = Style {
                anchor: Anchor::Middle,
                ..SOFT
            };
            let at = (frame.at.0 + frame.size.0 / 2.0, frame.at.1 + 20.0);
            svg.text(
                at,
                &fit_name(&group.name, SMALL, false, frame.size.0 - 16.0),
                style,
            );
        }
    }
    draw_edges(&mut svg, &graph, &places);
    for (node, at) in graph.nodes.iter().zip(&places.nodes) {
        draw_node(&mut svg, node, *at, palette);
    }
    if graph.nodes.iter().any(|node| node.sidecar) {
        let y = places.height - 26.0;
        draw_sidecar(&mut svg, (MARGIN + 8.0, y));
        svg.text((MARGIN + 24.0, y + 5.0), "has a sidecar", SOFT);
    }
    if graph.edges.iter().any(|edge| edge.mirror) {
        let y = places.height - 26.0;
        let stroke = Stroke {
            colour: AXIS,
            width: 2.6,
            dashes: "7 5",
        };
        svg.line(&[(MARGIN + 130.0, y), (MARGIN + 165.0, y)], stroke);
        svg.text((MARGIN + 173.0, y + 5.0), "mirrored copies", SOFT);
    }
    Some(svg.finish(heading))
}

fn draw_node(svg: &mut Svg, node: &Node, frame: Frame, palette: &Palette) {
    let (x, y) = frame.at;
    let colour = match &node.key {
        Key::Traffic(_) => INK,
        Key::Workload(workload) => palette.workload(workload),
        Key::Nobody(_) => NOBODY,
    };
    svg.rectangle((x, y), frame.size, 8.0, Fill::solid(PAPER));
    svg.rectangle(
        (x + 1.0, y + 8.0),
        (5.0, frame.size.1 - 16.0),
        0.0,
        Fill::solid(colour),
    );
    let dashes = if matches!(node.key, Key::Nobody(_)) {
        "5 4"
    } else {
        ""
    };
    let stroke = Stroke {
        colour: AXIS,
        width: 1.3,
        dashes,
    };
    svg.frame((x, y), frame.size, 8.0, stroke);
    let room = frame.size.0 - 24.0 - if node.sidecar { 22.0 } else { 0.0 };
    let name = Style {
        size: TEXT,
        bold: true,
        colour: INK,
        ..SOFT
    };
    svg.text(
        (x + 16.0, y + 23.0),
        &PICTURE.fit_name(&node.name, room),
        name,
    );
    let room = frame.size.0 - 24.0;
    svg.text(
        (x + 16.0, y + 43.0),
        &fit(&node.detail, SMALL, false, room),
        SOFT,
    );
    if node.sidecar {
        draw_sidecar(svg, (x + frame.size.0 - 17.0, y + 18.0));
    }
}

/// A small hexagon: this workload has a sidecar.
fn draw_sidecar(svg: &mut Svg, (x, y): Point) {
    let outline = [
        (x, y - 8.0),
        (x + 7.0, y - 4.0),
        (x + 7.0, y + 4.0),
        (x, y + 8.0),
        (x - 7.0, y + 4.0),
        (x - 7.0, y - 4.0),
    ];
    svg.polygon(&outline, Fill::solid(SIDECAR));
    svg.circle((x, y), 2.6, Fill::solid(PAPER));
}

fn draw_edges(svg: &mut Svg, graph: &CallGraph, places: &Places) {
    let courses: Vec<Course> = (0..graph.edges.len())
        .map(|edge| course(graph, places, edge))
        .collect();
    let most = graph.edges.iter().map(|edge| edge.count).max().unwrap_or(1);
    for (edge, course) in graph.edges.iter().zip(&courses) {
        let colour = edge_colour(edge);
        let part = math::ln(1.0 + edge.count as f64) / math::ln(1.0 + most as f64);
        let dashes = if edge.mirror { "7 5" } else { "" };
        let stroke = Stroke {
            colour,
            width: 1.2 + 3.0 * part * part,
            dashes,
        };
        svg.line(&course.points(HEAD_OF_ARROW), stroke);
        let (x, y) = course.end();
        let head = [(x - 1.0, y), (x - 12.0, y - 5.5), (x - 12.0, y + 5.5)];
        svg.polygon(&head, Fill::solid(colour));
    }
    let labels = label_places(graph, places, &courses);
    for (edge, place) in graph.edges.iter().zip(labels) {
        let (lines, failures) = (label(edge), edge.failures > 0);
        let fill = Fill {
            colour: PAPER,
            opacity: 0.86,
        };
        svg.rectangle(place.at, place.size, 4.0, fill);
        let x = place.at.0 + place.size.0 / 2.0;
        let style = Style {
            anchor: Anchor::Middle,
            ..SOFT
        };
        let first = Style {
            bold: failures,
            colour: INK,
            ..style
        };
        svg.text((x, place.at.1 + 15.0), &lines[0], first);
        svg.text((x, place.at.1 + 32.0), &lines[1], style);
    }
}

fn edge_colour(edge: &Edge) -> &'static str {
    match edge.failures as f64 / edge.count as f64 {
        part if part >= 0.01 => VERMILION,
        part if part > 0.0 => ORANGE,
        _ => AXIS,
    }
}

/// A line ends within its arrow's head.
const HEAD_OF_ARROW: f64 = 9.0;
/// Of a large mesh the busiest edges are shown.
const EDGES: usize = 40;

const SOFT: Style = Style {
    size: SMALL,
    bold: false,
    colour: SOFT_INK,
    anchor: Anchor::Start,
    halo: false,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::call_graph::Group;
    use telemetry::Histogram;

    /// A graph of so many nodes, each a group, with these edges.
    fn graph(nodes: usize, edges: &[(usize, usize)]) -> CallGraph {
        let node = |index: usize| Node::called(index, &format!("service-{index}"));
        let edge = |(from, to): &(usize, usize)| Edge {
            from: *from,
            to: *to,
            mirror: false,
            count: 1_234,
            failures: 0,
            latency: Histogram::default(),
            mean_ms: 0.0,
        };
        let group = |index: usize| Group {
            name: format!("service-{index}"),
            nodes: vec![index],
        };
        CallGraph {
            nodes: (0..nodes).map(node).collect(),
            groups: (0..nodes).map(group).collect(),
            edges: edges.iter().map(edge).collect(),
            left_out: 0,
        }
    }

    fn covers(frame: &Frame, (x, y): Point) -> bool {
        let (left, top) = frame.at;
        let (right, bottom) = (left + frame.size.0, top + frame.size.1);
        x > left + 0.5 && x < right - 0.5 && y > top + 0.5 && y < bottom - 0.5
    }

    #[test]
    fn edges_and_labels_keep_off_the_nodes() {
        let cases: [(usize, &[(usize, usize)]); 4] = [
            (3, &[(0, 1), (1, 2), (0, 2)]),
            (4, &[(0, 1), (1, 2), (2, 3), (0, 3), (3, 1), (2, 0)]),
            (
                9,
                &[
                    (0, 1),
                    (0, 2),
                    (0, 3),
                    (1, 4),
                    (2, 4),
                    (3, 5),
                    (4, 6),
                    (5, 6),
                    (0, 6),
                    (1, 6),
                    (6, 7),
                    (0, 7),
                    (2, 8),
                    (7, 8),
                    (8, 3),
                ],
            ),
            (5, &[(0, 4), (1, 4), (0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]),
        ];
        for (nodes, edges) in cases {
            let graph = graph(nodes, edges);
            for medium in [PICTURE, PAGE] {
                let places = Places::of(&graph, medium);
                let courses: Vec<Course> = (0..graph.edges.len())
                    .map(|edge| course(&graph, &places, edge))
                    .collect();
                for (edge, course) in edges.iter().zip(&courses) {
                    for point in course.points(0.0) {
                        let hit = places.nodes.iter().position(|node| covers(node, point));
                        assert_eq!(hit, None, "{edge:?} of {edges:?} at {point:?}");
                        let (x, y) = point;
                        let inside =
                            (0.0..=places.width).contains(&x) && (0.0..=places.height).contains(&y);
                        assert!(inside, "{edge:?} of {edges:?} at {point:?}");
                    }
                }
                for (edge, label) in edges.iter().zip(label_places(&graph, &places, &courses)) {
                    let (left, top) = label.at;
                    let (right, bottom) = (left + label.size.0, top + label.size.1);
                    for node in &places.nodes {
                        let apart = right <= node.at.0
                            || left >= node.at.0 + node.size.0
                            || bottom <= node.at.1
                            || top >= node.at.1 + node.size.1;
                        assert!(apart, "the label of {edge:?} of {edges:?} is on a node");
                    }
                }
            }
        }
    }
}

//! The service graph, drawn from left to right.
//!
//! The workloads of one Service share a box. An edge is the wider the busier it is, and has the colour of failure where
//! requests fail.

mod labels;

pub(crate) use self::labels::label_places;

use self::labels::label;
use super::call_graph::{CallGraph, Edge, Key, Node};
use super::frame::title;
use super::layout::layers;
use super::palette::{
    AXIS, BOX, INK, NOBODY, ORANGE, PAPER, Palette, SIDECAR, SOFT_INK, VERMILION,
};
use super::svg::{Anchor, Fill, Point, Stroke, Style, Svg, fit, fit_name, text_width};
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
    Some(svg.finish(heading))
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) at: Point,
    pub(crate) size: (f64, f64),
}

/// What the graph is drawn for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Medium {
    /// A narrower graph is spread over this width.
    least_width: f64,
    most_node_width: f64,
    /// How much wider than this font's, at most, a bold name may be where it is read.
    wider: f64,
}

/// A picture, mostly read in the font that it was measured with.
const PICTURE: Medium = Medium {
    least_width: MIN_WIDTH,
    most_node_width: 250.0,
    wider: 1.06,
};

/// The page: in a reader's own font, and on screens of any width.
pub(crate) const PAGE: Medium = Medium {
    least_width: 0.0,
    most_node_width: 280.0,
    wider: 1.22,
};

/// Where everything goes.
pub(crate) struct Places {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) nodes: Vec<Frame>,
    /// Boxes of groups with several nodes.
    pub(crate) boxes: Vec<Option<Frame>>,
}

impl Places {
    pub(crate) fn of(graph: &CallGraph, medium: Medium) -> Self {
        let edges: Vec<(usize, usize, f64)> = (graph.edges.iter())
            .map(|edge| {
                let (from, to) = (graph.nodes[edge.from].group, graph.nodes[edge.to].group);
                (from, to, edge.requests as f64)
            })
            .collect();
        let layers = layers(graph.groups.len(), &edges);
        let height_of = |group: usize| {
            let count = graph.groups[group].nodes.len() as f64;
            let nodes = count * NODE_HEIGHT + (count - 1.0) * NODE_GAP;
            nodes + if count > 1.0 { BOX_HEAD + BOX_PAD } else { 0.0 }
        };
        let layer_height = |layer: &Vec<usize>| {
            let groups: f64 = layer.iter().map(|group| height_of(*group)).sum();
            groups + (layer.len() as f64 - 1.0) * GROUP_GAP
        };
        let tallest = layers.iter().map(layer_height).fold(0.0, f64::max);
        let mut nodes = vec![
            Frame {
                at: (0.0, 0.0),
                size: (0.0, 0.0)
            };
            graph.nodes.len()
        ];
        let mut boxes = vec![None; graph.groups.len()];
        let natural: f64 = 2.0 * MARGIN
            + (layers.iter())
                .map(|layer| layer_width(graph, layer, medium))
                .sum::<f64>()
            + (layers.len() as f64 - 1.0) * LAYER_GAP;
        // A narrow graph is spread over the whole width.
        let spare = (medium.least_width - natural).max(0.0) / (layers.len() as f64 - 1.0).max(1.0);
        let mut x = MARGIN;
        for layer in &layers {
            let width = layer_width(graph, layer, medium);
            let mut y = HEAD + (tallest - layer_height(layer)) / 2.0;
            for group in layer {
                let members = &graph.groups[*group].nodes;
                let several = members.len() > 1;
                if several {
                    let size = (width, height_of(*group));
                    boxes[*group] = Some(Frame { at: (x, y), size });
                }
                let mut top = y + if several { BOX_HEAD } else { 0.0 };
                let inset = if several { BOX_PAD } else { 0.0 };
                for node in members {
                    nodes[*node] = Frame {
                        at: (x + inset, top),
                        size: (width - 2.0 * inset, NODE_HEIGHT),
                    };
                    top += NODE_HEIGHT + NODE_GAP;
                }
                y += height_of(*group) + GROUP_GAP;
            }
            x += width + LAYER_GAP + spare;
        }
        Self {
            width: natural.max(medium.least_width),
            height: HEAD + tallest + MARGIN + 44.0,
            nodes,
            boxes,
        }
    }
}

fn layer_width(graph: &CallGraph, layer: &[usize], medium: Medium) -> f64 {
    let names = layer.iter().flat_map(|group| {
        let group = &graph.groups[*group];
        let pad = if group.nodes.len() > 1 {
            2.0 * BOX_PAD
        } else {
            0.0
        };
        (group.nodes.iter()).map(move |node| {
            let node = &graph.nodes[*node];
            let name = text_width(&node.name, TEXT, true) * medium.wider + 56.0;
            let detail = text_width(&node.detail, SMALL, false) * 1.08 + 30.0;
            name.max(detail) + pad
        })
    });
    names.fold(NODE_WIDTH, f64::max).min(medium.most_node_width)
}

impl Medium {
    /// A node's name, in so many pixels.
    pub(crate) fn fit_name(self, name: &str, room: f64) -> String {
        fit_name(name, TEXT, true, room / self.wider)
    }
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

/// An edge from border to border.
pub(crate) struct Course {
    pub(crate) from: Point,
    pub(crate) to: Point,
    /// How far it goes straight on at either end.
    pub(crate) reach: f64,
}

impl Course {
    /// The point at a part of the way, from 0 to 1.
    fn at(&self, part: f64) -> Point {
        let rest = 1.0 - part;
        let (a, b) = (self.from.0 + self.reach, self.to.0 - self.reach);
        let cubic = |p0: f64, p1: f64, p2: f64, p3: f64| {
            rest * rest * rest * p0
                + 3.0 * rest * rest * part * p1
                + 3.0 * rest * part * part * p2
                + part * part * part * p3
        };
        let x = cubic(self.from.0, a, b, self.to.0);
        (x, cubic(self.from.1, self.from.1, self.to.1, self.to.1))
    }
}

fn draw_edges(svg: &mut Svg, graph: &CallGraph, places: &Places) {
    let courses: Vec<Course> = (0..graph.edges.len())
        .map(|edge| course(graph, places, edge))
        .collect();
    let most = graph
        .edges
        .iter()
        .map(|edge| edge.requests)
        .max()
        .unwrap_or(1);
    for (edge, course) in graph.edges.iter().zip(&courses) {
        let colour = edge_colour(edge);
        let part = math::ln(1.0 + edge.requests as f64) / math::ln(1.0 + most as f64);
        let stroke = Stroke {
            colour,
            width: 1.2 + 3.0 * part * part,
            dashes: "",
        };
        let end = (course.to.0 - 9.0, course.to.1);
        svg.curve(course.from, end, course.reach, stroke);
        let (x, y) = course.to;
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

/// Edges leave and arrive one below the other, in the order of their other ends.
pub(crate) fn course(graph: &CallGraph, places: &Places, index: usize) -> Course {
    let edge = &graph.edges[index];
    let middle = |node: usize| {
        let frame = places.nodes[node];
        frame.at.1 + frame.size.1 / 2.0
    };
    let offset = |leaving: bool| {
        let node = if leaving { edge.from } else { edge.to };
        let mut others: Vec<(f64, usize)> = (graph.edges.iter().enumerate())
            .filter(|(_, e)| node == if leaving { e.from } else { e.to })
            .map(|(i, e)| (middle(if leaving { e.to } else { e.from }), i))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let place = others.iter().position(|(_, i)| *i == index).unwrap_or(0) as f64;
        let gap = (NODE_HEIGHT - 16.0) / (others.len() as f64).max(1.0);
        (place - (others.len() as f64 - 1.0) / 2.0) * gap.min(14.0)
    };
    let (from, to) = (places.nodes[edge.from], places.nodes[edge.to]);
    let start = (from.at.0 + from.size.0, middle(edge.from) + offset(true));
    let end = (to.at.0 - 2.0, middle(edge.to) + offset(false));
    let distance = end.0 - start.0;
    Course {
        from: start,
        to: end,
        // An edge that closes a circle goes back in a wide bow.
        reach: if distance > 0.0 {
            distance * 0.45
        } else {
            120.0
        },
    }
}

fn edge_colour(edge: &Edge) -> &'static str {
    match edge.failures as f64 / edge.requests as f64 {
        part if part >= 0.01 => VERMILION,
        part if part > 0.0 => ORANGE,
        _ => AXIS,
    }
}

/// Of a large mesh the busiest edges are shown.
const EDGES: usize = 40;
const MIN_WIDTH: f64 = 960.0;
const MARGIN: f64 = 28.0;
/// Above the nodes, for the title.
pub(crate) const HEAD: f64 = 96.0;
const NODE_WIDTH: f64 = 150.0;
const NODE_HEIGHT: f64 = 56.0;
const NODE_GAP: f64 = 18.0;
const GROUP_GAP: f64 = 40.0;
const LAYER_GAP: f64 = 190.0;
const BOX_HEAD: f64 = 32.0;
const BOX_PAD: f64 = 12.0;
const TEXT: f64 = 15.0;
const SMALL: f64 = 14.0;

const SOFT: Style = Style {
    size: SMALL,
    bold: false,
    colour: SOFT_INK,
    anchor: Anchor::Start,
    halo: false,
};

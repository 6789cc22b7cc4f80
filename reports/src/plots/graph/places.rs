//! Where nodes, boxes and the ways between them go, in pixels.

use super::EDGES;
use crate::plots::call_graph::CallGraph;
use crate::plots::layout::{Item, Layers, layers};
use crate::plots::svg::{Point, fit_name, text_width};
use std::collections::BTreeMap;

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
    /// How much further apart layers are for each further edge whose label needs room between them.
    gap_of_edge: f64,
    /// How much wider than this font's a label may be.
    wider_label: f64,
    /// How much wider than this font's, at most, a bold name may be where it is read.
    wider: f64,
}

/// A picture, mostly read in the font that it was measured with.
pub(super) const PICTURE: Medium = Medium {
    least_width: MIN_WIDTH,
    most_node_width: 250.0,
    gap_of_edge: 0.0,
    wider_label: 1.0,
    wider: 1.06,
};

/// The page: in a reader's own font, and on screens of any width.
pub(crate) const PAGE: Medium = Medium {
    least_width: 0.0,
    most_node_width: 280.0,
    gap_of_edge: 55.0,
    wider_label: 1.18,
    wider: 1.22,
};

/// Where everything goes.
pub(crate) struct Places {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) nodes: Vec<Frame>,
    /// Boxes of groups with several nodes.
    pub(crate) boxes: Vec<Option<Frame>>,
    /// How much wider than measured a label may be.
    pub(super) wider_label: f64,
    /// Where edges between two groups pass layers, from left to right.
    lanes: BTreeMap<(usize, usize), Vec<Lane>>,
}

/// A way across a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) y: f64,
}

impl Places {
    pub(crate) fn of(graph: &CallGraph, medium: Medium) -> Self {
        let edges: Vec<(usize, usize, f64)> = (graph.edges.iter())
            .map(|edge| {
                let (from, to) = (graph.nodes[edge.from].group, graph.nodes[edge.to].group);
                (from, to, edge.count as f64)
            })
            .collect();
        let layers = layers(graph.groups.len(), &edges);
        let height_of = |item: Item| match item {
            Item::Group(group) => {
                let count = graph.groups[group].nodes.len() as f64;
                let nodes = count * NODE_HEIGHT + (count - 1.0) * NODE_GAP;
                nodes + if count > 1.0 { BOX_HEAD + BOX_PAD } else { 0.0 }
            }
            Item::Passage { from, to } => {
                let count = edges.iter().filter(|edge| (edge.0, edge.1) == (from, to));
                LANE * count.count() as f64
            }
        };
        let gap_after =
            |layer: &[Item], place: usize| match (layer.get(place), layer.get(place + 1)) {
                (Some(_), None) | (None, _) => 0.0,
                (Some(Item::Group(_)), Some(Item::Group(_))) => GROUP_GAP,
                (Some(Item::Passage { .. }), Some(Item::Passage { .. })) => LANE_GAP,
                (Some(_), Some(_)) => PASSAGE_GAP,
            };
        let layer_height = |layer: &Vec<Item>| -> f64 {
            let items = layer.iter().enumerate();
            items
                .map(|(place, item)| height_of(*item) + gap_after(layer, place))
                .sum()
        };
        let tallest = layers.iter().map(layer_height).fold(0.0, f64::max);
        let gaps = gaps(graph, &layers, medium);
        let mut nodes = vec![
            Frame {
                at: (0.0, 0.0),
                size: (0.0, 0.0)
            };
            graph.nodes.len()
        ];
        let mut boxes = vec![None; graph.groups.len()];
        let mut lanes: BTreeMap<(usize, usize), Vec<Lane>> = BTreeMap::new();
        let natural: f64 = 2.0 * MARGIN
            + (layers.iter())
                .map(|layer| layer_width(graph, layer, medium))
                .sum::<f64>()
            + gaps.iter().sum::<f64>();
        // A narrow graph is spread over the whole width.
        let spare = (medium.least_width - natural).max(0.0) / (layers.len() as f64 - 1.0).max(1.0);
        let mut x = MARGIN;
        for (index, layer) in layers.iter().enumerate() {
            let width = layer_width(graph, layer, medium);
            let mut y = HEAD + (tallest - layer_height(layer)) / 2.0;
            for (place, item) in layer.iter().enumerate() {
                let height = height_of(*item);
                match *item {
                    Item::Group(group) => {
                        let members = &graph.groups[group].nodes;
                        let several = members.len() > 1;
                        if several {
                            let size = (width, height);
                            boxes[group] = Some(Frame { at: (x, y), size });
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
                    }
                    Item::Passage { from, to } => {
                        let lane = Lane {
                            left: x,
                            right: x + width,
                            y: y + height / 2.0,
                        };
                        lanes.entry((from, to)).or_default().push(lane);
                    }
                }
                y += height + gap_after(layer, place);
            }
            x += width + gaps.get(index).copied().unwrap_or(0.0) + spare;
        }
        Self {
            width: natural.max(medium.least_width),
            height: HEAD + tallest + MARGIN + 44.0,
            nodes,
            boxes,
            wider_label: medium.wider_label,
            lanes,
        }
    }
}

/// The room after each layer but the last.
fn gaps(graph: &CallGraph, layers: &Layers, medium: Medium) -> Vec<f64> {
    let layer_of = |node: usize| {
        let group = Item::Group(graph.nodes[node].group);
        layers.iter().position(|layer| layer.contains(&group))
    };
    let spans: Vec<_> = (graph.edges.iter())
        .map(|edge| (layer_of(edge.from), layer_of(edge.to)))
        .collect();
    (1..layers.len())
        .map(|index| {
            let (before, after) = (Some(index - 1), Some(index));
            let passing = spans
                .iter()
                .filter(|(from, to)| from.min(to) <= &before && from.max(to) >= &after);
            let further = passing.count().saturating_sub(ROOMY).min(ROOMY) as f64;
            // Labels of a large mesh are shown one by one.
            let labelled = graph.edges.len() <= EDGES;
            LAYER_GAP
                + if labelled {
                    further * medium.gap_of_edge
                } else {
                    0.0
                }
        })
        .collect()
}

/// As wide as its widest node; a layer of passages alone needs less.
fn layer_width(graph: &CallGraph, layer: &[Item], medium: Medium) -> f64 {
    let groups = layer.iter().filter_map(|item| match item {
        Item::Group(group) => Some(*group),
        Item::Passage { .. } => None,
    });
    let names = groups.flat_map(|group| {
        let group = &graph.groups[group];
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

impl Places {
    /// The ways of an edge across layers, from left to right, apart from those of other edges between the same groups.
    pub(super) fn lanes_of(&self, graph: &CallGraph, index: usize) -> Vec<Lane> {
        let pair = |edge: usize| {
            let edge = &graph.edges[edge];
            (graph.nodes[edge.from].group, graph.nodes[edge.to].group)
        };
        let Some(lanes) = self.lanes.get(&pair(index)) else {
            return Vec::new();
        };
        let same: Vec<usize> = (0..graph.edges.len())
            .filter(|other| pair(*other) == pair(index))
            .collect();
        let place = same.iter().position(|other| *other == index).unwrap_or(0) as f64;
        let offset = (place - (same.len() as f64 - 1.0) / 2.0) * LANE;
        let shifted = |lane: &Lane| Lane {
            y: lane.y + offset,
            ..*lane
        };
        lanes.iter().map(shifted).collect()
    }
}

const MIN_WIDTH: f64 = 960.0;
pub(super) const MARGIN: f64 = 28.0;
/// Above the nodes, for the title.
pub(crate) const HEAD: f64 = 96.0;
const NODE_WIDTH: f64 = 150.0;
pub(super) const NODE_HEIGHT: f64 = 56.0;
const NODE_GAP: f64 = 18.0;
const GROUP_GAP: f64 = 40.0;
const LAYER_GAP: f64 = 190.0;
/// The labels of so many edges have room between two layers.
const ROOMY: usize = 3;
/// The room of an edge that passes a layer, and the room between passages, and beside groups.
const LANE: f64 = 10.0;
const LANE_GAP: f64 = 14.0;
const PASSAGE_GAP: f64 = 24.0;
const BOX_HEAD: f64 = 32.0;
const BOX_PAD: f64 = 12.0;
pub(super) const TEXT: f64 = 15.0;
pub(super) const SMALL: f64 = 14.0;

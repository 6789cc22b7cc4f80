//! Where the nodes of a directed graph go: in layers from left to right, with few crossings.
//!
//! Nodes of one group (the versions of a Service) stay together, one below the other. Everything follows the order in
//! which nodes and edges are given, so the same graph is always drawn in the same way.

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsEvent, EdgeRef, depth_first_search};

/// The layers from left to right, each from top to bottom.
pub(crate) type Layers = Vec<Vec<Item>>;

/// What has a place in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// A group of nodes.
    Group(usize),
    /// Where the edges from one group to another pass on their way, so that they run behind nobody.
    Passage { from: usize, to: usize },
}

/// Puts `groups` groups into layers, so that edges (from, to, weight) go to the right but for those that close a circle.
/// Edges pass through the layers between their ends; those that go back, through the layers of their ends too.
pub(crate) fn layers(groups: usize, edges: &[(usize, usize, f64)]) -> Layers {
    let (graph, closing) = without_circles(groups, edges);
    let order = toposort(&graph, None).expect("edges that close a circle have been left out");
    let mut layer = vec![0_usize; groups];
    for node in &order {
        for edge in graph.edges(*node) {
            let target = edge.target().index();
            layer[target] = layer[target].max(layer[node.index()] + 1);
        }
    }
    let count = layer.iter().max().map_or(0, |last| last + 1);
    let mut items: Vec<Item> = (0..groups).map(Item::Group).collect();
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (group, layer) in layer.iter().enumerate() {
        layers[*layer].push(group);
    }
    let mut steps: DiGraph<(), f64> = DiGraph::new();
    for _ in 0..groups {
        steps.add_node(());
    }
    let mut pass = |(from, to): (usize, usize), index: usize, steps: &mut DiGraph<(), f64>| {
        let item = steps.add_node(());
        items.push(Item::Passage { from, to });
        layers[index].push(item.index());
        item
    };
    for edge in graph.edge_references() {
        let (from, to) = (edge.source(), edge.target());
        let pair = (from.index(), to.index());
        let mut last = from;
        for index in layer[pair.0] + 1..layer[pair.1] {
            let next = pass(pair, index, &mut steps);
            steps.add_edge(last, next, *edge.weight());
            last = next;
        }
        steps.add_edge(last, to, *edge.weight());
    }
    for (from, to, weight) in closing {
        let mut last = None;
        for index in layer[to]..=layer[from] {
            let next = pass((from, to), index, &mut steps);
            if let Some(last) = last {
                steps.add_edge(last, next, weight);
            }
            last = Some(next);
        }
    }
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        for index in 0..count {
            let index = if forth { index } else { count - 1 - index };
            sort_by_neighbours(&mut layers, index, forth, &steps);
        }
    }
    (layers.into_iter())
        .map(|layer| layer.into_iter().map(|item| items[item]).collect())
        .collect()
}

/// The edges of which no one closes a circle, and those that would.
type Circles = (DiGraph<(), f64>, Vec<(usize, usize, f64)>);

fn without_circles(groups: usize, edges: &[(usize, usize, f64)]) -> Circles {
    let mut graph = DiGraph::new();
    for _ in 0..groups {
        graph.add_node(());
    }
    for (from, to, weight) in edges {
        if from != to {
            graph.update_edge(NodeIndex::new(*from), NodeIndex::new(*to), *weight);
        }
    }
    let mut closing = Vec::new();
    depth_first_search(&graph, graph.node_indices(), |event| {
        if let DfsEvent::BackEdge(from, to) = event {
            closing.push((from, to));
        }
    });
    let mut closed = Vec::new();
    for (from, to) in closing {
        let edge = graph.find_edge(from, to);
        if let Some(weight) = edge.and_then(|edge| graph.remove_edge(edge)) {
            closed.push((from.index(), to.index(), weight));
        }
    }
    (graph, closed)
}

/// Sorts a layer by the mean place of its neighbours on the left (`forth`) or on the right.
fn sort_by_neighbours(
    layers: &mut [Vec<usize>],
    index: usize,
    forth: bool,
    graph: &DiGraph<(), f64>,
) {
    let mut place = vec![0.0; graph.node_count()];
    for layer in layers.iter() {
        for (position, group) in layer.iter().enumerate() {
            place[*group] = (position as f64 + 0.5) / layer.len() as f64;
        }
    }
    let direction = if forth {
        petgraph::Incoming
    } else {
        petgraph::Outgoing
    };
    let mean = |group: usize| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for edge in graph.edges_directed(NodeIndex::new(group), direction) {
            let other = if forth { edge.source() } else { edge.target() };
            sum += place[other.index()] * edge.weight();
            weight += edge.weight();
        }
        if weight > 0.0 {
            sum / weight
        } else {
            place[group]
        }
    };
    let mut keyed: Vec<(f64, usize)> = (layers[index].iter())
        .map(|group| (mean(*group), *group))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    layers[index] = keyed.into_iter().map(|(_, group)| group).collect();
}

const SWEEPS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers as text: groups by their numbers, passages by their ends.
    fn told(groups: usize, edges: &[(usize, usize)]) -> Vec<Vec<String>> {
        let edges: Vec<_> = edges.iter().map(|(from, to)| (*from, *to, 1.0)).collect();
        let item = |item: Item| match item {
            Item::Group(group) => group.to_string(),
            Item::Passage { from, to } => format!("{from}>{to}"),
        };
        (layers(groups, &edges).into_iter())
            .map(|layer| layer.into_iter().map(item).collect())
            .collect()
    }

    #[test]
    fn edges_go_to_the_right_and_pass_through_the_layers_between() {
        type Case = (
            usize,
            &'static [(usize, usize)],
            &'static [&'static [&'static str]],
        );
        let cases: [Case; 6] = [
            (
                3,
                &[(0, 1), (1, 2), (0, 2)],
                &[&["0"], &["1", "0>2"], &["2"]],
            ),
            (
                3,
                &[(0, 1), (1, 2), (2, 1)],
                &[&["0"], &["1", "2>1"], &["2", "2>1"]],
            ),
            (
                4,
                &[(0, 3), (0, 1), (1, 2), (3, 2)],
                &[&["0"], &["1", "3"], &["2"]],
            ),
            (
                4,
                &[(0, 1), (1, 2), (2, 3), (0, 3), (0, 3)],
                &[&["0"], &["1", "0>3"], &["2", "0>3"], &["3"]],
            ),
            (1, &[(0, 0)], &[&["0"]]),
            (0, &[], &[]),
        ];
        for (groups, edges, expected) in cases {
            assert_eq!(told(groups, edges), expected, "{edges:?}");
        }
    }

    #[test]
    fn neighbours_are_opposite_to_each_other() {
        assert_eq!(told(4, &[(0, 3), (1, 2)]), [["0", "1"], ["3", "2"]]);
    }
}

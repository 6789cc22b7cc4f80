//! Where the nodes of a directed graph go: in layers from left to right, with few crossings.
//!
//! Nodes of one group (the versions of a Service) stay together, one below the other. Everything follows the order in
//! which nodes and edges are given, so the same graph is always drawn in the same way.

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsEvent, EdgeRef, depth_first_search};

/// The layers from left to right, each with its groups from top to bottom.
pub(crate) type Layers = Vec<Vec<usize>>;

/// Puts `groups` groups into layers, so that edges (from, to, weight) go to the right but for those that close a circle.
pub(crate) fn layers(groups: usize, edges: &[(usize, usize, f64)]) -> Layers {
    let graph = without_circles(groups, edges);
    let order = toposort(&graph, None).expect("edges that close a circle have been left out");
    let mut layer = vec![0_usize; groups];
    for node in &order {
        for edge in graph.edges(*node) {
            let target = edge.target().index();
            layer[target] = layer[target].max(layer[node.index()] + 1);
        }
    }
    let count = layer.iter().max().map_or(0, |last| last + 1);
    let mut layers: Layers = vec![Vec::new(); count];
    for (group, layer) in layer.iter().enumerate() {
        layers[*layer].push(group);
    }
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        for index in 0..count {
            let index = if forth { index } else { count - 1 - index };
            sort_by_neighbours(&mut layers, index, forth, &graph);
        }
    }
    layers
}

fn without_circles(groups: usize, edges: &[(usize, usize, f64)]) -> DiGraph<(), f64> {
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
    for (from, to) in closing {
        if let Some(edge) = graph.find_edge(from, to) {
            graph.remove_edge(edge);
        }
    }
    graph
}

/// Sorts a layer by the mean place of its neighbours on the left (`forth`) or on the right.
fn sort_by_neighbours(layers: &mut Layers, index: usize, forth: bool, graph: &DiGraph<(), f64>) {
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

    #[test]
    fn edges_go_to_the_right() {
        for (groups, edges, expected) in [
            (
                3,
                vec![(0, 1), (1, 2), (0, 2)],
                vec![vec![0], vec![1], vec![2]],
            ),
            (
                3,
                vec![(0, 1), (1, 2), (2, 1)],
                vec![vec![0], vec![1], vec![2]],
            ),
            (
                4,
                vec![(0, 3), (0, 1), (1, 2), (3, 2)],
                vec![vec![0], vec![1, 3], vec![2]],
            ),
            (1, vec![(0, 0)], vec![vec![0]]),
            (0, vec![], vec![]),
        ] {
            let edges: Vec<_> = edges
                .into_iter()
                .map(|(from, to)| (from, to, 1.0))
                .collect();
            assert_eq!(layers(groups, &edges), expected, "{edges:?}");
        }
    }

    #[test]
    fn neighbours_are_opposite_to_each_other() {
        let edges = [(0, 3, 1.0), (1, 2, 1.0)];
        assert_eq!(layers(4, &edges), [vec![0, 1], vec![3, 2]]);
    }
}

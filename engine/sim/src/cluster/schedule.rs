//! Where a pod runs: on a node that it may run on and that has room, spread over zones, then over nodes.
//!
//! Source: kubernetes.io, «Pod Topology Spread Constraints» (cluster-level defaults), as far as it goes: scores of other
//! plug-ins are left out.

use crate::cluster::ClusterState;
use crate::observation::{Observer, PodPhase};
use crate::plan::PodId;
use crate::plan::cluster::{ControllerId, NodeId};
use crate::world::World;

/// What is true of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeState {
    /// Pods on it.
    pub(crate) pods: u32,
    /// It takes no further pods.
    pub(crate) is_cordoned: bool,
    /// It has failed.
    pub(crate) is_down: bool,
    /// Tells its failures apart.
    pub(crate) epoch: u32,
}

impl ClusterState<'_> {
    fn has_room(&self, node: NodeId) -> bool {
        let state = &self.nodes[node.index()];
        let capacity = self.plan.nodes[node.index()].capacity;
        !state.is_cordoned
            && !state.is_down
            && capacity.is_none_or(|capacity| state.pods < capacity)
    }

    /// The best node among some: that with the fewest pods of the controller in its zone, then on it, then of all.
    fn best(&self, id: ControllerId, nodes: impl Iterator<Item = NodeId>) -> Option<NodeId> {
        let controller = &self.plan.controllers[id.index()];
        let slots = controller.revisions.iter().flat_map(|r| &r.slots);
        let siblings: Vec<NodeId> = slots
            .filter_map(|pod| self.pod(*pod).node.filter(|_| self.pod(*pod).is_active()))
            .collect();
        nodes
            .filter(|node| self.has_room(*node))
            .min_by_key(|node| {
                let zone = self.plan.nodes[node.index()].zone;
                let in_zone = siblings
                    .iter()
                    .filter(|other| self.plan.nodes[other.index()].zone == zone);
                let on_node = siblings.iter().filter(|other| *other == node);
                let all = self.nodes[node.index()].pods;
                (in_zone.count(), on_node.count(), all, node.index())
            })
    }
}

impl<O: Observer> World<'_, O> {
    /// A free slot for a pod of a controller's template, and a node for it.
    pub(crate) fn place(&mut self, id: ControllerId, revision: usize) -> Option<(PodId, NodeId)> {
        let cluster = self.cluster();
        let template = &cluster.plan.controllers[id.index()].revisions[revision];
        let free = |locality: u32| {
            let mut slots = template.slots.iter().copied();
            slots.find(|pod| {
                cluster.pod(*pod).phase == PodPhase::Absent
                    && cluster.slot(*pod).locality == locality
            })
        };
        let locality = |node: NodeId| cluster.plan.nodes[node.index()].locality;
        let nodes = template.nodes.iter().copied();
        let node = cluster.best(id, nodes.filter(|node| free(locality(*node)).is_some()))?;
        Some((free(locality(node))?, node))
    }

    /// A node for a pod that has a slot of its own.
    pub(crate) fn node_for(
        &mut self,
        id: ControllerId,
        revision: usize,
        pod: PodId,
    ) -> Option<NodeId> {
        let cluster = self.cluster();
        let template = &cluster.plan.controllers[id.index()].revisions[revision];
        let locality = cluster.slot(pod).locality;
        let nodes = template.nodes.iter().copied();
        let is_here = |node: &NodeId| cluster.plan.nodes[node.index()].locality == locality;
        cluster.best(id, nodes.filter(is_here))
    }
}

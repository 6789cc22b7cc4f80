//! What inbound clusters of sidecars answered, counted as requests end at them.
//!
//! Sidecars of servers count no tries and connections themselves, since a request to which nothing can happen goes straight
//! to its application. Whatever way it takes, its end is told, and that is what Envoy counts as completed.

use crate::names::PlanNames;
use crate::proxies::{ProxyFigures, StatScope, StatScopeKind};
use proxy::names::ClusterId;
use sim::observation::Reception;
use sim::plan::PodId;
use std::collections::BTreeMap;

/// Answers by pod and inbound cluster.
#[derive(Debug)]
pub(crate) struct Inbound {
    pods: Vec<Vec<(ClusterId, Answers)>>,
}

/// Answers by the class of their status, from 1xx to 5xx.
type Answers = [u64; 5];

impl Inbound {
    pub(crate) fn new(pods: usize) -> Self {
        Self {
            pods: vec![Vec::new(); pods],
        }
    }

    /// A request has ended at a sidecar. Whom its client left has no answer, and bytes have no status.
    #[inline]
    pub(crate) fn count(&mut self, reception: &Reception) {
        let Some(cluster) = reception.reply.cluster else {
            return;
        };
        let status = reception.reply.status;
        if reception.is_tcp || !(100..=599).contains(&status) {
            return;
        }
        let class = usize::from(status / 100 - 1);
        // A pod has as many inbound clusters as ports.
        let clusters = &mut self.pods[reception.target.index()];
        match clusters.iter_mut().find(|(known, _)| *known == cluster) {
            Some((_, answers)) => answers[class] += 1,
            None => {
                let mut answers = Answers::default();
                answers[class] = 1;
                clusters.push((cluster, answers));
            }
        }
    }

    /// As counters of the pods' proxies.
    pub(crate) fn finish(self, names: &PlanNames) -> impl Iterator<Item = ProxyFigures> {
        let used = self.pods.into_iter().enumerate();
        let used = used.filter(|(_, clusters)| !clusters.is_empty());
        used.map(|(pod, clusters)| {
            let scopes = clusters.into_iter().map(|(id, answers)| StatScope {
                kind: StatScopeKind::Cluster,
                name: names.cluster(id).cluster.clone(),
                counters: counters(&answers),
                gauges: BTreeMap::new(),
            });
            ProxyFigures::with(PodId::new(pod), scopes.collect(), names)
        })
    }
}

/// By Envoy's names, without those that are zero.
fn counters(answers: &Answers) -> BTreeMap<String, u64> {
    let classes = (1..).zip(answers).filter(|(_, count)| **count > 0);
    let classes = classes.map(|(class, count)| (format!("upstream_rq_{class}xx"), *count));
    let completed = ("upstream_rq_completed".to_owned(), answers.iter().sum());
    classes.chain([completed]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_add_up_to_what_is_completed() {
        let counters = counters(&[0, 7, 0, 1, 2]);
        let all: Vec<(&str, u64)> = (counters.iter())
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(
            all,
            [
                ("upstream_rq_2xx", 7),
                ("upstream_rq_4xx", 1),
                ("upstream_rq_5xx", 2),
                ("upstream_rq_completed", 10),
            ]
        );
    }
}

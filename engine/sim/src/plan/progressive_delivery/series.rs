//! What is counted of requests: the series of Istio's standard metrics that a query sums up.

use crate::plan::PodId;
use base::SimDuration;

base::id! {
    /// A sum of series that somebody asks for.
    pub SeriesId,
}

/// The requests whose labels meet the matchers of a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Who reports them; none: both ends do, each for itself.
    pub reporter: Option<Reporter>,
    /// The pods that sent them; none: any.
    pub sources: Option<Vec<bool>>,
    /// The pods that they reached, and last whether they may have reached none; none: any.
    pub targets: Option<Vec<bool>>,
    /// The pods that report them, and last whether nobody may; none: any.
    pub reporters: Option<Vec<bool>>,
    /// Where they were sent: clusters, then Services, then what sites dial; none: anywhere.
    pub destinations: Option<Vec<bool>>,
    /// How they were answered, by status; none: in any way.
    pub statuses: Option<Vec<bool>>,
    /// The longest time that is looked back over.
    pub longest: SimDuration,
}

/// Who reports a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// The proxy that sent it.
    Source,
    /// The proxy that received it.
    Destination,
}

/// A request, as far as its labels go.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// Who reports it.
    pub reporter: Reporter,
    /// The pod that sent it.
    pub source: PodId,
    /// The pod that it reached.
    pub target: Option<PodId>,
    /// Where it was sent: the place among clusters, Services and sites.
    pub destination: usize,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
}

impl Series {
    /// Whether a request is one of them.
    #[inline]
    pub fn has(&self, labels: Labels) -> bool {
        let is_in = |set: &Option<Vec<bool>>, place: usize| {
            set.as_ref()
                .is_none_or(|set| set.get(place).copied().unwrap_or(false))
        };
        let last = |set: &Option<Vec<bool>>| set.as_ref().map_or(0, |set| set.len() - 1);
        let is_pod_in = |set: &Option<Vec<bool>>, pod: Option<PodId>| {
            is_in(set, pod.map_or_else(|| last(set), PodId::index))
        };
        let reporting = match labels.reporter {
            Reporter::Source => Some(labels.source),
            Reporter::Destination => labels.target,
        };
        self.reporter.is_none_or(|one| one == labels.reporter)
            && is_in(&self.statuses, usize::from(labels.status))
            && is_in(&self.destinations, labels.destination)
            && is_pod_in(&self.sources, Some(labels.source))
            && is_pod_in(&self.targets, labels.target)
            && is_pod_in(&self.reporters, reporting)
    }

    /// Whether it counts the same requests as another, whatever they look back over.
    pub fn counts_as(&self, other: &Self) -> bool {
        let longest = self.longest;
        *self
            == Self {
                longest,
                ..other.clone()
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_if_all_its_labels_are_meant() {
        let labels = Labels {
            reporter: Reporter::Source,
            source: PodId::new(0),
            target: Some(PodId::new(1)),
            destination: 2,
            status: 503,
        };
        let nobody = Labels {
            target: None,
            ..labels
        };
        assert!(Series::default().has(labels) && Series::default().has(nobody));
        let of_target = Series {
            reporter: Some(Reporter::Source),
            targets: Some(vec![false, true, false]),
            ..Series::default()
        };
        assert!(of_target.has(labels) && !of_target.has(nobody));
        let of_nobody = Series {
            targets: Some(vec![false, false, true]),
            ..Series::default()
        };
        assert!(!of_nobody.has(labels) && of_nobody.has(nobody));
        // Both ends report it: the source by its own pod's labels, the destination by its own.
        let by_target = Series {
            reporters: Some(vec![false, true, false]),
            ..Series::default()
        };
        let received = Labels {
            reporter: Reporter::Destination,
            ..labels
        };
        assert!(!by_target.has(labels) && by_target.has(received));
        let received = Series {
            reporter: Some(Reporter::Destination),
            ..Series::default()
        };
        assert!(!received.has(labels));
        let elsewhere = Series {
            destinations: Some(vec![true, true, false]),
            ..Series::default()
        };
        assert!(!elsewhere.has(labels));
        let mut statuses = vec![false; 600];
        statuses[503] = true;
        let failed = Series {
            statuses: Some(statuses),
            ..Series::default()
        };
        assert!(failed.has(labels));
    }
}

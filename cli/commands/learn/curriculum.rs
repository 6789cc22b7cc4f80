//! What the exam asks for: the domains and competencies of the Istio Certified Associate's curriculum of August 2025.
//!
//! Source: the curriculum that CNCF publishes (github.com/cncf/curriculum, ICA_Curriculum.pdf). The pass mark and the
//! number of tasks are what third parties report; no official page says them.

use super::exercise::Exercise;

/// A domain of the exam.
#[derive(Debug)]
pub(crate) struct Domain {
    /// How the names of its competencies begin.
    pub(crate) prefix: &'static str,
    pub(crate) name: &'static str,
    /// Its part of the exam, in per cent.
    pub(crate) weight: usize,
    /// Whether a simulator can teach it, and so a mock exam asks for it.
    pub(crate) simulated: bool,
    /// Its competencies in the order of their numbers: `TM1` is the first of `TM`.
    pub(crate) competencies: &'static [&'static str],
}

/// The domains, in the curriculum's order.
pub(crate) const DOMAINS: [Domain; 4] = [
    Domain {
        prefix: "INS",
        name: "Installation, Upgrades, and Configuration",
        weight: 20,
        simulated: false,
        competencies: &[
            "installing with istioctl or Helm",
            "sidecar or ambient mode",
            "customizing the installation",
            "upgrading",
        ],
    },
    Domain {
        prefix: "TM",
        name: "Traffic Management",
        weight: 35,
        simulated: true,
        competencies: &[
            "ingress and egress traffic",
            "routing within a mesh",
            "traffic policies with destination rules",
            "traffic shifting",
            "external workloads and services",
            "resilience",
            "fault injection",
        ],
    },
    Domain {
        prefix: "SEC",
        name: "Securing Workloads",
        weight: 25,
        simulated: false,
        competencies: &["authorization", "authentication", "edge traffic with TLS"],
    },
    Domain {
        prefix: "TS",
        name: "Troubleshooting",
        weight: 20,
        simulated: true,
        competencies: &["configuration", "the control plane", "the data plane"],
    },
];

/// How many tasks an exam has.
pub(crate) const TASKS: usize = 16;
/// The share of the tasks that must pass, in per cent.
pub(crate) const PASS_MARK: usize = 68;

impl Domain {
    /// The exercises that count for it: those whose first competency is one of its own.
    pub(crate) fn exercises<'a>(&self, all: &'a [Exercise]) -> Vec<&'a Exercise> {
        let own = all.iter();
        own.filter(|exercise| exercise.competency().starts_with(self.prefix))
            .collect()
    }
}

/// What a competency is called: `TM2` is routing within a mesh.
pub(crate) fn competency_name(competency: &str) -> Option<&'static str> {
    DOMAINS.iter().find_map(|domain| {
        let number: usize = competency.strip_prefix(domain.prefix)?.parse().ok()?;
        domain.competencies.get(number.checked_sub(1)?).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn competencies_are_numbered_from_one() {
        assert_eq!(competency_name("TM2"), Some("routing within a mesh"));
        assert_eq!(competency_name("TS3"), Some("the data plane"));
        for unknown in ["TM0", "TM8", "TS", "X1", ""] {
            assert_eq!(competency_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_weights_are_those_of_a_whole_exam() {
        let sum: usize = DOMAINS.iter().map(|domain| domain.weight).sum();
        assert_eq!(sum, 100);
    }
}

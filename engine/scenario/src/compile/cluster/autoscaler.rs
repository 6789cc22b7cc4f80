//! HorizontalPodAutoscalers and PodDisruptionBudgets of the manifests, as the world plays them.

use crate::compile::cluster::pool::share;
use crate::compile::cluster::{Pools, Written};
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::object_name::ObjectName;
use crate::place::Place;
use base::SimDuration;
use manifest::horizontal_pod_autoscaler::{HorizontalPodAutoscaler, HpaScalingRules, MetricSpec};
use sim::plan::cluster::{
    Autoscaler, DisruptionBudget, Keeps, Metric, ScalingPolicy, ScalingRules, Select, Share,
};

/// How many pods an autoscaler may want of a workload, in any stage.
pub(in crate::compile) fn most(stages: &[Written], workload: &ObjectName) -> u32 {
    let all = stages
        .iter()
        .flat_map(|stage| &stage.resources.horizontal_pod_autoscalers);
    let own = all.filter(|one| {
        one.meta.namespace == workload.namespace && one.spec.scale_target_ref.name == workload.name
    });
    own.map(|one| one.spec.max_replicas).max().unwrap_or(0)
}

/// Whether an autoscaler, which makes pods come and go, is in any stage.
pub(in crate::compile) fn has_any(stages: &[Written]) -> bool {
    let mut stages = stages.iter();
    stages.any(|stage| !stage.resources.horizontal_pod_autoscalers.is_empty())
}

impl Pools {
    /// The autoscalers of the first stage.
    pub(in crate::compile) fn autoscalers(
        &self,
        stage: &Written,
        report: &mut Report,
    ) -> Vec<Autoscaler> {
        let all = stage.resources.horizontal_pod_autoscalers.iter();
        all.filter_map(|one| self.autoscaler(one, report)).collect()
    }

    fn autoscaler(
        &self,
        written: &HorizontalPodAutoscaler,
        report: &mut Report,
    ) -> Option<Autoscaler> {
        let name = format!("{}/{}", written.meta.namespace, written.meta.name);
        let place = Place::at(&written.location);
        let spec = &written.spec;
        let target = ObjectName {
            namespace: written.meta.namespace.clone(),
            name: spec.scale_target_ref.name.clone(),
        };
        let Some(controller) = self.find(&target).into_iter().next() else {
            let message =
                format!("HorizontalPodAutoscaler {name} scales {target}, which is not there");
            report.warn(code::NOT_SIMULATED, &place, message, None);
            return None;
        };
        let mut metrics: Vec<Metric> = Vec::new();
        for one in &spec.metrics {
            match metric(one) {
                Some(metric) => metrics.push(metric),
                None => {
                    let message = format!(
                        "HorizontalPodAutoscaler {name} does not see its metric of type {}",
                        one.metric_type
                    );
                    let help = "`Resource` cpu and `Pods` requests per second are simulated";
                    report.warn(code::NOT_SIMULATED, &place, message, Some(help.into()));
                }
            }
        }
        if spec.metrics.is_empty() {
            let percent = spec.target_cpu_utilization_percentage.unwrap_or(80);
            metrics.push(Metric::CpuUtilization(f64::from(percent)));
        }
        let template = &self.pools[controller.index()].templates[0];
        let asks = template.written.spec.containers.iter().all(|container| {
            let resources = &container.resources;
            resources.requests.contains_key("cpu") || resources.limits.contains_key("cpu")
        });
        if !asks
            && metrics
                .iter()
                .any(|metric| matches!(metric, Metric::CpuUtilization(_)))
        {
            let message = format!(
                "HorizontalPodAutoscaler {name} cannot tell how busy pods are whose containers ask for no CPU"
            );
            let help = "write `resources.requests.cpu` for each container";
            report.warn(code::NOT_SIMULATED, &place, message, Some(help.into()));
        }
        let (up, down) = (&spec.behavior.scale_up, &spec.behavior.scale_down);
        let tolerance = up
            .iter()
            .chain(down)
            .find_map(|rules| rules.tolerance.as_ref());
        Some(Autoscaler {
            name,
            controller,
            min_replicas: spec.min_replicas.unwrap_or(1),
            max_replicas: spec.max_replicas,
            metrics,
            scale_up: rules(
                up.as_ref(),
                0,
                &[(Share::Percent(100), 15), (Share::Count(4), 15)],
            ),
            scale_down: rules(down.as_ref(), 300, &[(Share::Percent(100), 15)]),
            tolerance: tolerance.map_or(0.1, manifest::quantity::Quantity::value),
            sync_period: SimDuration::from_secs(15),
            cpu_initialization: SimDuration::from_secs(300),
            initial_readiness: SimDuration::from_secs(30),
        })
    }

    /// The budgets of the first stage.
    pub(in crate::compile) fn budgets(
        &self,
        stage: &Written,
        population: &Population,
    ) -> Vec<DisruptionBudget> {
        let all = stage.resources.pod_disruption_budgets.iter();
        let budgets = all.filter_map(|one| {
            let selector = one.spec.selector.as_ref()?;
            let keeps = match (&one.spec.min_available, &one.spec.max_unavailable) {
                (Some(least), _) => Keeps::MinAvailable(share(least)),
                (None, Some(most)) => Keeps::MaxUnavailable(share(most)),
                (None, None) => return None,
            };
            let pods = population.pod_ids().filter(|pod| {
                let candidate = population.candidate(*pod);
                candidate.namespace == one.meta.namespace && selector.matches(candidate.labels)
            });
            Some(DisruptionBudget {
                name: format!("{}/{}", one.meta.namespace, one.meta.name),
                pods: pods.collect(),
                keeps,
            })
        });
        budgets.collect()
    }
}

fn metric(written: &MetricSpec) -> Option<Metric> {
    if let Some(resource) = written.resource.as_ref().filter(|one| one.name == "cpu") {
        let target = &resource.target;
        return match (target.average_utilization, &target.average_value) {
            (Some(percent), _) => Some(Metric::CpuUtilization(f64::from(percent))),
            (None, Some(cores)) => Some(Metric::CpuAverage(cores.value())),
            (None, None) => None,
        };
    }
    let pods = written.pods.as_ref()?;
    let value = pods.target.average_value.as_ref()?.value();
    // Adapters name it as they like.
    let is_requests = pods.metric.name.contains("request");
    (is_requests && value > 0.0).then_some(Metric::RequestsPerSecond(value))
}

fn rules(
    written: Option<&HpaScalingRules>,
    stabilization: u32,
    by_default: &[(Share, u32)],
) -> ScalingRules {
    let policy = |(amount, seconds): (Share, u32)| ScalingPolicy {
        amount,
        period: SimDuration::from_secs(u64::from(seconds)),
    };
    let policies = written.map(|rules| rules.policies.as_slice());
    let policies = match policies {
        None | Some([]) => by_default.iter().copied().map(policy).collect(),
        Some(policies) => policies
            .iter()
            .map(|one| {
                let amount = if one.policy_type == "Percent" {
                    Share::Percent(one.value)
                } else {
                    Share::Count(one.value)
                };
                policy((amount, one.period_seconds))
            })
            .collect(),
    };
    let select = written.and_then(|rules| rules.select_policy.as_deref());
    let window = written.and_then(|rules| rules.stabilization_window_seconds);
    ScalingRules {
        stabilization: SimDuration::from_secs(u64::from(window.unwrap_or(stabilization))),
        policies,
        select: match select {
            Some("Min") => Select::Min,
            Some("Disabled") => Select::Disabled,
            Some(_) | None => Select::Max,
        },
    }
}

//! The templates of a Rollout over time, and the hash by which Argo tells their pods apart.

use crate::compile::cluster::Written;
use crate::compile::report::{Report, code};
use crate::object_name::ObjectName;
use crate::place::Place;
use manifest::Resources;
use manifest::pod::PodTemplateSpec;
use manifest::rollout::Rollout;

/// The label of pods, in selectors of Services and in subsets.
pub(super) const HASH: &str = "rollouts-pod-template-hash";

/// A Rollout over all stages.
pub(super) struct History {
    pub(super) name: ObjectName,
    /// The stage that has it first.
    pub(super) first: usize,
    /// The hash of each template, in the order in which they come.
    pub(super) hashes: Vec<String>,
    /// The template of each stage that has it.
    pub(super) sequence: Vec<usize>,
}

/// Gives each Rollout its template, with the label, in all stages.
pub(super) fn resolve(stages: &mut [Written], report: &mut Report) -> Vec<History> {
    let mut histories: Vec<History> = Vec::new();
    let mut known: Vec<Vec<PodTemplateSpec>> = Vec::new();
    for (number, stage) in stages.iter_mut().enumerate() {
        refer(&mut stage.resources, report);
        for rollout in &mut stage.resources.rollouts {
            let name = ObjectName {
                namespace: rollout.meta.namespace.clone(),
                name: rollout.meta.name.clone(),
            };
            let Some(template) = &mut rollout.spec.template else {
                continue;
            };
            let place = histories.iter().position(|one| one.name == name);
            let place = place.unwrap_or_else(|| {
                histories.push(History {
                    name,
                    first: number,
                    hashes: Vec::new(),
                    sequence: Vec::new(),
                });
                known.push(Vec::new());
                histories.len() - 1
            });
            let (history, known) = (&mut histories[place], &mut known[place]);
            let same = known.iter().position(|one| one == template);
            let index = same.unwrap_or_else(|| {
                history.hashes.push(hash(&history.name, known.len()));
                known.push(template.clone());
                known.len() - 1
            });
            history.sequence.push(index);
            let hash = history.hashes[index].clone();
            template.metadata.labels.insert(HASH.to_owned(), hash);
        }
    }
    histories
}

/// A stable template and one that may follow it, for all that can come about.
pub(super) fn pairs(sequence: &[usize]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (place, stable) in sequence.iter().enumerate() {
        for canary in &sequence[place + 1..] {
            if stable != canary && !pairs.contains(&(*stable, *canary)) {
                pairs.push((*stable, *canary));
            }
        }
    }
    pairs
}

/// Rollouts that have another workload's template get it; workloads that would have no pods of their own go.
fn refer(resources: &mut Resources, report: &mut Report) {
    let mut bare: Vec<ObjectName> = Vec::new();
    let mut rollouts = std::mem::take(&mut resources.rollouts);
    rollouts.retain_mut(|rollout| {
        let Some(reference) = rollout.spec.workload_ref.clone() else {
            return rollout.spec.template.is_some();
        };
        if reference.kind != "Deployment" {
            let message = format!(
                "Rollout {}/{} is not simulated: it has the template of a {}",
                rollout.meta.namespace, rollout.meta.name, reference.kind
            );
            report.warn(
                code::NOT_SIMULATED,
                &Place::at(&reference.at),
                message,
                None,
            );
            return false;
        }
        let here = |one: &&manifest::Deployment| one.meta.namespace == rollout.meta.namespace;
        let mut deployments = resources.deployments.iter().filter(here);
        let Some(found) = deployments.find(|one| one.meta.name == reference.name) else {
            let known = resources.deployments.iter().filter(here);
            let known = known.map(|one| one.meta.name.as_str());
            report.unknown(
                &Place::at(&reference.at),
                "Deployment",
                &reference.name,
                known,
            );
            return false;
        };
        rollout.spec.template = Some(found.spec.template.clone());
        if rollout.spec.selector == manifest::metadata::LabelSelector::default() {
            rollout.spec.selector = found.spec.selector.clone();
        }
        // Its pods went long ago, or were never there.
        if !matches!(reference.scale_down.as_str(), "" | "never") || found.spec.replica_count() == 0
        {
            bare.push(ObjectName {
                namespace: found.meta.namespace.clone(),
                name: found.meta.name.clone(),
            });
        }
        true
    });
    resources.rollouts = rollouts;
    resources.deployments.retain(|one| {
        let is =
            |name: &ObjectName| name.namespace == one.meta.namespace && name.name == one.meta.name;
        !bare.iter().any(is)
    });
}

/// A hash in the letters that Kubernetes uses. It is not Argo's own, which depends on how Go prints a template.
fn hash(name: &ObjectName, template: usize) -> String {
    const LETTERS: &[u8] = b"456789bcdf";
    let text = format!("{name}/{template}");
    // FNV-1a, as Argo's.
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let digits = hash.to_string();
    let letter = |digit: u8| char::from(LETTERS[usize::from(digit - b'0')]);
    digits.bytes().map(letter).collect()
}

/// The Deployment or Rollout whose template another image goes to.
pub(in crate::compile) fn template_of<'r>(
    resources: &'r mut Resources,
    name: &ObjectName,
) -> Option<&'r mut PodTemplateSpec> {
    let is = |rollout: &Rollout| {
        rollout.meta.namespace == name.namespace && rollout.meta.name == name.name
    };
    let place = resources.rollouts.iter().position(is)?;
    let reference = resources.rollouts[place].spec.workload_ref.as_ref();
    let Some(reference) = reference.map(|reference| reference.name.clone()) else {
        return resources.rollouts[place].spec.template.as_mut();
    };
    let mut deployments = resources.deployments.iter_mut();
    let found = deployments
        .find(|one| one.meta.namespace == name.namespace && one.meta.name == reference)?;
    Some(&mut found.spec.template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_that_can_follow_each_other() {
        assert_eq!(pairs(&[0]), []);
        assert_eq!(pairs(&[0, 0, 1]), [(0, 1)]);
        assert_eq!(pairs(&[0, 1, 2]), [(0, 1), (0, 2), (1, 2)]);
        assert_eq!(pairs(&[0, 1, 0]), [(0, 1), (1, 0)]);
    }

    #[test]
    fn templates_have_hashes_of_their_own() {
        let name = ObjectName {
            namespace: "default".to_owned(),
            name: "shop".to_owned(),
        };
        assert_ne!(hash(&name, 0), hash(&name, 1));
        assert_eq!(hash(&name, 0), hash(&name, 0));
    }
}

//! A request in the world of a scenario: its manifests at a time, and what its workloads answer.

use std::path::Path;

use base::{SimDuration, SimTime};
use explain::Request;
use explain::model::Explanation;
use manifest::Source;
use scenario::object_name::ObjectName;
use scenario::{Sender, explain_in};

use super::{nobody_sends, sample};
use crate::args::ExplainArgs;
use crate::manifests;
use crate::mesh_config;
use crate::output::Output;
use crate::refusal::{Failure, Refusal};
use crate::simulation::{self, Settings, Simulation};

/// Explains a request of somebody in a scenario, given by its file or folder, with the scenario's files.
pub(super) fn explain(
    scenario: &Path,
    args: &ExplainArgs,
    request: &Request,
    output: &Output,
) -> Result<(Explanation, Vec<Source>), Failure> {
    let config = match &args.mesh.manifests.mesh_config {
        Some(path) => Some(mesh_config::read_file(path, output)?),
        None => None,
    };
    let file = simulation::scenario_file(scenario)?;
    let settings = Settings::of_file_alone().under(config, args.mesh.skip_invalid);
    let simulation =
        Simulation::prepare(&file, &settings).map_err(|unfit| simulation::refuse(unfit, output))?;
    let sources = simulation.sources();
    manifests::report(simulation.notes(), &sources, false, output);
    let scenario = &simulation.scenario;
    let gateway = args.gateway.as_ref().map(|gateway| {
        let parts = gateway.split_once('/');
        let (namespace, name) = parts.unwrap_or((&scenario.namespace, gateway));
        ObjectName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    });
    let listener = args.running.listener.as_deref();
    let (sender, called) = match (&gateway, &args.from, &scenario.envoy) {
        (_, _, Some(_)) => (
            Sender::Listener(listener),
            listener.unwrap_or("the address"),
        ),
        (Some(gateway), _, None) => (Sender::Gateway(gateway), gateway.name.as_str()),
        (None, Some(from), None) => (Sender::Named(from), from.as_str()),
        (None, None, None) => return Err(nobody_sends().into()),
    };
    let at = SimTime::ZERO + args.at.unwrap_or(SimDuration::ZERO);
    let explained = explain_in(
        scenario,
        simulation.compiled(),
        (sender, sample(args)),
        request,
        at,
    );
    let explanation = explained.ok_or_else(|| {
        let refusal = Refusal::new(format!(
            "nobody in the scenario is called `{called}` at {at}"
        ));
        refusal
            .with_help("name a pod, a workload or a Gateway of its manifests as `namespace/name`")
    })?;
    Ok((explanation, sources))
}

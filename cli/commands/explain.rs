//! `meshsim explain`: where one request goes and why, without a simulation.
//!
//! What happens is decided in the engine's `explain`; here the request is read, and the explanation told.

mod request;
mod running;
pub(crate) mod story;
mod world;

use explain::model::Explanation;
use explain::{Request, Sample, Way};
use manifest::Source;
use proxy::problem::{Problem, ProblemKind};

use crate::args::{ExplainArgs, Format};
use crate::exit_code::Exit;
use crate::mesh::Mesh;
use crate::output::Output;
use crate::pod_name::find_pod;
use crate::refusal::{Failure, Refusal};

/// Prints where a request goes.
pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<Exit, Failure> {
    let request = request::read(&args.url, args.method.as_deref(), &args.headers)?;
    let (explanation, sources) = match (&args.scenario, running::explain(args, &request, output)?) {
        (Some(file), _) => world::explain(file, args, &request, output)?,
        (None, Some((explanation, source))) => (explanation, vec![source]),
        (None, None) => in_mesh(args, &request, output)?,
    };
    match output.format {
        Format::Text | Format::Markdown => output.print(&story::tell(&explanation, &sources))?,
        Format::Json => output.print_json(&explanation)?,
    }
    Ok(Exit::Success)
}

/// Explains a request in the mesh that manifests make, with the manifests.
fn in_mesh(
    args: &ExplainArgs,
    request: &Request,
    output: &Output,
) -> Result<(Explanation, Vec<Source>), Failure> {
    if args.from.is_none() && args.gateway.is_none() {
        return Err(nobody_sends().into());
    }
    let mesh = Mesh::read(&args.mesh, output)?;
    let way = way(&mesh, request, args)?;
    for problem in &way.problems {
        tell(problem, output);
    }
    let draws = sample(args).map(|sample| way.draw(sample));
    let mut explanation = way.explanation(request, draws);
    scenario::add_answer(&mut explanation, request, mesh.compiled());
    Ok((explanation, mesh.manifests.sources))
}

/// Somebody has to send it.
fn nobody_sends() -> Refusal {
    let refusal = Refusal::new("it is not said who sends the request");
    refusal.with_help(
        "give `--from NS/NAME` for a pod or a workload, or `--gateway NS/NAME` for a request that enters the mesh there",
    )
}

/// The way of the request: through a Gateway, through a pod that is one, or from any other pod.
fn way(mesh: &Mesh, request: &Request, args: &ExplainArgs) -> Result<Way, Failure> {
    let own = &args.mesh.manifests.namespace;
    if let Some(gateway) = &args.gateway {
        let (namespace, name) = gateway.split_once('/').unwrap_or((own, gateway));
        let edge = mesh.edge_of_gateway(namespace, name)?;
        return Ok(explain::through_gateway(mesh.compiled(), &edge, request));
    }
    let from = args.from.as_deref().unwrap_or_default();
    let from = find_pod(mesh.registry(), from, own)?;
    Ok(explain::from_pod(mesh.compiled(), from, request))
}

/// Says what cannot be done exactly: what a manifest asks for to everyone, the rest to those who ask.
fn tell(problem: &Problem, output: &Output) {
    match (&problem.origin, problem.kind) {
        (Some(origin), _) => output.note(format_args!("{}: {problem}", origin.location)),
        (None, ProblemKind::Refused) => output.note(problem),
        (None, ProblemKind::Approximate | ProblemKind::NotSimulated) => output.detail(problem),
    }
}

/// How many requests the user wants to be drawn.
fn sample(args: &ExplainArgs) -> Option<Sample> {
    Some(Sample {
        count: args.count?.get(),
        seed: args.seed,
    })
}

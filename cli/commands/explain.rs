//! `meshsim explain`: where one request goes and why, without a simulation.
//!
//! The control plane says what the proxies are told, the routing engine decides; here their decisions are followed
//! from proxy to proxy and told.

mod conditions;
mod draw;
mod hop;
mod model;
mod outcome;
mod request;
mod story;
mod visit;
mod walk;

use control_plane::dns;

use crate::args::{ExplainArgs, Format};
use crate::exit_code::Exit;
use crate::mesh::Mesh;
use crate::output::Output;
use crate::pod_name::find_pod;
use crate::refusal::Failure;
use draw::Sample;
use model::{Explanation, SCHEMA};
use request::{Request, Scheme};
use walk::Walk;

/// Prints where a request goes.
pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<Exit, Failure> {
    let request = Request::new(&args.url, args.method.as_deref(), &args.headers)?;
    let mesh = Mesh::read(&args.mesh, output)?;
    let from = find_pod(mesh.registry(), &args.from, &args.mesh.manifests.namespace)?;
    let explanation = explain(&mesh, from, &request, args, output);
    match output.format {
        Format::Text => output.print(&story::tell(&explanation, &mesh.manifests.sources))?,
        Format::Json => output.print_json(&explanation)?,
    }
    Ok(Exit::Success)
}

fn explain(
    mesh: &Mesh,
    from: control_plane::PodId,
    request: &Request,
    args: &ExplainArgs,
    output: &Output,
) -> Explanation {
    let namespace = &mesh.registry().pod(from).namespace;
    let dialled =
        dns::look_up(mesh.registry(), mesh.config(), namespace, &request.host).unwrap_or_default();
    let mut walk = Walk::new(mesh, output);
    let way = walk.of(from, request, &dialled);
    let first = way.first;
    let draws = args.count.map(|count| {
        let sample = Sample {
            count: count.get(),
            seed: args.seed,
        };
        match (way.table, first.resolution) {
            (Some(table), Some(resolution)) => {
                draw::requests(sample, (table, resolution), &first.outcome, &walk.names)
            }
            _ => draw::connections(sample, &first.hop.clusters, &first.outcome),
        }
    });
    Explanation {
        schema: SCHEMA,
        request: described(request),
        hops: std::iter::once(first.hop).chain(way.second).collect(),
        outcome: first.outcome,
        draws,
    }
}

fn described(request: &Request) -> model::Request {
    let has_head = request.scheme != Scheme::Tcp;
    let head = &request.head;
    model::Request {
        method: has_head.then(|| head.method.clone()),
        scheme: request.scheme.as_str(),
        authority: head.authority.clone(),
        path: has_head.then(|| head.path.clone()),
        headers: head.headers.clone(),
    }
}

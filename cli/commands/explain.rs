//! `meshsim explain`: where one request goes and why, without a simulation.
//!
//! The control plane says what the proxies are told, the routing engine decides; here their decisions are followed
//! from proxy to proxy and told.

mod closed;
mod conditions;
mod draw;
mod hop;
mod layer;
mod model;
mod outcome;
mod request;
mod running;
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
use manifest::Source;
use model::{Explanation, SCHEMA};
use proxy::names::Names;
use proxy::table::Table;
use request::{Request, Scheme};
use visit::Visit;
use walk::{Walk, Way};

/// Prints where a request goes.
pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Result<Exit, Failure> {
    let request = Request::new(&args.url, args.method.as_deref(), &args.headers)?;
    let (explanation, sources) = match running::explain(args, &request, output)? {
        Some((explanation, source)) => (explanation, vec![source]),
        None => in_mesh(args, &request, output)?,
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
    let mesh = Mesh::read(&args.mesh, output)?;
    let mut walk = Walk::new(&mesh, output);
    let way = way(&mut walk, &mesh, request, args)?;
    let draws = draws(args, &way.first, way.table.as_ref(), &walk.names);
    let explanation = Explanation {
        schema: SCHEMA,
        request: described(request),
        hops: std::iter::once(way.first.hop).chain(way.rest).collect(),
        outcome: way.outcome,
        draws,
    };
    Ok((explanation, mesh.manifests.sources))
}

/// The way of the request: through a Gateway, through a pod that is one, or from any other pod.
fn way(
    walk: &mut Walk<'_>,
    mesh: &Mesh,
    request: &Request,
    args: &ExplainArgs,
) -> Result<Way, Failure> {
    let own = &args.mesh.manifests.namespace;
    if let Some(gateway) = &args.gateway {
        let (namespace, name) = gateway.split_once('/').unwrap_or((own, gateway));
        let edge = mesh.edge_of_gateway(namespace, name)?;
        return Ok(walk.through(&edge, request));
    }
    let from = args.from.as_deref().unwrap_or_default();
    let from = find_pod(mesh.registry(), from, own)?;
    if let Some(edge) = mesh.edge_of_pod(from) {
        return Ok(walk.through(&edge, request));
    }
    let namespace = &mesh.registry().pod(from).namespace;
    let dialled =
        dns::look_up(mesh.registry(), mesh.config(), namespace, &request.host).unwrap_or_default();
    Ok(walk.of(from, request, &dialled))
}

/// What happens to as many requests as the user asks for.
fn draws(
    args: &ExplainArgs,
    first: &Visit,
    table: Option<&Table>,
    names: &Names,
) -> Option<model::Draws> {
    let sample = Sample {
        count: args.count?.get(),
        seed: args.seed,
    };
    Some(match (table, &first.resolution) {
        (Some(table), Some(resolution)) => {
            draw::requests(sample, (table, resolution), &first.outcome, names)
        }
        _ => draw::connections(sample, &first.hop.clusters, &first.outcome),
    })
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

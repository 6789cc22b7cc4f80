//! A request at a proxy that runs somewhere: what its config dump, or its bootstrap, makes of it.

use explain::Request;
use explain::model::Explanation;
use explain::proxy_alone::{self, Entrance, NoListener};
use manifest::Source;
use proxy::problem::ProblemKind;
use xds::{RunningProxy, TrafficDirection};

use super::sample;
use crate::args::{self, ExplainArgs};
use crate::envoy_file::{EnvoyFile, accept as accept_reading};
use crate::output::Output;
use crate::refusal::{Failure, Refusal};
use crate::similar::most_similar;

/// Explains a request at the proxy that the flags name, with the file that it was read from; none: they name none.
pub(crate) fn explain(
    args: &ExplainArgs,
    request: &Request,
    output: &Output,
) -> Result<Option<(Explanation, Source)>, Failure> {
    let running = &args.running;
    let (file, proxy) = match (&running.config_dump, &running.envoy) {
        (Some(path), _) => {
            let file = EnvoyFile::read(path)?;
            let proxy = read_config_dump(&file, output)?;
            (file, proxy)
        }
        (None, Some(path)) => {
            let file = EnvoyFile::read(path)?;
            let proxy = read_bootstrap(&file, output)?;
            (file, proxy)
        }
        (None, None) => return Ok(None),
    };
    let explanation = at_proxy(args, request, proxy, &file.source.name, output)?;
    Ok(Some((explanation, file.source)))
}

fn read_config_dump(file: &EnvoyFile, output: &Output) -> Result<RunningProxy, Refusal> {
    if file.json.get("staticResources").is_some() {
        let name = &file.source.name;
        return Err(
            Refusal::new(format!("`{name}` is a bootstrap, not a config dump"))
                .with_help("explain it with `--envoy`"),
        );
    }
    let proxy = accept_reading(RunningProxy::from_config_dump(&file.json), output)?;
    let snapshot = &proxy.snapshot;
    if snapshot.endpoints.is_empty() && snapshot.clusters.iter().any(|c| asks_for_endpoints(c)) {
        output.note(format_args!(
            "`{}` holds no endpoints: ask Envoy for `/config_dump?include_eds`",
            file.source.name
        ));
    }
    Ok(proxy)
}

fn asks_for_endpoints(cluster: &xds::Cluster) -> bool {
    cluster.type_ == xds::ClusterType::Eds
}

fn read_bootstrap(file: &EnvoyFile, output: &Output) -> Result<RunningProxy, Refusal> {
    if file.json.get("configs").is_some() {
        let name = &file.source.name;
        return Err(
            Refusal::new(format!("`{name}` is a config dump, not a bootstrap"))
                .with_help("explain it with `--config-dump`"),
        );
    }
    accept_reading(RunningProxy::from_bootstrap(&file.json), output)
}

fn at_proxy(
    args: &ExplainArgs,
    request: &Request,
    proxy: RunningProxy,
    file: &str,
    output: &Output,
) -> Result<Explanation, Failure> {
    let only = match proxy.snapshot.listeners.as_slice() {
        [only] if args.running.envoy.is_some() => Some(only.name.clone()),
        _ => None,
    };
    let listener = args.running.listener.as_deref();
    let entrance = Entrance {
        listener: listener.or(only.as_deref()),
        side: match args.running.direction {
            args::Direction::Outbound => TrafficDirection::Outbound,
            args::Direction::Inbound => TrafficDirection::Inbound,
        },
        called: file,
    };
    let way = proxy_alone::at(request, proxy, entrance)
        .map_err(|NoListener { known }| refuse_listener(listener.unwrap_or_default(), &known))?;
    for problem in &way.problems {
        match problem.kind {
            ProblemKind::Refused => output.note(problem),
            ProblemKind::Approximate | ProblemKind::NotSimulated => output.detail(problem),
        }
    }
    let draws = sample(args).map(|sample| way.draw(sample));
    Ok(way.explanation(request, draws))
}

fn refuse_listener(name: &str, known: &[String]) -> Refusal {
    let refusal = Refusal::new(format!("no listener is called `{name}`"));
    match most_similar(name, known.iter().map(String::as_str)) {
        Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
        None => refusal.with_help(format!("there are: {}", known.join(", "))),
    }
}

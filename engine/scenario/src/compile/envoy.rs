//! A lone Envoy becomes a plan: its bootstrap is its table, its clients stand at its listeners, and each address of its
//! clusters is a workload with one pod.

use crate::compile::dial::Directory;
use crate::compile::network::network;
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::server::Servers;
use crate::compile::site::{self, Sites};
use crate::compile::tables::Tables;
use crate::compile::{Compiled, timeline};
use crate::compile::{asked, names};
use crate::envoy::Envoy;
use crate::envoy_json::once_each;
use crate::expectation::Expectation;
use crate::file::Scenario;
use crate::request::Request;
use crate::traffic::Traffic;
use base::{Location, Seed};
use manifest::{Diagnostic, Level};
use proxy::names::{Endpoint, EndpointId, Names};
use proxy::problem::ProblemKind;
use proxy::table::Table;
use sim::plan::{Dial, Plan, PodId, Site};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use xds::{Listener, Unmodelled};

/// Compiles a scenario of an Envoy.
///
/// # Errors
/// All names in it that name nothing.
pub(super) fn compile(scenario: &Scenario, envoy: &Envoy) -> Result<Compiled, Vec<Diagnostic>> {
    let mut report = Report::default();
    let somewhere = Location::start_of(envoy.source.name.clone());
    for (first, count) in once_each(&envoy.told.unmodelled) {
        report.push(unmodelled(first, count));
    }
    let mut names = Names::default();
    let (table, problems) = Table::compile(&envoy.told.value.snapshot, &mut names);
    for problem in problems {
        let code = match problem.kind {
            ProblemKind::Refused => code::REFUSED,
            ProblemKind::NotSimulated => code::NOT_SIMULATED,
            // What is approximate in every Envoy belongs into a manual.
            ProblemKind::Approximate => continue,
        };
        report.push(warning(code, somewhere.clone(), problem.to_string()));
    }
    let addresses = addresses(&names);
    let population = Population::of_envoy(&Envoy::name(&scenario.namespace), &addresses);
    let directory = Directory::of(&[], &population);
    let mut sites = Sites::new(&directory);
    let servers = Servers::of(scenario, &population, &mut sites, &mut report);
    let traffic = site::traffic(scenario, &[], &population, &mut sites, &mut report);
    let tables = Tables::of_envoy(table, names, &population);
    let future = timeline::Future {
        stages: &[],
        population: &population,
        tables: &tables,
        servers: &servers,
        pools: None,
    };
    let timeline = future.changes(scenario, &mut report);
    let network = network(scenario, &[], &population, None, &mut report);
    let clusters = tables.cluster_labels(&[]);
    let named = (&clusters[..], servers.marks());
    names::check(scenario, &population, &directory, named, &mut report);
    let mut sites = sites.into_sites();
    for site in &mut sites {
        site.dial.pod = endpoint(&site.dial, &addresses);
    }
    let listeners = tables.tables[0].listeners();
    for (source, written) in traffic.iter().zip(&scenario.traffic) {
        for (sent, template) in source.templates.iter().zip(&written.requests) {
            let request = &template.request;
            let found = find_listener(listeners, written, request, &mut report);
            let count: usize = (sent.uses.iter())
                .map(|values| source.values[*values as usize].count())
                .product();
            for site in &mut sites[sent.site.index()..][..count] {
                site.dial.listener = found;
            }
        }
    }
    for expectation in &scenario.expect {
        if let Expectation::Request(request) = expectation {
            asked::check_listener(request, listeners, &mut report);
        }
    }
    report_calls(&sites, &traffic_names(scenario), &somewhere, &mut report);
    if report.is_refused() {
        return Err(report.into_diagnostics());
    }
    Ok(Compiled {
        meshes: Arc::default(),
        writers: Arc::default(),
        plan: Plan {
            seed: Seed::new(scenario.seed),
            duration: scenario.duration,
            pods: servers.pods(&population, &tables),
            workloads: servers.workloads(&population),
            endpoints: (1..=addresses.len())
                .map(|pod| Some(PodId::new(pod)))
                .collect(),
            forwarded_ports: BTreeMap::new(),
            names: tables.names,
            tables: tables.tables,
            services: Vec::new(),
            clusters,
            sites,
            traffic,
            network,
            timeline,
            marks: servers.marks(),
            cluster: None,
            progressive_delivery: None,
        },
        notes: report.into_diagnostics(),
    })
}

/// The addresses of all endpoints, by [`EndpointId`].
fn addresses(names: &Names) -> Vec<String> {
    let endpoints = (0..names.endpoint_count()).map(EndpointId::new);
    endpoints
        .map(|id| match names.endpoint_address(id) {
            Endpoint::Socket(address) => address.to_string(),
            Endpoint::Name(host, port) => format!("{host}:{port}"),
        })
        .collect()
}

/// The pod at the very address that is dialled; the first is the Envoy's own.
fn endpoint(dial: &Dial, addresses: &[String]) -> Option<PodId> {
    let dialled = match dial.ip {
        Some(ip) => SocketAddr::new(ip, dial.port).to_string(),
        None => format!("{}:{}", dial.host, dial.port),
    };
    let found = addresses.iter().position(|address| *address == dialled)?;
    Some(PodId::new(found + 1))
}

/// The listener at which a request arrives: the one that its source names, or that of the address that its URL names.
fn find_listener<L: Borrow<Listener>>(
    listeners: &[L],
    traffic: &Traffic,
    request: &Request,
    report: &mut Report,
) -> Option<u32> {
    let all = || listeners.iter().map(Borrow::borrow);
    if let Some(name) = &traffic.listener {
        let found = all().position(|listener| listener.name == name.value);
        if found.is_none() {
            let known = all().map(|listener| listener.name.as_str());
            report.unknown(&name.place, "listener", name, known);
        }
        return found.map(|place| place as u32);
    }
    let url = &request.url;
    let ip = match url.host.as_str() {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host => host.parse().ok(),
    };
    let on_port = |listener: &&Listener| listener.address.port == url.port;
    let bound = |listener: &Listener| listener.address.address.parse::<IpAddr>().ok();
    let position = |is_meant: &dyn Fn(&Listener) -> bool| {
        all().position(|listener| on_port(&listener) && is_meant(listener))
    };
    let found = position(&|listener| ip.is_some() && bound(listener) == ip).or_else(|| {
        position(&|listener| bound(listener).is_some_and(|address| address.is_unspecified()))
    });
    if found.is_none() {
        let known: Vec<String> = all()
            .map(|listener| format!("{}:{}", listener.address.address, listener.address.port))
            .collect();
        let dialled = format!("{}:{}", url.host, url.port);
        let known = known.iter().map(String::as_str);
        report.unknown(&url.place, "listener at", &dialled, known);
    }
    found.map(|place| place as u32)
}

fn traffic_names(scenario: &Scenario) -> Vec<&str> {
    let sources = scenario.traffic.iter();
    sources.map(|traffic| traffic.name.as_str()).collect()
}

/// Says which calls of workloads reach nobody: they are made without the Envoy's help, from address to address.
fn report_calls(sites: &[Site], traffic: &[&str], somewhere: &Location, report: &mut Report) {
    for site in sites {
        let Dial {
            host, port, pod, ..
        } = &site.dial;
        if pod.is_some() || traffic.contains(&site.name.as_str()) {
            continue;
        }
        let message = format!(
            "`{}` calls `{host}:{port}`, which is no endpoint of the Envoy: nobody answers there",
            site.name
        );
        report.push(warning(code::UNKNOWN_NAME, somewhere.clone(), message));
    }
}

fn unmodelled(first: &Unmodelled, count: usize) -> Diagnostic {
    let more = match count {
        1 => String::new(),
        count => format!(" (and in {} more places)", count - 1),
    };
    let message = format!("`{}` {}{more}", first.path, first.why);
    warning(code::NOT_SIMULATED, first.at.clone(), message)
}

fn warning(code: &'static str, location: Location, message: String) -> Diagnostic {
    Diagnostic {
        code,
        level: Level::Warning,
        location,
        span: 0..0,
        object: None,
        field: String::new(),
        message,
        help: None,
    }
}

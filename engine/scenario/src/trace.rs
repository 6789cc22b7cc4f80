//! Where one request of a scenario goes and why: explained under the manifests and settings of its time, without a run.

use crate::answer::{self, Known, Whose};
use crate::compile::{Compiled, External};
use crate::file::Scenario;
use crate::moment::Moment;
use crate::object_name::ObjectName;
use crate::request::Request;
use crate::url::Scheme;
use base::SimTime;
use explain::model::Explanation;
use explain::proxy_alone::{self, Entrance};
use explain::{
    Leaving, Sample, Taken, find, from_pod, from_pod_as, through_gateway, through_gateway_as,
};
use proxy::request::{Protocol, RequestHead};
use sim::plan::Site;
use telemetry::Settings;
use xds::TrafficDirection;

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'s> {
    /// A pod, or a workload's first pod, as the user names it.
    Named(&'s str),
    /// A pod.
    Pod(&'s ObjectName),
    /// Someone outside of the mesh, through a Gateway.
    Gateway(&'s ObjectName),
    /// Someone at a listener of the Envoy in the place of manifests; none: that of the URL's address.
    Listener(Option<&'s str>),
}

/// The explanation of a request; none if its sender is not there at this time.
pub(crate) fn explain(
    scenario: &Scenario,
    compiled: &Compiled,
    sender: Sender<'_>,
    request: &explain::Request,
    moment: Moment<'_>,
) -> Option<Explanation> {
    explain_with(scenario, compiled, (sender, None, None), request, moment)
}

/// Where a request goes in the world of a scenario at a time, as manifests make it, with what is drawn if so much is wanted;
/// none if its sender is not there.
pub fn explain_in(
    scenario: &Scenario,
    compiled: &Compiled,
    (sender, sample): (Sender<'_>, Option<Sample>),
    request: &explain::Request,
    at: SimTime,
) -> Option<Explanation> {
    let settings = Settings::default();
    let moment = Moment::new(at, &settings);
    explain_with(scenario, compiled, (sender, None, sample), request, moment)
}

/// The same along the way that a request took in a run, where that is known.
pub(crate) fn explain_as(
    scenario: &Scenario,
    compiled: &Compiled,
    (sender, taken): (Sender<'_>, Option<&Taken>),
    request: &explain::Request,
    moment: Moment<'_>,
) -> Option<Explanation> {
    explain_with(scenario, compiled, (sender, taken, None), request, moment)
}

fn explain_with(
    scenario: &Scenario,
    compiled: &Compiled,
    (sender, taken, sample): (Sender<'_>, Option<&Taken>, Option<Sample>),
    request: &explain::Request,
    moment: Moment<'_>,
) -> Option<Explanation> {
    let way = match (sender, &scenario.envoy) {
        (Sender::Listener(listener), Some(envoy)) => {
            let proxy = envoy.told.value.clone();
            let only = match proxy.snapshot.listeners.as_slice() {
                [only] => Some(only.name.clone()),
                _ => None,
            };
            let entrance = Entrance {
                listener: listener.or(only.as_deref()),
                side: TrafficDirection::Outbound,
                called: &envoy.source.name,
            };
            proxy_alone::at(request, proxy, entrance).ok()?
        }
        (Sender::Listener(_), None) => return None,
        (Sender::Gateway(ObjectName { namespace, name }), _) => {
            let mesh = compiled.mesh_at(moment)?;
            let edge = mesh.edge_of_gateway(namespace, name)?;
            match taken {
                Some(taken) => through_gateway_as(mesh, &edge, request, taken),
                None => through_gateway(mesh, &edge, request),
            }
        }
        (Sender::Pod(sender), _) => {
            let mesh = compiled.mesh_with(sender, moment)?;
            let ObjectName { namespace, name } = sender;
            let pod = mesh.registry().pod_by_name(namespace, name)?;
            match taken {
                Some(taken) => from_pod_as(mesh, pod, request, taken),
                None => from_pod(mesh, pod, request),
            }
        }
        (Sender::Named(name), _) => {
            let mesh = compiled.mesh_at(moment)?;
            let pod = find::pod(mesh.registry(), name, &scenario.namespace)?;
            from_pod(mesh, pod, request)
        }
    };
    let takes_tls = (way.leaves.as_ref())
        .and_then(|leaving| takes_tls(scenario, &server_at(scenario, leaving)?));
    let way = match takes_tls {
        Some(takes_tls) => way.at_server(takes_tls),
        None => way,
    };
    let outside = way
        .leaves
        .as_ref()
        .and_then(|leaving| server_at(scenario, leaving));
    let draws = sample.map(|sample| way.draw(sample));
    let mut explanation = way.explanation(request, draws);
    explanation.written_by = moment.writers(compiled, &explanation);
    let known = Known {
        workloads: &scenario.workloads,
        catalogue: &scenario.catalogue,
    };
    if let Some(external) = &outside {
        known.tell(&mut explanation, request, &Whose::External(external));
    } else if let Some(name) = answer::destination(&explanation) {
        if scenario.envoy.is_some() {
            known.tell(&mut explanation, request, &Whose::Address(&name.name));
        } else if let Some(mesh) = compiled.mesh_with(&name, moment) {
            let pod = mesh.registry().pod_by_name(&name.namespace, &name.name);
            let pod = pod.map(|pod| mesh.registry().pod(pod));
            if let Some(pod) = pod {
                known.tell(&mut explanation, request, &Whose::Pod(pod));
            }
        }
    }
    Some(explanation)
}

/// The server outside of the mesh to which a request goes, if the scenario has it.
fn server_at(scenario: &Scenario, leaving: &Leaving) -> Option<External> {
    let mut externals = External::all(&scenario.workloads).into_iter();
    let Leaving { host, port, .. } = leaving;
    externals.find(|external| {
        let at = host.parse().is_ok_and(|ip| external.is_at(ip, *port));
        at || external.is_named(host, *port)
    })
}

/// Whether a server outside of the mesh takes TLS; none where nothing is said about it.
fn takes_tls(scenario: &Scenario, external: &External) -> Option<bool> {
    let mut entries = scenario.workloads.iter();
    let entry = entries.find(|entry| {
        let own = entry.target.address.as_ref();
        own.is_some_and(|own| own.value == external.address)
    })?;
    entry.server.tls
}

/// A request template as it is explained.
pub(crate) fn asked(request: &Request) -> explain::Request {
    let url = &request.url;
    let (scheme, name) = match url.scheme {
        Scheme::Http => (explain::Scheme::Http, "http"),
        Scheme::Https => (explain::Scheme::Https, "https"),
        Scheme::Tcp => (explain::Scheme::Tcp, "tcp"),
    };
    explain::Request {
        scheme,
        host: url.host.clone(),
        port: url.port,
        head: RequestHead {
            method: request.method.clone(),
            scheme: name.to_owned(),
            authority: request.authority.as_ref().unwrap_or(&url.authority).clone(),
            path: url.path.clone(),
            headers: request.headers.clone(),
            protocol: Protocol::Http1,
            downstream: None,
            connection: None,
        },
    }
}

/// What a site dials, as it is explained.
pub(crate) fn dialled(site: &Site) -> explain::Request {
    explain::Request {
        scheme: match site.head.scheme.as_str() {
            "https" => explain::Scheme::Https,
            "tcp" => explain::Scheme::Tcp,
            _ => explain::Scheme::Http,
        },
        host: site.dial.host.clone(),
        port: site.dial.port,
        head: site.head.clone(),
    }
}

//! Places where requests are made: templates of traffic sources, and calls of workloads.

use crate::call::Call;
use crate::compile::dial::Directory;
use crate::compile::gateway;
use crate::compile::mark::Marks;
use crate::compile::population::Population;
use crate::compile::report::{Report, code};
use crate::compile::stage::Stage;
use crate::file::Scenario;
use crate::object_name::{ObjectName, nearest};
use crate::place::{Place, Placed};
use crate::request::Request;
use crate::traffic::Traffic;
use crate::url::Scheme;
use crate::values::combinations;
use base::{SimDuration, SimTime};
use proxy::listener::Layer;
use proxy::request::{Protocol, RequestHead};
use sim::application::CallRules;
use sim::plan::{self, ApplicationRetries, Dial, PodId, Site, SiteId};
use std::collections::BTreeMap;

/// All sites.
#[derive(Debug)]
pub(super) struct Sites<'a> {
    directory: &'a Directory<'a>,
    sites: Vec<Site>,
    /// Sites at whose address nobody is known: the URL's place, the host, the caller's namespace.
    unknown: Vec<(Place, String, String)>,
}

/// Who makes requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'c> {
    /// A traffic source's name, or a workload's `<namespace>/<name>`.
    pub(super) name: &'c str,
    /// The namespace whose names it may abbreviate.
    pub(super) namespace: &'c str,
    /// The ports of the Gateway through which they come, if they come through one: a pod's own by those of the servers.
    pub(super) ports: Option<&'c BTreeMap<u16, u16>>,
    /// Headers that it takes over from the request being served.
    pub(super) propagate: &'c [String],
}

impl<'a> Sites<'a> {
    /// No sites yet.
    pub(super) fn new(directory: &'a Directory<'a>) -> Self {
        Self {
            directory,
            sites: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The site of a call, after that of its fallback.
    pub(super) fn call(&mut self, caller: Caller<'_>, call: &Call, marks: &Marks) -> SiteId {
        let Call {
            request,
            timeout,
            retries,
            when,
            success,
            failure,
            degraded,
            fallback,
        } = call;
        let fallback = fallback.as_ref();
        let rules = CallRules {
            headers: when.headers.clone(),
            probability: when.probability,
            success: success.clone(),
            failure: *failure,
            mark: marks.of_word(degraded),
            fallback: fallback.map(|fallback| self.call(caller, fallback, marks)),
        };
        self.add(caller, request, (*timeout, retries.clone()), rules)
    }

    fn add(
        &mut self,
        caller: Caller<'_>,
        request: &Request,
        (timeout, retries): (Option<SimDuration>, ApplicationRetries),
        rules: CallRules,
    ) -> SiteId {
        let url = &request.url;
        let dial = match caller.ports {
            Some(ports) => Dial {
                host: url.host.clone(),
                port: ports.get(&url.port).copied().unwrap_or(url.port),
                ip: None,
                service: None,
                pod: None,
                listener: None,
            },
            None => self.directory.dial(&url.host, url.port, caller.namespace),
        };
        let is_known = caller.ports.is_some() || dial.ip.is_some() || dial.service.is_some();
        if !is_known && !self.directory.is_known_to_sidecars(&url.host) {
            let unknown = (
                url.place.clone(),
                url.host.clone(),
                caller.namespace.to_owned(),
            );
            self.unknown.push(unknown);
        }
        let authority = request.authority.as_ref().unwrap_or(&url.authority);
        self.sites.push(Site {
            name: caller.name.to_owned(),
            head: RequestHead {
                method: request.method.clone(),
                scheme: match url.scheme {
                    Scheme::Http => "http".to_owned(),
                    Scheme::Https => "https".to_owned(),
                    Scheme::Tcp => "tcp".to_owned(),
                },
                authority: authority.clone(),
                path: url.path.clone(),
                headers: request.headers.clone(),
                protocol: Protocol::Http1,
                downstream: None,
                connection: None,
            },
            layer: match url.scheme {
                Scheme::Http => Layer::Http(Protocol::Http1),
                Scheme::Tcp => Layer::Bytes,
                Scheme::Https => Layer::Tls {
                    server_name: url.host.clone(),
                    inside: Box::new(Layer::Http(Protocol::Http1)),
                },
            },
            body_bytes: request.body_bytes,
            upload: request.upload,
            dial,
            timeout,
            retries,
            propagate: caller.propagate.to_vec(),
            rules,
        });
        SiteId::new(self.sites.len() - 1)
    }

    /// Says which hosts nobody knows: outside of the mesh nobody answers.
    pub(super) fn report_unknown_hosts(&self, report: &mut Report) {
        for (place, host, namespace) in &self.unknown {
            let names = self.directory.short_names(namespace);
            let help = nearest(host, names.iter().map(String::as_str))
                .map(|name| format!("did you mean `{name}`?"));
            let message = format!(
                "`{host}` is no Service that pods of `{namespace}` can look up: nobody answers there"
            );
            report.warn(code::UNKNOWN_NAME, place, message, help);
        }
    }

    /// All sites, by [`SiteId`].
    pub(super) fn into_sites(self) -> Vec<Site> {
        self.sites
    }
}

/// The sources of requests.
pub(super) fn traffic(
    scenario: &Scenario,
    stages: &[Stage],
    population: &Population,
    sites: &mut Sites<'_>,
    report: &mut Report,
) -> Vec<plan::Traffic> {
    let sources = scenario.traffic.iter();
    sources
        .map(|traffic| {
            let entrance = traffic
                .through_gateway
                .then(|| gateway::entrance(traffic, stages, population, report));
            let caller = Caller {
                name: &traffic.name,
                namespace: &traffic.from.namespace,
                ports: entrance.as_ref().map(|entrance| &entrance.ports),
                propagate: &[],
            };
            if traffic.caused > 0 {
                let message = format!(
                    "{} lines of the trace are not sent: requests that others of its lines led to",
                    traffic.caused
                );
                let help =
                    "workloads make their calls themselves: say which with `calls`".to_owned();
                report.warn(code::APPROXIMATE, &traffic.place, message, Some(help));
            }
            if traffic.cut > 0 {
                let message = format!(
                    "{} requests of the trace come after the end of the run and are left out",
                    traffic.cut
                );
                report.warn(code::NOT_SIMULATED, &traffic.place, message, None);
            }
            let templates = traffic.requests.iter().map(|template| {
                let timeout = template.timeout.or(traffic.timeout);
                let all = combinations(&template.request, &template.uses, &traffic.values);
                let all = all.iter().map(|request| {
                    let patience = (timeout, traffic.retries.clone());
                    sites.add(caller, request, patience, CallRules::default())
                });
                let sites: Vec<SiteId> = all.collect();
                plan::Template {
                    weight: template.weight,
                    site: sites[0],
                    uses: template.uses.clone(),
                }
            });
            plan::Traffic {
                name: traffic.name.clone(),
                templates: templates.collect(),
                from: match entrance {
                    Some(entrance) => entrance.pods,
                    None => senders(traffic, population, report),
                },
                values: (traffic.values.iter())
                    .map(|values| values.chances.clone())
                    .collect(),
                sessions: traffic.sessions.clone(),
                load: traffic.load.clone(),
                start: traffic.start,
                stop: traffic.stop.unwrap_or(SimTime::ZERO + scenario.duration),
            }
        })
        .collect()
}

/// The pods that send: those of the workload, or the pod, that `from` names.
fn senders(traffic: &Traffic, population: &Population, report: &mut Report) -> Vec<PodId> {
    let Placed { value: from, place } = &traffic.from;
    let workloads = population.find_workloads(from);
    let pods: Vec<PodId> = workloads
        .iter()
        .flat_map(|id| population.workloads[id.index()].pods.iter().copied())
        .collect();
    let from_the_start: Vec<PodId> = pods
        .iter()
        .copied()
        .filter(|pod| population.pods[pod.index()].exists[0])
        .collect();
    if !from_the_start.is_empty() {
        return from_the_start;
    }
    if !pods.is_empty() {
        return pods;
    }
    let ObjectName { namespace, name } = from;
    if let Some(pod) = population.pod_named(namespace, name) {
        return vec![pod];
    }
    let known = population.workload_names();
    let known = known.iter().map(String::as_str);
    report.unknown(place, "workload or pod", &from.to_string(), known);
    Vec::new()
}

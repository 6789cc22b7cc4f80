//! What the application at the end of a request's way answers: as `workloads` and the images of the catalogue say of its
//! container, without a run.
//!
//! Chance is not drawn: the likeliest answer is told, and that it is no more than that. What is known from an image alone is
//! assumed, and said to be.

use crate::catalogue::Catalogue;
use crate::compile::{External, likely_answer};
use crate::object_name::ObjectName;
use crate::server::Server;
use crate::target::Candidate;
use crate::workload::Workload;
use control_plane::{Mesh, Pod};
use explain::Request;
use explain::model::{Answer, Direction, Explanation};
use proxy::request::RequestHead;
use std::collections::BTreeMap;

/// Says in an explanation what the application answers, as the catalogue that comes with the engine knows its image.
pub fn add_answer(explanation: &mut Explanation, request: &Request, mesh: &Mesh) {
    let known = Known {
        workloads: &[],
        catalogue: &Catalogue::built_in(),
    };
    let pod = destination(explanation).and_then(|name| {
        let pod = mesh.registry().pod_by_name(&name.namespace, &name.name)?;
        Some(mesh.registry().pod(pod))
    });
    if let Some(pod) = pod {
        known.tell(explanation, request, &Whose::Pod(pod));
    }
}

/// What is known of containers.
pub(crate) struct Known<'k> {
    /// What a scenario says, which counts first.
    pub(crate) workloads: &'k [Workload],
    /// What is known of images.
    pub(crate) catalogue: &'k Catalogue,
}

/// Whose container it is.
pub(crate) enum Whose<'w> {
    /// A pod of the mesh.
    Pod(&'w Pod),
    /// A server outside of the mesh.
    External(&'w External),
    /// A server that an Envoy reaches at this address.
    Address(&'w str),
}

impl Known<'_> {
    /// Adds what the application says, where nothing on the way has answered.
    pub(crate) fn tell(&self, explanation: &mut Explanation, request: &Request, whose: &Whose<'_>) {
        let outcome = &explanation.outcome;
        if !outcome.kind.goes_on() || outcome.status.is_some() || outcome.closed.is_some() {
            return;
        }
        let Some(Told {
            pod,
            server,
            told_by,
            assumed,
        }) = self.server(whose)
        else {
            return;
        };
        let (status, body, certain) = likely_answer(server, &received(explanation, request));
        let says_http = explanation.request.scheme != "tcp";
        if server.refuse {
            return;
        }
        explanation.outcome.answer = says_http.then_some(Answer {
            pod,
            status,
            certain,
            told_by,
            assumed,
        });
        if explanation.outcome.body.is_empty() {
            explanation.outcome.body = body;
        }
    }

    /// How a container serves, and what says so.
    fn server(&self, whose: &Whose<'_>) -> Option<Told<'_>> {
        with_candidate(whose, |candidate| {
            let name = match candidate.address {
                "" => format!("{}/{}", candidate.namespace, candidate.pod),
                address => address.to_owned(),
            };
            self.matching(name, candidate)
        })
    }

    /// What is asked about how a container serves, of whoever says it.
    pub(crate) fn asked<T>(
        &self,
        whose: &Whose<'_>,
        ask: impl Fn(&Server, Candidate<'_>) -> T,
    ) -> Option<T> {
        with_candidate(whose, |candidate| {
            let told = self.matching(String::new(), candidate)?;
            Some(ask(told.server, candidate))
        })
    }

    fn matching(&self, pod: String, candidate: Candidate<'_>) -> Option<Told<'_>> {
        let mut written = self.workloads.iter();
        if let Some(entry) = written.find(|entry| entry.target.matches(candidate)) {
            let line = entry.target.place.location.line;
            return Some(Told {
                pod,
                server: &entry.server,
                told_by: format!("the scenario's `workloads` (line {line})"),
                assumed: false,
            });
        }
        let mut images = self.catalogue.images();
        let image = images.find(|image| image.workload.target.matches(candidate))?;
        Some(Told {
            pod,
            server: &image.workload.server,
            told_by: format!("what is known of its image (`{}`)", *image.name),
            assumed: true,
        })
    }
}

/// How a container serves.
struct Told<'t> {
    pod: String,
    server: &'t Server,
    told_by: String,
    assumed: bool,
}

/// Gives a container as targets see it.
fn with_candidate<T>(whose: &Whose<'_>, then: impl FnOnce(Candidate<'_>) -> T) -> T {
    let none = BTreeMap::new();
    let at_address = |address| Candidate {
        namespace: "",
        pod: address,
        workload: address,
        labels: &none,
        images: &[],
        env: &[],
        address,
    };
    match whose {
        Whose::Pod(pod) => {
            let containers = &pod.template.spec.containers;
            let images: Vec<String> = containers.iter().map(|one| one.image.clone()).collect();
            let variables = containers.iter().flat_map(|one| &one.env);
            let env: Vec<(String, String)> = variables
                .map(|variable| (variable.name.clone(), variable.value.clone()))
                .collect();
            then(Candidate {
                namespace: &pod.namespace,
                pod: &pod.name,
                workload: &pod.workload.name,
                labels: pod.labels(),
                images: &images,
                env: &env,
                address: "",
            })
        }
        Whose::External(external) => {
            let ObjectName { namespace, name } = external.name();
            then(Candidate {
                namespace: &namespace,
                pod: &name,
                workload: &name,
                ..at_address(&external.address)
            })
        }
        Whose::Address(address) => then(at_address(address)),
    }
}

/// The pod at the end of a request's way.
pub(crate) fn destination(explanation: &Explanation) -> Option<ObjectName> {
    let last = explanation.hops.last()?;
    let name = match last.direction {
        Direction::Inbound => Some(&last.proxy),
        Direction::Outbound | Direction::Gateway => {
            let clusters = last.clusters.iter();
            let likeliest = clusters.rev().max_by_key(|cluster| cluster.weight);
            likeliest.and_then(|cluster| cluster.endpoints.first())
        }
    };
    let (namespace, name) = name?.split_once('/')?;
    Some(ObjectName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// The request as the application receives it.
fn received(explanation: &Explanation, request: &Request) -> RequestHead {
    let mut sent = explanation.hops.iter().rev();
    let sent = sent.find_map(|hop| match hop.direction {
        Direction::Inbound => None,
        Direction::Outbound | Direction::Gateway => hop.upstream_request.as_ref(),
    });
    match sent {
        Some(sent) => RequestHead {
            method: sent.method.clone(),
            authority: sent.authority.clone(),
            path: sent.path.clone(),
            headers: sent.headers.clone(),
            ..request.head.clone()
        },
        None => request.head.clone(),
    }
}

//! For random meshes, what our proxy makes of a request is what a literal reading of the same snapshot makes of it.
//!
//! The reading ([`reading`]) goes by Envoy's documentation alone: it scans where the proxy looks up, compiles nothing and
//! remembers nothing. Meshes and requests ([`mesh`]) are drawn from few names, so that requests hit.

mod mesh;
mod reading;

use std::cell::Cell;
use std::net::IpAddr;

use control_plane::{MeshConfig, ProxyRef};
use manifest::{Invalid, Level, Source};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proxy::listener::{Connection, Verdict, accept};
use proxy::names::Names;
use proxy::request::RequestHead;
use proxy::table::{Outcome, Table};
use xds::{Snapshot, TrafficDirection};

use mesh::Request;
use reading::{Answer, End};

/// How many meshes there are; `MESHSIM_REFERENCE_CASES` asks for more.
const CASES: u32 = 1_000;

#[test]
fn the_proxy_agrees_with_a_literal_reading() {
    let cases = std::env::var("MESHSIM_REFERENCE_CASES").map_or(CASES, |text| {
        text.parse().expect("MESHSIM_REFERENCE_CASES is a number")
    });
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let requests = prop::collection::vec(mesh::request(), 40);
    // Requests that are forwarded, find no route, are answered, or are bytes.
    let ends = Cell::new([0_u32; 4]);
    let result = runner.run(&(mesh::manifests(), requests), |(manifests, requests)| {
        let snapshot = snapshot(&manifests);
        let (table, _) = Table::compile(&snapshot, &mut Names::default());
        for request in &requests {
            let read = reading::read(&snapshot, request);
            let mut counts = ends.get();
            counts[match read.end {
                End::Forwarded { .. } => 0,
                End::Answered { status: 404, .. } => 1,
                End::Answered { .. } => 2,
                End::Bytes { .. } | End::Closed => 3,
            }] += 1;
            ends.set(counts);
            prop_assert_eq!(
                &told(&snapshot, &table, request),
                &read,
                "{:?}\nin\n{}",
                request,
                manifests
            );
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let ends = ends.get();
    assert!(
        ends.iter().all(|count| *count > 10),
        "all ends are met: {ends:?}"
    );
}

/// What Pilot would tell the client.
fn snapshot(manifests: &str) -> Snapshot {
    let sources = [Source::new("mesh.yaml", manifests)];
    let (mut resources, diagnostics) = manifest::parse_with(&sources, "here", Invalid::LeftOut);
    let unreadable: Vec<_> = diagnostics
        .iter()
        .filter(|said| said.level == Level::Error)
        .collect();
    assert!(unreadable.is_empty(), "{unreadable:#?}\n{manifests}");
    for said in control_plane::validate(&resources) {
        if let (Level::Error, Some(object)) = (said.level, &said.object) {
            resources.delete(&object.kind, &object.namespace, &object.name);
        }
    }
    control_plane::compile(&resources, &MeshConfig::default())
        .snapshot(&ProxyRef::new("here", "client"))
        .expect("the client has a sidecar")
}

/// What the proxy says.
fn told(snapshot: &Snapshot, table: &Table, request: &Request) -> Answer {
    let connection = Connection {
        direction: TrafficDirection::Outbound,
        ip: request.ip.parse::<IpAddr>().ok(),
        port: request.port,
        preface: request.preface(),
    };
    let accepted = accept(&snapshot.listeners, &connection);
    let mut answer = Answer {
        listener: accepted.listener.map(|listener| listener.name.clone()),
        route_config: None,
        virtual_host: None,
        route: None,
        end: End::Closed,
    };
    let bytes = |clusters: &[(String, u32)]| End::Bytes {
        clusters: clusters.to_vec(),
    };
    match accepted.verdict {
        Verdict::Http(name) => {
            answer.route_config = Some(name.to_owned());
            let config = table
                .route_config(name)
                .expect("listeners name tables that exist");
            let (resolution, trace) = table.explain(config, &request.head);
            answer.virtual_host = trace.virtual_host.map(str::to_owned);
            answer.route = resolution.route.map(|id| Box::new(table.route(id).clone()));
            answer.end = match &resolution.outcome {
                Outcome::Reply {
                    status,
                    headers,
                    body,
                    ..
                } => End::Answered {
                    status: *status,
                    headers: headers.clone(),
                    body: body.clone(),
                },
                Outcome::Forward | Outcome::Passthrough(_) => {
                    let id = resolution.route.expect("what is forwarded has a route");
                    let clusters = table.route_clusters(id).zip(&resolution.upstream_heads);
                    End::Forwarded {
                        clusters: clusters
                            .map(|(cluster, head)| {
                                let exists = table.has_cluster(cluster.id);
                                (cluster.name.to_owned(), cluster.weight, exists, seen(head))
                            })
                            .collect(),
                    }
                }
            };
        }
        Verdict::Tcp(clusters) => answer.end = bytes(clusters),
        Verdict::Passthrough => {
            answer.end = bytes(&[(proxy::listener::PASSTHROUGH_CLUSTER.to_owned(), 1)]);
        }
        Verdict::BlackHole => {
            answer.end = bytes(&[(proxy::listener::BLACK_HOLE_CLUSTER.to_owned(), 1)]);
        }
        Verdict::NoFilterChain
        | Verdict::TlsExpected
        | Verdict::PlainTextExpected
        | Verdict::NoListener => {}
    }
    answer
}

/// A head without what proxies write about themselves.
fn seen(head: &RequestHead) -> RequestHead {
    let mut head = head.clone();
    head.headers.retain(|(name, _)| {
        ![
            "x-forwarded-proto",
            "x-envoy-attempt-count",
            "x-envoy-expected-rq-timeout-ms",
        ]
        .contains(&name.as_str())
    });
    head.protocol = proxy::request::Protocol::Http1;
    head
}

//! Service graphs of isotope as scenarios.

use base::SimDuration;
use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, Outcome, RunOptions, compile, load, run};

fn outcome(graph: &str, rest: &str) -> Result<Outcome, Vec<String>> {
    let texts = |found: Vec<manifest::Diagnostic>| -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    };
    let text = format!("isotope: graph.yaml\nnetwork: {{latency: 0, sidecarLatency: 0}}\n{rest}");
    let files = |name: &str| Ok(vec![Source::new(name, graph)]);
    let source = Source::new("s.yaml", text);
    let scenario = load(&source, &LoadOptions::default(), &files).map_err(texts)?;
    let compiled = compile(&scenario, &CompileOptions::default()).map_err(texts)?;
    Ok(run(&scenario, &compiled, &RunOptions::default()))
}

#[test]
fn a_graph_runs_as_its_scripts_say() {
    let outcome = outcome(
        include_str!("graph.yaml"),
        "traffic: [{name: users, from: service-graph/client, rate: 50/s, url: 'http://d:8080/'}]
expect:
- {share: {traffic: users, responseCode: 500}, of: {traffic: users}, about: 25%}
- {p50: {sourceWorkload: service-graph/d, destinationService: service-graph/c}, atLeast: 399ms, atMost: 401ms}
- {share: {sourceWorkload: service-graph/c}, of: {destinationService: service-graph/a}, about: 66.7%, within: 1%}
- {count: {sourceWorkload: service-graph/a}, equals: 0}
",
    )
    .expect("a good graph");
    assert!(outcome.passed(), "{:?}", outcome.verdicts);
    assert_eq!(outcome.simulated, SimDuration::from_secs(60));
    let pods = &outcome.measurements.window.pods;
    let of_a = pods.iter().filter(|pod| pod.workload.workload == "a");
    assert_eq!(of_a.count(), 2, "two pods, as the defaults say");
}

#[test]
fn says_what_is_wrong_with_a_graph() {
    for (graph, expected) in [
        (
            "{}",
            "graph.yaml:1:1: error: the file lacks `services` (write it as in `services: [{name: …}]`)",
        ),
        (
            "services: [{name: a, script: [{call: bb}]}, {name: b}]",
            "graph.yaml:1:38: error: services[0].script[0].call: there is no service `bb` (did you mean `b`?)",
        ),
        (
            "services: []",
            "graph.yaml:1:11: error: services: there is no service (give at least one: `services: [{name: a}]`)",
        ),
        (
            "services: [{name: a, namespace: B}]",
            "graph.yaml:1:33: error: services[0].namespace: `B` cannot be the name of a namespace \
             (write small letters, digits and `-`)",
        ),
        (
            "services: [{name: a, script: [{call: {service: a, call-override: 'ftp://a'}}]}]",
            "graph.yaml:1:66: error: services[0].script[0].call.call-override: `ftp://a` cannot be used as a URL: \
             scheme `ftp` is not simulated (write it as in `http://reviews:9080/reviews/1`)",
        ),
        (
            "services: [{name: A}]",
            "graph.yaml:1:19: error: services[0].name: `A` cannot be the name of a Service \
             (write small letters, digits and `-`)",
        ),
        (
            "services: [{name: a}, {name: a}]",
            "graph.yaml:1:30: error: two services are named `a` (the other one is in line 1)",
        ),
        (
            "services: [{name: a, errorRate: 5}]",
            "graph.yaml:1:33: error: services[0].errorRate: `5` is out of range: expected 0 to 1 (write `5%`)",
        ),
        (
            "services: [{name: a, replicas: 5}]",
            "graph.yaml:1:22: error: unknown field \"services[0].replicas\" (did you mean `numReplicas`?)",
        ),
        (
            "{defaults: {requestSize: big}, services: [{name: a}]}",
            "graph.yaml:1:26: error: defaults.requestSize: `big` is no size (write it as in `128`, `16 KB` or `1 MiB`)",
        ),
        (
            "services: [{name: a, script: [{sleep: 1s, call: a}]}]",
            "graph.yaml:1:49: error: services[0].script[0].call: `sleep` and `call` exclude each other: give one",
        ),
    ] {
        let traffic = "traffic: [{from: service-graph/client, rate: 1/s, url: 'http://a:8080/'}]";
        let found = outcome(graph, traffic).expect_err(graph);
        assert_eq!(found, [expected], "{graph}");
    }
}

#[test]
fn what_has_no_effect_is_reported() {
    let graph = "defaults: {responseSize: 1 KB, type: http}
services:
- {name: a, type: grpc, numRbacPolicies: 3, responseSize: 4 KB, cluster: east}
- {name: b, numRbacPolicies: 0}
";
    let text = "isotope: graph.yaml\ntraffic: [{from: service-graph/client, rate: 1/s, url: 'http://a:8080/'}]";
    let files = |name: &str| Ok(vec![Source::new(name, graph)]);
    let source = Source::new("s.yaml", text);
    let scenario = load(&source, &LoadOptions::default(), &files).expect("a good graph");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good graph");
    let notes: Vec<String> = compiled.notes.iter().map(ToString::to_string).collect();
    let of_graph: Vec<&str> = (notes.iter().map(String::as_str))
        .filter(|note| note.starts_with("graph.yaml:"))
        .collect();
    assert_eq!(
        of_graph,
        [
            "graph.yaml:3:19: warning: `type: grpc` has no effect: its servers speak HTTP, as isotope's own do",
            "graph.yaml:3:42: warning: `numRbacPolicies` has no effect: no policies are made, and their checks take no time",
            "graph.yaml:1:26: warning: `responseSize` has no effect, here and in 1 more places: a response takes as long \
             whatever its size",
            "graph.yaml:3:74: warning: `cluster` has no effect: all services are in one cluster",
        ]
    );
}

//! The largest of isotope's service graphs: a tree of 1000 services with five pods each, whose root asks a hundred
//! services at once, and those a hundred each until there are no more. How long it takes to load and to compile, how fast
//! it runs, and how much memory all of it takes where the system tells. `requests` counts those of all services; the
//! fingerprint is the result's hash.
//!
//! `cargo bench --bench isotope [-- --quick]`; `cargo test` runs a tree of 100 services.

use manifest::Source;
use scenario::{CompileOptions, LoadOptions, RunOptions};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Instant;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let is_quick = has("--quick") || !has("--bench");
    println!(
        "{:>8} {:>8} {:>9} {:>11} {:>7} {:>10} {:>12} {:>9}  fingerprint",
        "services", "pods", "load/ms", "compile/ms", "run/ms", "requests", "requests/s", "peak/MiB"
    );
    if is_quick {
        row(100, 10);
    } else {
        row(1000, 100);
    }
}

fn row(services: usize, branches: usize) {
    let graph = tree(services, branches);
    let text = "isotope: graph.yaml
duration: 10s
traffic: [{name: users, from: service-graph/client, rate: 10/s, url: 'http://svc-0:8080/'}]
expect: [{successRate: {traffic: users}, equals: 100%}]
";
    let files = |name: &str| Ok(vec![Source::new(name, graph.as_str())]);
    let start = Instant::now();
    let source = Source::new("scenario.yaml", text);
    let scenario = scenario::load(&source, &LoadOptions::default(), &files).expect("a scenario");
    let load = start.elapsed();
    let start = Instant::now();
    let compiled = scenario::compile(&scenario, &CompileOptions::default()).expect("a mesh");
    let compile = start.elapsed();
    let start = Instant::now();
    let outcome = scenario::run(&scenario, &compiled, &RunOptions::default());
    let run = start.elapsed();
    assert!(outcome.passed(), "{:?}", outcome.verdicts);
    let pods = compiled.plan.pods.len();
    assert_eq!(pods, services * PODS + 1, "all pods and the client");
    println!(
        "{services:>8} {pods:>8} {:>9} {:>11} {:>7} {:>10} {:>12.0} {:>9}  {}",
        load.as_millis(),
        compile.as_millis(),
        run.as_millis(),
        outcome.requests,
        outcome.requests as f64 / run.as_secs_f64(),
        peak_mebibytes().map_or("-".to_owned(), |peak| peak.to_string()),
        outcome.fingerprint
    );
}

/// A complete tree, as isotope's `create_tree_topology.py` makes it.
fn tree(services: usize, branches: usize) -> String {
    let mut text = format!("defaults: {{numReplicas: {PODS}}}\nservices:\n");
    let mut waiting = VecDeque::from(["svc-0".to_owned()]);
    let mut made = 1;
    while let Some(name) = waiting.pop_front() {
        writeln!(text, "- name: {name}").expect("a text takes all");
        let children = branches.min(services - made);
        made += children;
        let children = (0..children).map(|child| format!("{name}-{child}"));
        let children: Vec<String> = children.collect();
        if !children.is_empty() {
            let calls = children.iter().map(|child| format!("{{call: {child}}}"));
            let calls: Vec<String> = calls.collect();
            writeln!(text, "  script: [[{}]]", calls.join(", ")).expect("a text takes all");
        }
        waiting.extend(children);
    }
    text
}

/// The most memory that this process has had, where Linux tells.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024)
}

const PODS: usize = 5;

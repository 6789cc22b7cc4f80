//! Random scenarios over random manifests: refused or run, but never a panic, and every request is accounted for.

use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, RunOptions, compile, load, run};
use proptest::prelude::*;

const MESH: &str = include_str!("mesh.yaml");

const SCENARIO: &str = "\
namespace: shop
manifests: mesh
duration: 2s
warmUp: 500ms
seed: 3
workloads:
- {selector: {app: web}, concurrency: 2, queue: 3, serviceTime: {exponential: 5ms}, calls: ['http://db:5432/x']}
- {workload: db, concurrency: 1, serviceTime: 2ms, errorRate: 10%, errorStatus: 503, onFull: refuse}
- workload: plain
  onAbandon: stop
  refuse: true
traffic:
- {name: users, from: client, rate: 150/s, url: 'http://web/', timeout: 50ms, retries: {attempts: 2, backoff: 5ms}}
- {name: strangers, from: outside/plain, users: 3, thinkTime: 10ms, url: 'http://web.shop/a?b=c'}
- {name: lost, from: db, rate: 20/s, arrivals: constant, url: 'http://nowhere:81/', start: 1s, stop: 1500ms}
network: {latency: 1ms, sidecarLatency: {uniform: {min: 0, max: 1ms}}}
timeline:
- {at: 500ms, workload: db, serviceTime: 20ms, for: 500ms}
- {at: 700ms, delete: vs/shop/web}
- {at: 900ms, apply: mesh}
- {at: 1200ms, traffic: users, rate: 0/s}
- {at: 1300ms, delete: deploy/shop/web-v2}
- {at: 1400ms, workload: web-v1, refuse: true, for: 200ms}
expect:
- {share: {traffic: users, subset: v2}, about: 10%}
- {successRate: {traffic: users}, about: 90%, window: {from: 500ms, to: 1s}}
- {mean: {sourceWorkload: client}, about: 10ms}
- {utilization: {workload: db}, about: 50%}
- {triesPerRequest: {traffic: users}, about: 1}
- {inFlight: {}, about: 1}
- {count: {responseCode: [0, 5xx], responseFlags: [UO, '-']}, atLeast: 1}
- {rate: {destinationService: web, destinationVersion: v1}, about: 100/s, within: 10/s}
- {p99.9: {traffic: lost}, atMost: 1ms}
- {ejections: {subset: v1, pod: web-v1-0}, equals: 0}
";

/// Lines of `text`, some of them replaced by others, doubled, left out, cut or changed in a character.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let original: Vec<&'static str> = text.lines().collect();
    let count = original.len();
    let edit = (0..count, 0..count, 0..5_u8, any::<char>());
    proptest::collection::vec(edit, 0..4).prop_map(move |edits| {
        let mut lines: Vec<String> = original.iter().map(|line| (*line).to_owned()).collect();
        for (at, other, kind, character) in edits {
            let at = at.min(lines.len() - 1);
            match kind {
                0 => lines[at] = original[other].to_owned(),
                1 => lines.insert(at, original[other].to_owned()),
                2 if lines.len() > 1 => drop(lines.remove(at)),
                3 => {
                    let half = lines[at].chars().count() / 2;
                    lines[at] = lines[at].chars().take(half).collect();
                }
                _ => {
                    let length = lines[at].chars().count().max(1);
                    let place = other % length;
                    lines[at] = lines[at]
                        .chars()
                        .enumerate()
                        .map(|(index, old)| if index == place { character } else { old })
                        .collect();
                }
            }
        }
        lines.join("\n")
    })
}

fn play(scenario: &str, mesh: &str, skip_invalid: bool) {
    let files = |_: &str| Ok(vec![Source::new("mesh", mesh)]);
    let options = LoadOptions {
        name: "random".to_owned(),
        ..LoadOptions::default()
    };
    let Ok(scenario) = load(&Source::new("s.yaml", scenario), &options, &files) else {
        return;
    };
    let options = CompileOptions {
        skip_invalid,
        ..CompileOptions::default()
    };
    let Ok(compiled) = compile(&scenario, &options) else {
        return;
    };
    // A changed digit may make a run a hundred times longer.
    if scenario.duration > base::SimDuration::from_secs(30) {
        return;
    }
    let outcome = run(&scenario, &compiled, &RunOptions::default());
    assert_eq!(outcome.verdicts.len(), scenario.expect.len());
}

#[test]
fn the_original_runs() {
    play(SCENARIO, MESH, false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_scenarios_are_refused_or_run(text in mutated(SCENARIO)) {
        play(&text, MESH, false);
    }

    #[test]
    fn mutated_manifests_are_refused_or_run(mesh in mutated(MESH), skip_invalid: bool) {
        play(SCENARIO, &mesh, skip_invalid);
    }
}

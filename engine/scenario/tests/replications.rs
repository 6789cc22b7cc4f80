//! Replications: how far chance moves figures, and what that means for expectations.

use manifest::Source;
use meshsim_scenario::statistic::{Name, Subject};
use meshsim_scenario::{CompileOptions, LoadOptions, Outcome, RunOptions, compile, load, run};

const MESH: &str = include_str!("mesh.yaml");

fn outcome(text: &str, replications: u32) -> Outcome {
    let text = format!("namespace: shop\nmanifests: mesh\nduration: 20s\n{text}");
    let options = LoadOptions {
        name: "test".to_owned(),
        ..LoadOptions::default()
    };
    let files = |name: &str| Ok(vec![Source::new(name, MESH)]);
    let scenario = load(&Source::new("s.yaml", text), &options, &files).expect("a good file");
    let compiled = compile(&scenario, &CompileOptions::default()).expect("a good scenario");
    let options = RunOptions {
        replications,
        ..RunOptions::default()
    };
    run(&scenario, &compiled, &options)
}

#[test]
fn figures_have_intervals_over_replications() {
    let text = "
workloads: [{selector: {app: web}, serviceTime: {exponential: 10ms}}]
traffic: [{name: users, from: client, rate: 100/s, url: http://web/}]
expect: [{mean: {traffic: users}, atMost: 1s}, {successRate: {traffic: users}, equals: 100%}]
";
    let one = outcome(text, 1);
    assert!(one.spreads.is_empty() && one.verdicts[0].interval.is_none());
    let ten = outcome(text, 10);
    let as_written = outcome(&format!("replications: 10\n{text}"), 0);
    let same = as_written.spreads == ten.spreads && as_written.fingerprint == ten.fingerprint;
    assert!(same, "the scenario may say so itself");
    let users = Subject::Traffic("users".to_owned());
    let of = |name: &Name| {
        let mut all = ten.spreads.iter();
        let found = all.find(|spread| spread.subject == users && spread.name == *name);
        found.expect("it was measured").interval
    };
    // Service takes 10 ms in the mean, 20 000 draws in all: a tenth of a millisecond is its standard error.
    let mean = of(&Name::Mean);
    let half = mean.half_width.expect("ten replications");
    assert_eq!(mean.count, 10);
    assert!(half > 0.05e-3 && half < 0.5e-3, "{half}");
    let pooled = ten.verdicts[0].observed.expect("it was measured");
    assert!((mean.mean - pooled).abs() < half, "{} {pooled}", mean.mean);
    let seen = ten.verdicts[0].interval.expect("ten replications");
    // Means of latency are told in whole nanoseconds there, and in fractions here.
    assert!(
        (seen.mean - mean.mean).abs() < 1e-9 && seen.count == 10,
        "{seen:?}"
    );
    let success = of(&Name::SuccessRate);
    assert_eq!((success.mean, success.half_width), (1.0, Some(0.0)));
    let rate = of(&Name::RequestRate);
    assert!(
        (rate.mean - 100.0).abs() < rate.half_width.expect("ten") * 2.0,
        "{rate:?}"
    );
}

/// Three users of whom each always fails or never: a success rate scatters as three draws do, not as thousands.
#[test]
fn what_scatters_more_than_requests_do_is_judged_by_replications() {
    let text = "
workloads: [{selector: {app: web}, endpoints: [{path: /a, errorRate: 100%}, {path: /b}]}]
traffic:
- {name: users, from: client, users: 3, thinkTime: 100ms, sessions: true, url: 'http://web/{part}', values: {part: [a, b]}}
expect:
- {successRate: {traffic: users}, about: 50%}
- {successRate: {traffic: users}, about: 100%}
";
    let one = outcome(text, 1);
    assert!(
        !one.verdicts[0].passed,
        "three users are no 600 draws: {}",
        one.verdicts[0].evidence
    );
    let four = outcome(text, 4);
    assert!(
        !four.verdicts[0].passed,
        "too few replications: {}",
        four.verdicts[0].evidence
    );
    let twelve = outcome(text, 12);
    let verdict = &twelve.verdicts[0];
    assert!(verdict.passed, "{}", verdict.evidence);
    assert!(
        verdict
            .evidence
            .contains("12 replications scatter so that their mean"),
        "{}",
        verdict.evidence
    );
    let (min, max) = (verdict.min.expect("a bound"), verdict.max.expect("a bound"));
    assert!(min < 0.4 && max > 0.6, "{min} to {max}");
    // A bound is no licence: with more replications a wrong one is found out.
    assert!(!outcome(text, 40).verdicts[1].passed);
}

#[test]
fn a_wrong_share_is_found_out_by_few_replications_too() {
    let text = "
traffic: [{name: users, from: client, rate: 100/s, url: http://web/}]
expect: [{share: {traffic: users, subset: v2}, about: 10%}, {share: {traffic: users, subset: v2}, about: 20%}]
";
    for replications in [1, 5, 12] {
        let outcome = outcome(text, replications);
        let passed: Vec<bool> = outcome
            .verdicts
            .iter()
            .map(|verdict| verdict.passed)
            .collect();
        assert_eq!(
            passed,
            [true, false],
            "{replications}: {}",
            outcome.verdicts[1].evidence
        );
    }
}

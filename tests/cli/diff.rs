//! `meshsim diff`: what changes for whom, and what makes it fail.

use std::fs;

use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use super::{json, meshsim, run};

const SHORT: [&str; 4] = ["--set", "duration=1s", "--replications", "3"];

#[test]
fn identical_sides_have_no_change() {
    let arguments = [
        "diff",
        "scenarios/tiny",
        "scenarios/tiny",
        "--fail-on",
        "any",
    ];
    run(&[&arguments[..], &SHORT].concat())
        .success()
        .stdout_eq(str![[r#"
scenarios/tiny → scenarios/tiny
3 runs each from seed 1, the same dice on both sides

no change: all [..] figures are the same in every run

"#]]);
    let report = json(&[&arguments[..], &SHORT, &["-o", "json"]].concat(), 0);
    assert_eq!(
        report["before"]["fingerprints"],
        report["after"]["fingerprints"]
    );
    let changes = report["changes"].as_array().expect("changes");
    assert!(changes.iter().all(|change| change["effect"] == "identical"));
}

/// One Service over two versions, and a rule that splits by these weights.
fn mesh(v1: u32, v2: u32) -> String {
    let pod = |version: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web-{version}, labels: {{app: web, version: {version}}}}}\n\
             spec: {{containers: [{{name: app, image: web}}]}}\n---\n"
        )
    };
    let rules = format!(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: web}}\n\
         spec: {{host: web, subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]}}\n\
         ---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: web}}\n\
         spec: {{hosts: [web], http: [{{route: [{{destination: {{host: web, subset: v1}}, weight: {v1}}}, \
         {{destination: {{host: web, subset: v2}}, weight: {v2}}}]}}]}}\n"
    );
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: default, labels: {{istio-injection: enabled}}}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: client}}\nspec: {{containers: [{{name: app, image: curl}}]}}\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n\
         spec: {{selector: {{app: web}}, ports: [{{name: http, port: 80}}]}}\n---\n{}{}{rules}",
        pod("v1"),
        pod("v2")
    )
}

#[test]
fn a_canary_shifts_traffic_and_nothing_else() {
    let scratch = TempDir::new().expect("the temporary folder is writable");
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        fs::write(&path, text).expect("it is writable");
        path.to_string_lossy().into_owned()
    };
    let scenario = write(
        "scenario.yaml",
        "duration: 20s\nmanifests: old.yaml\n\
         workloads: [{workload: web-v1, serviceTime: 2ms}, {workload: web-v2, serviceTime: 2ms}]\n\
         traffic: [{name: users, from: client, rate: 200/s, url: http://web/}]\n",
    );
    let (old, new) = (
        write("old.yaml", &mesh(100, 0)),
        write("new.yaml", &mesh(90, 10)),
    );
    let base = ["diff", &scenario, "--manifests", &old, "--manifests", &new];
    let report = json(&[&base[..], &["-o", "json"]].concat(), 0);
    let changes = report["changes"].as_array().expect("changes");
    let changed: Vec<&Value> = changes
        .iter()
        .filter(|c| c["effect"] == "changed")
        .collect();
    let shares: Vec<(&str, f64)> = changed
        .iter()
        .filter(|c| c["statistic"] == "share")
        .map(|c| {
            (
                c["subject"].as_str().expect("text"),
                c["after"].as_f64().expect("a share"),
            )
        })
        .collect();
    assert_eq!(shares.len(), 2, "{shares:?}");
    assert!(
        shares[0].0.contains("v1") && (shares[0].1 - 0.9).abs() < 0.01,
        "{shares:?}"
    );
    assert!(
        shares[1].0.contains("v2") && (shares[1].1 - 0.1).abs() < 0.01,
        "{shares:?}"
    );
    // The pods' loads shift with the shares: a tenth of 200 a second.
    let loads: Vec<_> = changed
        .iter()
        .filter(|c| c["statistic"] == "load")
        .collect();
    let [stable, canary] = loads[..] else {
        panic!("{loads:?}");
    };
    assert_eq!(
        (&stable["subject"], &canary["subject"]),
        (&"pod web-v1".into(), &"pod web-v2".into())
    );
    for (load, from, to) in [(stable, 200.0, 180.0), (canary, 0.0, 20.0)] {
        let near =
            |value: &Value, want: f64| value.as_f64().is_some_and(|v| (v - want).abs() < 5.0);
        assert!(
            near(&load["before"], from) && near(&load["after"], to),
            "{load}"
        );
        assert!(
            load["half_width"]
                .as_f64()
                .is_some_and(|half| half > 0.0 && half < 5.0),
            "{load}"
        );
    }
    // All else that changes is that the canary is there at all.
    let other = (changed.iter()).filter(|c| c["statistic"] != "share" && c["statistic"] != "load");
    for change in other {
        let subject = change["subject"].as_str().expect("text");
        assert!(
            subject.contains("web-v2") && change["before"].is_null(),
            "{change}"
        );
    }
    let markdown = run(&[&base[..], &["-o", "markdown", "--fail-on", "share:5%"]].concat()).code(1);
    let text = String::from_utf8_lossy(&markdown.get_output().stdout).into_owned();
    assert!(text.starts_with("### ❌ Traffic: "), "{text}");
    assert!(
        text.contains("| default/web subset v2 at default/web-v2 | share | 0% | "),
        "{text}"
    );
    let tolerated = [
        &base[..],
        &["--fail-on", "share:15%", "--fail-on", "success rate:-0.1%"],
    ];
    run(&tolerated.concat()).success();
}

#[test]
fn two_sides_are_needed() {
    meshsim(&["diff", "scenarios/tiny"]).assert().code(2).stderr_eq(str![[r#"
error: one scenario is given, and 0 sets of manifests
  help: `meshsim diff A B` compares two scenarios, `meshsim diff A --manifests OLD --manifests NEW` one under two sets of manifests

"#]]);
    run(&["schema", "-o", "markdown"]).code(2);
    run(&[
        "diff",
        "scenarios/tiny",
        "scenarios/tiny",
        "--fail-on",
        "much",
    ])
    .code(2);
}

#[test]
fn a_figure_that_does_not_exist_is_refused_before_anything_runs() {
    let base = ["diff", "scenarios/tiny", "scenarios/tiny", "--fail-on"];
    let refused = run(&[&base[..], &["succesRate:-0.1%"]].concat()).code(2);
    let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(told.contains("did you mean `success rate`?"), "{told}");

    let scratch = TempDir::new().expect("the temporary folder is writable");
    let scenario = |name: &str, errors: &str| {
        let path = scratch.path().join(name);
        let text = format!(
            "duration: 1s\nmanifests: mesh.yaml\nworkloads: [{{workload: web-v1, serviceTime: 2ms, errorRate: {errors}}}]\n\
             traffic: [{{name: users, from: client, rate: 200/s, url: http://web/}}]\n"
        );
        fs::write(&path, text).expect("it is writable");
        path.to_string_lossy().into_owned()
    };
    fs::write(scratch.path().join("mesh.yaml"), mesh(100, 0)).expect("it is writable");
    let (good, bad) = (scenario("good.yaml", "0%"), scenario("bad.yaml", "50%"));
    for name in ["successRate", "success rate", "success-rate"] {
        let limit = format!("{name}:-0.1%");
        let base = ["diff", &good, &bad, "--fail-on", &limit];
        run(&[&base[..], &SHORT].concat()).code(1);
    }
}

/// A tenth of what is asked of one Service goes to another, which is asked by others as well.
#[test]
fn a_canary_that_is_another_service_has_the_share_of_what_was_asked() {
    let scratch = TempDir::new().expect("the temporary folder is writable");
    let service = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n\
             spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\n\
             spec: {{containers: [{{name: app, image: web}}]}}\n"
        )
    };
    let mesh = |weight: u32| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: default, labels: {{istio-injection: enabled}}}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: client}}\nspec: {{containers: [{{name: app, image: curl}}]}}\n\
             {}{}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: stock}}\n\
             spec: {{hosts: [stock], http: [{{route: [{{destination: {{host: stock}}, weight: {}}}, \
             {{destination: {{host: price}}, weight: {weight}}}]}}]}}\n",
            service("stock"),
            service("price"),
            100 - weight
        )
    };
    for (name, weight) in [("old.yaml", 0), ("new.yaml", 10)] {
        fs::write(scratch.path().join(name), mesh(weight)).expect("it is writable");
    }
    let users = "{name: users, from: client, rate: 100/s, url: http://stock/}";
    let others = "{name: others, from: client, rate: 50/s, url: http://price/}";
    let plain = "default/price at default/price";
    for (traffic, subject) in [
        (users.to_owned(), plain),
        (
            format!("{users}, {others}"),
            "default/stock → default/price at default/price",
        ),
    ] {
        let scenario = scratch.path().join("scenario.yaml");
        let text = format!(
            "duration: 20s\nmanifests: old.yaml\nworkloads: [{{workload: '*', serviceTime: 2ms}}]\ntraffic: [{traffic}]\n"
        );
        fs::write(&scenario, text).expect("it is writable");
        let at = |name: &str| scratch.path().join(name).to_string_lossy().into_owned();
        let (scenario, old, new) = (at("scenario.yaml"), at("old.yaml"), at("new.yaml"));
        let arguments = ["diff", &scenario, "--manifests", &old, "--manifests", &new];
        let report = json(&[&arguments[..], &["-o", "json"]].concat(), 0);
        let changes = report["changes"].as_array().expect("changes");
        let share = |subject: &str| {
            let mut all = changes.iter();
            let found = all.find(|c| c["subject"] == subject && c["statistic"] == "share");
            let found = found.unwrap_or_else(|| panic!("{subject}: {changes:?}"));
            let of = |side: &str| found[side].as_f64().expect("a share");
            (of("before"), of("after"))
        };
        let (before, after) = share(subject);
        assert!(
            before == 0.0 && (after - 0.1).abs() < 0.02,
            "{before} {after}"
        );
        let (before, after) = share("default/stock at default/stock");
        assert!(
            before == 1.0 && (after - 0.9).abs() < 0.02,
            "{before} {after}"
        );
        if subject != plain {
            assert_eq!(share(plain), (1.0, 1.0), "whoever asks for it gets it");
        }
    }
}

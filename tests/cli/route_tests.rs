//! `meshsim test` on files of istio-config-validator and of Envoy's router_check_tool.

use super::{json, run};
use snapbox::str;

#[test]
fn cases_of_istio_config_validator_are_judged_by_the_rules_that_match() {
    run(&["test", "-q", "-f", "routes/mesh", "routes/passing_test.yml"])
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
ok      routes/passing_test.yml  8 of 8 expectations met

ok: 1 passed

"#]]);
    run(&["test", "-f", "routes/mesh", "routes/failing_test.yml"])
        .code(1)
        .stderr_eq(str![[r#"
routes/mesh/virtualservices.yaml:22:13: what this rule says of clients, gateways and ports is taken to hold: tests of routes name none

"#]])
        .stdout_eq(str![[r#"
FAILED  routes/failing_test.yml  0 of 5 expectations met, 1 not judged
        ✗ the split is forgotten: want route `web:80`, got `web:80 90, web:8080 10` by the rule at routes/mesh/virtualservices.yaml:24:5 for GET shop.example.com/x, and 3 more of 4 requests miss it
          routes/failing_test.yml:2:3
        ✗ a redirect is expected of a rule that has none: want the `redirect` of the case, got no `redirect` by the rule at routes/mesh/virtualservices.yaml:24:5 for GET shop.example.com/x
          routes/failing_test.yml:6:3
        ✗ testers are sent away: want not the `rewrite` of the case, got the same by the rule at routes/mesh/virtualservices.yaml:13:7 for GET shop.example.com/cart
          routes/failing_test.yml:10:3
        ? nothing is asserted: not judged: the case names nothing to compare, such as `route`
          routes/failing_test.yml:14:3
        ✗ Istio drops what has regular expressions on both sides: want route `north`, got none as no rule of the delegate holds together with that at routes/mesh/virtualservices.yaml:53:13 for GET regions.example.com/north/1
          routes/failing_test.yml:17:3

FAILED: 0 passed, 1 failed

"#]]);
}

#[test]
fn tests_of_router_check_tool_are_judged_by_the_same_table() {
    run(&[
        "test",
        "-f",
        "routes/envoy/routes.yaml",
        "routes/router_check.json",
    ])
    .success()
    .stderr_eq("")
    .stdout_eq(str![[r#"
ok      routes/router_check.json  12 of 12 expectations met

ok: 1 passed

"#]]);
    run(&[
        "test",
        "-q",
        "-f",
        "routes/mesh",
        "routes/router_check_of_istio.yaml",
    ])
    .success()
    .stdout_eq(str![[r#"
ok      routes/router_check_of_istio.yaml  2 of 2 expectations met

ok: 1 passed

"#]]);
    run(&["test", "-f", "routes/envoy/routes.yaml", "routes/router_check_failing.yaml"])
        .code(1)
        .stdout_eq(str![[r#"
FAILED  routes/router_check_failing.yaml  0 of 4 expectations met, 2 not judged
        ✗ another cluster: want cluster_name `inner`, got `rest`
          routes/router_check_failing.yaml:2:3
        ✗ a header that nobody sets: want request header {"name":"x-b","present_match":true}, got ``
          routes/router_check_failing.yaml:5:3
        ? statistics: not judged: `virtual_cluster_name` is not known here: virtual clusters are statistics only
          routes/router_check_failing.yaml:8:3
        ? metadata: not judged: `dynamic_metadata` is not known here
          routes/router_check_failing.yaml:11:3

FAILED: 0 passed, 1 failed

"#]]);
}

#[test]
fn tests_of_routes_stand_beside_scenarios_and_need_routes() {
    let both = [
        "test",
        "-q",
        "-o",
        "json",
        "-f",
        "routes/mesh",
        "routes/passing_test.yml",
        "scenarios/tiny",
    ];
    let verdicts = json(&both, 0);
    assert_eq!(verdicts["passed"], 2);
    assert_eq!(verdicts["scenarios"][0]["name"], "routes/passing_test.yml");
    assert_eq!(
        verdicts["scenarios"][0]["requests"],
        serde_json::Value::Null
    );
    assert_eq!(verdicts["scenarios"][0]["expectations"][0]["passed"], true);
    assert_eq!(verdicts["scenarios"][1]["name"], "tiny");
    run(&["test", "routes/passing_test.yml"])
        .code(2)
        .stderr_eq(str![[r#"
error: `routes/passing_test.yml` holds tests of routes, and no routes are given
  help: name the manifests, or Envoy's route configuration, with `-f`

"#]]);
    run(&[
        "test",
        "-f",
        "routes/envoy/routes.yaml",
        "routes/passing_test.yml",
    ])
    .code(2)
    .stderr_eq(str![[r#"
error: `routes/passing_test.yml` is about VirtualServices, and `-f` names Envoy's routes

"#]]);
    run(&["test", "-f", "routes/mesh", "scenarios/tiny"])
        .code(2)
        .stderr_eq(str![[r#"
error: `-f` is given, and no file tests routes
  help: scenarios name their manifests themselves

"#]]);
    run(&[
        "test",
        "-q",
        "-f",
        "routes/mesh",
        "routes/misspelt_test.yml",
    ])
    .code(2)
    .stderr_eq(str![[r#"
routes/misspelt_test.yml:3:3: error: unknown field "testCases[0].isMatch"
  |
3 |   isMatch: true
  |   ^^^^^^^

"#]]);
}

#[test]
fn a_file_that_judges_nothing_does_not_pass() {
    let scratch = tempfile::TempDir::new().expect("the temporary folder is writable");
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).expect("it is writable");
        path.to_string_lossy().into_owned()
    };
    for (name, text, place) in [
        ("a_test.yml", "testCases: []\n", "a_test.yml:1:12"),
        ("b.yaml", "# none yet\ntests: []\n", "b.yaml:2:8"),
        ("c.json", "{\"tests\": []}\n", "c.json:1:11"),
    ] {
        let file = write(name, text);
        let refused = run(&["test", "-f", "routes/mesh", &file]).code(2);
        let told = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(
            told.contains(place) && told.contains("is empty: nothing is judged"),
            "{told}"
        );
    }
    let file = write(
        "d_test.yml",
        "testCases:\n- {wantMatch: true, request: {authority: [a.example.com], method: [GET], uri: [/]}}\n",
    );
    let arguments = ["test", "-q", "-f", "routes/mesh", &file];
    let skipped = run(&arguments).success();
    let told = String::from_utf8_lossy(&skipped.get_output().stdout).into_owned();
    assert!(
        told.starts_with("skipped ") && told.ends_with("ok: 0 passed, 1 skipped\n"),
        "{told}"
    );
    let report = json(&[&arguments[..], &["-o", "json"]].concat(), 0);
    assert_eq!(
        (&report["passed"], &report["skipped"]),
        (&0.into(), &1.into())
    );
}

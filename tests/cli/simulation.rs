//! `meshsim run` and `meshsim test`: what they print, what they write and how they end.

use std::fs;
use std::path::Path;

use serde_json::Value;
use snapbox::str;
use tempfile::TempDir;

use super::{json, meshsim, run};

/// A folder for what a test writes, gone when the test ends.
fn scratch() -> TempDir {
    tempfile::tempdir().expect("the temporary folder is writable")
}

/// A path as an argument.
fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

#[test]
fn a_run_prints_a_summary_and_writes_a_folder() {
    let scratch = scratch();
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cli/fixtures/scenarios/tiny"
    );
    meshsim(&["run", scenario])
        .current_dir(scratch.path())
        .assert()
        .success()
        .stdout_eq(str![[r#"
✓ tiny: its expectation is met
  seed 1, 2 s simulated: [..] requests, fingerprint [..]
✓ every request succeeds  100%, expected 100%

traffic  requests  req/s  success [..]
users [..]

where requests went: share, requests, requests over time
frontend/app-svc [..]

"#]])
        .stderr_eq(str![[r#"

wrote reports/out/tiny/: report.html, summary.json, measurements.json, [..] tables, [..] plots as SVG and [..] as PNG

"#]]);
    let out = scratch.path().join("reports/out/tiny");
    for file in [
        "summary.json",
        "requests_total.csv",
        "latency.csv",
        "expectations.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let summary = fs::read_to_string(out.join("summary.json")).expect("it is written");
    let summary: Value = serde_json::from_str(&summary).expect("it is JSON");
    assert_eq!(summary["scenario"], "tiny");
}

#[test]
fn a_run_prints_json_and_repeats_with_any_number_of_threads() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let folder = text(&out);
    let ran = |jobs: &str, more: &[&str]| {
        let arguments = [
            "run",
            "scenarios/tiny/scenario.yaml",
            "-o",
            "json",
            "--out",
            folder,
        ];
        let flags = ["--replications", "3", "--seed", "9", "--jobs", jobs];
        let mut json = json(&[&arguments[..], &flags[..], more].concat(), 0);
        let requests = fs::read(out.join("requests_total.csv")).expect("it is written");
        json["wall_seconds"] = Value::Null;
        (json, requests)
    };
    let one = ran("1", &[]);
    assert_eq!(one.0["schema"], "meshsim.run/1");
    assert_eq!(one.0["seed"], 9);
    assert_eq!(one.0["expectations"][0]["passed"], true);
    assert_eq!(one.0["destinations"][0]["service"], "frontend/app-svc");
    let interval = &one.0["traffic"][0]["interval"];
    let mean = &interval["latency_ms"]["mean"];
    assert_eq!(mean["replications"], 3);
    assert!(mean["low"].as_f64() < mean["mean"].as_f64(), "{mean}");
    assert!(mean["mean"].as_f64() < mean["high"].as_f64(), "{mean}");
    assert_eq!(interval["success_rate"]["low"], 1.0);
    let share = &one.0["destinations"][0]["interval"]["share"];
    assert_eq!(share["mean"], 1.0);
    assert_eq!(one.0["expectations"][0]["interval"]["mean"], 1.0);
    let intervals = fs::read_to_string(out.join("intervals.csv")).expect("it is written");
    assert!(
        intervals
            .starts_with("subject,statistic,unit,mean,low,high,replications\ntraffic users,rate,")
    );
    assert_eq!(one, ran("4", &["--access-log"]));
    let rows = |path: &str| {
        let text = fs::read_to_string(out.join(path)).expect("it is written");
        text.lines().count() - 1
    };
    let (all, tries) = (rows("access_log.csv"), rows("access_log_tries.csv"));
    assert!(all > 100 && tries >= all, "{all} requests, {tries} tries");
    ran("2", &["--access-log", "10", "--access-log-format", "istio"]);
    assert_eq!(rows("access_log.txt") + 1, 10);
    let other = ran(
        "1",
        &["--duration", "1s", "--set", "traffic[users].rate=10/s"],
    );
    assert_eq!(other.0["simulated_seconds"], 1.0);
    let single = json(&["run", "scenarios/tiny", "-o", "json", "--out", folder], 0);
    assert_eq!(single["traffic"][0].get("interval"), None);
    assert!(
        !out.join("intervals.csv").exists(),
        "one replication has none"
    );
    assert!(other.0["requests"].as_u64() < Some(60));
    assert!(
        !out.join("access_log.csv").exists(),
        "the folder is replaced as a whole"
    );
}

#[test]
fn a_folder_of_someone_else_is_not_replaced() {
    let scratch = scratch();
    fs::write(scratch.path().join("thesis.tex"), "years of work").expect("the folder is writable");
    let folder = text(scratch.path());
    run(&["run", "scenarios/tiny", "--out", folder])
        .code(2)
        .stdout_eq("");
    assert!(scratch.path().join("thesis.tex").is_file());
}

#[test]
fn expectations_that_are_missed_fail_a_run() {
    let scratch = scratch();
    let folder = text(scratch.path());
    let arguments = ["run", "scenarios/failing", "--out", folder];
    let ran = |flag: &str| run(&[&arguments[..], &[flag]].concat()).code(1);
    ran("-q").stderr_eq("").stdout_eq(str![[r#"
✗ failing: 1 of 2 expectations missed
✗ the median is below a millisecond  6.01 ms, expected at most 1 ms
  6.0129ms over 187 requests
  one that was answered 200 in 6.5ms by app-deployment-0 (-v: its way)

"#]]);
    ran("-v").stdout_eq(str![[r#"
✗ failing: 1 of 2 expectations missed
  seed 1, 2 s simulated: 187 requests, fingerprint [..]
✗ the median is below a millisecond  6.01 ms, expected at most 1 ms
  6.0129ms over 187 requests
    one that was answered 200 in 6.5ms by app-deployment-0
    │ GET http://app-svc/login
...
    │ → status 200, response flags - (via_upstream), after 6.5ms
✓ every request succeeds             100%, expected 100%
...
"#]]);
}

#[test]
fn failures_are_told_with_the_rule_behind_them_and_what_to_try() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cli/fixtures/troubled/scenario.yaml"
    );
    let said = |arguments: &[&str]| {
        let output = meshsim(arguments).assert().code(0);
        String::from_utf8_lossy(&output.get_output().stdout).into_owned()
    };
    let ran = said(&["run", scenario, "-v", "--out", text(&out)]);
    let mesh = scenario.replace("scenario.yaml", "mesh.yaml");
    for (request, rule) in [
        (
            "503 UO",
            format!(
                "raise `http1MaxPendingRequests` of DestinationRule shop/stock ({mesh}:72), or lower the load"
            ),
        ),
        (
            "504 UT",
            format!(
                "raise `timeout` of VirtualService shop/web ({mesh}:80), or make the answer faster"
            ),
        ),
        (
            "404 NR",
            format!("nothing matches; nearest is VirtualService shop/web ({mesh}:86): method: "),
        ),
        (
            "418 FI",
            format!("intended: `fault` of VirtualService shop/web ({mesh}:92) injects it"),
        ),
    ] {
        let lines: Vec<&str> = ran.lines().collect();
        let place = lines.iter().position(|line| line.contains(request));
        let place = place.unwrap_or_else(|| panic!("{request} is missing in {ran}"));
        assert!(
            lines[place + 1].contains(&rule),
            "{rule} is missing in {ran}"
        );
    }
    // What was saved tells the same, and neither depends on how long the run took.
    assert_eq!(said(&["report", "-v", text(&out)]), ran);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_colours_and_its_width_and_a_dumb_one_plain_characters() {
    let scratch = scratch();
    let folder = text(scratch.path());
    let meshsim = snapbox::cmd::cargo_bin!("meshsim").display();
    let on_terminal = |variables: &str| {
        let command = format!(
            "stty cols 72 rows 24; {variables} {meshsim} run scenarios/failing --out {folder}"
        );
        let output = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures"))
            .env_remove("NO_COLOR")
            .env_remove("CI")
            .output()
            .ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(said) = on_terminal("TERM=xterm LC_ALL=C.UTF-8") else {
        eprintln!("NOT RUN: no `script` that makes a terminal is found");
        return;
    };
    assert!(
        said.contains("\u{1b}[31m✗\u{1b}[0m") && said.contains("simulated in"),
        "{said}"
    );
    let plain = on_terminal("NO_COLOR=1 TERM=xterm LC_ALL=C").expect("it was there before");
    assert!(plain.is_ascii() && !plain.contains("\u{1b}["), "{plain}");
    assert!(
        plain
            .lines()
            .all(|line| line.starts_with("wrote") || line.len() <= 72),
        "{plain}"
    );
    let dumb = on_terminal("TERM=dumb LC_ALL=C.UTF-8").expect("it was there before");
    assert!(
        dumb.is_ascii() && dumb.contains("x failing: 1 of 2"),
        "{dumb}"
    );
}

#[test]
fn a_scenario_that_is_not_there_or_wrong_is_refused() {
    run(&["run", "scenarios/tinny"]).code(2).stderr_eq(str![[r#"
error: cannot read `scenarios/tinny`: no such file or folder
  help: did you mean `scenarios/tiny/scenario.yaml`?

"#]]);
    run(&["run", "tinny"]).code(2).stderr_eq(str![[r#"
error: cannot read `tinny`: no such file or folder
  help: did you mean `scenarios/tiny/scenario.yaml`?

"#]]);
    run(&["run", "scenarios"]).code(2).stderr_eq(str![[r#"
error: the folder `scenarios` holds no scenario.yaml
  help: `meshsim test scenarios` runs all scenarios below it

"#]]);
    run(&["run", "scenarios/wrong"]).code(2).stderr_eq(str![[r#"
scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic[0].rat"
  |
6 |   rat: 100/s
  |   ^^^ did you mean `rate`?
scenarios/wrong/scenario.yaml:4:3: error: `traffic[0]` lacks `rate`, `users` or `requests` that say `at`
  |
4 | - name: users
  |   ^^^^^^^^^^^
error: 2 errors in the scenario and its manifests

"#]]);
    run(&["run", "scenarios/tiny", "--set", "rate"])
        .code(2)
        .stderr_eq(str![[r#"
error: `--set rate` has no `=`
  help: write it as in `--set traffic[0].rate=500/s`

"#]]);
    run(&["run", "scenarios/tiny", "--set", "traffic[0].rat=5/s"])
        .code(2)
        .stderr_eq(str![[r#"
--set traffic[0].rat:1:1: error: unknown field "traffic[0].rat" (did you mean `rate`?)
error: 1 error in the scenario and its manifests

"#]]);
}

#[test]
fn tests_judge_each_scenario_in_a_line() {
    run(&["test", "scenarios/tiny"])
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
ok      tiny  1 of 1 expectations met, [..] requests

ok: 1 passed

"#]]);
    run(&[
        "test",
        "scenarios/failing",
        "scenarios/tiny/scenario.yaml",
        "scenarios/tiny",
    ])
    .code(1)
    .stdout_eq(str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
          one that was answered 200 in [..] by app-deployment-0
          │ GET http://app-svc/login
...
          │ in the run, at [..]:
          │   cluster      outbound|80||app-svc.frontend.svc.cluster.local
          │   try 1        app-deployment-0 at [..]: answered 200 after [..]
          │ → status 200, response flags - (via_upstream), after [..]
ok      tiny  1 of 1 expectations met, [..] requests

FAILED: 1 passed, 1 failed

"#]]);
    run(&["test", "scenarios"])
        .code(2)
        .stdout_eq(str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
          one that was answered 200 in [..] by app-deployment-0
          │ GET http://app-svc/login
...
          │ in the run, at [..]:
          │   cluster      outbound|80||app-svc.frontend.svc.cluster.local
          │   try 1        app-deployment-0 at [..]: answered 200 after [..]
          │ → status 200, response flags - (via_upstream), after [..]
ok      tiny  1 of 1 expectations met, [..] requests
REFUSED scenarios/wrong/scenario.yaml

FAILED: 1 passed, 1 failed, 1 refused

"#]])
        .stderr_eq(str![[r#"
scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic[0].rat"
  |
6 |   rat: 100/s
  |   ^^^ did you mean `rate`?
scenarios/wrong/scenario.yaml:4:3: error: `traffic[0]` lacks `rate`, `users` or `requests` that say `at`
  |
4 | - name: users
  |   ^^^^^^^^^^^

"#]]);
    run(&["test", "lesson"]).code(2).stderr_eq(str![[r#"
error: no scenario.yaml and no test of routes is under `lesson`

"#]]);
}

#[test]
fn verdicts_come_as_json_and_junit_too() {
    let scratch = scratch();
    let file = scratch.path().join("deep/junit.xml");
    let path = text(&file);
    let folders = ["scenarios/failing", "scenarios/tiny"];
    let arguments = [&["test", "-o", "json", "--junit", path], &folders[..]].concat();
    let verdicts = json(&arguments, 1);
    assert_eq!(verdicts["schema"], "meshsim.test/1");
    assert_eq!(
        (&verdicts["passed"], &verdicts["failed"]),
        (&1.into(), &1.into())
    );
    let failing = &verdicts["scenarios"][0];
    assert_eq!(failing["name"], "failing");
    assert_eq!(failing["passed"], false);
    assert_eq!(failing["expectations"][1]["passed"], false);
    let offending = &failing["expectations"][1]["offending"];
    assert_eq!(offending["request"]["response_code"], 200);
    assert!(offending["request"]["duration_ms"].as_f64() > Some(1.0));
    assert_eq!(offending["request"]["tries"][0]["pod"], "app-deployment-0");
    let hop = &offending["explanation"]["hops"][0];
    assert_eq!(hop["listener"], "0.0.0.0_80");
    assert_eq!(hop["route"]["source"]["line"], 11);
    assert_eq!(failing["expectations"][0].get("offending"), None);
    let xml = fs::read_to_string(&file).expect("it is written");
    for part in [
        r#"tests="3""#,
        r#"failures="1""#,
        r#"<testsuite name="failing""#,
        r#"<testcase name="the median is below a millisecond" classname="failing">"#,
        "want at most 1ms, got",
        "VirtualService frontend/app-vs, rule 0, match 0: path begins with `/login`",
        "lesson/virtualservice.yaml:11:7",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
}

#[test]
fn an_access_log_is_sent_again() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let folder = text(&out);
    let log = |format: &str| {
        let flags = ["--access-log", "all", "--access-log-format", format];
        let arguments = ["run", "scenarios/tiny", "-o", "json", "--out", folder];
        json(&[&arguments[..], &flags[..]].concat(), 0)
    };
    let lesson = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures/lesson");
    for (format, file) in [
        ("csv", "access_log.csv"),
        ("istio", "access_log.txt"),
        ("json", "access_log.json"),
    ] {
        let before = log(format);
        let trace = fs::read_to_string(out.join(file)).expect("it is written");
        let scenario = format!(
            "duration: 2s\nmanifests: {lesson}\ntraffic:\n- name: users\n  from: frontend/app-deployment\n  \
             trace: {file}\n"
        );
        let again = scratch.path().join(format);
        fs::create_dir(&again).expect("the folder is writable");
        fs::write(again.join(file), trace).expect("the folder is writable");
        fs::write(again.join("scenario.yaml"), scenario).expect("the folder is writable");
        let replayed = scratch.path().join(format!("{format}-out"));
        let flags = ["--out", text(&replayed), "--access-log", "all"];
        let after = json(
            &[&["run", text(&again), "-o", "json"], &flags[..]].concat(),
            0,
        );
        let requests = |run: &Value| run["traffic"][0]["requests"].as_u64();
        // What was in flight when the first run ended is in no log; the clock of a log begins with its first request.
        assert!(requests(&after) > Some(150), "{after}");
        assert!(requests(&after) <= requests(&before));
        let log = fs::read_to_string(replayed.join("access_log.csv")).expect("it is written");
        assert!(
            log.lines()
                .nth(1)
                .is_some_and(|line| line.contains("/login")),
            "{log}"
        );
    }
}

#[test]
fn more_replications_than_memory_holds_are_refused() {
    let field = ["run", "scenarios/tiny", "--set", "replications=4294967295"];
    let flag = ["run", "scenarios/tiny", "--replications", "4294967295"];
    let diff = [
        "diff",
        "scenarios/tiny",
        "scenarios/tiny",
        "--replications",
        "10001",
    ];
    let sweep = [
        "sweep",
        "scenarios/tiny",
        "--param",
        "seed=1,2",
        "--replications",
        "10001",
    ];
    for (arguments, told) in [
        (&field[..], "out of range: expected 1 to 10000"),
        (&flag[..], "at most 10000 are run"),
        (&diff[..], "at most 10000 are run"),
        (&sweep[..], "at most 10000 are run"),
    ] {
        let refused = run(arguments).code(2);
        let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn calls_in_a_log_are_not_sent_again() {
    let two_tier = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/two-tier");
    let scratch = scratch();
    let out = scratch.path().join("out");
    let short = [
        "--set",
        "duration=3s",
        "--set",
        "warmUp=0s",
        "--set",
        "traffic[0].rate=100/s",
        "--set",
        "expect=[]",
    ];
    let mut counts = Vec::new();
    for (format, file) in [
        ("csv", "access_log.csv"),
        ("istio", "access_log.txt"),
        ("json", "access_log.json"),
    ] {
        let flags = [
            "--access-log",
            "all",
            "--access-log-format",
            format,
            "--out",
            text(&out),
        ];
        run(&[&["run", two_tier], &short[..], &flags[..]].concat()).success();
        let trace = out.join(file);
        let scenario = format!(
            "duration: 4s\nmanifests: {two_tier}/mesh\ntraffic:\n- {{name: users, from: client, trace: {}}}\n",
            text(&trace)
        );
        let again = scratch.path().join(format!("{format}.yaml"));
        fs::write(&again, scenario).expect("the folder is writable");
        let replayed = scratch.path().join(format);
        let run = json(
            &["run", text(&again), "-o", "json", "--out", text(&replayed)],
            0,
        );
        counts.push(run["traffic"][0]["requests"].as_u64());
    }
    assert!(counts[0] > Some(200), "{counts:?}");
    assert_eq!(counts, [counts[0]; 3]);
}

#[test]
fn a_source_without_pods_is_told() {
    let scratch = scratch();
    let gone = "timeline=[{at: 100ms, workload: frontend/app-deployment, scale: 0}]";
    let flags = [
        "--set",
        gone,
        "--set",
        "expect=[]",
        "--set",
        "duration=3s",
        "--out",
        text(scratch.path()),
    ];
    let out = run(&[&["run", "scenarios/tiny"], &flags[..]].concat()).success();
    let shown = String::from_utf8_lossy(&out.get_output().stdout).into_owned();
    assert!(shown.contains("no pod of the source was there"), "{shown}");
    assert!(shown.contains("its pods did not run"), "{shown}");
}

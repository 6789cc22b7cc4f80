//! `meshsim test` in CI: what is run, when it stops, and how it tells GitHub, GitLab and Jenkins.

use std::fs;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use snapbox::str;

use super::{json, meshsim, run};

#[test]
fn a_filter_runs_scenarios_and_expectations_by_their_names() {
    run(&["test", "scenarios", "--filter", "every request"])
        .success()
        .stdout_eq(str![[r#"
ok      failing  1 of 1 expectations met, [..] requests
ok      tiny  1 of 1 expectations met, [..] requests

ok: 2 passed

"#]]);
    run(&["test", "scenarios", "--filter", "^failing$|median"])
        .code(1)
        .stdout_eq(str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
...

FAILED: 0 passed, 1 failed

"#]]);
    run(&["test", "scenarios", "--filter", "no such thing"])
        .code(2)
        .stderr_eq(str![[r#"
error: no scenario and no expectation has a name like `no such thing`

"#]]);
}

#[test]
fn the_first_failure_ends_a_run_that_shall_fail_fast() {
    let arguments = [
        "test",
        "--fail-fast",
        "scenarios/tiny",
        "scenarios/failing",
        "scenarios/wrong",
    ];
    for jobs in ["1", "4"] {
        run(&[&arguments[..], &["--jobs", jobs]].concat())
            .code(1)
            .stdout_eq(str![[r#"
ok      tiny  1 of 1 expectations met, [..] requests
FAILED  failing  1 of 2 expectations met, [..] requests
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
...

FAILED: 1 passed, 1 failed, 1 not run

"#]]);
    }
    let verdicts = json(&[&["-o", "json"], &arguments[..]].concat(), 1);
    assert_eq!(verdicts["not_run"], 1);
}

#[test]
fn github_is_shown_the_lines_that_failed() {
    let annotated = str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
...
::error file=scenarios/failing/scenario.yaml,line=17,col=3,title=failing%3A the median is below a millisecond::want at most 1ms, got [..] over [..] requests
REFUSED scenarios/wrong/scenario.yaml
::error file=scenarios/wrong/scenario.yaml,line=6,col=3,title=refused::scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic[0].rat" (did you mean `rate`?)
::error file=scenarios/wrong/scenario.yaml,line=4,col=3,title=refused::scenarios/wrong/scenario.yaml:4:3: error: `traffic[0]` lacks `rate`, `users` or `requests` that say `at`

FAILED: 0 passed, 1 failed, 1 refused

"#]];
    let arguments = ["test", "scenarios/failing", "scenarios/wrong"];
    run(&[&arguments[..], &["--annotations", "github"]].concat())
        .code(2)
        .stdout_eq(annotated.clone());
    meshsim(&arguments)
        .env("GITHUB_ACTIONS", "true")
        .assert()
        .code(2)
        .stdout_eq(annotated);
    // In a workspace, files are named from its root.
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    meshsim(&["test", "scenarios/failing"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", workspace)
        .assert()
        .stdout_eq(str![[r#"
...
::error file=cli/fixtures/scenarios/failing/scenario.yaml,line=17,[..]
...
"#]]);
    // A document stays one: commands go to the other stream.
    let output = meshsim(&["test", "-o", "json", "scenarios/failing"])
        .env("GITHUB_ACTIONS", "true")
        .assert()
        .code(1)
        .stderr_eq("::error file=scenarios/failing/scenario.yaml,[..]\n")
        .get_output()
        .stdout
        .clone();
    serde_json::from_slice::<serde_json::Value>(&output).expect("standard output is JSON");
    meshsim(&["test", "scenarios/failing", "--annotations", "none"])
        .env("GITHUB_ACTIONS", "true")
        .assert()
        .stdout_eq(str![[r#"
FAILED  failing  [..]
        ✗ [..]
          scenarios/failing/scenario.yaml:17:3
...

FAILED: 0 passed, 1 failed

"#]]);
}

#[test]
fn a_summary_in_markdown_has_a_table_and_the_reasons() {
    run(&["test", "-o", "markdown", "scenarios"])
        .code(2)
        .stdout_eq(str![[r###"
## meshsim: FAILED, 1 passed, 1 failed, 1 refused

| | scenario | result |
| --- | --- | --- |
| ❌ | failing | 1 of 2 expectations met |
| ✅ | tiny | 1 of 1 expectations met |
| ❌ | scenarios/wrong/scenario.yaml | refused |

### ❌ failing

| expectation | want | got | where |
| --- | --- | --- | --- |
| the median is below a millisecond | at most 1ms | [..] over [..] requests | `scenarios/failing/scenario.yaml:17:3` |

### ❌ scenarios/wrong/scenario.yaml

- scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic/[0/].rat" (did you mean `rate`?)
- scenarios/wrong/scenario.yaml:4:3: error: `traffic[0]` lacks `rate`, `users` or `requests` that say `at`

"###]]);
}

#[test]
fn two_runs_print_the_same() {
    let print = || {
        run(&["test", "scenarios/failing", "scenarios/tiny"])
            .get_output()
            .stdout
            .clone()
    };
    assert_eq!(print(), print());
}

#[test]
fn junit_reports_keep_to_the_schema_of_jenkins() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let file = scratch.path().join("junit.xml");
    let path = file.to_str().expect("a path of text");
    let all = [
        "scenarios",
        "routes/failing_test.yml",
        "routes/passing_test.yml",
    ];
    run(&[
        &["test", "-q", "-f", "routes/mesh", "--junit", path],
        &all[..],
    ]
    .concat())
    .code(2);
    let counts = validate(&file);
    // Two and one of the scenarios, the file that cannot be read, and those of the tests of routes.
    assert_eq!(counts.cases, 2 + 1 + 1 + 5 + 8);
    assert_eq!(
        (counts.failures, counts.errors, counts.skipped),
        (1 + 4, 1, 1)
    );
}

/// What a report holds.
#[derive(Default)]
struct Counts {
    cases: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// Holds a report against [`SCHEMA`], its counts included.
fn validate(file: &Path) -> Counts {
    let text = fs::read_to_string(file).expect("it is written");
    let mut reader = Reader::from_str(&text);
    let mut open: Vec<Element> = Vec::new();
    let mut counts = Counts::default();
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) => open.push(enter(&start, &open, &mut counts)),
            Event::Empty(start) => {
                enter(&start, &open, &mut counts);
            }
            Event::End(_) => {
                open.pop().expect("what ends has begun");
            }
            Event::Eof => return counts,
            _ => {}
        }
    }
}

fn enter(start: &BytesStart<'_>, open: &[Element], counts: &mut Counts) -> Element {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let element = SCHEMA.iter().find(|element| element.name == name);
    let element = *element.unwrap_or_else(|| panic!("`{name}` is no element of the schema"));
    match open.last() {
        Some(parent) => assert!(
            parent.children.contains(&element.name),
            "`{name}` in `{}`",
            parent.name
        ),
        None => assert_eq!(name, "testsuites"),
    }
    let attributes: Vec<(String, String)> = start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.expect("an attribute");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(attribute.key.as_ref()), text(&attribute.value))
        })
        .collect();
    for required in element.required {
        assert!(
            attributes.iter().any(|(key, _)| key == required),
            "`{name}` lacks `{required}`"
        );
    }
    for (key, value) in &attributes {
        let is_known =
            element.required.contains(&key.as_str()) || element.optional.contains(&key.as_str());
        assert!(is_known, "`{name}` has `{key}`");
        if ["tests", "failures", "errors", "skipped"].contains(&key.as_str()) {
            value.parse::<usize>().expect("a count");
        }
        if key == "time" {
            let seconds: f64 = value.parse().expect("seconds");
            assert!(seconds >= 0.0);
        }
    }
    match element.name {
        "testcase" => counts.cases += 1,
        "failure" => counts.failures += 1,
        "error" => counts.errors += 1,
        "skipped" => counts.skipped += 1,
        _ => {}
    }
    element
}

/// An element, its attributes, and what may stand in it.
#[derive(Clone, Copy)]
struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
}

/// What junit-10.xsd of Jenkins' xUnit plugin allows, of the elements that are written here.
const SCHEMA: [Element; 8] = [
    Element {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
    },
    Element {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "time",
            "skipped",
            "disabled",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
        ],
        children: &["properties", "testcase", "system-out", "system-err"],
    },
    Element {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
    },
    Element {
        name: "failure",
        required: &[],
        optional: &["type", "message"],
        children: &[],
    },
    Element {
        name: "error",
        required: &[],
        optional: &["type", "message"],
        children: &[],
    },
    Element {
        name: "skipped",
        required: &[],
        optional: &["type", "message"],
        children: &[],
    },
    Element {
        name: "properties",
        required: &[],
        optional: &[],
        children: &["property"],
    },
    Element {
        name: "property",
        required: &["name", "value"],
        optional: &[],
        children: &[],
    },
];

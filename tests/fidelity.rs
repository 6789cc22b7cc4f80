//! `docs/fidelity.md` is what the engine says of itself: set `MESHSIM_UPDATE=1` to write it anew.

use control_plane::fidelity::{self, Fidelity};
use proxy::fidelity::{BEHAVIOURS, Behaviour, Fidelity as Truth};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_fidelity_table_is_what_the_engine_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fidelity.md");
    let wanted = document();
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        std::fs::write(&file, &wanted).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/fidelity.md is out of date: run `MESHSIM_UPDATE=1 cargo test fidelity`"
    );
}

#[test]
fn behaviours_are_shown_by_what_exists_and_suites_show_some() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let suites = suites(&tests.join("live/recorded"));
    let experiments: BTreeSet<String> = suites
        .iter()
        .flat_map(|(suite, names)| names.iter().map(move |name| format!("{suite}/{name}")))
        .collect();
    let mut failures = Vec::new();
    let shown: BTreeSet<&str> = BEHAVIOURS
        .iter()
        .flat_map(|row| row.shown_by)
        .copied()
        .collect();
    for name in &shown {
        let exists = suites.iter().any(|(suite, _)| suite == name)
            || experiments.contains(*name)
            || (name.ends_with(".md") && tests.join("specs").join(name).is_file());
        if !exists {
            failures.push(format!(
                "`{name}` is named, and is no suite, experiment or specification"
            ));
        }
    }
    for (suite, _) in &suites {
        let of_suite = format!("{suite}/");
        let is_named = |name: &&str| name == suite || name.starts_with(&of_suite);
        if !shown.iter().any(is_named) {
            failures.push(format!("`{suite}` shows no behaviour"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_exact_differs_in_no_experiment() {
    let live = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/differences");
    let mut differing = BTreeSet::new();
    // Without the folder nothing differs.
    for entry in std::fs::read_dir(live).into_iter().flatten() {
        let file = entry.expect("a readable folder").path();
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let rows: std::collections::BTreeMap<String, String> =
            serde_yaml::from_str(&text).expect("experiments and reasons");
        let suite = file.file_stem().expect("a name").to_string_lossy();
        differing.extend(rows.into_keys().map(|name| format!("{suite}/{name}")));
    }
    let differs = |shown: &str| {
        let of_suite = format!("{shown}/");
        let mut all = differing.iter();
        all.any(|name| name == shown || name.starts_with(&of_suite))
    };
    let mut failures = Vec::new();
    for row in BEHAVIOURS {
        let differing = row.shown_by.iter().find(|shown| differs(shown));
        match (row.fidelity, differing) {
            (Truth::Exact, Some(suite)) => {
                failures.push(format!("`{}` is not exact: {suite} differs", row.name));
            }
            (Truth::Approximate(remark), None) if remark.contains("live.md") => {
                failures.push(format!("`{}` differs nowhere", row.name));
            }
            _ => {}
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The suites of the live tests, each with the names of its experiments.
fn suites(recorded: &Path) -> Vec<(String, Vec<String>)> {
    let entries = std::fs::read_dir(recorded).expect("the recordings");
    let mut suites: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .map(|file| {
            let text = std::fs::read_to_string(&file).expect("a readable recording");
            let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let names = recorded.as_object().expect("experiments by name").keys();
            let suite = file.file_stem().expect("a name").to_string_lossy();
            (suite.into_owned(), names.cloned().collect())
        })
        .collect();
    suites.sort();
    suites
}

/// The behaviours of the data plane, by area.
fn behaviours(text: &mut String) {
    text.push_str("\n# Behaviours of the data plane\n");
    let mut area = "";
    for Behaviour {
        area: own,
        name,
        fidelity,
        shown_by,
    } in BEHAVIOURS
    {
        if *own != area {
            area = own;
            write!(
                text,
                "\n## {area}\n\n| behaviour | fidelity | remark | shown by |\n| --- | --- | --- | --- |\n"
            )
            .expect("a string");
        }
        let (state, remark) = match fidelity {
            Truth::Exact => ("exact", ""),
            Truth::Approximate(remark) => ("approximate", *remark),
            Truth::NotSimulated(remark) => ("**not simulated**", *remark),
        };
        let shown: Vec<_> = shown_by.iter().map(|name| format!("`{name}`")).collect();
        let shown = shown.join(", ");
        writeln!(text, "| {name} | {state} | {remark} | {shown} |").expect("a string");
    }
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    let mut kind = "";
    for row in fidelity::rows() {
        if row.kind != kind {
            kind = row.kind;
            write!(
                text,
                "\n## {kind}\n\n| field | fidelity | remark |\n| --- | --- | --- |\n"
            )
            .expect("a string");
        }
        let (state, remark) = match row.fidelity {
            Fidelity::Exact => ("exact", ""),
            Fidelity::Approximate(remark) => ("approximate", remark),
            Fidelity::NotSimulated(remark) => ("**not simulated**", remark),
        };
        writeln!(text, "| `{}` | {state} | {remark} |", row.field).expect("a string");
    }
    behaviours(&mut text);
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
# Fidelity

How true each field is that steers traffic. *Exact* means: decided as Istio's and Envoy's documentation, source and observed
behaviour say, as far as our specification of them goes; what proxies are told is compared with what the real Pilot told them
in [recorded cases](conformance.md), and the proxy with a [running Envoy](live.md), by the experiments that stand beside each
behaviour below; where single experiments differ, [live.md](live.md) says how and why. *Not simulated* fields are reported by
`meshsim analyze`, and by `run`, wherever a manifest uses them.

Generated from the engine by `MESHSIM_UPDATE=1 cargo test fidelity`.
";

const TAIL: &str = "
## The world

| what | fidelity | remark |
| --- | --- | --- |
| a sidecar and its application | approximate | no time passes between them: what a sidecar costs is `sidecarLatency` |
| connections | approximate | connecting takes one round trip; TLS handshakes cost nothing; connections are never idle too long |
| client without a sidecar | approximate | each request is a connection of its own, so that each meets a pod drawn at random |
| pass-through | approximate | a request goes where it was dialled, without limits, retries or timeouts |
| TCP | approximate | an exchange has a connection of its own, and its bytes are not counted; connections outlive their listener and their host |
| worker threads of a proxy | approximate | as many as `concurrency` says; which of them takes a connection is drawn |
| workers of a pod | approximate | a worker is held from the start of its own work to the end of the calls that it makes |
| ListenerSet, UDPRoute, waypoints | **not simulated** | such objects are kept, counted and reported |
";

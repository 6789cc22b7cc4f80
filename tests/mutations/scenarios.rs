//! No scenario file makes meshsim panic, hang or take more than a gibibyte, and each error says where it is.
//!
//! All scenario files of this repository, those of the specs among them, are broken in a few places, read, and compiled;
//! those that are still accepted are run for a moment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Draws, Location, SimDuration};
use manifest::{Color, Diagnostic, Source};
use scenario::{CompileOptions, Compiled, LoadOptions, RunOptions, Scenario};
use serde_yaml::Value;
use sim::plan::Load;
use sim::profile::Profile;

use super::mutant::{Dice, VALUES, mutate};
use super::{PROCESSES, limited, wait};

/// How many mutants there are; `MESHSIM_SCENARIO_MUTANTS` asks for more.
const MUTANTS: u64 = 1500;

/// Which mutants a child process tries, `<first>..<end>`.
const RANGE: &str = "MESHSIM_SCENARIO_MUTANT_RANGE";

#[test]
#[cfg(unix)]
fn mutated_scenarios_are_survived() {
    let count = std::env::var("MESHSIM_SCENARIO_MUTANTS").map_or(MUTANTS, |text| {
        text.parse().expect("MESHSIM_SCENARIO_MUTANTS is a number")
    });
    let this = std::env::current_exe().expect("tests are a program");
    let children: Vec<_> = (0..PROCESSES)
        .map(|index| {
            let (first, end) = (index * count / PROCESSES, (index + 1) * count / PROCESSES);
            let range = format!("{first}..{end}");
            let mut command = limited(&this.display().to_string());
            command.args([
                "mutations::scenarios::mutants_of_a_range",
                "--exact",
                "--nocapture",
            ]);
            command.env(RANGE, &range).env("RAYON_NUM_THREADS", "1");
            command.spawn().expect("a child")
        })
        .collect();
    let patience = Duration::from_secs(60 + count / 5);
    for child in children {
        let (code, said) = wait(child, patience);
        if code == Some(0) {
            continue;
        }
        let last = said.lines().filter_map(|line| line.strip_prefix("mutant "));
        let last = last.filter_map(|line| line.parse().ok()).next_back();
        let last: u64 = last.expect("the first mutant is announced");
        let subjects = subjects();
        let (subject, text) = mutant(last, &subjects);
        let said: Vec<&str> = said
            .lines()
            .filter(|line| !line.starts_with("mutant "))
            .collect();
        panic!(
            "{code:?}: mutant {last}, of {}:\n{text}\n{}",
            subject.name,
            said.join("\n")
        );
    }
}

/// What a child process of the test above does; by itself it has nothing to do.
#[test]
fn mutants_of_a_range() {
    let Ok(range) = std::env::var(RANGE) else {
        return;
    };
    let (first, end) = range.split_once("..").expect("a range");
    let (first, end): (u64, u64) = (
        first.parse().expect("a number"),
        end.parse().expect("a number"),
    );
    let subjects = subjects();
    let mut fates = Fates::default();
    for number in first..end {
        // The last one that is announced is the one that did it.
        println!("mutant {number}");
        let (subject, text) = mutant(number, &subjects);
        let began = std::time::Instant::now();
        survive(subject, &text, &mut fates);
        assert!(began.elapsed() < Duration::from_secs(20), "it took long");
    }
    println!("{fates:?}");
    // A mutator that breaks everything, or nothing, would show little.
    let part = (end - first) / 30;
    let least = fates.unread.min(fates.refused).min(fates.run);
    assert!(least >= part, "{fates:?}");
}

/// What became of mutants.
#[derive(Debug, Default)]
struct Fates {
    /// The file was refused.
    unread: u64,
    /// What it refers to was refused.
    refused: u64,
    /// It was run for a moment.
    run: u64,
    /// It asks for more than a moment holds.
    too_large: u64,
}

/// A scenario as it is written, and its files.
struct Subject {
    name: String,
    text: String,
    /// Where its files are.
    folder: PathBuf,
    /// The text of all of its files, where it has no folder.
    manifests: Option<String>,
}

impl Subject {
    fn files(&self, name: &str) -> Result<Vec<Source>, String> {
        if let Some(manifests) = &self.manifests {
            return match name {
                "mesh.yaml" => Ok(vec![Source::new(name, manifests.clone())]),
                _ => Err("no such file".to_owned()),
            };
        }
        let path = self.folder.join(name);
        let mut paths = if path.is_dir() {
            yaml_files(&path, false)
        } else {
            vec![path]
        };
        paths.retain(|path| path.extension().is_some());
        let read = paths.into_iter().map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            Ok(Source::new(path.display().to_string(), text))
        });
        read.collect()
    }
}

/// Every scenario file there is.
fn subjects() -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = yaml_files(&root.join("scenarios"), true);
    paths.retain(|path| path.ends_with("scenario.yaml") || path.ends_with("check.yaml"));
    paths.extend(
        ["everything.yaml", "everything-envoy.yaml"]
            .map(|name| root.join("engine/scenario/tests").join(name)),
    );
    let of_files = paths.into_iter().map(|path| Subject {
        name: path.display().to_string(),
        text: std::fs::read_to_string(&path).expect("a scenario is text"),
        folder: path.parent().expect("it is in a folder").to_owned(),
        manifests: None,
    });
    let of_specs = crate::specs::scenarios().into_iter().map(|spec| Subject {
        name: spec.place,
        text: format!("manifests: mesh.yaml\n{}\n", spec.text),
        folder: PathBuf::new(),
        manifests: Some(spec.manifests),
    });
    of_files.chain(of_specs).collect()
}

fn yaml_files(folder: &Path, below: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && below {
            found.extend(yaml_files(&path, true));
        } else if path.extension().is_some_and(|is| is == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The mutant of a number, and what it was.
fn mutant(number: u64, subjects: &[Subject]) -> (&Subject, String) {
    let mut dice = Dice(Draws::new(0x7363_656e_6172_696f, number, 0));
    let subject = &subjects[dice.below(subjects.len())];
    (subject, changed(&subject.text, &mut dice))
}

/// A text with a few changes, in its letters or in its tree.
fn changed(text: &str, dice: &mut Dice) -> String {
    let changes = 1 + dice.below(3) * dice.below(2);
    if dice.below(4) == 0 {
        return (0..changes).fold(text.to_owned(), |text, _| mutate(&text, dice));
    }
    let mut tree: Value = serde_yaml::from_str(text).expect("scenarios are YAML");
    for _ in 0..changes {
        change(&mut tree, dice);
    }
    serde_yaml::to_string(&tree).expect("a tree is YAML")
}

/// One change somewhere in a tree.
fn change(tree: &mut Value, dice: &mut Dice) {
    let count = size(tree);
    // Twigs are as interesting as what holds them.
    let donor = {
        let mut at = dice.below(count);
        nth(tree, &mut at).cloned().unwrap_or_default()
    };
    let mut at = dice.below(count);
    let Some(node) = nth(tree, &mut at) else {
        return;
    };
    match dice.below(16) {
        0 => *node = donor,
        1 => *node = serde_yaml::from_str(dice.one_of(&VALUES)).unwrap_or(Value::Null),
        2 => *node = serde_yaml::from_str(dice.one_of(&QUANTITIES)).unwrap_or(Value::Null),
        3 => {
            let deep = [3, 40, 300][dice.below(3)];
            *node = (0..deep).fold(node.clone(), |inner, _| Value::Sequence(vec![inner]));
        }
        4..=9 => tweak(node, &donor, dice),
        _ => rearrange(node, donor, dice),
    }
}

/// Another value of the same kind, somewhere in a node.
fn tweak(node: &mut Value, donor: &Value, dice: &mut Dice) {
    let plain = match node {
        Value::Sequence(items) if !items.is_empty() => {
            let at = dice.below(items.len());
            return tweak(&mut items[at], donor, dice);
        }
        Value::Mapping(fields) if !fields.is_empty() => {
            let at = dice.below(fields.len());
            let field = fields.values_mut().nth(at).expect("it has so many");
            return tweak(field, donor, dice);
        }
        plain => plain,
    };
    let like = |text: &str| {
        let kind = |text: &str| {
            text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .to_owned()
        };
        kind(text) == kind(plain.as_str().unwrap_or("5"))
    };
    let near: Vec<&str> = QUANTITIES.into_iter().filter(|text| like(text)).collect();
    if let Value::Bool(is) = plain {
        *is = !*is;
    } else if near.is_empty() {
        // A name, an address: another one of the file, if it is plain.
        if donor.is_string() {
            *plain = donor.clone();
        }
    } else {
        *plain = serde_yaml::from_str(dice.one_of(&near)).unwrap_or(Value::Null);
    }
}

/// Deletes, doubles, swaps or adds what a node holds; a plain value becomes a list of itself.
fn rearrange(node: &mut Value, donor: Value, dice: &mut Dice) {
    match node {
        Value::Sequence(items) if !items.is_empty() => {
            let (one, other) = (dice.below(items.len()), dice.below(items.len()));
            match dice.below(3) {
                0 => drop(items.remove(one)),
                1 => items.insert(other, items[one].clone()),
                _ => items.swap(one, other),
            }
        }
        Value::Mapping(fields) if !fields.is_empty() => {
            let keys: Vec<Value> = fields.keys().cloned().collect();
            let (one, other) = (&keys[dice.below(keys.len())], &keys[dice.below(keys.len())]);
            match dice.below(6) {
                0..=2 => drop(fields.remove(one)),
                3 => {
                    let value = fields.get(one).cloned().unwrap_or_default();
                    fields.insert(other.clone(), value);
                }
                4 => drop(fields.insert(Value::from(dice.one_of(&NAMES)), donor)),
                _ => {
                    let value = fields.remove(one).unwrap_or_default();
                    fields.insert(Value::from(dice.one_of(&NAMES)), value);
                }
            }
        }
        plain => *plain = Value::Sequence(vec![plain.clone(), plain.clone()]),
    }
}

fn size(tree: &Value) -> usize {
    1 + match tree {
        Value::Sequence(items) => items.iter().map(size).sum(),
        Value::Mapping(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// The node of a number, in the order of the text.
fn nth<'t>(tree: &'t mut Value, at: &mut usize) -> Option<&'t mut Value> {
    if *at == 0 {
        return Some(tree);
    }
    *at -= 1;
    match tree {
        Value::Sequence(items) => items.iter_mut().find_map(|item| nth(item, at)),
        Value::Mapping(fields) => fields.values_mut().find_map(|field| nth(field, at)),
        _ => None,
    }
}

/// Goes all the way with a text.
fn survive(subject: &Subject, text: &str, fates: &mut Fates) {
    let source = Source::new("scenario.yaml", text);
    let files = |name: &str| subject.files(name);
    let scenario = match scenario::load(&source, &LoadOptions::default(), &files) {
        Ok(scenario) => scenario,
        Err(errors) => {
            fates.unread += 1;
            return check_errors(&errors, &source, None);
        }
    };
    match scenario::compile(&scenario, &CompileOptions::default()) {
        Ok(compiled) => run(&scenario, compiled, fates),
        Err(errors) => {
            fates.refused += 1;
            check_errors(&errors, &source, Some(&scenario));
        }
    }
}

/// Every error is in a line that there is, and about a field.
fn check_errors(errors: &[Diagnostic], source: &Source, scenario: Option<&Scenario>) {
    assert!(!errors.is_empty(), "what is refused has a reason");
    for error in errors {
        let Location { file, line, column } = &error.location;
        let said = format!("{error}");
        assert!(*line > 0 && *column > 0 && !file.is_empty(), "{said}");
        assert!(
            !error.message.is_empty() && error.message.len() < 4000,
            "{said}"
        );
        if **file == *source.name {
            let lines = source.text.lines().count().max(1) + 1;
            assert!(*line as usize <= lines, "{said} is behind the end");
            let of_field = !["syntax", "duplicate-key", "limit"].contains(&error.code);
            // The scenario itself, or the envelope of a document, is no field.
            let is_whole =
                manifest::read_node(source).is_ok_and(|root| root.location == error.location);
            assert!(
                !of_field || is_whole || !error.field.is_empty(),
                "no field: {said}"
            );
        }
        let sources: Vec<Source> = std::iter::once(source.clone())
            .chain(scenario.iter().flat_map(|s| s.manifests.clone()))
            .collect();
        assert!(!manifest::render(error, &sources, Color::Never).is_empty());
    }
}

/// Runs what asks for little, for a moment.
fn run(scenario: &Scenario, mut compiled: Compiled, fates: &mut Fates) {
    let mut rate = 1.0;
    let mut users = 0;
    for traffic in &compiled.plan.traffic {
        match &traffic.load {
            Load::Open { rate: one, .. } => rate += one,
            Load::Varying { rate: one, .. } => rate += most(one),
            Load::Closed { users: some, .. } => users += some,
            Load::Listed(_) => {}
        }
    }
    if users > 1000 {
        fates.too_large += 1;
        return;
    }
    let moment = SimDuration::from_secs_f64((500.0 / rate).min(if users > 0 { 0.05 } else { 5.0 }));
    compiled.plan.duration = compiled.plan.duration.min(moment);
    let mut scenario = scenario.clone();
    scenario.warm_up = SimDuration::ZERO;
    scenario.duration = compiled.plan.duration;
    let options = RunOptions {
        replications: 1,
        offending: true,
        traces: true,
        ..RunOptions::default()
    };
    let outcome = scenario::run(&scenario, &compiled, &options);
    assert_eq!(outcome.verdicts.len(), scenario.expect.len());
    fates.run += 1;
}

/// The highest rate in the first moments.
fn most(rate: &Profile) -> f64 {
    match rate {
        Profile::Pieces(pieces) => pieces
            .iter()
            .map(|piece| piece.begins.max(piece.begins + piece.slope * 5.0))
            .fold(0.0, f64::max),
        Profile::Bursts(bursts) => bursts.rate.max(bursts.off_rate),
        Profile::Wave(wave) => wave.mean + wave.amplitude,
    }
}

/// What stands where a quantity is expected, well and badly written.
const QUANTITIES: [&str; 42] = [
    "0s",
    "1s",
    "1ns",
    "5ms",
    "1.5s",
    "3h",
    "0ms",
    "30000ms",
    "200000h",
    "584s",
    "10m",
    "3",
    "10",
    "0",
    "1",
    "18446744073709551615",
    "-1",
    "584y",
    "5 s",
    "500ms/s",
    "1e3s",
    "99999999999999999999h",
    "50%",
    "100%",
    "100.0000001%",
    "-5%",
    "0%",
    "0.000001%",
    "10/s",
    "0/s",
    "1000000000000/s",
    "999999999/s",
    "0.001/s",
    "10/d",
    "0.000001/h",
    "1Ki",
    "65536",
    "4294967295",
    "exponential: 5ms",
    "{normal: {mean: 1h, standardDeviation: 1ns}}",
    "http://[::1",
    "tcp://nowhere:99999",
];

/// Names that stand in the place of others: of fields that are known elsewhere, and one of none.
const NAMES: [&str; 32] = [
    "name",
    "rate",
    "users",
    "requests",
    "fortio",
    "load",
    "bursts",
    "at",
    "from",
    "to",
    "subset",
    "window",
    "equals",
    "about",
    "within",
    "atMost",
    "workload",
    "selector",
    "address",
    "endpoints",
    "serviceTime",
    "errorRate",
    "calls",
    "concurrency",
    "request",
    "outcome",
    "share",
    "of",
    "apply",
    "delete",
    "every",
    "colour",
];

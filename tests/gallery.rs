//! The scenarios of the repository meet their expectations, and look as `docs/gallery.md` shows them.
//!
//! Each is run once, for both. `MESHSIM_UPDATE=1` writes the pictures anew. Exercises are not shown: their pictures would
//! give them away.

use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn scenarios_meet_their_expectations_and_look_as_the_gallery_shows_them() {
    let scenarios = scenarios();
    assert!(scenarios.len() > 30, "scenarios are found");
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    // The longest first, so that nobody waits for it.
    let mut order: Vec<usize> = (0..scenarios.len()).collect();
    order.sort_by_key(|index| !LONG.contains(&scenarios[*index].as_str()));
    let mut shown: Vec<(usize, Result<Shown, String>)> = (order.into_par_iter())
        .map(|index| {
            (
                index,
                run(&scenarios[index], &scratch.path().join(index.to_string())),
            )
        })
        .collect();
    shown.sort_by_key(|(index, _)| *index);
    let shown: Result<Vec<Shown>, String> = shown.into_iter().map(|(_, shown)| shown).collect();
    let shown = shown.unwrap_or_else(|failure| panic!("{failure}"));
    let wanted = files(&shown);
    let size: usize = wanted.values().map(String::len).sum();
    assert!(size < MOST_BYTES, "the gallery has {size} bytes");
    if std::env::var_os("MESHSIM_UPDATE").is_some() {
        write(&wanted);
    }
    let differences = differences(&wanted);
    assert!(
        differences.is_empty(),
        "{}\nThe gallery is not what scenarios look like; look at the pictures that this writes, and keep them:\n    \
         MESHSIM_UPDATE=1 cargo test -p meshsim --test meshsim -- gallery",
        differences.join("\n")
    );
}

/// A scenario that was run.
struct Shown {
    /// Its file, from the root of the repository.
    path: String,
    name: String,
    description: String,
    /// Titles and documents by the names of their files in a run's folder.
    pictures: BTreeMap<String, (String, String)>,
}

/// Every `scenario.yaml` that is no exercise.
fn scenarios() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("scenarios")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of scenarios") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() && path != root.join("scenarios/exercises") {
                folders.push(path);
            } else if path.ends_with("scenario.yaml") {
                let path = path.strip_prefix(root).expect("it lies below the root");
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn run(path: &str, out: &Path) -> Result<Shown, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", path, "--plots", "svg", "--jobs", "1", "--out"])
        .arg(out)
        .output()
        .expect("the binary runs");
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(format!("{path}: {}", String::from_utf8_lossy(&said)));
    }
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a run writes it");
    let summary: serde_json::Value =
        serde_json::from_str(&read(out.join("summary.json"))).expect("a summary is JSON");
    let text = |field: &str| summary[field].as_str().unwrap_or_default().to_owned();
    let mut pictures = BTreeMap::new();
    for entry in std::fs::read_dir(out.join("plots")).expect("a run has plots") {
        let file = entry.expect("a plot").path();
        let svg = read(file.clone());
        let title = svg.split_once("<title>").expect("a plot has a title").1;
        let title = title
            .split("</title>")
            .next()
            .unwrap_or_default()
            .to_owned();
        let name = file.file_name().expect("it has a name");
        pictures.insert(name.to_string_lossy().into_owned(), (title, svg));
    }
    if pictures.is_empty() {
        return Err(format!("{path}: it has no pictures"));
    }
    Ok(Shown {
        path: path.to_owned(),
        name: text("scenario"),
        description: text("description"),
        pictures,
    })
}

/// All files of the gallery, by their paths in `docs`.
fn files(shown: &[Shown]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for scenario in shown {
        for (file, (_, svg)) in &scenario.pictures {
            let path = format!("gallery/{}/{file}", scenario.name);
            let before = files.insert(path.clone(), svg.clone());
            assert!(before.is_none(), "two scenarios have the name of {path}");
        }
    }
    files.insert("gallery.md".to_owned(), document(shown));
    files
}

fn document(shown: &[Shown]) -> String {
    let mut text = HEAD.to_owned();
    let is_of = |scenario: &&Shown, folder: &str| scenario.path.starts_with(folder);
    let parts: [(&str, Vec<&Shown>); 3] = [
        (
            "Policies",
            (shown.iter())
                .filter(|s| !is_of(s, "scenarios/tasks/") && !is_of(s, "scenarios/laws/"))
                .collect(),
        ),
        (
            "Tasks of Istio's documentation",
            shown
                .iter()
                .filter(|s| is_of(s, "scenarios/tasks/"))
                .collect(),
        ),
        (
            "Laws",
            shown
                .iter()
                .filter(|s| is_of(s, "scenarios/laws/"))
                .collect(),
        ),
    ];
    for (heading, scenarios) in parts {
        write!(text, "\n## {heading}\n").expect("memory takes all that is written");
        for scenario in scenarios {
            let folder = scenario.path.trim_end_matches("scenario.yaml");
            let (name, description) = (&scenario.name, &scenario.description);
            write!(text, "\n### [{name}](../{folder})\n\n{description}\n\n")
                .expect("memory takes all that is written");
            for (file, (title, _)) in &scenario.pictures {
                writeln!(
                    text,
                    "<a href=\"gallery/{name}/{file}\"><img src=\"gallery/{name}/{file}\" width=\"32%\" alt=\"{title}\"></a>"
                )
                .expect("memory takes all that is written");
            }
        }
    }
    text
}

/// What is missing, stale or left over.
fn differences(wanted: &BTreeMap<String, String>) -> Vec<String> {
    let found = found();
    let mut differences = Vec::new();
    for (path, text) in wanted {
        match std::fs::read_to_string(docs().join(path)) {
            Ok(found) if found == *text => {}
            Ok(_) => differences.push(format!("docs/{path} has changed")),
            Err(_) => differences.push(format!("docs/{path} is not there")),
        }
    }
    let left = found.iter().filter(|path| !wanted.contains_key(*path));
    differences.extend(left.map(|path| format!("docs/{path} is of no scenario")));
    differences
}

/// The pictures that there are, by their paths in `docs`.
fn found() -> BTreeSet<String> {
    let folder = docs().join("gallery");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let files = entries(&folder)
        .into_iter()
        .flat_map(|scenario| entries(&scenario));
    let path = |file: PathBuf| {
        let path = file.strip_prefix(docs()).expect("it lies below the folder");
        path.to_string_lossy().replace('\\', "/")
    };
    files.map(path).collect()
}

fn write(wanted: &BTreeMap<String, String>) {
    for path in found() {
        if !wanted.contains_key(&path) {
            std::fs::remove_file(docs().join(&path)).expect("docs can be written");
        }
    }
    for (path, text) in wanted {
        let file = docs().join(path);
        std::fs::create_dir_all(file.parent().expect("a file lies in a folder"))
            .and_then(|()| std::fs::write(&file, text))
            .expect("docs can be written");
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Scenarios that take long.
const LONG: [&str; 4] = [
    "scenarios/mm1/scenario.yaml",
    "scenarios/laws/supermarket/scenario.yaml",
    "scenarios/laws/erlang-c/scenario.yaml",
    "scenarios/two-tier/scenario.yaml",
];

/// Who clones the repository takes the gallery with it.
const MOST_BYTES: usize = 3_000_000;

const HEAD: &str = "# Gallery

What each scenario of this repository looks like: the plots that `meshsim run` writes, drawn by the run whose expectations the
tests judge. A version has the same colour in all pictures of a run, dashed lines are the changes of its timeline. A click
shows a picture as it is.
";

//! An exercise as its author writes it: a folder with a task, checks, hints, a start, solutions and wrong answers.
//!
//! docs/learn/authoring.md says what each file is for.

use std::collections::BTreeMap;

use clap::ValueEnum;
use manifest::{Source, from_yaml};
use serde::Deserialize;

use super::library::Library;
use crate::refusal::Refusal;

/// An exercise.
#[derive(Clone, Debug)]
pub(crate) struct Exercise {
    /// The name of its folder.
    pub(crate) id: String,
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) level: Level,
    /// What it trains, as the exam's curriculum counts: `TM2`.
    pub(crate) competencies: Vec<String>,
    /// The kits whose workloads it uses.
    pub(crate) kits: Vec<String>,
    /// Checks that need no run.
    pub(crate) guards: Guards,
    /// How many times the load is sent in the second run.
    pub(crate) hidden_load: f64,
    /// The task, in Markdown.
    pub(crate) task: String,
    pub(crate) hints: Vec<String>,
    /// The scenarios that judge it.
    pub(crate) checks: Vec<Source>,
    /// What the learner edits: texts by file.
    pub(crate) start: BTreeMap<String, String>,
    /// What the learner may look at: texts by file.
    pub(crate) world: BTreeMap<String, String>,
    pub(crate) solutions: BTreeMap<String, Overlay>,
    pub(crate) wrong: BTreeMap<String, Overlay>,
}

/// How much it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Beginner,
    Intermediate,
    Advanced,
    Expert,
}

/// Checks that need no run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Guards {
    /// Codes of `analyze` that must not be found; `all`: no error and no warning.
    pub(crate) analyze: Vec<String>,
    /// How many objects of a kind there may be.
    pub(crate) objects: BTreeMap<String, usize>,
    /// How many objects may differ from the start.
    pub(crate) touched: Option<usize>,
    /// Objects that must stay as they are: `Kind`, `Kind namespace/name`, or `namespace NAME`.
    pub(crate) untouched: Vec<String>,
}

/// Files that stand in the place of those of the same name, or beside them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) files: BTreeMap<String, String>,
    /// Files that go.
    pub(crate) deleted: Vec<String>,
}

/// What stands between the two lines of dashes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrontMatter {
    number: u32,
    title: String,
    level: Level,
    competency: OneOrMore,
    #[serde(default)]
    kit: OneOrMore,
    #[serde(default)]
    analyze: OneOrMore,
    #[serde(default)]
    objects: BTreeMap<String, usize>,
    touched: Option<usize>,
    #[serde(default)]
    untouched: OneOrMore,
    hidden_load: Option<f64>,
}

/// A text, or a list of them.
#[derive(Clone, Debug, Default)]
struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let expected = || D::Error::custom("expected a text or a list of texts");
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(vec![text])),
            serde_json::Value::Array(items) => {
                let texts = items
                    .into_iter()
                    .map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Self).ok_or_else(expected)
            }
            _ => Err(expected()),
        }
    }
}

impl Exercise {
    /// Reads the exercise in a folder of a library.
    pub(crate) fn read(library: &Library, id: &str) -> Result<Self, Refusal> {
        let lacks = |what: &str| Refusal::new(format!("the exercise `{id}` lacks {what}"));
        let source = library
            .file(&format!("{id}/task.md"))
            .ok_or_else(|| lacks("a task.md"))?;
        let (front, task) = split_front_matter(&source).ok_or_else(|| {
            lacks("a front matter: task.md begins with a line `---`, its fields, and another line `---`")
        })?;
        let (front, problems) = from_yaml::<FrontMatter>(&front);
        let Some(front) = front else {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(lines.join("\n")));
        };
        let hints = library
            .file(&format!("{id}/hints.md"))
            .ok_or_else(|| lacks("a hints.md"))?;
        let own = library.folder(id);
        let checks: Vec<Source> = own
            .keys()
            .filter(|name| is_check(name))
            .filter_map(|name| library.file(&format!("{id}/{name}")))
            .collect();
        if checks.is_empty() {
            return Err(lacks("a check.yaml"));
        }
        let start = library.folder(&format!("{id}/start"));
        if start.is_empty() {
            return Err(lacks("a folder start with a file for the learner"));
        }
        let mut world = library.folder(&format!("{id}/world"));
        for kit in &front.kit.0 {
            let mesh = library.folder(&format!("kits/{kit}/mesh"));
            if mesh.is_empty() {
                return Err(Refusal::new(format!(
                    "the exercise `{id}` uses the kit `{kit}`, which is not there"
                )));
            }
            for (name, text) in mesh {
                let name = world_name(&front.kit.0, kit, &name);
                world.entry(name).or_insert(text);
            }
        }
        Ok(Self {
            id: id.to_owned(),
            number: front.number,
            title: front.title,
            level: front.level,
            competencies: front.competency.0,
            kits: front.kit.0,
            guards: Guards {
                analyze: front.analyze.0,
                objects: front.objects,
                touched: front.touched,
                untouched: front.untouched.0,
            },
            hidden_load: front.hidden_load.unwrap_or(HIDDEN_LOAD),
            task,
            hints: split_hints(&hints.text),
            checks,
            start,
            world,
            solutions: overlays(library, &format!("{id}/solutions")),
            wrong: overlays(library, &format!("{id}/wrong")),
        })
    }

    /// What it trains first, which decides about its domain; none is an empty text.
    pub(crate) fn competency(&self) -> &str {
        self.competencies.first().map_or("", String::as_str)
    }

    /// Whether something is to be found that is broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.competency().starts_with("TS")
    }

    /// What a file of the library is called in the learner's world; none: it is not there.
    pub(crate) fn in_world(&self, path: &str) -> Option<String> {
        if let Some(name) = path.strip_prefix(&format!("{}/world/", self.id)) {
            return Some(name.to_owned());
        }
        let (kit, name) = path.strip_prefix("kits/")?.split_once("/mesh/")?;
        self.kits
            .iter()
            .any(|own| own == kit)
            .then(|| world_name(&self.kits, kit, name))
    }

    /// The start with an overlay over it.
    pub(crate) fn overlaid(&self, overlay: &Overlay) -> BTreeMap<String, String> {
        let mut files = self.start.clone();
        for name in &overlay.deleted {
            files.remove(name);
        }
        files.extend(overlay.files.clone());
        files
    }
}

impl Level {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Beginner => "beginner",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
            Self::Expert => "expert",
        }
    }
}

/// How many times the load of a check its second run sends, where the exercise says nothing.
const HIDDEN_LOAD: f64 = 0.8;

/// What a file of a kit is called in the world: kits have files of the same names.
fn world_name(kits: &[String], kit: &str, name: &str) -> String {
    match kits.len() {
        1 => name.to_owned(),
        _ => format!("{kit}/{name}"),
    }
}

/// `check.yaml`, or one of several: `check-at-peak.yaml`.
fn is_check(name: &str) -> bool {
    name == "check.yaml" || (name.starts_with("check-") && name.ends_with(".yaml"))
}

/// The fields, at their own lines, and the text that follows.
fn split_front_matter(source: &Source) -> Option<(Source, String)> {
    let rest = source.text.strip_prefix("---\n")?;
    let (front, task) = rest.split_once("\n---\n")?;
    let front = Source::new(source.name.clone(), format!("\n{front}\n"));
    Some((front, task.trim().to_owned()))
}

/// The texts below the headings `## …`.
fn split_hints(text: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if line.starts_with("## ") && !is_code {
            hints.push(String::new());
        } else if let Some(hint) = hints.last_mut() {
            hint.push_str(line);
            hint.push('\n');
        }
    }
    hints.iter().map(|hint| hint.trim().to_owned()).collect()
}

fn overlays(library: &Library, folder: &str) -> BTreeMap<String, Overlay> {
    let mut all: BTreeMap<String, Overlay> = BTreeMap::new();
    for (path, text) in library.folder(folder) {
        let Some((name, file)) = path.split_once('/') else {
            continue;
        };
        let overlay = all.entry(name.to_owned()).or_default();
        if file == DELETE {
            let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
            overlay.deleted = names.map(str::to_owned).collect();
        } else {
            overlay.files.insert(file.to_owned(), text);
        }
    }
    all
}

/// The file of an overlay that lists files which go.
const DELETE: &str = "DELETE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_stand_below_headings() {
        let text = "# Hints\n\n## Where\n\nLook.\n\n## What\n\n```yaml\n## no heading\n```\n";
        assert_eq!(split_hints(text), ["Look.", "```yaml\n## no heading\n```"]);
    }

    #[test]
    fn a_front_matter_keeps_its_lines() {
        let (front, task) =
            split_front_matter(&Source::new("task.md", "---\nnumber: 1\n---\n\nDo it.\n"))
                .expect("both are there");
        assert_eq!(
            (front.text.as_str(), task.as_str()),
            ("\nnumber: 1\n", "Do it.")
        );
    }
}

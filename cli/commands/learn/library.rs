//! Where exercises come from: those in the binary, or a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use manifest::Source;

use super::exercise::Exercise;
use crate::input;
use crate::refusal::Refusal;
use crate::similar::most_similar;

/// The files of the exercises, by their paths in the folder of all of them.
pub(crate) struct Library {
    files: BTreeMap<String, String>,
    /// What is put before a path to name a file.
    root: String,
}

impl Library {
    /// The exercises in a folder, or those in the binary.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, Refusal> {
        let Some(folder) = folder else {
            let files = EMBEDDED.iter();
            return Ok(Self {
                files: files
                    .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                    .collect(),
                root: "exercises".to_owned(),
            });
        };
        let mut files = BTreeMap::new();
        let mut problem = None;
        input::walk(folder, &mut Vec::new(), &mut |path| {
            let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
            match fs::read_to_string(path) {
                Ok(text) => {
                    files.insert(name.replace('\\', "/"), text);
                }
                Err(error) => problem = Some(input::unreadable(path, &error)),
            }
        })?;
        match problem {
            Some(refusal) => Err(refusal),
            None => Ok(Self {
                files,
                root: folder.to_string_lossy().trim_end_matches('/').to_owned(),
            }),
        }
    }

    /// The exercises in order, each as read or with what is wrong with it.
    pub(crate) fn exercises(&self) -> Vec<(String, Result<Exercise, Refusal>)> {
        let ids = self
            .files
            .keys()
            .filter_map(|name| name.strip_suffix("/task.md"));
        let mut all: Vec<_> = ids
            .filter(|id| !id.contains('/'))
            .map(|id| (id.to_owned(), Exercise::read(self, id)))
            .collect();
        all.sort_by_key(|(id, exercise)| {
            let number = exercise
                .as_ref()
                .map_or(u32::MAX, |exercise| exercise.number);
            (number, id.clone())
        });
        all
    }

    /// The exercises in order; refused if one of them cannot be read.
    pub(crate) fn all(&self) -> Result<Vec<Exercise>, Refusal> {
        self.exercises()
            .into_iter()
            .map(|(_, exercise)| exercise)
            .collect()
    }

    /// The exercise of this name or number.
    pub(crate) fn find(&self, wanted: &str) -> Result<Exercise, Refusal> {
        let all = self.all()?;
        let number = wanted.parse().ok();
        let is_meant =
            |exercise: &&Exercise| exercise.id == wanted || Some(exercise.number) == number;
        if let Some(found) = all.iter().find(is_meant) {
            return Ok(found.clone());
        }
        let refusal = Refusal::new(format!("no exercise is called `{wanted}`"));
        let ids = all.iter().map(|exercise| exercise.id.as_str());
        Err(match most_similar(wanted, ids) {
            Some(meant) => refusal.with_help(format!("did you mean `{meant}`?")),
            None => refusal.with_help("`meshsim learn list` shows all of them"),
        })
    }

    /// A file of its own name, if there is one.
    pub(crate) fn file(&self, name: &str) -> Option<Source> {
        let text = self.files.get(name)?;
        Some(Source::new(self.name_of(name), text.as_str()))
    }

    /// The files of a folder and below: their paths in it, and their texts.
    pub(crate) fn folder(&self, folder: &str) -> BTreeMap<String, String> {
        let start = format!("{folder}/");
        let files = self.files.range(start.clone()..);
        files
            .map_while(|(name, text)| Some((name.strip_prefix(&start)?.to_owned(), text.clone())))
            .collect()
    }

    /// What a file is called in messages.
    pub(crate) fn name_of(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }
}

/// A path without `.` and `..`, seen from a folder.
pub(crate) fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The files of `scenarios/exercises` when this was built.
const EMBEDDED: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/exercises.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_a_folder() {
        assert_eq!(resolve("first-pin", "../kits/shop/mesh/"), "kits/shop/mesh");
        assert_eq!(resolve("first-pin", "./start"), "first-pin/start");
    }

    #[test]
    fn exercises_are_in_the_binary_in_order() {
        let library = Library::open(None).expect("it is in the binary");
        let all = library.all().expect("all can be read");
        assert!(all.len() >= 3);
        assert!(all.is_sorted_by_key(|exercise| exercise.number));
        assert_eq!(library.find("1").expect("it exists").id, all[0].id);
        let refusal = library.find("frist-pin").expect_err("it does not exist");
        assert_eq!(refusal.help.as_deref(), Some("did you mean `first-pin`?"));
    }
}

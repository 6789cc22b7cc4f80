//! What the page may read and write: manifests in the folder of an exercise, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use manifest::Source;

use super::super::folder::{self, WORLD};
use crate::input;
use crate::output_folder::write_file;
use crate::refusal::Refusal;

/// What the learner wrote, by the paths in the folder; refused if a link leads out of it.
pub(super) fn read(folder: &Path, id: &str) -> Result<BTreeMap<String, Source>, Refusal> {
    for file in folder::files(folder)? {
        check_links(folder, &file)?;
    }
    folder::answer(folder, id)
}

/// Why a manifest is not written.
#[derive(Debug)]
pub(super) enum Denied {
    /// It may not, or cannot be.
    Refused(Refusal),
    /// Somebody else has changed it since it was read.
    Changed {
        /// Its name.
        name: String,
        /// What it says now; none: it has gone.
        theirs: Option<String>,
    },
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What the page knew of a manifest when it was edited there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    /// The page does not say: what is there is replaced.
    Unsaid,
    /// It was not there.
    Missing,
    /// It said this.
    Text(&'a str),
}

/// Writes a manifest, unless it says something else by now than what was known of it.
pub(super) fn write(folder: &Path, name: &str, text: &str, known: Known<'_>) -> Result<(), Denied> {
    let file = inside(folder, name)?;
    let known = match known {
        Known::Unsaid => return Ok(write_file(&file, text.as_bytes())?),
        Known::Missing => None,
        Known::Text(text) => Some(text),
    };
    let theirs = match file.exists() {
        true => Some(input::read_file(&file)?.text),
        false => None,
    };
    if theirs.as_deref() != known && theirs.as_deref() != Some(text) {
        return Err(Denied::Changed {
            name: name.to_owned(),
            theirs,
        });
    }
    Ok(write_file(&file, text.as_bytes())?)
}

/// Removes a manifest.
pub(super) fn remove(folder: &Path, name: &str) -> Result<(), Refusal> {
    let file = inside(folder, name)?;
    fs::remove_file(&file).map_err(|error| Refusal::new(format!("cannot remove `{name}`: {error}")))
}

/// The path of a manifest in the folder; refused if it is none, or lies elsewhere.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, Refusal> {
    let path = Path::new(name);
    let is_plain = path.components().all(|part| match part {
        Component::Normal(part) => !part.to_string_lossy().starts_with('.'),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            false
        }
    });
    if !is_plain || name.contains(['\\', '\0', ':']) || path.starts_with(WORLD) {
        return Err(Refusal::new(format!(
            "`{name}` is no file of the exercise's folder that may be written"
        )));
    }
    if !input::is_manifest(path) {
        return Err(Refusal::new(format!("`{name}` is no manifest"))
            .with_help("manifests are called *.yaml, *.yml or *.json"));
    }
    let file = folder.join(path);
    check_links(folder, &file)?;
    Ok(file)
}

/// Refuses a path that a link below the folder is part of.
fn check_links(folder: &Path, file: &Path) -> Result<(), Refusal> {
    let below = file.ancestors().take_while(|above| *above != folder);
    for part in below {
        if fs::symlink_metadata(part).is_ok_and(|about| about.is_symlink()) {
            return Err(Refusal::new(format!("`{}` is a link", part.display()))
                .with_help("the page reads and writes files of the exercise's folder only"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_manifests_of_the_folder_are_written() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let folder = scratch.path().join("exercise");
        fs::create_dir(&folder).expect("a folder");
        for name in [
            "../a.yaml",
            "/tmp/a.yaml",
            "a/../../a.yaml",
            "./a.yaml",
            ".a.yaml",
            "world/a.yaml",
            "a.txt",
            "",
            "a\\..\\b.yaml",
            "C:a.yaml",
        ] {
            assert!(write(&folder, name, "x", Known::Unsaid).is_err(), "{name}");
            assert!(remove(&folder, name).is_err(), "{name}");
        }
        write(&folder, "deep/a.yaml", "x", Known::Missing).expect("it is one");
        assert_eq!(read(&folder, "x").expect("it is read").len(), 1);
        remove(&folder, "deep/a.yaml").expect("it is there");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let (folder, outside) = (scratch.path().join("in"), scratch.path().join("out"));
        for folder in [&folder, &outside] {
            fs::create_dir(folder).expect("a folder");
        }
        fs::write(outside.join("secret.yaml"), "secret").expect("it is written");
        std::os::unix::fs::symlink(&outside, folder.join("link")).expect("a link");
        for name in ["link/secret.yaml", "link/new.yaml"] {
            assert!(write(&folder, name, "x", Known::Unsaid).is_err(), "{name}");
            assert!(remove(&folder, name).is_err(), "{name}");
        }
        assert!(read(&folder, "x").is_err());
        let text = fs::read_to_string(outside.join("secret.yaml")).expect("it is there");
        assert_eq!(text, "secret");
        assert!(!outside.join("new.yaml").exists());
    }
}

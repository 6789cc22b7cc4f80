//! The folder in which a learner answers: written once, then read again and again. Nothing in it is ever lost: what is
//! replaced is kept beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::Source;

use super::exercise::Exercise;
use crate::input;
use crate::output_folder::fill_folder;
use crate::refusal::Refusal;

/// The task, as the learner reads it.
pub(crate) const TASK_FILE: &str = "TASK.md";
/// What is there and stays as it is.
pub(crate) const WORLD: &str = "world";

/// Writes the start of an exercise into a folder that is new or empty.
pub(crate) fn begin(exercise: &Exercise, folder: &Path) -> Result<(), Refusal> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            let command = format!("meshsim learn start {} FOLDER", exercise.id);
            return Err(no_folder(folder, &command));
        }
        Err(error) => return Err(input::unreadable(folder, &error)),
    };
    if entries
        .as_mut()
        .is_some_and(|entries| entries.next().is_some())
    {
        let name = folder.display();
        return Err(Refusal::new(format!("`{name}` is not empty, and nothing in it is replaced"))
            .with_help(format!("go on there, begin again with `meshsim learn reset {0}`, or name another folder: `meshsim learn start {0} FOLDER`", exercise.id)));
    }
    write(exercise, folder)
}

/// What is no folder, where one is needed.
pub(crate) fn no_folder(path: &Path, command: &str) -> Refusal {
    Refusal::new(format!(
        "`{}` is a file, or in one, and no folder",
        path.display()
    ))
    .with_help(format!("name a folder that is new or empty: `{command}`"))
}

/// Refuses a folder that is not known to be the exercise's: one with something in it, but not the task.
pub(crate) fn check_owned(exercise: &Exercise, folder: &Path) -> Result<(), Refusal> {
    let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if !folder.exists() || is_empty {
        return Ok(());
    }
    let task = fs::read_to_string(folder.join(TASK_FILE)).unwrap_or_default();
    // Titles and numbers may change from one version to the next.
    let heading = task.lines().next().and_then(|line| line.strip_prefix("# "));
    let is_meant = heading
        .and_then(|heading| heading.split_once(". "))
        .is_some_and(|(number, title)| {
            number == exercise.number.to_string() || title == exercise.title
        });
    if is_meant {
        return Ok(());
    }
    let name = folder.display();
    Err(Refusal::new(format!(
        "`{name}` has no {TASK_FILE} of `{}`, and so nothing in it is changed",
        exercise.id
    ))
    .with_help(format!(
        "begin in another folder: `meshsim learn start {} FOLDER`",
        exercise.id
    )))
}

/// Takes back a start that nobody has edited yet; the folder stays if it was there before.
pub(crate) fn take_back(exercise: &Exercise, folder: &Path, was_there: bool) {
    // Best effort: why it is taken back matters more than what stays behind.
    for name in exercise.start.keys().map(String::as_str).chain([TASK_FILE]) {
        let top = name.split('/').next().unwrap_or(name);
        let path = folder.join(top);
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
    }
    let _ = fs::remove_dir_all(folder.join(WORLD));
    if !was_there {
        let _ = fs::remove_dir(folder);
    }
}

/// Puts what is there aside and writes the start again; gives the folder that keeps it, if there was anything.
pub(crate) fn reset(exercise: &Exercise, folder: &Path) -> Result<Option<PathBuf>, Refusal> {
    check_owned(exercise, folder)?;
    let mut kept = None;
    if folder.exists() {
        let backup = free_name(folder);
        fs::rename(folder, &backup).map_err(|error| {
            Refusal::new(format!("cannot put `{}` aside: {error}", folder.display()))
                .with_help("nothing was changed")
        })?;
        kept = Some(backup);
    }
    let written = write(exercise, folder);
    if let (Err(_), Some(backup)) = (&written, &kept) {
        // What was there comes back.
        fs::rename(backup, folder).map_err(|error| {
            Refusal::new(format!(
                "cannot write `{}`, and what was there stays in `{}`: {error}",
                folder.display(),
                backup.display()
            ))
        })?;
    }
    written.map(|()| kept)
}

/// What the learner wrote, by the paths in the folder.
pub(crate) fn answer(folder: &Path, id: &str) -> Result<BTreeMap<String, Source>, Refusal> {
    if !folder.is_dir() {
        return Err(
            Refusal::new(format!("the folder `{}` is not there", folder.display()))
                .with_help(format!("`meshsim learn start {id}` writes it")),
        );
    }
    let files = files(folder)?;
    // Who has deleted all there was has answered, if with nothing; where no task is, no answer is either.
    if files.is_empty() && !folder.join(TASK_FILE).is_file() {
        return Err(Refusal::new(format!(
            "`{}` holds no *.yaml, *.yml or *.json file",
            folder.display()
        ))
        .with_help(format!(
            "`meshsim learn reset {id}` brings the start back, and keeps what is there"
        )));
    }
    let name = |file: &Path| {
        let inner = file.strip_prefix(folder).unwrap_or(file);
        inner.to_string_lossy().replace('\\', "/")
    };
    let files = files.iter();
    files
        .map(|file| Ok((name(file), input::read_file(file)?)))
        .collect()
}

/// The manifests in a folder, without those of the world.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let world = folder.join(WORLD);
    let mut found = Vec::new();
    input::walk(folder, &mut Vec::new(), &mut |file| {
        if input::is_manifest(file) && !file.starts_with(&world) {
            found.push(file.to_owned());
        }
    })?;
    Ok(found)
}

/// A hint whose commands name the exercise's folder, so that they work where they are read.
pub(crate) fn seen_from_here(hint: &str, folder: &Path) -> String {
    let absolute = |path: &Path| fs::canonicalize(path).ok();
    let is_here = absolute(folder).is_some_and(|folder| absolute(Path::new(".")) == Some(folder));
    if is_here {
        return hint.to_owned();
    }
    let mut pieces = hint.split(FILES_FLAG);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find([' ', '`', '\n']).unwrap_or(piece.len());
        let (path, rest) = piece.split_at(end);
        let path = match path {
            "." => folder.to_owned(),
            path => folder.join(path),
        };
        text += &format!("{FILES_FLAG}{}{rest}", path.display());
    }
    text
}

/// What commands put before a path.
const FILES_FLAG: &str = " -f ";

fn write(exercise: &Exercise, folder: &Path) -> Result<(), Refusal> {
    let task = format!(
        "# {}. {}\n\n{}\n\n---\n\nEdit the manifests in this folder; those in `{WORLD}/` are there to be read, and stay as they \
         are. `meshsim learn check` judges your answer, `meshsim learn hint` helps.\n",
        exercise.number, exercise.title, exercise.task
    );
    let files = texts(exercise, Path::new(""), task);
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.clone(), text.as_bytes()))
        .collect();
    fill_folder(folder, &files)
}

/// The start and the world of an exercise below a task of one's own words, as files in a folder.
pub(crate) fn texts(exercise: &Exercise, folder: &Path, task: String) -> Vec<(PathBuf, String)> {
    let start = exercise.start.iter();
    let start = start.map(|(name, text)| (folder.join(name), text.clone()));
    let world = exercise.world.iter();
    let world = world.map(|(name, text)| (folder.join(WORLD).join(name), text.clone()));
    std::iter::once((folder.join(TASK_FILE), task))
        .chain(start)
        .chain(world)
        .collect()
}

/// A name beside a folder that nothing has.
fn free_name(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    (1_u32..)
        .map(|number| folder.with_file_name(format!("{name}.backup-{number}")))
        .find(|path| !path.exists())
        .expect("there are more numbers than folders")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_hints_name_the_folder() {
        let hint = "Ask `meshsim explain -f world -f rules.yaml x` and `meshsim analyze -f .`.";
        assert_eq!(
            seen_from_here(hint, Path::new("first-pin")),
            "Ask `meshsim explain -f first-pin/world -f first-pin/rules.yaml x` and `meshsim analyze -f first-pin`."
        );
        assert_eq!(seen_from_here(hint, Path::new(".")), hint);
    }
}

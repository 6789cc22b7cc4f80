//! The files that the user names: a file, a folder with all it holds, or standard input.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use manifest::Source;

use crate::refusal::Refusal;
use crate::similar::most_similar;

/// The name of standard input.
pub(crate) const STDIN: &str = "-";

/// Reads all that the paths name, in the order of the paths; the files of a folder are sorted. No file is read twice.
pub(crate) fn read_manifests(paths: &[PathBuf]) -> Result<Vec<Source>, Refusal> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            if seen.insert(path.clone()) {
                files.push(read_stdin()?);
            }
            continue;
        }
        let found = if is_folder(path)? {
            manifests_in(path)?
        } else {
            vec![path.clone()]
        };
        for file in found {
            let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(identity) {
                files.push(read_file(&file)?);
            }
        }
    }
    Ok(files)
}

/// Reads one text file.
pub(crate) fn read_file(path: &Path) -> Result<Source, Refusal> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    source(path.to_string_lossy().into_owned(), bytes)
}

/// Reads one text file, or standard input where it is called `-`.
pub(crate) fn read_input(path: &Path) -> Result<Source, Refusal> {
    if path.as_os_str() == STDIN {
        read_stdin()
    } else {
        read_file(path)
    }
}

fn read_stdin() -> Result<Source, Refusal> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::new(format!("cannot read standard input: {error}")))?;
    source(STDIN.to_owned(), bytes)
}

fn source(name: String, bytes: Vec<u8>) -> Result<Source, Refusal> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => Err(Refusal::new(format!(
            "cannot read `{name}`: byte {} is not UTF-8",
            error.utf8_error().valid_up_to() + 1
        ))),
    }
}

fn is_folder(path: &Path) -> Result<bool, Refusal> {
    fs::metadata(path)
        .map(|metadata| metadata.is_dir())
        .map_err(|error| unreadable(path, &error))
}

/// The manifests in a folder and below, sorted; hidden files and folders are left out.
pub(crate) fn manifests_in(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let mut found = Vec::new();
    walk(folder, &mut Vec::new(), &mut |file| {
        if is_manifest(file) {
            found.push(file.to_owned());
        }
    })?;
    if found.is_empty() {
        return Err(Refusal::new(format!(
            "the folder `{}` holds no *.yaml, *.yml or *.json file",
            folder.display()
        )));
    }
    Ok(found)
}

/// Visits each file in a folder and below, in the order of their paths.
pub(crate) fn walk(
    folder: &Path,
    above: &mut Vec<PathBuf>,
    visit: &mut impl FnMut(&Path),
) -> Result<(), Refusal> {
    // A link to a folder above would lead round in circles.
    let identity = fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?;
    if above.contains(&identity) {
        return Ok(());
    }
    above.push(identity);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    for entry in entries {
        if is_folder(&entry)? {
            walk(&entry, above, visit)?;
        } else {
            visit(&entry);
        }
    }
    above.pop();
    Ok(())
}

/// Whether a file is one by its name.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

/// Why a path cannot be read, and which one was probably meant.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let name = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        return Refusal::new(format!("cannot read `{name}`: {error}"));
    }
    let refusal = Refusal::new(format!("cannot read `{name}`: no such file or folder"));
    match similar_path(path) {
        Some(meant) => refusal.with_help(format!("did you mean `{}`?", meant.display())),
        None => refusal,
    }
}

fn similar_path(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    let listed = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let names: Vec<String> = fs::read_dir(listed)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let meant = most_similar(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(parent.join(meant))
}

//! Files and folders that appear as a whole or not at all.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use crate::refusal::Refusal;
use crate::scratch_folder::ScratchFolder;

/// Writes a folder of files so that it appears as a whole: a folder beside it is filled and takes its name.
///
/// A folder that an earlier run wrote is replaced; any other that holds something is refused. What killed processes left
/// beside it goes.
pub(crate) fn write_folder(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), Refusal> {
    write_folder_with(folder, files, &[])
}

/// The same with files that are written already, on the same disk, and move into it.
pub(crate) fn write_folder_with(
    folder: &Path,
    files: &[(&str, &[u8])],
    moved: &[(&str, PathBuf)],
) -> Result<(), Refusal> {
    let refuse = |error: io::Error| cannot_write(folder, &error);
    check_replaceable(folder)?;
    let (parent, name) = split(folder).ok_or_else(|| {
        Refusal::new(format!(
            "cannot write `{}`: it has no name",
            folder.display()
        ))
        .with_help("give a folder such as `reports/out/mine`")
    })?;
    let scratch = ScratchFolder::beside(&parent.join(name), "new").map_err(refuse)?;
    let (new, old) = (scratch.path().join("new"), scratch.path().join("old"));
    let written = fill(&new, files)
        .and_then(|()| (moved.iter()).try_for_each(|(name, path)| fs::rename(path, new.join(name))))
        .and_then(|()| replace(folder, &new, &old));
    match written {
        Ok(()) => scratch.remove_stale(),
        // The earlier folder could not come back: it is there, and not lost.
        Err(_) if old.exists() => scratch.leave(),
        Err(_) => {}
    }
    written.map_err(refuse)
}

/// Writes files into a folder that is new or empty: all of them, or none.
pub(crate) fn fill_folder(folder: &Path, files: &[(PathBuf, &[u8])]) -> Result<(), Refusal> {
    let refuse = |error: io::Error| cannot_write(folder, &error);
    let missing: Vec<&Path> = (folder.ancestors())
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
        .collect();
    fs::create_dir_all(folder).map_err(refuse)?;
    let new = folder.join(format!(".new-{}", process::id()));
    let written = fill(&new, files).and_then(|()| move_out(&new, folder));
    if written.is_err() {
        // Best effort: the reason for the failure matters more than what it leaves behind.
        let _ = fs::remove_dir_all(&new);
        for made in missing {
            let _ = fs::remove_dir(made);
        }
    }
    written.map_err(refuse)
}

/// A scenario's name as the name of a folder.
pub(crate) fn folder_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    match safe.trim_matches('.') {
        "" => "scenario".to_owned(),
        safe => safe.to_owned(),
    }
}

/// Writes one file so that it appears as a whole.
pub(crate) fn write_file(file: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let refuse = |error: io::Error| cannot_write(file, &error);
    let (parent, name) = split(file).ok_or_else(|| {
        Refusal::new(format!("cannot write `{}`: it has no name", file.display()))
    })?;
    fs::create_dir_all(&parent).map_err(refuse)?;
    let new = parent.join(format!(".{name}{UNFINISHED}{}", process::id()));
    let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map_err(refuse)
}

/// Whether a file is what a killed process was writing.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.contains(UNFINISHED)
}

/// What stands in the name of a file before it has its own.
const UNFINISHED: &str = ".new-";

/// The file that each folder of a run holds, and no other folder has.
const MARK: &str = "summary.json";

/// Whether a run may write there: nothing is, or what an earlier run wrote.
pub(crate) fn check_replaceable(folder: &Path) -> Result<(), Refusal> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Refusal::new(format!(
                "cannot write into `{}`: {error}",
                folder.display()
            )));
        }
    };
    if entries.next().is_none() || is_ours(folder) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "`{}` holds files that no run wrote, and would be replaced",
        folder.display()
    ))
    .with_help("give a folder that does not exist yet"))
}

fn is_ours(folder: &Path) -> bool {
    fs::read_to_string(folder.join(MARK)).is_ok_and(|text| {
        serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|summary| {
            summary["schema"]
                .as_str()
                .is_some_and(|schema| schema.starts_with("meshsim."))
        })
    })
}

fn split(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Some((parent, name))
}

/// Why a path cannot be written, and what would help.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Refusal {
    let refusal = Refusal::new(format!("cannot write `{}`: {error}", path.display()));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => refusal
            .with_help(
                "make room and try again; what was there is as it was, and nothing is half written",
            ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            refusal.with_help("work in a folder that you may write to")
        }
        _ => refusal,
    }
}

fn fill(folder: &Path, files: &[(impl AsRef<Path>, &[u8])]) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Moves all entries of a folder into the one above it, which holds nothing of their names, and removes it.
fn move_out(from: &Path, to: &Path) -> io::Result<()> {
    let mut moved: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if let Err(error) = fs::rename(entry.path(), &target) {
            for path in moved {
                let _ = fs::rename(&path, from.join(path.file_name().unwrap_or_default()));
            }
            return Err(error);
        }
        moved.push(target);
    }
    fs::remove_dir(from)
}

fn replace(folder: &Path, new: &Path, old: &Path) -> io::Result<()> {
    if !folder.exists() {
        return fs::rename(new, folder);
    }
    fs::rename(folder, old)?;
    if let Err(error) = fs::rename(new, folder) {
        // The earlier folder comes back, so that nothing is lost.
        fs::rename(old, folder)?;
        return Err(error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: (&str, &[u8]) = (MARK, br#"{"schema":"meshsim.run/1"}"#);

    fn files(text: &'static str) -> [(&'static str, &'static [u8]); 2] {
        [SUMMARY, ("plots/a.svg", text.as_bytes())]
    }

    #[test]
    fn a_folder_is_replaced_as_a_whole_and_leaves_nothing_behind() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let out = scratch.path().join("deep/out");
        write_folder(&out, &files("one")).expect("a new folder is written");
        fs::write(out.join("stale.csv"), "old").expect("the folder is writable");
        write_folder(&out, &files("two")).expect("our own folder is replaced");
        let text = fs::read_to_string(out.join("plots/a.svg")).expect("it was written");
        assert_eq!(text, "two");
        assert!(!out.join("stale.csv").exists());
        let siblings = fs::read_dir(scratch.path().join("deep"))
            .expect("it exists")
            .count();
        assert_eq!(siblings, 1, "temporary folders are gone");
    }

    #[test]
    fn what_a_killed_process_left_goes_when_the_same_folder_is_written() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let out = scratch.path().join("out");
        let left = scratch.path().join(".out.new-1");
        fs::create_dir_all(left.join("new/plots")).expect("the folder is writable");
        fs::write(left.join("new/plots/a.svg"), "half of a").expect("the folder is writable");
        fs::write(left.join("lock"), "").expect("the folder is writable");
        let other = scratch.path().join("other");
        write_folder(&other, &files("one")).expect("a new folder is written");
        assert!(left.exists(), "it is not of this folder");
        write_folder(&out, &files("two")).expect("a new folder is written");
        assert!(!left.exists() && out.is_dir());
    }

    #[test]
    fn a_folder_of_someone_else_is_refused() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let scratch = scratch.path();
        write_folder(scratch, &files("x")).expect("an empty folder is taken");
        fs::write(scratch.join(MARK), "{}").expect("the folder is writable");
        let refusal = write_folder(scratch, &files("x")).expect_err("it is not ours any more");
        assert!(refusal.message.contains("no run wrote"), "{refusal}");
        let refusal = write_folder(&scratch.join(MARK), &files("x")).expect_err("it is a file");
        assert!(refusal.message.contains("cannot write into"), "{refusal}");
    }

    #[test]
    fn a_folder_is_filled_with_all_files_or_with_none() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let folder = scratch.path().join("deep/new");
        let file = |name: &str| (PathBuf::from(name), "text".as_bytes());
        // No file can be where a folder must be.
        let refusal = fill_folder(&folder, &[file("a"), file("a/b")]).expect_err("a is a file");
        assert!(refusal.message.contains("cannot write"), "{refusal}");
        assert!(!scratch.path().join("deep").exists());
        fill_folder(&folder, &[file("a"), file("b/c")]).expect("both can be written");
        assert!(folder.join("a").is_file() && folder.join("b/c").is_file());
        let entries = fs::read_dir(&folder).expect("it is there").count();
        assert_eq!(entries, 2, "temporary folders are gone");
    }

    #[test]
    fn names_of_scenarios_become_names_of_folders() {
        let table = [
            ("canary split", "canary-split"),
            ("../etc/passwd", "-etc-passwd"),
            ("..", "scenario"),
            ("M/M/1", "M-M-1"),
            ("größe_2", "größe_2"),
        ];
        for (name, want) in table {
            assert_eq!(folder_name(name), want);
        }
    }
}

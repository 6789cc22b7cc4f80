//! Folders beside the one that is written, in which files grow until it takes them.
//!
//! Neither a failed nor an interrupted run leaves half of its files where whole ones are expected. A process holds the lock of
//! its folder, which ends with it however it ends: a folder whose lock nobody holds is what a killed one left, and the next
//! that succeeds in writing the same folder removes it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{io, process};

/// A folder of this process, gone with this value.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    path: PathBuf,
    /// What names of such folders begin with, for all processes that write the same one.
    prefix: String,
    /// Held as long as the folder is wanted.
    lock: File,
}

impl ScratchFolder {
    /// A new folder for what will be part of `out`; `what` tells those of one process apart.
    pub(crate) fn beside(out: &Path, what: &str) -> io::Result<Self> {
        let name = out.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.{what}-");
        let hidden = format!("{prefix}{}", process::id());
        let path = out.parent().unwrap_or(Path::new("")).join(hidden);
        let lock = locked(&path)?;
        Ok(Self { path, prefix, lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets it be though this value goes: what is in it is nowhere else.
    pub(crate) fn leave(mut self) {
        self.path = PathBuf::new();
    }

    /// Removes what killed processes left beside the same folder: what is older than this one, and locked by nobody.
    ///
    /// Best effort: what cannot be looked at or removed stays.
    pub(crate) fn remove_stale(&self) {
        let began = self.lock.metadata().and_then(|own| own.modified());
        let parent = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (Ok(began), Ok(entries)) = (began, fs::read_dir(parent)) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_such = (name.strip_prefix(&self.prefix)).is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            });
            if is_such && is_stale(&entry.path(), began) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for ScratchFolder {
    /// What nobody has taken by now is wanted by nobody.
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A new folder whose lock this process holds.
fn locked(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(LOCK))?;
    match lock.try_lock() {
        // Where disks know no locks, nobody takes the folder for one that is left.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
    }
}

/// Whether a folder is of a process that began earlier, and has ended.
fn is_stale(folder: &Path, began: SystemTime) -> bool {
    // What is no folder was not made here, whatever it is called.
    let Ok(itself) = fs::symlink_metadata(folder) else {
        return false;
    };
    if !itself.is_dir() {
        return false;
    }
    match File::open(folder.join(LOCK)) {
        Ok(lock) => {
            let changed = lock.metadata().and_then(|lock| lock.modified());
            changed.is_ok_and(|changed| changed < began) && lock.try_lock().is_ok()
        }
        // Its process may be about to lock it, but not for long.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let changed = itself.modified();
            changed.is_ok_and(|changed| changed + UNLOCKED < began)
        }
        Err(_) => false,
    }
}

/// The file whose lock a process holds.
const LOCK: &str = "lock";

/// A folder that has no lock for so long will have none.
const UNLOCKED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_left_is_removed_and_what_others_write_is_not() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let beside = |name: &str| scratch.path().join(name);
        let hour_ago = SystemTime::now() - Duration::from_secs(7200);
        let earlier = |name: &str| {
            let lock = locked(&beside(name)).expect("a new folder is written");
            lock.set_modified(hour_ago).expect("its time can be set");
            lock
        };
        let without_lock = |name: &str| {
            fs::create_dir(beside(name)).expect("the folder is writable");
            File::open(beside(name)).expect("it is there")
        };
        drop(earlier(".out.log-1"));
        for name in [".other.log-1", ".out.new-1", ".out.log-mine", ".out.log-"] {
            drop(earlier(name));
        }
        let running = earlier(".out.log-2");
        without_lock(".out.log-3");
        let left = without_lock(".out.log-4");
        left.set_modified(hour_ago).expect("its time can be set");
        fs::write(beside(".out.log-5"), "").expect("the folder is writable");
        let own = ScratchFolder::beside(&beside("out"), "log").expect("a new folder is written");
        drop(locked(&beside(".out.log-6")).expect("a new folder is written"));
        own.remove_stale();
        assert!(!beside(".out.log-1").exists(), "nobody writes there");
        assert!(!beside(".out.log-4").exists(), "nobody ever locked it");
        for (kept, why) in [
            (".other.log-1", "it is another folder's"),
            (".out.new-1", "it is for something else"),
            (".out.log-mine", "no process is called so"),
            (".out.log-", "no process is called so"),
            (".out.log-2", "its process goes on"),
            (".out.log-3", "its process may just begin"),
            (".out.log-5", "it is no folder"),
            (".out.log-6", "it is younger"),
        ] {
            assert!(beside(kept).exists(), "{why}");
        }
        assert!(own.path().exists(), "it is its own");
        drop((own, running));
    }

    #[test]
    fn it_goes_unless_it_is_to_stay() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let out = scratch.path().join("out");
        let folder = |what| ScratchFolder::beside(&out, what).expect("a new folder is written");
        let (gone, stays) = (folder("a"), folder("b"));
        let paths = [&gone, &stays].map(|folder| folder.path().to_owned());
        drop(gone);
        stays.leave();
        assert_eq!(paths.map(|path| path.exists()), [false, true]);
    }
}

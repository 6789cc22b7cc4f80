//! An access log as Parquet, written while the run goes on: a thread of its own takes what the run hands on.
//!
//! The files grow in a folder beside the one that is written, and move there when it appears, so that neither a failed nor
//! an interrupted run leaves half of them where whole ones are expected. A run holds the lock of its folder: one whose
//! lock nobody holds is what a killed run left, and the next run that succeeds removes it.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::SystemTime;
use std::{process, thread};

use reports::{ParquetLog, REQUESTS_FILE, TRIES_FILE};
use telemetry::{AccessLogBatch, AccessLogEntry};

use crate::output_folder::cannot_write;
use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// Files that wait for their folder.
#[derive(Debug)]
pub(crate) struct ParquetFiles {
    folder: PathBuf,
    /// What names of such folders begin with, for all runs that write the same one.
    prefix: String,
    /// Held as long as the files are wanted.
    lock: File,
}

impl ParquetFiles {
    /// Files that will be part of `out`.
    pub(crate) fn beside(out: &Path) -> Result<Self, Refusal> {
        let name = out.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.log-");
        let hidden = format!("{prefix}{}", process::id());
        let folder = out.parent().unwrap_or(Path::new("")).join(hidden);
        let lock = locked(&folder).map_err(|error| cannot_write(&folder, &error))?;
        Ok(Self {
            folder,
            prefix,
            lock,
        })
    }

    /// Removes what killed runs left beside the same folder: what is older than this run, and locked by nobody.
    ///
    /// Best effort: what cannot be looked at or removed stays.
    pub(crate) fn remove_stale(&self) {
        let began = self.lock.metadata().and_then(|own| own.modified());
        let parent = match self.folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (Ok(began), Ok(entries)) = (began, fs::read_dir(parent)) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_such = (name.strip_prefix(&self.prefix))
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            if is_such && is_stale(&entry.path(), began) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Where each of them is, by the name that it will have.
    pub(crate) fn paths(&self) -> [(&'static str, PathBuf); 2] {
        [REQUESTS_FILE, TRIES_FILE].map(|name| (name, self.folder.join(name)))
    }

    /// Writes them from requests that are there already.
    pub(crate) fn write(&self, entries: &[AccessLogEntry]) -> Result<(), Refusal> {
        let written = self.open().and_then(|mut log| {
            for entries in entries.chunks(GROUP) {
                log.write(entries.iter().cloned())?;
            }
            log.finish()
        });
        written.map_err(|error| cannot_write(&self.folder, &error))
    }

    /// Writes them while `run` runs the simulation, which is given what takes its requests.
    pub(crate) fn write_during<T: Send>(
        &self,
        simulation: &Simulation,
        run: impl FnOnce(&(dyn Fn(AccessLogBatch) + Sync)) -> T,
    ) -> Result<T, Refusal> {
        // Two batches wait at most: a run that is faster than the disk waits for it.
        let (send, receive) = sync_channel(2);
        let (outcome, written) = thread::scope(|scope| {
            let writer = scope.spawn(|| self.receive(simulation, receive));
            let outcome = hand_on(send, run);
            let written = writer.join().expect("the writer ends with a result");
            (outcome, written)
        });
        written.map_err(|error| cannot_write(&self.folder, &error))?;
        Ok(outcome)
    }

    fn receive(
        &self,
        simulation: &Simulation,
        batches: Receiver<AccessLogBatch>,
    ) -> io::Result<()> {
        let mut log = self.open()?;
        for batch in batches {
            log.write(simulation.entries(&batch))?;
        }
        log.finish()
    }

    fn open(&self) -> io::Result<ParquetLog<BufWriter<File>>> {
        let [requests, tries] = self.paths().map(|(_, path)| File::create(path));
        ParquetLog::new(BufWriter::new(requests?), BufWriter::new(tries?))
    }
}

impl Drop for ParquetFiles {
    /// What has not moved by now is wanted by nobody.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
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

/// Whether a folder is of a run that began earlier, and has ended.
fn is_stale(folder: &Path, began: SystemTime) -> bool {
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return false;
    };
    let is_older = lock.metadata().and_then(|lock| lock.modified());
    is_older.is_ok_and(|modified| modified < began) && lock.try_lock().is_ok()
}

/// Runs with what sends each batch; where the writer has failed, batches are dropped and it says why.
fn hand_on<T>(
    send: SyncSender<AccessLogBatch>,
    run: impl FnOnce(&(dyn Fn(AccessLogBatch) + Sync)) -> T,
) -> T {
    run(&move |batch| {
        let _ = send.send(batch);
    })
}

/// Requests of a row group.
const GROUP: usize = 1 << 16;

/// The file whose lock a run holds.
const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_killed_runs_left_is_removed_and_what_others_write_is_not() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let beside = |name: &str| scratch.path().join(name);
        let earlier = |name: &str| {
            let lock = locked(&beside(name)).expect("a new folder is written");
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            lock.set_modified(hour_ago).expect("its time can be set");
            lock
        };
        drop(earlier(".out.log-1"));
        drop(earlier(".other.log-1"));
        drop(earlier(".out.log-mine"));
        let running = earlier(".out.log-2");
        fs::create_dir(beside(".out.log-3")).expect("the folder is writable");
        let files = ParquetFiles::beside(&beside("out")).expect("a new folder is written");
        files.remove_stale();
        assert!(!beside(".out.log-1").exists(), "nobody writes there");
        for (kept, why) in [
            (".other.log-1", "it is another folder's"),
            (".out.log-mine", "no run is called so"),
            (".out.log-2", "its run goes on"),
            (".out.log-3", "its run may just begin"),
        ] {
            assert!(beside(kept).exists(), "{why}");
        }
        assert!(files.folder.exists(), "it is its own");
        drop((files, running));
    }

    #[test]
    fn what_cannot_be_written_is_told_with_what_helps() {
        let scratch = tempfile::tempdir().expect("the temporary folder is writable");
        let file = scratch.path().join("file");
        fs::write(&file, "").expect("the folder is writable");
        let refusal = ParquetFiles::beside(&file.join("out")).expect_err("a file is no folder");
        assert!(refusal.message.contains("cannot write"), "{refusal}");
        let full = cannot_write(&file, &io::ErrorKind::StorageFull.into());
        assert!(full.help.is_some_and(|help| help.contains("make room")));
    }
}

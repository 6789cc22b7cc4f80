//! An access log as Parquet, written while the run goes on: a thread of its own takes what the run hands on.
//!
//! The files grow in a folder beside the one that is written, and move there when it appears.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use reports::{ParquetLog, REQUESTS_FILE, TRIES_FILE};
use telemetry::{AccessLogBatch, AccessLogEntry, AccessLogRows};

use crate::output_folder::cannot_write;
use crate::refusal::Refusal;
use crate::scratch_folder::ScratchFolder;
use crate::simulation::Simulation;

/// Files that wait for their folder.
#[derive(Debug)]
pub(crate) struct ParquetFiles {
    folder: ScratchFolder,
}

impl ParquetFiles {
    /// Files that will be part of `out`.
    pub(crate) fn beside(out: &Path) -> Result<Self, Refusal> {
        let folder = ScratchFolder::beside(out, "log");
        let folder = folder.map_err(|error| cannot_write(out, &error))?;
        Ok(Self { folder })
    }

    /// Removes what killed runs left beside the same folder.
    pub(crate) fn remove_stale(&self) {
        self.folder.remove_stale();
    }

    /// Where each of them is, by the name that it will have.
    pub(crate) fn paths(&self) -> [(&'static str, PathBuf); 2] {
        [REQUESTS_FILE, TRIES_FILE].map(|name| (name, self.folder.path().join(name)))
    }

    /// Writes them from requests that are there already.
    pub(crate) fn write(&self, entries: &[AccessLogEntry]) -> Result<(), Refusal> {
        let written = self.open().and_then(|mut log| {
            for entries in entries.chunks(GROUP) {
                log.write(&AccessLogRows::of_entries(entries))?;
            }
            log.finish()
        });
        written.map_err(|error| cannot_write(self.folder.path(), &error))
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
        written.map_err(|error| cannot_write(self.folder.path(), &error))?;
        Ok(outcome)
    }

    fn receive(
        &self,
        simulation: &Simulation,
        batches: Receiver<AccessLogBatch>,
    ) -> io::Result<()> {
        let mut log = self.open()?;
        for batch in batches {
            log.write(&simulation.rows(batch))?;
        }
        log.finish()
    }

    fn open(&self) -> io::Result<ParquetLog<BufWriter<File>>> {
        let [requests, tries] = self.paths().map(|(_, path)| File::create(path));
        ParquetLog::new(BufWriter::new(requests?), BufWriter::new(tries?))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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

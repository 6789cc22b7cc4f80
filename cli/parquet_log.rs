//! An access log as Parquet, written while the run goes on: a thread of its own takes what the run hands on.
//!
//! The files grow in a folder beside the one that is written, and move there when it appears, so that neither a failed nor
//! an interrupted run leaves half of them where whole ones are expected.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{process, thread};

use reports::{ParquetLog, REQUESTS_FILE, TRIES_FILE};
use telemetry::{AccessLogBatch, AccessLogEntry};

use crate::refusal::Refusal;
use crate::simulation::Simulation;

/// Files that wait for their folder.
#[derive(Debug)]
pub(crate) struct ParquetFiles {
    folder: PathBuf,
}

impl ParquetFiles {
    /// Files that will be part of `out`.
    pub(crate) fn beside(out: &Path) -> Result<Self, Refusal> {
        let name = out.file_name().unwrap_or_default().to_string_lossy();
        let hidden = format!(".{name}.log-{}", process::id());
        let folder = out.parent().unwrap_or(Path::new("")).join(hidden);
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(Self { folder })
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
        written.map_err(|error| unwritable(&self.folder, &error))
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
        written.map_err(|error| unwritable(&self.folder, &error))?;
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

/// Runs with what sends each batch; where the writer has failed, batches are dropped and it says why.
fn hand_on<T>(
    send: SyncSender<AccessLogBatch>,
    run: impl FnOnce(&(dyn Fn(AccessLogBatch) + Sync)) -> T,
) -> T {
    run(&move |batch| {
        let _ = send.send(batch);
    })
}

fn unwritable(folder: &Path, error: &io::Error) -> Refusal {
    Refusal::new(format!("cannot write `{}`: {error}", folder.display()))
}

/// Requests of a row group.
const GROUP: usize = 1 << 16;

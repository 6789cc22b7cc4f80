//! The folder of a sweep: what it is a sweep of, and a file for each cell that has been run.

use std::fs;
use std::path::{Path, PathBuf};

use scenario::Statistic;
use serde::{Deserialize, Serialize};

use super::parameter::Parameter;
use crate::figure::{in_unit, unit};
use crate::input;
use crate::output_folder::{is_unfinished, write_file};
use crate::refusal::Refusal;

/// What a sweep is of: cells of equal identities belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The scenario's name.
    pub(super) scenario: String,
    /// A digest of the scenario, its manifests and all that was overridden.
    pub(super) inputs: String,
    /// The seed that was asked for; none: the scenario's.
    pub(super) seed: Option<u64>,
    pub(super) replications: u32,
    pub(super) parameters: Vec<Parameter>,
}

/// `sweep.json`
#[derive(Debug, Serialize, Deserialize)]
struct SweepFile {
    schema: String,
    version: String,
    #[serde(flatten)]
    identity: Identity,
}

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) point: usize,
    pub(super) replication: u32,
}

/// What a run of a sweep came down to: `cells/<point>-<replication>.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CellFile {
    pub(super) point: usize,
    pub(super) replication: u32,
    pub(super) fingerprint: String,
    pub(super) statistics: Vec<StatisticJson>,
}

/// A figure of a cell.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StatisticJson {
    pub(super) subject: String,
    pub(super) statistic: String,
    pub(super) unit: String,
    pub(super) value: Option<f64>,
    /// The value of cells that do not list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) when_absent: Option<f64>,
}

/// The folder of a sweep.
#[derive(Debug)]
pub(super) struct Cells {
    folder: PathBuf,
    identity: Identity,
}

impl Cell {
    /// Its number among all cells of its sweep.
    pub(super) const fn index(self, identity: &Identity) -> usize {
        self.point * identity.replications as usize + self.replication as usize
    }

    fn path(self) -> String {
        format!("{CELLS}/{:06}-{}.json", self.point, self.replication)
    }
}

impl Cells {
    /// A new folder, or the one that the same sweep has begun; any other that holds something is refused.
    pub(super) fn open(folder: PathBuf, identity: Identity) -> Result<Self, Refusal> {
        if folder.join(SWEEP_FILE).exists() {
            if Self::identity_in(&folder)? != identity {
                let folder = folder.display();
                return Err(Refusal::new(format!("`{folder}` holds another sweep")).with_help(
                    "the scenario, the manifests, the parameters, the seed or the replications differ: give another \
                     folder by `--out`, or remove this one",
                ));
            }
        } else if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            let folder = folder.display();
            return Err(
                Refusal::new(format!("`{folder}` holds files that no sweep wrote"))
                    .with_help("give a folder that does not exist yet"),
            );
        } else {
            let file = SweepFile {
                schema: SCHEMA.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                identity: identity.clone(),
            };
            write_file(&folder.join(SWEEP_FILE), &json(&file))?;
        }
        Ok(Self { folder, identity })
    }

    /// What the sweep in a folder is of.
    pub(super) fn identity_in(folder: &Path) -> Result<Identity, Refusal> {
        let path = folder.join(SWEEP_FILE);
        let text = input::read_file(&path)?.text;
        let file: SweepFile = serde_json::from_str(&text)
            .map_err(|error| Refusal::new(format!("`{}`: {error}", path.display())))?;
        if file.schema != SCHEMA || file.version != env!("CARGO_PKG_VERSION") {
            let (folder, version) = (folder.display(), file.version);
            return Err(Refusal::new(format!(
                "`{folder}` was written by meshsim {version}, and figures of two versions do not mix"
            )));
        }
        Ok(file.identity)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether a cell has been run.
    pub(super) fn has(&self, cell: Cell) -> bool {
        self.load(cell).is_ok()
    }

    /// What a cell came down to.
    pub(super) fn load(&self, cell: Cell) -> Result<CellFile, Refusal> {
        let path = self.folder.join(cell.path());
        let text = input::read_file(&path)?.text;
        let file: CellFile = serde_json::from_str(&text)
            .map_err(|error| Refusal::new(format!("`{}`: {error}", path.display())))?;
        if (file.point, file.replication) != (cell.point, cell.replication) {
            let path = path.display();
            return Err(Refusal::new(format!("`{path}` is of another cell")));
        }
        Ok(file)
    }

    /// Keeps what a cell came down to.
    pub(super) fn store(
        &self,
        cell: Cell,
        fingerprint: &str,
        statistics: &[Statistic],
    ) -> Result<(), Refusal> {
        let file = CellFile {
            point: cell.point,
            replication: cell.replication,
            fingerprint: fingerprint.to_owned(),
            statistics: statistics.iter().map(StatisticJson::of).collect(),
        };
        self.write(&cell.path(), &json(&file))
    }

    /// Takes over the cells of another folder of the same sweep, and tells how many.
    pub(super) fn take_from(&self, folder: &Path) -> Result<usize, Refusal> {
        if Self::identity_in(folder)? != self.identity {
            let folder = folder.display();
            return Err(Refusal::new(format!(
                "`{folder}` is a shard of another sweep"
            )));
        }
        let cells = folder.join(CELLS);
        if !cells.exists() {
            return Ok(0);
        }
        let mut names = names(&cells)?;
        names.retain(|name| !is_unfinished(name));
        for name in &names {
            let source = cells.join(name);
            let bytes = fs::read(&source).map_err(|error| input::unreadable(&source, &error))?;
            write_file(&self.folder.join(CELLS).join(name), &bytes)?;
        }
        Ok(names.len())
    }

    /// Removes what killed runs were writing; nobody writes any more once all cells are there.
    pub(super) fn remove_unfinished(&self) -> Result<(), Refusal> {
        for folder in [self.folder.clone(), self.folder.join(CELLS)] {
            for name in names(&folder)?.iter().filter(|name| is_unfinished(name)) {
                let path = folder.join(name);
                fs::remove_file(&path).map_err(|error| {
                    Refusal::new(format!("cannot remove `{}`: {error}", path.display()))
                })?;
            }
        }
        Ok(())
    }

    /// Writes a file of the folder.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Refusal> {
        write_file(&self.folder.join(path), bytes)
    }
}

impl StatisticJson {
    fn of(statistic: &Statistic) -> Self {
        Self {
            subject: statistic.subject.to_string(),
            statistic: statistic.name.to_string(),
            unit: unit(statistic.name.unit()).as_str().to_owned(),
            value: statistic
                .value
                .map(|value| in_unit(statistic.name.unit(), value)),
            when_absent: statistic.name.when_absent(),
        }
    }
}

/// The names of a folder's files.
fn names(folder: &Path) -> Result<Vec<String>, Refusal> {
    let unreadable = |error| input::unreadable(folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(names)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_string_pretty(value).expect("string keys and finite numbers");
    (text + "\n").into_bytes()
}

const CELLS: &str = "cells";
const SWEEP_FILE: &str = "sweep.json";
const SCHEMA: &str = "meshsim.sweep/1";

//! An answer judged: each check under the exercise's seed and load, and once more under others that nobody was told.
//!
//! A check that holds by luck, or because limits were tuned to a sample, fails the second time. Both runs are the same
//! for everyone and every time.

use std::collections::BTreeMap;
use std::path::Path;

use base::{Location, Seed};
use manifest::Source;
use reports::Offending;
use scenario::{LoadOptions, RunOptions, Scenario};
use serde::Serialize;

use super::exercise::Exercise;
use super::folder::WORLD;
use super::guard;
use super::library::{Library, resolve};
use crate::simulation::{Settings, Simulation, Unfit};

/// What became of an answer.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) checks: Vec<Check>,
    /// The plots of the first runs: names and SVG documents.
    pub(crate) plots: Vec<(&'static str, String)>,
}

/// One check.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) kind: CheckKind,
    /// What it means for it to pass, and what was seen instead; none: it passes.
    pub(crate) missed: Option<Missed>,
    /// Where it is written.
    pub(crate) at: Option<Location>,
}

/// What a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckKind {
    /// Something must happen.
    Positive,
    /// Something must not happen.
    Negative,
    /// What worked must go on working.
    Guard,
}

/// Why a check is missed.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    pub(crate) want: String,
    pub(crate) got: String,
    /// It is missed in the second run only.
    pub(crate) hidden: bool,
    /// One request that counts against it.
    pub(crate) offending: Option<Offending>,
}

/// An answer, and how it is judged.
pub(crate) struct Answer<'a> {
    pub(crate) exercise: &'a Exercise,
    pub(crate) library: &'a Library,
    /// What the learner wrote, by the paths in the learner's folder.
    pub(crate) files: &'a BTreeMap<String, Source>,
    /// The learner's folder, which names files of the world; none: they have the names of the library.
    pub(crate) folder: Option<&'a Path>,
    /// Where randomness begins; none: as the checks say.
    pub(crate) seed: Option<u64>,
    /// Whether a request is shown for what is missed.
    pub(crate) shows_requests: bool,
    /// Whether the first runs are drawn.
    pub(crate) draws: bool,
}

impl Judgement {
    pub(crate) fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.missed.is_none())
    }
}

impl CheckKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::Guard => "guard",
        }
    }

    /// The kind that the name of an expectation says.
    fn of_name(name: &str) -> Self {
        if name.starts_with("never: ") {
            return Self::Negative;
        }
        match name.starts_with("still: ") {
            true => Self::Guard,
            false => Self::Positive,
        }
    }
}

impl Answer<'_> {
    /// Judges it; or what is wrong with its files.
    pub(crate) fn judge(&self, settings: &Settings) -> Result<Judgement, Unfit> {
        let mut checks: Vec<Check> = Vec::new();
        let mut first = None;
        let mut plots = Vec::new();
        for source in &self.exercise.checks {
            let given = self.run(source, settings, None)?;
            let hidden = self.run(
                source,
                settings,
                Some(self.hidden(&given.simulation.scenario)),
            )?;
            let pairs = given.checks.into_iter().zip(hidden.checks);
            checks.extend(pairs.map(|(given, hidden)| given.or(hidden)));
            plots.extend(given.plots);
            first.get_or_insert(given.simulation.scenario);
        }
        let first = first.expect("each exercise has a check");
        checks.extend(guard::judge(self.exercise, self.files, &first));
        Ok(Judgement { checks, plots })
    }

    /// The seed and the load of the second run.
    fn hidden(&self, scenario: &Scenario) -> Variation {
        Variation {
            seed: Seed::new(self.seed.unwrap_or(scenario.seed)).key(&self.exercise.id),
            load: self.exercise.hidden_load,
        }
    }

    fn run(
        &self,
        source: &Source,
        settings: &Settings,
        variation: Option<Variation>,
    ) -> Result<Run, Unfit> {
        let load = LoadOptions {
            name: self.exercise.id.clone(),
            overrides: Vec::new(),
        };
        let files = |path: &str| self.manifests(path);
        let mut behaviours = Vec::new();
        for kit in &self.exercise.kits {
            behaviours.extend(self.behaviour(kit, settings)?);
        }
        let simulation = Simulation::of_source(source, &load, &files, settings, |scenario| {
            // The exercise's own come first, and the first that matches counts.
            scenario.workloads.extend(behaviours);
            if let Some(variation) = &variation {
                scenario.scale_load(variation.load);
            }
        })?;
        let seed = variation
            .as_ref()
            .map(|variation| variation.seed)
            .or(self.seed);
        let (report, verdicts) = simulation.run(&RunOptions {
            seed,
            offending: self.shows_requests,
            ..RunOptions::default()
        })?;
        let plots = match self.draws && variation.is_none() {
            true => reports::pictures(&report),
            false => Vec::new(),
        };
        let pairs = verdicts.iter().zip(report.expectations);
        let checks = pairs.map(|(verdict, reported)| Check {
            name: verdict.name.clone(),
            kind: CheckKind::of_name(&verdict.name),
            missed: (!verdict.passed).then(|| Missed {
                want: verdict.bound.clone(),
                got: (verdict.got.as_ref()).unwrap_or(&verdict.evidence).clone(),
                hidden: variation.is_some(),
                offending: reported.offending,
            }),
            at: Some(verdict.place.location.clone()),
        });
        let checks = checks.collect();
        Ok(Run {
            simulation,
            checks,
            plots,
        })
    }

    /// How the workloads of a kit behave: what the kit's own scenario says of them.
    fn behaviour(
        &self,
        kit: &str,
        settings: &Settings,
    ) -> Result<Vec<scenario::workload::Workload>, Unfit> {
        let folder = format!("kits/{kit}");
        let Some(source) = self.library.file(&format!("{folder}/scenario.yaml")) else {
            return Ok(Vec::new());
        };
        let files = |path: &str| self.read(&resolve(&folder, path));
        let simulation =
            Simulation::of_source(&source, &LoadOptions::default(), &files, settings, |_| {})?;
        Ok(simulation.scenario.workloads)
    }

    /// What a scenario of the exercise means by a path: what the learner wrote in the place of the start.
    fn manifests(&self, path: &str) -> Result<Vec<Source>, String> {
        let path = resolve(&self.exercise.id, path);
        let start = format!("{}/start", self.exercise.id);
        let Some(inner) = path.strip_prefix(&start) else {
            return self.read(&path);
        };
        let inner = inner.trim_start_matches('/');
        let folder = format!("{inner}/");
        let is_meant =
            |name: &String| inner.is_empty() || name == inner || name.starts_with(&folder);
        let files = self.files.iter().filter(|(name, _)| is_meant(name));
        let files: Vec<Source> = files.map(|(_, file)| file.clone()).collect();
        // What was there at the start and has been deleted is an answer, too: it says nothing.
        let was_there = inner.is_empty() || self.exercise.start.keys().any(is_meant);
        match files.is_empty() && !was_there {
            true => Err(format!("your folder has no `{inner}`")),
            false => Ok(files),
        }
    }

    /// A file of the library, or all files of a folder.
    fn read(&self, path: &str) -> Result<Vec<Source>, String> {
        if let Some(file) = self.library.file(path) {
            return Ok(vec![self.as_the_learner_has_it(path, file)]);
        }
        let files = self.library.folder(path);
        if files.is_empty() {
            return Err("no such file or folder".to_owned());
        }
        let files = sources(&files, &self.library.name_of(path)).into_iter();
        let files =
            files.map(|(name, file)| self.as_the_learner_has_it(&format!("{path}/{name}"), file));
        Ok(files.collect())
    }

    /// A file of the world by its name in the learner's folder, so that it can be found there.
    fn as_the_learner_has_it(&self, path: &str, file: Source) -> Source {
        let (Some(folder), Some(name)) = (self.folder, self.exercise.in_world(path)) else {
            return file;
        };
        match self.exercise.world.get(&name) {
            Some(text) if *text == file.text => {
                let name = folder.join(WORLD).join(name);
                Source::new(name.to_string_lossy().as_ref(), file.text)
            }
            Some(_) | None => file,
        }
    }
}

impl Check {
    /// The same check in both runs: missed if it is in one of them.
    fn or(self, hidden: Self) -> Self {
        match self.missed {
            Some(_) => self,
            None => hidden,
        }
    }
}

/// Another seed and load.
struct Variation {
    seed: u64,
    load: f64,
}

struct Run {
    simulation: Simulation,
    checks: Vec<Check>,
    plots: Vec<(&'static str, String)>,
}

/// Texts as files of a folder.
pub(crate) fn sources(files: &BTreeMap<String, String>, folder: &str) -> BTreeMap<String, Source> {
    let files = files.iter();
    let source = |name: &str, text: &str| Source::new(format!("{folder}/{name}"), text);
    files
        .map(|(name, text)| (name.clone(), source(name, text)))
        .collect()
}

//! A scenario from its file to its outcome: what `run` and `test` share.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use base::Seed;
use control_plane::MeshConfig;
use manifest::{Diagnostic, Level, Source};
use rayon::{ThreadPool, ThreadPoolBuilder};
use reports::{Decided, Ends, Expectation, RunReport};
use scenario::statistic::Subject;
use scenario::{
    CompileOptions, Compiled, Files, Interval, LoadOptions, Outcome, Override, RunOptions,
    Scenario, Spread, Verdict,
};
use telemetry::{AccessLogBatch, AccessLogRows};

use crate::args::SimulationArgs;
use crate::figure::{in_unit, unit};
use crate::input;
use crate::manifests::{self, errors};
use crate::mesh_config;
use crate::offending;
use crate::output::Output;
use crate::refusal::{Failure, Refusal};
use crate::similar::most_similar;

/// What decides about a scenario beside its file.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    overrides: Vec<Override>,
    /// None: as a ConfigMap among the manifests says, if there is one.
    mesh: Option<MeshConfig>,
    skip_invalid: bool,
}

/// A scenario that is ready to run.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// The scenario as written.
    pub(crate) scenario: Scenario,
    compiled: Compiled,
}

/// Why a scenario cannot be run.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// Something is wrong in its files.
    Wrong {
        /// What.
        diagnostics: Vec<Diagnostic>,
        /// The files.
        sources: Vec<Source>,
    },
    /// Its file cannot be read.
    Unreadable(Refusal),
}

impl Settings {
    /// What the flags say.
    pub(crate) fn read(args: &SimulationArgs, output: &Output) -> Result<Self, Refusal> {
        let overrides = args.overrides.iter().map(|text| {
            Override::parse(text).ok_or_else(|| {
                Refusal::new(format!("`--set {text}` has no `=`"))
                    .with_help("write it as in `--set traffic[0].rate=500/s`")
            })
        });
        Ok(Self {
            overrides: overrides.collect::<Result<_, _>>()?,
            mesh: match &args.mesh_config {
                Some(path) => Some(mesh_config::read_file(path, output)?),
                None => None,
            },
            skip_invalid: args.skip_invalid,
        })
    }

    /// Nothing beside the file.
    pub(crate) fn of_file_alone() -> Self {
        Self {
            overrides: Vec::new(),
            mesh: None,
            skip_invalid: false,
        }
    }

    /// A digest of all that a simulation follows from but its seed: files, overrides, the mesh's configuration.
    pub(crate) fn digest(&self, simulation: &Simulation) -> String {
        let mut digest = 0;
        let mut add = |text: &str| digest = Seed::new(digest).key(text);
        for source in simulation.sources() {
            add(&source.text);
        }
        for change in &self.overrides {
            add(&change.path);
            add(&change.value);
        }
        add(&format!("{:?}", self.mesh));
        format!("{digest:016x}")
    }

    /// The same under another configuration of the mesh, if one is given.
    pub(crate) fn under(self, mesh: Option<MeshConfig>, skip_invalid: bool) -> Self {
        Self {
            mesh,
            skip_invalid,
            ..self
        }
    }

    /// The same with one more field overridden.
    pub(crate) fn with_override(mut self, path: &str, value: &str) -> Self {
        self.overrides.push(Override {
            path: path.to_owned(),
            value: value.to_owned(),
        });
        self
    }
}

impl Simulation {
    /// Reads and compiles the scenario in a file.
    pub(crate) fn prepare(file: &Path, settings: &Settings) -> Result<Self, Unfit> {
        let source = input::read_file(file).map_err(Unfit::Unreadable)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let files = |name: &str| {
            let path = folder.join(name);
            input::read_manifests(&[path]).map_err(|refusal| refusal.message)
        };
        let load = LoadOptions {
            name: default_name(file),
            overrides: settings.overrides.clone(),
        };
        Self::of_source(&source, &load, &files, settings, |_| {})
    }

    /// Reads and compiles a scenario whose manifests somebody else reads, and which is changed before it is compiled.
    pub(crate) fn of_source(
        source: &Source,
        load: &LoadOptions,
        files: &Files<'_>,
        settings: &Settings,
        change: impl FnOnce(&mut Scenario),
    ) -> Result<Self, Unfit> {
        let wrong = |diagnostics, manifests: &[Source]| Unfit::Wrong {
            diagnostics,
            sources: std::iter::once(source).chain(manifests).cloned().collect(),
        };
        let mut scenario =
            scenario::load(source, load, files).map_err(|found| wrong(found, &[]))?;
        change(&mut scenario);
        let options = CompileOptions {
            mesh: settings.mesh.clone(),
            skip_invalid: settings.skip_invalid,
        };
        match scenario::compile(&scenario, &options) {
            Ok(compiled) => Ok(Self { scenario, compiled }),
            Err(diagnostics) => Err(wrong(diagnostics, &manifests_of(&scenario))),
        }
    }

    /// The files that places of notes and verdicts point into.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let own = std::iter::once(self.scenario.source.clone());
        let traffic = self.scenario.traffic.iter();
        let traces = traffic.filter_map(|traffic| traffic.trace.clone());
        own.chain(manifests_of(&self.scenario))
            .chain(traces)
            .collect()
    }

    /// Requests that a run of it handed on, with names.
    pub(crate) fn rows(&self, batch: AccessLogBatch) -> AccessLogRows {
        batch.rows(&self.compiled.plan)
    }

    /// The scenario as it runs.
    pub(crate) const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What a reader should know before trusting the figures.
    pub(crate) fn notes(&self) -> &[Diagnostic] {
        &self.compiled.notes
    }

    /// Runs the scenario on the threads of the pool in which it is called, and reports what became of it.
    pub(crate) fn run(&self, options: &RunOptions<'_>) -> Result<(RunReport, Vec<Verdict>), Unfit> {
        let started = Instant::now();
        let outcome = self.outcome(options)?;
        let wall_seconds = started.elapsed().as_secs_f64();
        let report = self.report(&outcome, wall_seconds);
        Ok((report, outcome.verdicts))
    }

    /// Runs the scenario on the threads of the pool in which it is called.
    pub(crate) fn outcome(&self, options: &RunOptions<'_>) -> Result<Outcome, Unfit> {
        let outcome = scenario::run(&self.scenario, &self.compiled, options);
        match outcome.standstill {
            None => Ok(outcome),
            Some(standstill) => Err(Unfit::Wrong {
                diagnostics: vec![standstill],
                sources: self.sources(),
            }),
        }
    }

    fn report(&self, outcome: &Outcome, wall_seconds: f64) -> RunReport {
        RunReport {
            scenario: outcome.scenario.clone(),
            description: outcome.description.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: outcome.seed,
            fingerprint: outcome.fingerprint.clone(),
            simulated: outcome.simulated,
            events: outcome.events,
            requests: outcome.requests,
            wall_seconds,
            measurements: outcome.measurements.clone(),
            expectations: (outcome.verdicts.iter())
                .map(|verdict| self.reported(verdict))
                .collect(),
            intervals: outcome.spreads.iter().map(interval).collect(),
            notes: self.notes().iter().map(ToString::to_string).collect(),
            causes: (scenario::causes(&self.scenario, &self.compiled, outcome).into_iter())
                .map(cause)
                .collect(),
            traces: outcome.traces.clone(),
            access_log: outcome
                .access_log
                .clone()
                .map(|entries| reports::AccessLog {
                    entries,
                    ..reports::AccessLog::default()
                }),
        }
    }
}

impl Simulation {
    /// A verdict as reports know it: times in milliseconds.
    fn reported(&self, verdict: &Verdict) -> Expectation {
        let show = |figure| in_unit(verdict.unit, figure);
        Expectation {
            name: verdict.name.clone(),
            passed: verdict.passed,
            observed: verdict.observed.map(show),
            min: verdict.min.map(show),
            max: verdict.max.map(show),
            unit: unit(verdict.unit),
            message: verdict.evidence.clone(),
            interval: (verdict.interval.as_ref()).map(|interval| ends(interval, verdict.unit)),
            decided: verdict.got.as_ref().map(|got| Decided {
                want: verdict.bound.clone(),
                got: got.clone(),
            }),
            offending: (verdict.offending.is_some())
                .then(|| offending::reported(verdict, &self.sources()))
                .flatten(),
        }
    }
}

/// A cause of failures as reports know it.
fn cause(cause: scenario::Cause) -> reports::Cause {
    reports::Cause {
        caller: cause.caller,
        service: cause.service,
        subset: cause.subset,
        response_code: cause.response_code,
        grpc_response_status: cause.grpc_response_status,
        response_flags: cause.response_flags,
        rule: cause.rule.map(|rule| reports::CauseRule {
            object: rule.object,
            field: rule.fields.join(" or "),
            place: match rule.written_by.as_str() {
                "" => format!("{}:{}", rule.location.file, rule.location.line),
                by => format!(
                    "{}:{}, as written by {by}",
                    rule.location.file, rule.location.line
                ),
            },
            rejected: rule.rejected,
        }),
        ejected: cause.ejected,
        call: cause.call.map(|call| reports::CauseCall {
            service: call.service,
            answer: call.answer,
            failed: call.failed,
        }),
    }
}

/// A figure over replications as reports know it.
fn interval(spread: &Spread) -> reports::Interval {
    let of = spread.name.unit();
    reports::Interval {
        subject: match &spread.subject {
            Subject::Traffic(name) => reports::Subject::Traffic(name.clone()),
            Subject::Destination {
                service,
                subset,
                workload,
            } => reports::Subject::Destination(service.clone(), subset.clone(), workload.clone()),
            other @ (Subject::Pod(_) | Subject::Mesh | Subject::Expectation(_)) => {
                reports::Subject::Other(other.to_string())
            }
        },
        statistic: spread.name.to_string(),
        unit: unit(of),
        ends: ends(&spread.interval, of),
    }
}

fn ends(interval: &Interval, unit: scenario::expectation::Unit) -> Ends {
    let show = |value: f64| in_unit(unit, value);
    Ends {
        mean: show(interval.mean),
        low: interval.half_width.map(|half| show(interval.mean - half)),
        high: interval.half_width.map(|half| show(interval.mean + half)),
        replications: interval.count,
    }
}

/// The manifests of a scenario, those of its timeline included, or the bootstrap in their place.
fn manifests_of(scenario: &Scenario) -> Vec<Source> {
    let changes = scenario
        .timeline
        .iter()
        .filter_map(|change| change.mesh.as_ref());
    let applied = changes.flat_map(|mesh| &mesh.sources);
    let envoy = scenario.envoy.iter().map(|envoy| &envoy.source);
    let manifests = scenario.manifests.iter();
    manifests.chain(envoy).chain(applied).cloned().collect()
}

/// The scenario's folder, or the file's own name where it is not `scenario.yaml`.
fn default_name(file: &Path) -> String {
    let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let stem = absolute.file_stem().unwrap_or_default();
    let name = if stem == "scenario" {
        absolute.parent().and_then(Path::file_name).unwrap_or(stem)
    } else {
        stem
    };
    name.to_string_lossy().into_owned()
}

/// The scenario file that a path means: a folder means its scenario.yaml.
pub(crate) fn scenario_file(path: &Path) -> Result<PathBuf, Refusal> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let found = FILE_NAMES.iter().map(|name| path.join(name));
            found
                .into_iter()
                .find(|file| file.is_file())
                .ok_or_else(|| {
                    let folder = path.display();
                    let refusal =
                        Refusal::new(format!("the folder `{folder}` holds no scenario.yaml"));
                    refusal.with_help(format!(
                        "`meshsim test {folder}` runs all scenarios below it"
                    ))
                })
        }
        Ok(_) => Ok(path.to_owned()),
        Err(error) => {
            let refusal = input::unreadable(path, &error);
            Err(match similar_scenario(path) {
                Some(meant) => refusal.with_help(format!("did you mean `{}`?", meant.display())),
                None => refusal,
            })
        }
    }
}

/// The names of scenario files.
pub(crate) const FILE_NAMES: [&str; 2] = ["scenario.yaml", "scenario.yml"];

/// A scenario below `scenarios/` whose folder is called much like the path.
fn similar_scenario(path: &Path) -> Option<PathBuf> {
    let name = path
        .components()
        .rev()
        .map(|part| part.as_os_str().to_string_lossy())
        .find(|part| !FILE_NAMES.contains(&part.as_ref()))?;
    let all = Path::new("scenarios");
    let folders: Vec<String> = fs::read_dir(all)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|folder| all.join(folder).join(FILE_NAMES[0]).is_file())
        .collect();
    let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml");
    let meant = most_similar(stem, folders.iter().map(String::as_str))?;
    Some(all.join(meant).join(FILE_NAMES[0]))
}

/// The threads on which simulations run.
pub(crate) fn threads(args: &SimulationArgs) -> Result<ThreadPool, Refusal> {
    let threads = args.jobs.map_or(0, std::num::NonZeroUsize::get);
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Refusal::new(format!("cannot start {threads} threads: {error}")))
}

/// Tells what is wrong, and refuses.
pub(crate) fn refuse(unfit: Unfit, output: &Output) -> Failure {
    match unfit {
        Unfit::Unreadable(refusal) => refusal.into(),
        Unfit::Wrong {
            diagnostics,
            sources,
        } => {
            manifests::report(&diagnostics, &sources, false, output);
            refusal(&diagnostics).into()
        }
    }
}

/// `2 errors in the scenario and its manifests`.
fn refusal(diagnostics: &[Diagnostic]) -> Refusal {
    let count = diagnostics
        .iter()
        .filter(|d| d.level == Level::Error)
        .count();
    Refusal::new(format!(
        "{} in the scenario and its manifests",
        errors(count)
    ))
}

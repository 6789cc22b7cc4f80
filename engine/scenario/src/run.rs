//! Runs a compiled scenario: once, or in replications side by side, merged in a fixed order.
//!
//! Replications share nothing but the plan, so that the number of threads changes no byte of the result.

use crate::compile::Compiled;
use crate::file::{Scenario, error};
use crate::place::Place;
use crate::statistic::{Spread, Statistic, figures, spreads};
use crate::verdict::{self, Verdict};
use base::{Seed, SimDuration, SimTime};
use kernel::Fingerprint;
use manifest::Diagnostic;
use manifest::diagnostic::codes;
use rayon::prelude::*;
use sim::observation::Observer;
use sim::plan::Plan;
use sim::{Culprit, Standstill, World};
use std::borrow::Cow;
use std::cell::Cell;
use telemetry::{
    AccessLog, AccessLogBatch, AccessLogEntry, AccessLogOptions, AccessLogStream, Measurements,
    Recorder, RecorderOptions, Trace, Traces, Witness,
};

/// What is decided when a scenario is run.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'p> {
    /// Where randomness begins; none: as the scenario says.
    pub seed: Option<u64>,
    /// How many runs, each with a seed of its own derived from the first; zero: as the scenario says.
    pub replications: u32,
    /// Keeps single requests of the first replication.
    pub access_log: Option<AccessLogOptions>,
    /// Handed every request of the first replication while it runs, in batches.
    pub requests: Option<&'p (dyn Fn(AccessLogBatch) + Sync)>,
    /// Keeps a few journeys of the first replication whole.
    pub traces: bool,
    /// Told of each piece of simulated time that has passed, from any thread, of all replications.
    pub progress: Option<&'p (dyn Fn(SimDuration) + Sync)>,
    /// Shows one request that counts against each expectation that is missed: the run is played once more for it.
    pub offending: bool,
}

/// What became of a run, or of several replications of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub description: String,
    /// Where randomness began.
    pub seed: u64,
    /// How many runs.
    pub replications: u32,
    /// The simulated time of each.
    pub simulated: SimDuration,
    /// The fingerprint over all events, in 16 hexadecimal digits: two outcomes with the same one went the same way.
    pub fingerprint: String,
    /// Events of all replications.
    pub events: u64,
    /// Requests that ended, of all replications, the warm-up's and the calls between workloads included.
    pub requests: u64,
    /// What was measured, replications merged.
    pub measurements: Measurements,
    /// Judged expectations, in the scenario's order.
    pub verdicts: Vec<Verdict>,
    /// Figures with their intervals over replications; none of a single one.
    pub spreads: Vec<Spread>,
    /// Single requests, if they were asked for.
    pub access_log: Option<Vec<AccessLogEntry>>,
    /// A few journeys, kept whole, if they were asked for.
    pub traces: Vec<Trace>,
    /// Why the first replication of which that holds did not come to its end: virtual time stood still. No figure means
    /// anything then.
    pub standstill: Option<Diagnostic>,
}

impl Outcome {
    /// Whether all expectations were met.
    pub fn passed(&self) -> bool {
        self.standstill.is_none() && self.verdicts.iter().all(|verdict| verdict.passed)
    }
}

/// Runs a scenario on the threads of the rayon pool in which it is called.
pub fn run(scenario: &Scenario, compiled: &Compiled, options: &RunOptions<'_>) -> Outcome {
    let seed = Seed::new(options.seed.unwrap_or(scenario.seed));
    let replications = match options.replications {
        0 => scenario.replications.max(1),
        replications => replications,
    };
    let windows = verdict::windows(&scenario.expect);
    let recorder = RecorderOptions {
        warm_up: scenario.warm_up,
        bucket: scenario.bucket,
        windows: windows
            .iter()
            .map(|window| (window.from, window.to))
            .collect(),
        by_pod: verdict::are_by_pod(&scenario.expect),
    };
    let runs: Vec<Run> = (0..replications)
        .into_par_iter()
        .map(|index| {
            let plan = with_seed(&compiled.plan, seed.replication(u64::from(index)));
            // Single requests are told of the first replication only.
            let options = RunOptions {
                access_log: options.access_log.filter(|_| index == 0),
                requests: options.requests.filter(|_| index == 0),
                traces: options.traces && index == 0,
                ..*options
            };
            play(&plan, &recorder, &options)
        })
        .collect();
    let observed: Vec<Observed> = match &runs[..] {
        [_] => Vec::new(),
        several => several
            .par_iter()
            .map(|run| Observed::of(scenario, compiled, &run.measurements))
            .collect(),
    };
    let standstill = runs.iter().find_map(|run| run.standstill);
    let merged = merge(runs);
    let mut verdicts = verdict::judge(scenario, compiled, &merged.measurements);
    for (place, verdict) in verdicts.iter_mut().enumerate() {
        let values = observed.iter().filter_map(|one| one.expectations[place]);
        let bound = scenario.expect[place].figure().map(|figure| &figure.bound);
        verdict.replicated(bound, &values.collect::<Vec<_>>());
    }
    let statistics: Vec<_> = observed.into_iter().map(|one| one.statistics).collect();
    if options.offending && standstill.is_none() {
        let seeds = (0..replications).map(|index| seed.replication(u64::from(index)));
        find_offending(scenario, compiled, seeds, &mut verdicts);
    }
    Outcome {
        scenario: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: seed.number(),
        replications,
        simulated: compiled.plan.duration,
        fingerprint: format!("{:016x}", merged.fingerprint),
        events: merged.events,
        requests: merged.requests,
        verdicts,
        spreads: spreads(&statistics),
        measurements: merged.measurements,
        access_log: merged.access_log,
        traces: merged.traces,
        standstill: standstill.map(|standstill| explain(standstill, scenario, &compiled.plan)),
    }
}

/// Why time stood still, and where that is written.
fn explain(standstill: Standstill, scenario: &Scenario, plan: &Plan) -> Diagnostic {
    let Standstill { at, culprit } = standstill;
    let of_name = |name: &str| scenario.traffic.iter().find(|traffic| traffic.name == name);
    let (name, message, help) = match culprit {
        Culprit::Users(traffic) => {
            let name = plan.traffic[traffic.index()].name.as_str();
            (
                name,
                format!(
                    "time stands still at {at}: requests of the users of `{name}` take no time, and the users do not pause"
                ),
                "give them a `thinkTime`, or let requests take some time: `latency` or `sidecarLatency` of `network`, or \
                 a `serviceTime`",
            )
        }
        Culprit::Retries(site) => {
            let site = &plan.sites[site.index()];
            let (name, host) = (site.name.as_str(), &site.dial.host);
            (
                name,
                format!(
                    "time stands still at {at}: `{name}` repeats a request to `{host}` at once, again and again, and it \
                     takes no time to fail"
                ),
                "give its `retries` a `backOff`, or fewer `attempts`",
            )
        }
    };
    let file = Place::of_file(&scenario.source);
    let place = of_name(name).map_or(&file, |traffic| &traffic.place);
    error(codes::LIMIT, place, message, Some(help.to_owned()))
}

/// What one of several replications came down to.
struct Observed {
    statistics: Vec<Statistic>,
    /// What each expectation looked at.
    expectations: Vec<Option<f64>>,
}

impl Observed {
    fn of(scenario: &Scenario, compiled: &Compiled, measurements: &Measurements) -> Self {
        let verdicts = verdict::judge_figures(scenario, compiled, measurements);
        let expectations = verdicts.iter().map(|verdict| verdict.as_ref()?.observed);
        Self {
            expectations: expectations.collect(),
            statistics: figures(measurements, verdicts.iter().flatten()),
        }
    }
}

/// Plays replications once more, as far as it takes to see one request that counts against each missed expectation.
fn find_offending(
    scenario: &Scenario,
    compiled: &Compiled,
    seeds: impl Iterator<Item = Seed>,
    verdicts: &mut [Verdict],
) {
    for seed in seeds {
        let mut open = verdict::questions(scenario, verdicts);
        open.retain(|(place, _)| verdicts[*place].offending.is_none());
        if open.is_empty() {
            return;
        }
        let plan = with_seed(&compiled.plan, seed);
        let (places, questions): (Vec<usize>, Vec<_>) = open.into_iter().unzip();
        let unseen = Cell::new(0);
        let mut witness = Witness::new(&plan, questions, &unseen);
        let mut world = World::new(&plan, &mut witness);
        for part in 1..=PARTS {
            if unseen.get() > 0 {
                world.run_until(SimTime::ZERO + plan.duration / PARTS * part);
            }
        }
        let (all, settings) = witness.finish(&plan);
        for (place, seen) in places.into_iter().zip(all) {
            if let (Some(seen), Some(figure)) = (seen, scenario.expect[place].figure()) {
                let found = verdict::offending(seen, figure, scenario, compiled, &settings);
                verdicts[place].offending = Some(Box::new(found));
            }
        }
    }
}

/// The plan with another seed; a large plan is not copied without need.
fn with_seed(plan: &Plan, seed: Seed) -> Cow<'_, Plan> {
    if plan.seed == seed {
        Cow::Borrowed(plan)
    } else {
        Cow::Owned(Plan {
            seed,
            ..plan.clone()
        })
    }
}

/// One replication, or several.
struct Run {
    fingerprint: u64,
    events: u64,
    requests: u64,
    measurements: Measurements,
    access_log: Option<Vec<AccessLogEntry>>,
    traces: Vec<Trace>,
    standstill: Option<Standstill>,
}

fn play(plan: &Plan, recorder: &RecorderOptions, options: &RunOptions<'_>) -> Run {
    let mut recorder = Recorder::new(plan, recorder);
    let end = SimTime::ZERO + plan.duration;
    let bucket = recorder.bucket();
    if options.access_log.is_none() && options.requests.is_none() && !options.traces {
        let run = simulate(plan, &mut recorder, bucket, options);
        return Run {
            measurements: recorder.finish(end),
            ..run
        };
    }
    let log = options.access_log.map(AccessLog::new);
    let traces = options.traces.then(|| Traces::new(plan.duration));
    let stream = options.requests.map(AccessLogStream::new);
    let mut all = (recorder, ((log, stream), traces));
    let run = simulate(plan, &mut all, bucket, options);
    let (recorder, ((log, stream), traces)) = all;
    if let Some(stream) = stream {
        stream.finish();
    }
    Run {
        measurements: recorder.finish(end),
        access_log: log.map(|log| log.finish(plan)),
        traces: traces.map_or_else(Vec::new, |traces| traces.finish(plan)),
        ..run
    }
}

/// Plays a plan to its end while `observer` watches, and is told at the end of each `bucket` what clusters had in use;
/// what the observer saw is not in the result.
fn simulate<O: Observer>(
    plan: &Plan,
    observer: &mut O,
    bucket: SimDuration,
    options: &RunOptions<'_>,
) -> Run {
    let mut world = World::new(plan, observer);
    let end = SimTime::ZERO + plan.duration;
    let mut bucket_end = bucket;
    let mut shown = SimDuration::ZERO;
    for part in 1..=PARTS {
        let now = plan.duration / PARTS * part;
        let now = if part == PARTS { plan.duration } else { now };
        while bucket_end <= now {
            // What happens at the very end belongs to the next bucket.
            world.run_until(SimTime::ZERO + bucket_end.saturating_sub(INSTANT));
            world.tell_usage(SimTime::ZERO + bucket_end);
            bucket_end += bucket;
        }
        world.run_until(SimTime::ZERO + now);
        if let Some(progress) = options.progress {
            progress(now.saturating_sub(shown));
        }
        shown = now;
    }
    world.tell_usage(end);
    world.show_proxies();
    let tally = world.tally();
    let in_flight = world.in_flight();
    assert_eq!(
        tally.begun,
        tally.ended + in_flight,
        "every request of a traffic source has ended or is in flight"
    );
    assert_eq!(
        tally.tries,
        tally.tries_ended + world.tries_under_way(),
        "every try ends once"
    );
    assert_eq!(
        tally.reached,
        tally.received + world.passes_under_way(),
        "every try that reaches a sidecar is received there once"
    );
    Run {
        fingerprint: world.fingerprint(),
        events: tally.events,
        requests: tally.exchanges,
        measurements: Measurements::default(),
        access_log: None,
        traces: Vec::new(),
        standstill: world.standstill(),
    }
}

/// The least difference of two times.
const INSTANT: SimDuration = SimDuration::from_nanos(1);

/// In how many pieces progress is told.
const PARTS: u64 = 200;

/// Joins replications in their order.
fn merge(runs: Vec<Run>) -> Run {
    let mut fingerprints = Fingerprint::new();
    let several = runs.len() > 1;
    for run in &runs {
        fingerprints.record(run.fingerprint);
    }
    let mut runs = runs.into_iter();
    let mut merged = runs.next().expect("there is at least one replication");
    for run in runs {
        merged.events += run.events;
        merged.requests += run.requests;
        merged.measurements.merge(run.measurements);
    }
    if several {
        merged.fingerprint = fingerprints.value();
    }
    merged
}

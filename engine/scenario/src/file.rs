//! The scenario file: manifests by reference, how containers behave, traffic, changes, expectations.

use crate::catalogue::Catalogue;
use crate::cluster::{CLUSTER, Cluster};
use crate::envoy::{ENVOY, Envoy, read_concurrency};
use crate::expectation::{EXPECTATION, Expectation, REQUEST_EXPECTATION};
use crate::field_path;
use crate::isotope;
use crate::network::{NETWORK, Network};
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader, Times};
use crate::set::{self, Override};
use crate::shape::{Object, Shape, field};
use crate::timeline::{Act, CHANGE, Change};
use crate::tokens::{TOKENS, Tokens};
use crate::traffic::{TRAFFIC, Traffic};
use crate::workload::{WORKLOAD_OBJECT, Workload};
use base::{SimDuration, SimTime};
use manifest::diagnostic::codes;
use manifest::{Diagnostic, Level, Source, read_node};
use sim::plan::Load;
use std::collections::BTreeSet;

/// A scenario, as written, with the text of its manifests.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// Where all randomness begins.
    pub seed: u64,
    /// How many runs there are where nobody says otherwise.
    pub replications: u32,
    /// When the simulation ends.
    pub duration: SimDuration,
    /// When measurement begins.
    pub warm_up: SimDuration,
    /// The width of a bucket of time series.
    pub bucket: SimDuration,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Manifest files.
    pub manifests: Vec<Source>,
    /// The worker threads of each of their proxies.
    pub concurrency: Option<u16>,
    /// An Envoy in their place.
    pub envoy: Option<Envoy>,
    /// How containers behave; the first entry that matches a pod counts.
    pub workloads: Vec<Workload>,
    /// How the others behave, by image.
    pub catalogue: Catalogue,
    /// Sources of requests.
    pub traffic: Vec<Traffic>,
    /// What is known about tokens beside what manifests say.
    pub tokens: Tokens,
    /// How long things take between pods.
    pub network: Network,
    /// Nodes, and how pods come and go; none: as manifests say it, at once.
    pub cluster: Option<Cluster>,
    /// Changes, in order of time.
    pub timeline: Vec<Change>,
    /// What the run is expected to show.
    pub expect: Vec<Expectation>,
    /// The scenario file itself.
    pub source: Source,
    /// What was read in the place of manifests and has no effect.
    pub remarks: Vec<Diagnostic>,
}

/// How whoever reads files answers: the files behind a name that a scenario gives, relative to the scenario's own
/// folder; or why there are none, as the end of a sentence.
pub type Files<'f> = dyn Fn(&str) -> Result<Vec<Source>, String> + 'f;

/// What is decided outside of the file.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The name of a scenario whose file gives none: its folder's.
    pub name: String,
    /// Fields that are overridden, in order.
    pub overrides: Vec<Override>,
}

/// The whole file.
pub(crate) static SCENARIO: Object = Object {
    name: "scenario",
    about: "A scenario: manifests, how containers behave, traffic, changes over time, and what is expected.",
    fields: &[
        field(
            "name",
            Shape::Text,
            "The scenario's name; its folder's if not written.",
        ),
        field("description", Shape::Text, "What it shows, in a sentence."),
        field(
            "seed",
            Shape::Whole(0),
            "Where all randomness begins; 1 if not written.",
        ),
        field(
            "replications",
            Shape::Whole(1),
            "How many runs `run` and `test` make of it, each with a seed of its own; 1 if not written, 10 000 at most.",
        ),
        field(
            "duration",
            Shape::Duration,
            "How long the simulation runs, in virtual time; `60s` if not written.",
        ),
        field(
            "warmUp",
            Shape::Duration,
            "What begins earlier is simulated but not measured; `0s` if not written.",
        ),
        field(
            "bucket",
            Shape::Duration,
            "The width of a bucket of time series; about a sixtieth of the duration if not written.",
        ),
        field(
            "namespace",
            Shape::Text,
            "The namespace of objects that name none, in manifests and here; `default` if not written.",
        ),
        field(
            "manifests",
            Shape::OneOrMore(&Shape::Text),
            "Files and folders that `kubectl apply` would accept, relative to this file.",
        ),
        field(
            "concurrency",
            Shape::Whole(1),
            "The worker threads of each proxy of the mesh: each has its own connections and its own turns. What Istio tells \
             it if not written: 2, as many as the CPUs that its injector allows a sidecar.",
        ),
        field(
            "envoy",
            Shape::TextOr(&ENVOY),
            "An Envoy's bootstrap with static resources, YAML or JSON, instead of `manifests`: traffic arrives at its \
             listeners, and each endpoint address is a workload.",
        ),
        field(
            "isotope",
            Shape::Text,
            "A service graph of isotope, the generator of Istio's performance tests, instead of `manifests`: its services are \
             in namespace `service-graph`, beside a `client` to send from.",
        ),
        field(
            "workloads",
            Shape::List(&Shape::Object(&WORKLOAD_OBJECT)),
            "How containers behave; the first entry that matches a pod tells all about it.",
        ),
        field(
            "images",
            Shape::OneOrMore(&Shape::Text),
            "Files with lists of images and how their containers behave, in the form of `workloads` with a `name`: an \
             addition to the catalogue, and asked before it.",
        ),
        field(
            "traffic",
            Shape::List(&Shape::Object(&TRAFFIC)),
            "Sources of requests.",
        ),
        field(
            "tokens",
            Shape::Object(&TOKENS),
            "The keys of tokens that would be fetched, and the time at which tokens are judged.",
        ),
        field(
            "network",
            Shape::Object(&NETWORK),
            "How long things take between pods.",
        ),
        field(
            "cluster",
            Shape::Object(&CLUSTER),
            "Nodes, how pods come and go, and how fast news of them travels. If not written, pods are there or not as the \
             manifests say, unless something happens to them in `timeline`.",
        ),
        field(
            "timeline",
            Shape::List(&Shape::Object(&CHANGE)),
            "Changes at given times; in the order of the file where times are equal.",
        ),
        field(
            "expect",
            Shape::List(&Shape::Any(&[
                Shape::Object(&EXPECTATION),
                Shape::Object(&REQUEST_EXPECTATION),
            ])),
            "What the run is expected to show, and where single requests are expected to go.",
        ),
    ],
    required: &["traffic"],
    one_of: &[&["manifests", "envoy", "isotope"]],
};

/// Reads a scenario file and asks `files` for its manifests, whose text is not read here.
///
/// # Errors
/// All that is wrong with the file.
pub fn load(
    source: &Source,
    options: &LoadOptions,
    files: &Files<'_>,
) -> Result<Scenario, Vec<Diagnostic>> {
    let mut root = read_node(source)?;
    set::apply(&mut root, &options.overrides)?;
    let mut reader = Reader::new(
        "default".to_owned(),
        Times {
            warm_up: SimDuration::ZERO,
            duration: DEFAULT_DURATION,
        },
    );
    let scenario = read(&mut reader, &Cursor::root(&root), source, options, files);
    let mut diagnostics = reader.into_diagnostics();
    field_path::fill(&mut diagnostics, source);
    let refused = diagnostics.iter().any(|d| d.level == Level::Error);
    match scenario {
        Some(scenario) if !refused => Ok(scenario),
        _ => Err(diagnostics),
    }
}

/// More replications would tell nothing that these do not, and what each measured is kept until they are merged.
pub const MOST_REPLICATIONS: u32 = 10_000;

const DEFAULT_DURATION: SimDuration = SimDuration::from_secs(60);

fn read(
    reader: &mut Reader,
    root: &Cursor<'_>,
    source: &Source,
    options: &LoadOptions,
    files: &Files<'_>,
) -> Option<Scenario> {
    let fields = reader.object(root, &SCENARIO)?;
    let times = read_times(reader, &fields);
    let text = |reader: &mut Reader, name: &str| fields.get(name).and_then(|n| reader.text(&n));
    let namespace = text(reader, "namespace").unwrap_or_else(|| "default".to_owned());
    reader.set_header(namespace.clone(), times);
    let manifests = fields
        .get("manifests")
        .map(|node| reader.one_or_more(&node, Reader::placed_text))
        .unwrap_or_default();
    let envoy = fields.get("envoy").and_then(|node| {
        reader.set_envoy(Envoy::name(&namespace));
        Envoy::read(reader, &node, files)
    });
    let mut catalogue = Catalogue::built_in();
    let images = fields
        .get("images")
        .map(|node| reader.one_or_more(&node, Reader::placed_text))
        .unwrap_or_default();
    for source in read_files(reader, &images, files) {
        catalogue.add(reader, &source);
    }
    let mut manifests = read_files(reader, &manifests, files);
    let (mut of_graph, mut remarks) = (Vec::new(), Vec::new());
    if let Some(node) = fields.get("isotope")
        && let Some(name) = reader.placed_text(&node)
    {
        for source in read_files(reader, &[name], files) {
            if let Some(graph) = isotope::read(reader, &source) {
                manifests.push(graph.manifests);
                of_graph.extend(graph.workloads);
                remarks.extend(graph.remarks);
            }
        }
    }
    let mut scenario = Scenario {
        name: text(reader, "name").unwrap_or_else(|| options.name.clone()),
        description: text(reader, "description").unwrap_or_default(),
        seed: fields
            .get("seed")
            .and_then(|node| reader.whole_u64(&node))
            .unwrap_or(1),
        replications: fields
            .get("replications")
            .and_then(|node| reader.whole_within(&node, 1, MOST_REPLICATIONS))
            .unwrap_or(1),
        duration: times.duration,
        warm_up: times.warm_up,
        bucket: fields
            .get("bucket")
            .and_then(|node| read_bucket(reader, &node))
            .unwrap_or_else(|| default_bucket(times.duration)),
        namespace,
        manifests,
        concurrency: fields
            .get("concurrency")
            .and_then(|node| read_concurrency(reader, &node)),
        envoy,
        workloads: fields
            .get("workloads")
            .map(|node| {
                reader.list(&node, |reader, item| {
                    Workload::read(reader, item, &catalogue)
                })
            })
            .unwrap_or_default(),
        catalogue,
        traffic: fields
            .get("traffic")
            .map(|node| reader.list(&node, |reader, item| Traffic::read(reader, item, files)))
            .unwrap_or_default(),
        tokens: fields
            .get("tokens")
            .map(|node| Tokens::read(reader, &node, files))
            .unwrap_or_default(),
        network: fields
            .get("network")
            .map(|node| Network::read(reader, &node))
            .unwrap_or_default(),
        cluster: fields
            .get("cluster")
            .and_then(|node| Cluster::read(reader, &node)),
        timeline: fields
            .get("timeline")
            .map(|node| reader.list(&node, Change::read).concat())
            .unwrap_or_default(),
        expect: fields
            .get("expect")
            .map(|node| reader.list(&node, Expectation::read))
            .unwrap_or_default(),
        source: source.clone(),
        remarks,
    };
    check_workloads(reader, &scenario.workloads);
    scenario.workloads.extend(of_graph);
    for mesh in scenario.timeline.iter_mut().filter_map(|c| c.mesh.as_mut()) {
        mesh.sources = read_files(reader, &mesh.apply, files);
    }
    scenario.timeline.sort_by_key(|change| change.at);
    check_envoy(reader, &scenario);
    check_names(reader, &scenario);
    check_times(reader, &scenario);
    Some(scenario)
}

fn read_times(reader: &mut Reader, fields: &Fields<'_>) -> Times {
    let duration = fields
        .get("duration")
        .and_then(|node| reader.positive_duration(&node))
        .unwrap_or(DEFAULT_DURATION);
    let mut warm_up = SimDuration::ZERO;
    if let Some(node) = fields.get("warmUp")
        && let Some(written) = reader.duration(&node)
    {
        if written < duration {
            warm_up = written;
        } else {
            let message =
                format!("the warm-up must be shorter than the run, which takes {duration}");
            reader.invalid(&node, message, "");
        }
    }
    Times { warm_up, duration }
}

fn read_bucket(reader: &mut Reader, node: &Cursor<'_>) -> Option<SimDuration> {
    let bucket = reader.positive_duration(node)?;
    let duration = reader.times().duration;
    if duration.as_nanos() / bucket.as_nanos() <= MAX_BUCKETS {
        return Some(bucket);
    }
    let message = format!("{duration} in buckets of {bucket} are more than {MAX_BUCKETS} buckets");
    reader.invalid(node, message, "");
    None
}

const MAX_BUCKETS: u64 = 100_000;

/// The shortest round width with which there are at most 60 buckets.
fn default_bucket(duration: SimDuration) -> SimDuration {
    const MINUTE: u64 = 60_000_000_000;
    let least = duration.as_nanos().div_ceil(60).max(1);
    let minutes = [1, 2, 5, 10, 15, 30, 60].map(|minutes| minutes * MINUTE);
    let mut decade = 1_u64;
    while decade < MINUTE {
        for step in [1, 2, 5].map(|digit| digit * decade) {
            if step >= least && step < MINUTE {
                return SimDuration::from_nanos(step);
            }
        }
        decade *= 10;
    }
    let hours = least.div_ceil(60 * MINUTE);
    let width = minutes
        .into_iter()
        .find(|width| *width >= least)
        .unwrap_or_else(|| hours.saturating_mul(60 * MINUTE));
    SimDuration::from_nanos(width)
}

fn read_files(reader: &mut Reader, names: &[Placed<String>], files: &Files<'_>) -> Vec<Source> {
    let mut sources = Vec::new();
    for name in names {
        match files(name) {
            Ok(found) => sources.extend(found),
            Err(reason) => {
                reader.push(unreadable(name, &reason));
            }
        }
    }
    sources
}

/// An error about a file that cannot be read.
pub(crate) fn unreadable(name: &Placed<String>, reason: &str) -> Diagnostic {
    // Whoever reads files names the path, which is not what is written here where the scenario is elsewhere.
    let message = match reason.strip_prefix("cannot read ") {
        Some(_) => reason.to_owned(),
        None => format!("`{}` cannot be read: {reason}", name.value),
    };
    error(codes::INVALID_VALUE, &name.place, message, None)
}

/// An error about a place of the scenario file.
pub(crate) fn error(
    code: &'static str,
    place: &Place,
    message: String,
    help: Option<String>,
) -> Diagnostic {
    Diagnostic {
        code,
        level: Level::Error,
        location: place.location.clone(),
        span: place.span.clone(),
        object: None,
        field: String::new(),
        message,
        help,
    }
}

/// Traffic sources are told apart by their names.
fn check_names(reader: &mut Reader, scenario: &Scenario) {
    for (index, traffic) in scenario.traffic.iter().enumerate() {
        let twin = scenario.traffic[..index]
            .iter()
            .find(|other| other.name == traffic.name);
        if let Some(twin) = twin {
            let message = format!("two traffic sources are named `{}`", traffic.name);
            let help = format!("the other one is in line {}", twin.place.location.line);
            reader.push(error(
                codes::INVALID_VALUE,
                &traffic.place,
                message,
                Some(help),
            ));
        }
    }
}

/// A second entry about the very same pods would never be asked.
fn check_workloads(reader: &mut Reader, workloads: &[Workload]) {
    for (index, workload) in workloads.iter().enumerate() {
        let target = &workload.target;
        let is_same = |other: &&Workload| other.target.is_like(target);
        let Some(twin) = workloads[..index].iter().find(is_same) else {
            continue;
        };
        let message = "two entries of `workloads` are about the same pods".to_owned();
        let help = format!(
            "the other one is in line {}: write all about them in one",
            twin.target.place.location.line
        );
        let place = &target.place;
        reader.push(error(codes::INVALID_VALUE, place, message, Some(help)));
    }
}

/// What is about manifests needs manifests.
fn check_envoy(reader: &mut Reader, scenario: &Scenario) {
    if scenario.envoy.is_none() {
        return;
    }
    for change in &scenario.timeline {
        let message = if change.mesh.is_some() {
            "`apply` and `delete` go with `manifests`, not with `envoy`"
        } else if change.acts.iter().any(Act::needs_cluster) {
            "what happens to pods and nodes goes with `manifests`, not with `envoy`"
        } else {
            continue;
        };
        let message = message.to_owned();
        reader.push(error(codes::INVALID_VALUE, &change.place, message, None));
    }
    if scenario.cluster.is_some() {
        let place = Place::of_file(&scenario.source);
        let message = "`cluster` goes with `manifests`, not with `envoy`".to_owned();
        reader.push(error(codes::INVALID_VALUE, &place, message, None));
    }
}

/// What begins after the end never happens.
fn check_times(reader: &mut Reader, scenario: &Scenario) {
    let end = SimTime::ZERO + scenario.duration;
    let changes = scenario
        .timeline
        .iter()
        .map(|change| (change.at, &change.place));
    let starts = scenario.traffic.iter().map(|traffic| {
        let last = match &traffic.load {
            Load::Listed(listed) => listed.last().map(|request| request.at),
            Load::Open { .. } | Load::Varying { .. } | Load::Closed { .. } => None,
        };
        (last.unwrap_or(traffic.start), &traffic.place)
    });
    // What is repeated is told once.
    let mut told = BTreeSet::new();
    for (at, place) in changes.chain(starts) {
        if at >= end && told.insert((place.span.start, place.span.end)) {
            let message = format!("{at} is not before the end of the run at {end}");
            reader.push(error(codes::INVALID_VALUE, place, message, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_round() {
        for (duration, bucket) in [
            ("60s", "1s"),
            ("61s", "2s"),
            ("5m", "5s"),
            ("20m", "20s"),
            ("1h", "60s"),
            ("2h", "120s"),
            ("12500s", "300s"),
            ("1s", "20ms"),
            ("10ms", "200us"),
            ("1ns", "1ns"),
            ("100h", "7200s"),
        ] {
            let duration: SimDuration = duration.parse().expect("a duration");
            assert_eq!(default_bucket(duration).to_string(), bucket, "{duration}");
        }
    }
}

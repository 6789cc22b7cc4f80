//! What a run is expected to show: a figure, the requests it is taken over, and its bound.

use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Object, Shape, field};
use base::{SimDuration, SimTime};
use telemetry::Quantile;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// What is measured.
    pub measure: Measure,
    /// What it is measured over.
    pub select: Selector,
    /// Of a share: what it is a share of.
    pub of: Option<Selector>,
    /// When the requests began; none: any time after the warm-up.
    pub window: Option<WindowSpan>,
    /// What it must be.
    pub bound: Bound,
    /// Where it is written.
    pub place: Place,
}

/// A span of time; its end is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSpan {
    /// Its start.
    pub from: SimTime,
    /// Its end.
    pub to: SimTime,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Selected requests as a part of others.
    Share,
    /// Requests.
    Count,
    /// Requests per second.
    Rate,
    /// The part of requests with a status of 200 to 399.
    SuccessRate,
    /// A percentile of latency.
    Latency(Quantile),
    /// The mean latency.
    Mean,
    /// The longest latency.
    Max,
    /// Tries: first ones and retries of proxies.
    Tries,
    /// Retries of proxies.
    Retries,
    /// Mirrored copies.
    Mirrors,
    /// Tries as a multiple of requests.
    TriesPerRequest,
    /// The part of its workers that was busy.
    Utilization,
    /// The mean number of requests that waited at a pod.
    QueueLength,
    /// The mean number of requests in service or waiting at a pod.
    InFlight,
    /// Requests that found a queue full.
    Overflows,
    /// Hosts that were ejected.
    Ejections,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A part of one, shown in per cent.
    Percent,
    /// Seconds, shown as a duration.
    Time,
    /// Per second.
    PerSecond,
    /// A number.
    Number,
}

/// What a figure must be, in its [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not less, not more.
    Range {
        /// The least value that passes.
        at_least: Option<f64>,
        /// The greatest value that passes.
        at_most: Option<f64>,
    },
    /// Exactly.
    Equals(f64),
    /// As near as this.
    Within {
        /// The expected value.
        about: f64,
        /// How far it may be away.
        within: f64,
    },
    /// As near as chance alone allows.
    About {
        /// The expected value.
        about: f64,
        /// How sure a figure with this expected value is to pass.
        confidence: f64,
    },
}

/// Conditions on the labels of requests; those that are none or empty hold for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    /// The traffic source that made them.
    pub traffic: Option<Placed<String>>,
    /// The workload that sent them.
    pub source_workload: Option<Placed<ObjectName>>,
    /// Label `version` of that workload.
    pub source_version: Option<Placed<String>>,
    /// The Service they went to: `<namespace>/<name>`, or a host that no Service has.
    pub destination_service: Option<Placed<String>>,
    /// The subset of that Service.
    pub subset: Option<Placed<String>>,
    /// The workload whose pod answered.
    pub destination_workload: Option<Placed<ObjectName>>,
    /// Label `version` of that workload.
    pub destination_version: Option<Placed<String>>,
    /// Any of these final statuses.
    pub response_code: Vec<StatusClass>,
    /// Any of these texts of response flags, such as `UO` or `-`.
    pub response_flags: Vec<String>,
    /// Of stations: their workload.
    pub workload: Option<Placed<ObjectName>>,
    /// Of stations and ejections: the pod.
    pub pod: Option<Placed<ObjectName>>,
}

/// Statuses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusClass {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// How sure a correct policy is to pass where nothing is said: once in ten thousand seeds chance alone fails it.
pub const DEFAULT_CONFIDENCE: f64 = 0.9999;

/// An entry of `expect`.
pub(crate) static EXPECTATION: Object = Object {
    name: "expectation",
    about: "A figure, what it is measured over, and its bound. With `traffic` alone (and response labels), requests are \
            those of the traffic source with all their application retries, as its users see them; with any other label, \
            single requests as sidecars see them (Istio's reporter `source`).",
    fields: &[
        field(
            "name",
            Shape::Text,
            "Its name in reports; if not written, what it says.",
        ),
        field(
            "share",
            Shape::Object(&REQUESTS),
            "Selected requests as a part of the requests in `of`.",
        ),
        field(
            "of",
            Shape::Object(&REQUESTS),
            "What a `share` is a part of; if not written, requests with the same `traffic`, `sourceWorkload`, \
             `sourceVersion` and `destinationService`, whatever else they are.",
        ),
        field(
            "count",
            Shape::Object(&REQUESTS),
            "How many requests (in one run).",
        ),
        field("rate", Shape::Object(&REQUESTS), "Requests per second."),
        field(
            "successRate",
            Shape::Object(&REQUESTS),
            "The part of requests that are answered with a status of 200 to 399.",
        ),
        field("p50", Shape::Object(&REQUESTS), "The median latency."),
        field(
            "p90",
            Shape::Object(&REQUESTS),
            "The 90th percentile of latency.",
        ),
        field(
            "p95",
            Shape::Object(&REQUESTS),
            "The 95th percentile of latency.",
        ),
        field(
            "p99",
            Shape::Object(&REQUESTS),
            "The 99th percentile of latency.",
        ),
        field(
            "p99.9",
            Shape::Object(&REQUESTS),
            "The 99.9th percentile of latency.",
        ),
        field("mean", Shape::Object(&REQUESTS), "The mean latency."),
        field("max", Shape::Object(&REQUESTS), "The longest latency."),
        field(
            "tries",
            Shape::Object(&REQUESTS),
            "Tries: first ones and retries of proxies, without mirrored copies (in one run).",
        ),
        field(
            "retries",
            Shape::Object(&REQUESTS),
            "Retries of proxies (in one run).",
        ),
        field(
            "mirrors",
            Shape::Object(&REQUESTS),
            "Mirrored copies (in one run).",
        ),
        field(
            "triesPerRequest",
            Shape::Object(&REQUESTS),
            "Tries as a multiple of requests.",
        ),
        field(
            "utilization",
            Shape::Object(&STATIONS),
            "The part of the workers (`concurrency`) of some pods that was busy.",
        ),
        field(
            "queueLength",
            Shape::Object(&STATIONS),
            "The mean number of requests that waited for a worker of a pod.",
        ),
        field(
            "inFlight",
            Shape::Object(&STATIONS),
            "The mean number of requests that were in service or waited at a pod.",
        ),
        field(
            "overflows",
            Shape::Object(&STATIONS),
            "Requests that found a queue full (in one run).",
        ),
        field(
            "ejections",
            Shape::Object(&EJECTIONS),
            "Hosts that outlier detection ejected, once for each proxy and time (in one run).",
        ),
        field("atLeast", BOUND, "The least value that passes."),
        field("atMost", BOUND, "The greatest value that passes."),
        field("equals", BOUND, "The only value that passes."),
        field(
            "about",
            BOUND,
            "The expected value. What passes is the interval in which chance alone leaves the figure with the stated \
             `confidence`, or what is `within` a distance.",
        ),
        field(
            "confidence",
            Shape::Percentage,
            "How sure a correct policy is to pass `about`; `99.99%` if not written.",
        ),
        field("within", BOUND, "How far from `about` a figure may be."),
        field(
            "window",
            Shape::Object(&WINDOW),
            "When the requests began; any time after the warm-up if not written.",
        ),
    ],
    required: &[],
    one_of: &[&[
        "share",
        "count",
        "rate",
        "successRate",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "mean",
        "max",
        "tries",
        "retries",
        "mirrors",
        "triesPerRequest",
        "utilization",
        "queueLength",
        "inFlight",
        "overflows",
        "ejections",
    ]],
};

const BOUND: Shape = Shape::Any(&[
    Shape::Percentage,
    Shape::Duration,
    Shape::Rate,
    Shape::Number,
]);

static WINDOW: Object = Object {
    name: "window",
    about: "A span of time from the start of the run; its end is not included.",
    fields: &[
        field(
            "from",
            Shape::Duration,
            "Its start; the end of the warm-up if not written.",
        ),
        field(
            "to",
            Shape::Duration,
            "Its end; the end of the run if not written.",
        ),
    ],
    required: &[],
    one_of: &[],
};

static REQUESTS: Object = Object {
    name: "requests",
    about: "Requests by their labels, named after those of Istio's standard metrics; all that are written must hold.",
    fields: &[
        field("traffic", Shape::Text, "The traffic source that made them."),
        field(
            "sourceWorkload",
            Shape::Text,
            "The workload that sent them, written `namespace/name`.",
        ),
        field(
            "sourceVersion",
            Shape::Text,
            "Label `version` of that workload.",
        ),
        field(
            "destinationService",
            Shape::Text,
            "The Service they went to, written `namespace/name`, or a host that no Service has.",
        ),
        field(
            "subset",
            Shape::Text,
            "The subset of that Service; empty for none.",
        ),
        field(
            "destinationWorkload",
            Shape::Text,
            "The workload whose pod was tried last, written `namespace/name`.",
        ),
        field(
            "destinationVersion",
            Shape::Text,
            "Label `version` of that workload.",
        ),
        field(
            "responseCode",
            Shape::OneOrMore(&Shape::StatusClass),
            "The final status, or a class such as `5xx`; 0 where the caller gave up without a response.",
        ),
        field(
            "responseFlags",
            Shape::OneOrMore(&Shape::Text),
            "Envoy's response flags as its access log shows them, such as `UO` or `URX,UF`; `-` for none.",
        ),
    ],
    required: &[],
    one_of: &[],
};

static STATIONS: Object = Object {
    name: "stations",
    about: "Pods as queueing stations; all conditions that are written must hold.",
    fields: &[
        field(
            "workload",
            Shape::Text,
            "Their workload, written `namespace/name`.",
        ),
        field("pod", Shape::Text, "The pod, written `namespace/name`."),
    ],
    required: &[],
    one_of: &[],
};

static EJECTIONS: Object = Object {
    name: "ejections",
    about: "Ejections of hosts; all conditions that are written must hold.",
    fields: &[
        field(
            "destinationService",
            Shape::Text,
            "The Service, written `namespace/name`.",
        ),
        field(
            "subset",
            Shape::Text,
            "The subset of that Service; empty for none.",
        ),
        field(
            "pod",
            Shape::Text,
            "The pod that was ejected, written `namespace/name`.",
        ),
    ],
    required: &[],
    one_of: &[],
};

impl Measure {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "share" => Self::Share,
            "count" => Self::Count,
            "rate" => Self::Rate,
            "successRate" => Self::SuccessRate,
            "p50" => Self::Latency(Quantile::P50),
            "p90" => Self::Latency(Quantile::P90),
            "p95" => Self::Latency(Quantile::P95),
            "p99" => Self::Latency(Quantile::P99),
            "p99.9" => Self::Latency(Quantile::P999),
            "mean" => Self::Mean,
            "max" => Self::Max,
            "tries" => Self::Tries,
            "retries" => Self::Retries,
            "mirrors" => Self::Mirrors,
            "triesPerRequest" => Self::TriesPerRequest,
            "utilization" => Self::Utilization,
            "queueLength" => Self::QueueLength,
            "inFlight" => Self::InFlight,
            "overflows" => Self::Overflows,
            "ejections" => Self::Ejections,
            _ => return None,
        })
    }

    /// What it is counted in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Share | Self::SuccessRate | Self::Utilization => Unit::Percent,
            Self::Latency(_) | Self::Mean | Self::Max => Unit::Time,
            Self::Rate => Unit::PerSecond,
            Self::Count
            | Self::Tries
            | Self::Retries
            | Self::Mirrors
            | Self::TriesPerRequest
            | Self::QueueLength
            | Self::InFlight
            | Self::Overflows
            | Self::Ejections => Unit::Number,
        }
    }

    /// Whether the law of chance that the figure follows is known well enough for `about` with a confidence.
    pub const fn has_interval(self) -> bool {
        matches!(
            self,
            Self::Share
                | Self::SuccessRate
                | Self::Mean
                | Self::TriesPerRequest
                | Self::Utilization
                | Self::QueueLength
                | Self::InFlight
        )
    }
}

impl Unit {
    /// A value as a reader would write it.
    pub fn show(self, value: f64) -> String {
        self.show_digits(value, 9)
    }

    /// A measured value: three digits after the point, and five of a duration.
    pub fn show_measured(self, value: f64) -> String {
        match self {
            Self::Time => SimDuration::from_nanos(five_digits(value * 1e9)).to_string(),
            Self::Percent | Self::PerSecond | Self::Number => self.show_digits(value, 3),
        }
    }

    fn show_digits(self, value: f64, digits: u32) -> String {
        let scale = f64::from(10_u32.pow(digits));
        // Nine digits cut off the noise of binary fractions.
        let round = |value: f64| (value * scale).round() / scale;
        match self {
            Self::Percent => format!("{}%", round(value * 100.0)),
            Self::Time => SimDuration::from_secs_f64(value).to_string(),
            Self::PerSecond => format!("{}/s", round(value)),
            Self::Number => round(value).to_string(),
        }
    }
}

/// A number whose digits after the fifth are zero.
fn five_digits(value: f64) -> u64 {
    let mut step = 1_u64;
    while value >= 100_000.0 * step as f64 && step < 1_000_000_000_000_000 {
        step *= 10;
    }
    (value / step as f64).round() as u64 * step
}

impl Expectation {
    /// Reads an entry of `expect`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &EXPECTATION)?;
        let chosen = fields
            .iter()
            .find_map(|node| Some((Measure::from_name(node.name())?, node)));
        let name = fields.get("name").and_then(|node| reader.text(&node));
        let window = fields
            .get("window")
            .and_then(|node| read_window(reader, &node));
        let (measure, node_of_measure) = chosen?;
        let select = Selector::read(reader, &node_of_measure, object_of(measure));
        let of = fields.get("of").and_then(|node| {
            if measure == Measure::Share {
                return Selector::read(reader, &node, &REQUESTS);
            }
            reader.invalid(&node, "`of` goes with `share`".to_owned(), "");
            None
        });
        let bound = read_bound(reader, &fields, measure);
        let select = select?;
        if matches!(
            measure,
            Measure::Tries | Measure::Retries | Measure::Mirrors
        ) && !select.response_flags.is_empty()
        {
            reader.invalid(
                &node_of_measure,
                "`responseFlags` belong to requests, not to tries".to_owned(),
                "leave them out, or `count` requests",
            );
        }
        let bound = bound?;
        Some(Self {
            name: name.unwrap_or_else(|| describe(&node_of_measure, &bound, measure)),
            measure,
            of: (measure == Measure::Share).then(|| of.unwrap_or_else(|| select.identity())),
            select,
            window,
            bound,
            place: node.place(),
        })
    }
}

/// What a figure is measured over.
fn object_of(measure: Measure) -> &'static Object {
    match measure {
        Measure::Utilization | Measure::QueueLength | Measure::InFlight | Measure::Overflows => {
            &STATIONS
        }
        Measure::Ejections => &EJECTIONS,
        Measure::Share
        | Measure::Count
        | Measure::Rate
        | Measure::SuccessRate
        | Measure::Latency(_)
        | Measure::Mean
        | Measure::Max
        | Measure::Tries
        | Measure::Retries
        | Measure::Mirrors
        | Measure::TriesPerRequest => &REQUESTS,
    }
}

fn read_window(reader: &mut Reader, node: &Cursor<'_>) -> Option<WindowSpan> {
    let fields = reader.object(node, &WINDOW)?;
    let times = reader.times();
    let from = match fields.get("from") {
        Some(node) => reader.time(&node)?,
        None => SimTime::ZERO + times.warm_up,
    };
    let to = match fields.get("to") {
        Some(node) => reader.time(&node)?,
        None => SimTime::ZERO + times.duration,
    };
    if to <= from {
        reader.invalid(
            node,
            format!("the window is empty: it ends at {to} and begins at {from}"),
            "",
        );
        return None;
    }
    if to > SimTime::ZERO + times.duration {
        reader.invalid(
            node,
            format!(
                "the window ends at {to}, after the run, which takes {}",
                times.duration
            ),
            "",
        );
        return None;
    }
    Some(WindowSpan { from, to })
}

fn read_bound(reader: &mut Reader, fields: &Fields<'_>, measure: Measure) -> Option<Bound> {
    let unit = measure.unit();
    let read = |reader: &mut Reader, name: &str| {
        let node = fields.get(name)?;
        Some(read_quantity(reader, &node, unit))
    };
    let at_least = read(reader, "atLeast");
    let at_most = read(reader, "atMost");
    let equals = read(reader, "equals");
    let about = read(reader, "about");
    let within = read(reader, "within");
    let confidence = fields.get("confidence");
    for (name, other) in [
        ("within", fields.get("within")),
        ("confidence", confidence.clone()),
    ] {
        if let Some(node) = other
            && about.is_none()
        {
            reader.invalid(&node, format!("`{name}` goes with `about`"), "");
            return None;
        }
    }
    let kinds = [
        at_least.is_some() || at_most.is_some(),
        equals.is_some(),
        about.is_some(),
    ];
    match kinds.iter().filter(|kind| **kind).count() {
        0 => {
            reader.missing(fields, "a bound: `atLeast`, `atMost`, `equals` or `about`");
            return None;
        }
        1 => {}
        _ => {
            reader.invalid_object(
                fields,
                "`atLeast` and `atMost`, `equals`, and `about` exclude each other".to_owned(),
                "write several expectations",
            );
            return None;
        }
    }
    if let Some(value) = equals {
        return value.map(Bound::Equals);
    }
    let Some(about) = about else {
        return Some(Bound::Range {
            at_least: at_least.map_or(Some(None), |value| value.map(Some))?,
            at_most: at_most.map_or(Some(None), |value| value.map(Some))?,
        });
    };
    let about = about?;
    if let Some(within) = within {
        if let Some(node) = confidence {
            reader.invalid(
                &node,
                "`within` and `confidence` exclude each other".to_owned(),
                "",
            );
        }
        return Some(Bound::Within {
            about,
            within: within?,
        });
    }
    if !measure.has_interval() {
        let node = fields.get("about")?;
        reader.invalid(
            &node,
            "`about` needs a distance here: chance alone follows no known law".to_owned(),
            "add `within`",
        );
        return None;
    }
    let confidence = match confidence {
        Some(node) => read_confidence(reader, &node)?,
        None => DEFAULT_CONFIDENCE,
    };
    Some(Bound::About { about, confidence })
}

fn read_quantity(reader: &mut Reader, node: &Cursor<'_>, unit: Unit) -> Option<f64> {
    match unit {
        Unit::Percent => reader.percentage(node),
        Unit::Time => reader.duration(node).map(SimDuration::as_secs_f64),
        Unit::PerSecond => reader.rate_or_zero(node),
        Unit::Number => reader.number(node),
    }
}

/// Reads a Service's name as measurements have it: `namespace/name`, or a host as it is.
fn read_service(reader: &mut Reader, node: &Cursor<'_>) -> Option<Placed<String>> {
    let text = reader.text(node)?;
    let name = if text.contains('/') {
        text
    } else if let Some((name, namespace)) = text
        .strip_suffix(".svc.cluster.local")
        .and_then(|rest| rest.split_once('.'))
    {
        format!("{namespace}/{name}")
    } else if text.contains('.') {
        text
    } else {
        format!("{}/{text}", reader.namespace())
    };
    Some(Placed::new(name, node.place()))
}

/// Reads a status, 0 for none, or a class such as `5xx`.
fn read_status_class(reader: &mut Reader, node: &Cursor<'_>) -> Option<StatusClass> {
    if node.is_text() {
        let text = reader.text(node)?;
        let class = match text.as_bytes() {
            [digit @ b'1'..=b'5', b'x', b'x'] => u16::from(digit - b'0'),
            _ => {
                reader.invalid(
                    node,
                    format!("`{text}` is not a class of statuses"),
                    "write a status such as `503`, or a class such as `5xx`",
                );
                return None;
            }
        };
        return Some(StatusClass {
            first: class * 100,
            last: class * 100 + 99,
        });
    }
    let status = reader.whole(node, 0)?;
    match u16::try_from(status) {
        Ok(status) if status == 0 || (100..600).contains(&status) => Some(StatusClass {
            first: status,
            last: status,
        }),
        _ => {
            reader.invalid(
                node,
                format!("`{status}` is not an HTTP status"),
                "write a status such as `503`, or 0 for none",
            );
            None
        }
    }
}

fn read_confidence(reader: &mut Reader, node: &Cursor<'_>) -> Option<f64> {
    let confidence = reader.percentage(node)?;
    if confidence > 0.0 && confidence < 1.0 {
        return Some(confidence);
    }
    reader.invalid(
        node,
        "a confidence lies above 0% and below 100%".to_owned(),
        "chance can never be excluded altogether: write `99.99%`",
    );
    None
}

impl Selector {
    /// Reads a selector.
    fn read(reader: &mut Reader, node: &Cursor<'_>, object: &'static Object) -> Option<Self> {
        let fields = reader.object(node, object)?;
        let text = |reader: &mut Reader, name: &str| {
            fields.get(name).and_then(|node| reader.placed_text(&node))
        };
        let named = |reader: &mut Reader, name: &str| {
            fields.get(name).and_then(|node| reader.object_name(&node))
        };
        Some(Self {
            traffic: text(reader, "traffic"),
            source_workload: named(reader, "sourceWorkload"),
            source_version: text(reader, "sourceVersion"),
            destination_service: fields
                .get("destinationService")
                .and_then(|node| read_service(reader, &node)),
            subset: text(reader, "subset"),
            destination_workload: named(reader, "destinationWorkload"),
            destination_version: text(reader, "destinationVersion"),
            response_code: fields
                .get("responseCode")
                .map(|node| reader.one_or_more(&node, read_status_class))
                .unwrap_or_default(),
            response_flags: fields
                .get("responseFlags")
                .map(|node| reader.one_or_more(&node, Reader::text))
                .unwrap_or_default(),
            workload: named(reader, "workload"),
            pod: named(reader, "pod"),
        })
    }

    /// The same requests, whatever became of them: who made them and where they went.
    fn identity(&self) -> Self {
        Self {
            traffic: self.traffic.clone(),
            source_workload: self.source_workload.clone(),
            source_version: self.source_version.clone(),
            destination_service: self.destination_service.clone(),
            ..Self::default()
        }
    }

    /// Whether it speaks about requests as a traffic source's users see them.
    pub fn is_of_journeys(&self) -> bool {
        let Self {
            traffic,
            source_workload,
            source_version,
            destination_service,
            subset,
            destination_workload,
            destination_version,
            response_code: _,
            response_flags: _,
            workload,
            pod,
        } = self;
        traffic.is_some()
            && source_workload.is_none()
            && source_version.is_none()
            && destination_service.is_none()
            && subset.is_none()
            && destination_workload.is_none()
            && destination_version.is_none()
            && workload.is_none()
            && pod.is_none()
    }
}

impl StatusClass {
    /// Whether a status belongs to it.
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

/// A name for an expectation that has none.
fn describe(node: &Cursor<'_>, bound: &Bound, measure: Measure) -> String {
    let unit = measure.unit();
    let conditions: Vec<String> = node
        .entries()
        .iter()
        .map(|entry| format!("{} {}", entry.name(), entry.source_text()))
        .collect();
    let over = if conditions.is_empty() {
        String::new()
    } else {
        format!(" of {}", conditions.join(", "))
    };
    format!("{}{over} {}", node.name(), bound.show(unit))
}

impl Bound {
    /// The bound in words.
    pub fn show(&self, unit: Unit) -> String {
        match *self {
            Self::Range { at_least, at_most } => {
                let least = at_least.map(|value| format!("at least {}", unit.show(value)));
                let most = at_most.map(|value| format!("at most {}", unit.show(value)));
                let parts: Vec<String> = least.into_iter().chain(most).collect();
                parts.join(" and ")
            }
            Self::Equals(value) => format!("equals {}", unit.show(value)),
            Self::Within { about, within } => {
                format!("about {} within {}", unit.show(about), unit.show(within))
            }
            Self::About { about, confidence } => format!(
                "about {} with {} confidence",
                unit.show(about),
                Unit::Percent.show(confidence)
            ),
        }
    }
}

//! The fields of an entry of `expect`.

use crate::expectation::measure::Measure;
use crate::expectation::selector::PROTOCOLS;
use crate::shape::{Object, Shape, field};

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
        field(
            "replicas",
            Shape::Object(&STATIONS),
            "The mean number of pods of a workload that were ready, where pods come and go.",
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
        "replicas",
    ]],
};

const BOUND: Shape = Shape::Any(&[
    Shape::Percentage,
    Shape::Duration,
    Shape::Rate,
    Shape::Number,
]);

pub(super) static WINDOW: Object = Object {
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

pub(super) static REQUESTS: Object = Object {
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
            "destinationPod",
            Shape::Text,
            "The pod that was tried last, written `namespace/name`; not for `tries`, `retries` and `mirrors`.",
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
        field(
            "requestProtocol",
            Shape::Word(&PROTOCOLS),
            "What proxies take the requests for.",
        ),
        field(
            "grpcResponseStatus",
            Shape::OneOrMore(&Shape::Whole(0)),
            "The gRPC status of the answer, such as 14, or a list.",
        ),
        field(
            "degraded",
            Shape::Text,
            "What the response lacks, in the word of `degraded` in `workloads` or the catalogue; empty for whole responses.",
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

/// What a figure is measured over.
pub(super) fn object_of(measure: Measure) -> &'static Object {
    match measure {
        Measure::Utilization
        | Measure::QueueLength
        | Measure::InFlight
        | Measure::Overflows
        | Measure::Replicas => &STATIONS,
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

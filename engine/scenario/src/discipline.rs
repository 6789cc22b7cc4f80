//! How a server's workers share the work, and what makes its work take longer: fields of an entry of `workloads`.

use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Object, Shape, field};
use base::SimDuration;
use manifest::quantity;
use sim::discipline::{ColdStart, Deadlines, Drops, Fades, QueueOrder};

/// How a server's workers share the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discipline {
    /// What a worker is.
    pub workers: Workers,
    /// Thousandths of a processor that it has; none: as the pod's manifest says.
    pub cpus: Option<u32>,
    /// Which waiting request is next.
    pub order: QueueOrder,
    /// Which request gives way where the queue is full.
    pub drops: Drops,
    /// How much longer service takes for each other request in the server, in millionths.
    pub slowdown: u32,
    /// What the first requests meet.
    pub cold_start: Option<ColdStart>,
    /// What becomes of requests whose time is up.
    pub deadlines: Deadlines,
}

/// What a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// A thread that stays with its request.
    #[default]
    Threads,
    /// An event loop that turns to others while its request waits.
    EventLoop,
    /// A thread that shares the pod's processors with the others.
    SharedCpu,
}

/// The fields, in the order in which a reader would write them.
pub(crate) const DISCIPLINE_FIELDS: [Field; 7] = [
    field(
        "workers",
        Shape::Word(&["threads", "eventLoop", "sharedCpu"]),
        "What a worker is: one of `threads`, which stays with a request until its response is sent (the default); an \
         `eventLoop`, busy for the service time only, of which `concurrency` counts the loops (1 if not written); or \
         `sharedCpu`, threads that share the pod's CPUs, so that service takes longer while more requests are in their \
         service time than there are CPUs.",
    ),
    field(
        "cpus",
        Shape::Any(&[Shape::Number, Shape::Text]),
        "CPUs that `sharedCpu` shares, such as `2` or `500m`; what the manifest limits the pod's containers to if not \
         written.",
    ),
    field(
        "queueOrder",
        Shape::Word(&["fifo", "lifo"]),
        "Which waiting request is next: the one that came first (`fifo`, the default) or last (`lifo`).",
    ),
    field(
        "drop",
        Shape::Word(&["newest", "oldest"]),
        "Which request meets `onFull` where the queue is full: the one that arrives (`newest`, the default), or the one \
         that has waited longest, whose place it takes (`oldest`).",
    ),
    field(
        "slowdown",
        Shape::Object(&SLOWDOWN),
        "What a crowd costs: service takes longer the more requests are in the server.",
    ),
    field(
        "coldStart",
        Shape::Object(&COLD_START),
        "The first requests after the server's start take longer.",
    ),
    field(
        "deadlines",
        Shape::Word(&["ignore", "check", "propagate"]),
        "What becomes of requests whose time is up by their caller's timeout, `grpc-timeout` or \
         `x-envoy-expected-rq-timeout-ms`: they are served like all others (`ignore`, the default); their service does \
         not begin (`check`), which is answered 504 or `grpc-status: 4`; or calls also get no longer than the request \
         has left (`propagate`).",
    ),
];

static SLOWDOWN: Object = Object {
    name: "slowdown",
    about: "What a crowd costs.",
    fields: &[field(
        "perInFlight",
        Shape::Percentage,
        "How much longer service takes for each other request that is in the server when it begins.",
    )],
    required: &["perInFlight"],
    one_of: &[],
};

static COLD_START: Object = Object {
    name: "coldStart",
    about: "The first requests after a server's start take longer, evenly less so until they do no more. Pods that are \
            there from the beginning start with the run.",
    fields: &[
        field(
            "factor",
            Shape::Number,
            "How many times longer the very first takes: at least 1.",
        ),
        field(
            "requests",
            Shape::Whole(1),
            "Over how many requests it fades.",
        ),
        field("for", Shape::Duration, "Over how long a time it fades."),
    ],
    required: &["factor"],
    one_of: &[&["requests", "for"]],
};

impl Discipline {
    /// Reads the fields that are written; the others stay.
    pub(crate) fn read(&mut self, reader: &mut Reader, fields: &Fields<'_>) {
        let mut word = |name: &str, words| {
            let node = fields.get(name)?;
            reader.word(&node, words)
        };
        if let Some(word) = word("workers", &["threads", "eventLoop", "sharedCpu"]) {
            self.workers = match word {
                "eventLoop" => Workers::EventLoop,
                "sharedCpu" => Workers::SharedCpu,
                _ => Workers::Threads,
            };
        }
        if let Some(word) = word("queueOrder", &["fifo", "lifo"]) {
            self.order = match word {
                "lifo" => QueueOrder::Lifo,
                _ => QueueOrder::Fifo,
            };
        }
        if let Some(word) = word("drop", &["newest", "oldest"]) {
            self.drops = match word {
                "oldest" => Drops::Oldest,
                _ => Drops::Newest,
            };
        }
        if let Some(word) = word("deadlines", &["ignore", "check", "propagate"]) {
            self.deadlines = match word {
                "check" => Deadlines::Checked,
                "propagate" => Deadlines::Propagated,
                _ => Deadlines::Ignored,
            };
        }
        if let Some(node) = fields.get("cpus") {
            self.cpus = read_cpus(reader, &node).or(self.cpus);
            if self.workers != Workers::SharedCpu {
                reader.invalid(
                    &node,
                    "`cpus` goes with `workers: sharedCpu`".to_owned(),
                    "write `workers: sharedCpu` beside it",
                );
            }
        }
        if let Some(node) = fields.get("slowdown")
            && let Some(slowdown) = reader.object(&node, &SLOWDOWN)
            && let Some(node) = slowdown.get("perInFlight")
            && let Some(part) = reader.percentage(&node)
        {
            self.slowdown = (part * 1e6).round() as u32;
        }
        if let Some(node) = fields.get("coldStart") {
            self.cold_start = read_cold_start(reader, &node).or(self.cold_start);
        }
    }
}

fn read_cold_start(reader: &mut Reader, node: &Cursor<'_>) -> Option<ColdStart> {
    let fields = reader.object(node, &COLD_START)?;
    let factor = fields.get("factor")?;
    let number = reader.number(&factor)?;
    if !(1.0..=1e6).contains(&number) {
        reader.invalid(
            &factor,
            format!("`{number}` is out of range: expected 1 to 1000000"),
            "write a number such as `3`: three times as long",
        );
        return None;
    }
    let requests = fields
        .get("requests")
        .and_then(|node| reader.whole(&node, 1))
        .map(Fades::Requests);
    let time = fields
        .get("for")
        .and_then(|node| reader.positive_duration(&node))
        .map(|time: SimDuration| Fades::Time(time));
    Some(ColdStart {
        excess: ((number - 1.0) * 1e6).round() as u64,
        fades: requests.or(time)?,
    })
}

/// Reads CPUs as Kubernetes writes them, in thousandths.
fn read_cpus(reader: &mut Reader, node: &Cursor<'_>) -> Option<u32> {
    let number = if node.is_text() {
        quantity::parse(&reader.text(node)?)
    } else {
        Some(reader.number(node)?)
    };
    match number.and_then(thousandths) {
        Some(cpus) => Some(cpus),
        None => {
            let message = format!("`{}` is no number of CPUs", node.source_text());
            reader.invalid(node, message, "write it as in `2`, `0.5` or `500m`");
            None
        }
    }
}

/// CPUs in thousandths; none where that is nothing or too much.
pub(crate) fn thousandths(cpus: f64) -> Option<u32> {
    let thousandths = (cpus * 1000.0).round();
    (1.0..=1e9)
        .contains(&thousandths)
        .then_some(thousandths as u32)
}

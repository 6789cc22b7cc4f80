//! How containers behave: an entry of `workloads`, which pods it speaks about and what it says.

use crate::call::STEP;
use crate::reader::{Cursor, Reader};
use crate::script::{BODY_TIME, RESPONSE_HEADERS, SCRIPT};
use crate::server::Server;
use crate::server_patch::{
    ACCEPT, CONCURRENCY, ERROR_RATE, ERROR_STATUS, KEEP_ALIVE, QUEUE, REFUSE, SERVICE_TIME, STATUS,
};
use crate::shape::{Field, Object, Shape, field};
use crate::target::{ADDRESS, IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};

/// Pods and how their containers behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Which pods; the first entry that matches a pod tells all about it.
    pub target: Target,
    /// How each of them serves.
    pub server: Server,
}

impl Workload {
    /// Reads an entry of `workloads`.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let fields = reader.object(node, &WORKLOAD_OBJECT)?;
        let server = Server::read(reader, &fields);
        let target = Target::read(reader, &fields)?;
        Some(Self { target, server })
    }
}

/// An entry of `workloads`.
pub(crate) static WORKLOAD_OBJECT: Object = Object {
    name: "workload",
    about: "How the containers of some pods behave. The first entry that matches a pod tells all about it; pods that \
            no entry matches answer 200 at once.",
    fields: &[
        WORKLOAD,
        POD,
        SELECTOR,
        NAMESPACE,
        IMAGE,
        ADDRESS,
        CONCURRENCY,
        QUEUE,
        field(
            "onFull",
            Shape::Any(&[Shape::Status, Shape::Word(&["refuse"])]),
            "What a request that finds the queue full meets: a status, or `refuse` for a refused connection; 503 if \
             not written.",
        ),
        field(
            "onAbandon",
            Shape::Word(&["continue", "stop"]),
            "What becomes of work whose client has given up: most servers `continue`, which is the default.",
        ),
        REFUSE,
        ACCEPT,
        KEEP_ALIVE,
        SERVICE_TIME,
        BODY_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        RESPONSE_HEADERS,
        SCRIPT,
        CALLS,
        field(
            "endpoints",
            Shape::List(&Shape::Object(&ENDPOINT)),
            "What is done for some methods and paths; the first that matches a request counts. What an endpoint does \
             not say is as the workload says.",
        ),
        field(
            "propagateHeaders",
            Shape::List(&Shape::Text),
            "Headers that calls take over from the request being served; if not written, the tracing headers that \
             Istio asks applications to pass on.",
        ),
    ],
    required: &[],
    one_of: &[],
};

/// An entry of `endpoints`.
pub(crate) static ENDPOINT: Object = Object {
    name: "endpoint",
    about: "What is done for some methods and paths.",
    fields: &[
        field("method", Shape::Text, "The method; any if not written."),
        field(
            "path",
            Shape::Text,
            "How the path begins; any if not written.",
        ),
        SERVICE_TIME,
        BODY_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        RESPONSE_HEADERS,
        SCRIPT,
        CALLS,
    ],
    required: &[],
    one_of: &[],
};

const CALLS: Field = field(
    "calls",
    Shape::List(&STEP),
    "Calls to others, made one after the other when the service time is over. Each is a URL, or a map with more to \
     say; `parallel` holds calls made at the same time. A call that gets no response or a 5xx fails the container's \
     own response, unless it is `optional`.",
);

//! How containers behave: an entry of `workloads`, which pods it speaks about and what it says.

use crate::call::STEP;
use crate::catalogue::Catalogue;
use crate::condition::ENDPOINT_WHEN;
use crate::discipline::DISCIPLINE_FIELDS;
use crate::path::PATH;
use crate::reader::{Cursor, Reader};
use crate::script::{BODY_TIME, DEGRADED, RESPONSE_HEADERS, RESPONSES, SCRIPT};
use crate::server::Server;
use crate::server_patch::{
    ACCEPT, CONCURRENCY, ERROR_RATE, ERROR_STATUS, KEEP_ALIVE, QUEUE, REFUSE, SERVICE_TIME,
};
use crate::shape::{Field, Object, Shape, field};
use crate::target::{ADDRESS, ENV, IMAGE, NAMESPACE, POD, SELECTOR, Target, WORKLOAD};

/// Pods and how their containers behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Which pods; the first entry that matches a pod tells all about it.
    pub target: Target,
    /// How each of them serves.
    pub server: Server,
}

impl Workload {
    /// Reads an entry of `workloads`, which may be like an image of the catalogue.
    pub(crate) fn read(
        reader: &mut Reader,
        node: &Cursor<'_>,
        catalogue: &Catalogue,
    ) -> Option<Self> {
        let fields = reader.object(node, &WORKLOAD_OBJECT)?;
        let like = fields
            .get("like")
            .and_then(|node| catalogue.like(reader, &node));
        let server = Server::read(reader, &fields, like.unwrap_or_default());
        let target = Target::read(reader, &fields)?;
        Some(Self { target, server })
    }
}

/// An entry of `workloads`.
pub(crate) static WORKLOAD_OBJECT: Object = Object {
    name: "workload",
    about: "How the containers of some pods behave. The first entry that matches a pod tells all about it; pods that \
            no entry matches behave as the catalogue says of their image, and others answer 200 at once.",
    fields: &WORKLOAD_FIELDS,
    required: &[],
    one_of: &[],
};

/// The fields of an entry of `workloads`.
pub(crate) const WORKLOAD_FIELDS: [Field; 42] = {
    let [
        workers,
        cpus,
        queue_order,
        drop,
        slowdown,
        cold_start,
        deadlines,
    ] = DISCIPLINE_FIELDS;
    [
        WORKLOAD,
        POD,
        SELECTOR,
        NAMESPACE,
        IMAGE,
        ENV,
        ADDRESS,
        field(
            "like",
            Shape::Text,
            "The name of an image of the catalogue, such as `httpbin`, or of `images`: what the entry does not say is as \
             there, its own endpoints come first, and what it says beside them goes for all.",
        ),
        workers,
        CONCURRENCY,
        cpus,
        QUEUE,
        queue_order,
        drop,
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
        slowdown,
        cold_start,
        deadlines,
        REFUSE,
        ACCEPT,
        field(
            "tls",
            Shape::Boolean,
            "Of a server at an `address`: whether it takes TLS alone (`true`: a plain request is answered 400), or plain \
             text alone (`false`: a TLS handshake fails). If not written it takes whatever comes, on port 443 too.",
        ),
        KEEP_ALIVE,
        SERVICE_TIME,
        DELAY,
        DELAY_AT_MOST,
        DELAY_BEYOND,
        BODY_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        RESPONSES,
        DEGRADED,
        BODY,
        BODY_BYTES,
        BODY_BYTES_AT_MOST,
        BODY_BYTES_BEYOND,
        RESPONSE_HEADERS,
        SCRIPT,
        CALLS,
        field(
            "endpoints",
            Shape::List(&ENDPOINT_SHAPE),
            "What is done for some methods and paths; the first that matches a request counts. What an endpoint does \
             not say is as the workload says.",
        ),
        field(
            "propagateHeaders",
            Shape::List(&Shape::Text),
            "Headers that calls take over from the request being served; if not written, the tracing headers that \
             Istio asks applications to pass on.",
        ),
    ]
};

static ENDPOINT_SHAPE: Shape = Shape::Object(&ENDPOINT);

/// An entry of `endpoints`.
pub(crate) static ENDPOINT: Object = Object {
    name: "endpoint",
    about: "What is done for some methods and paths.",
    fields: &[
        field("method", Shape::Text, "The method; any if not written."),
        PATH,
        field(
            "when",
            Shape::Object(&ENDPOINT_WHEN),
            "Which requests it is for, beside method and path; all if not written.",
        ),
        SERVICE_TIME,
        DELAY,
        DELAY_AT_MOST,
        DELAY_BEYOND,
        BODY_TIME,
        ERROR_RATE,
        ERROR_STATUS,
        STATUS,
        RESPONSES,
        DEGRADED,
        BODY,
        BODY_BYTES,
        BODY_BYTES_AT_MOST,
        BODY_BYTES_BEYOND,
        RESPONSE_HEADERS,
        SCRIPT,
        CALLS,
    ],
    required: &[],
    one_of: &[],
};

const STATUS: Field = field(
    "status",
    Shape::Any(&[Shape::Status, Shape::Text]),
    "The status of requests that do not fail, 200 if not written: a status, or what the request asks for, `{name}` for a \
     capture of `path` and `{?name}` for a parameter of the query. It may be a list with weights, as in `200,503` or \
     `503:50,404:10`; what cannot be read is answered 400.",
);

const BODY: Field = field(
    "body",
    Shape::Text,
    "What the response says, or a part of it, for expectations of single requests and whoever looks at one; it takes no time: \
     that is `bodyTime`, or `bodyBytes` where `network` has a `bandwidth`.",
);

const BODY_BYTES: Field = field(
    "bodyBytes",
    Shape::Any(&[Shape::Sizes, Shape::Text]),
    "How long the response's body is: a size, a distribution of sizes, or what the request asks for, as for `status`; as \
     long as `body` if not written. It is what access logs say, and takes time where `network` has a `bandwidth`.",
);

const BODY_BYTES_AT_MOST: Field = field(
    "bodyBytesAtMost",
    Shape::Size,
    "The longest body that a request may ask for with `bodyBytes`; any if not written.",
);

const BODY_BYTES_BEYOND: Field = field(
    "bodyBytesBeyond",
    Shape::Word(&["cap", "refuse"]),
    "What requests meet that ask for more than `bodyBytesAtMost`: that much (`cap`, the default), or status 400 (`refuse`).",
);

const DELAY: Field = field(
    "delay",
    Shape::Any(&[Shape::Distribution, Shape::Text]),
    "How long a request waits after its service time for what occupies no processor, or what the request asks for, as \
     for `status`: a duration or a number of seconds; no time if not written.",
);

const DELAY_AT_MOST: Field = field(
    "delayAtMost",
    Shape::Duration,
    "The longest `delay` that a request may ask for; any if not written.",
);

const DELAY_BEYOND: Field = field(
    "delayBeyond",
    Shape::Word(&["cap", "refuse"]),
    "What requests meet that ask for more than `delayAtMost`: that much (`cap`, the default), or status 400 (`refuse`).",
);

const CALLS: Field = field(
    "calls",
    Shape::List(&STEP),
    "Calls to others, made one after the other when the service time is over. Each is a URL, or a map with more to \
     say; `parallel` holds calls made at the same time, and `wait` is a pause. A call that gets no response or a 5xx fails \
     the container's own response, unless it is `optional`, `degraded` or has a `fallback`.",
);

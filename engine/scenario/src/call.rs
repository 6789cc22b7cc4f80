//! Calls that a container makes while it serves a request, and what a caller does about failures.

use crate::distribution;
use crate::reader::{Cursor, Fields, Reader};
use crate::request::{HEADERS, METHOD, Request, URL};
use crate::shape::{Field, Object, Shape, field};
use base::{Distribution, SimDuration};
use sim::plan::ApplicationRetries;

/// One call to another service.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is asked.
    pub request: Request,
    /// How long the container waits for each try; none: as long as it takes.
    pub timeout: Option<SimDuration>,
    /// What it does about failures.
    pub retries: ApplicationRetries,
    /// The status with which the container's own response fails if the call does; none: it does not.
    pub failure_status: Option<u16>,
}

/// Calls made at the same time; the next step waits for all of them.
pub type Step = Vec<Call>;

/// `timeout`
pub(crate) const TIMEOUT: Field = field(
    "timeout",
    Shape::Duration,
    "How long the caller waits for each try; if not written, as long as it takes.",
);
/// `retries`
pub(crate) const RETRIES: Field = field(
    "retries",
    Shape::Object(&RETRIES_OBJECT),
    "Retries of the application itself, of which its sidecar knows nothing; none if not written.",
);

static RETRIES_OBJECT: Object = Object {
    name: "retries",
    about: "Retries of the application itself.",
    fields: &[
        field(
            "attempts",
            Shape::Whole(0),
            "Retries after the first try, as Istio counts them.",
        ),
        field(
            "retryOn",
            Shape::OneOrMore(&Shape::Status),
            "Statuses that are retried, beside timeouts and refused connections; all 5xx if not written.",
        ),
        field(
            "backoff",
            Shape::Distribution,
            "The pause before a retry; none if not written.",
        ),
    ],
    required: &["attempts"],
    one_of: &[],
};

/// A step of `calls`.
pub(crate) static STEP: Shape = Shape::TextOr(&CALL);

static CALL: Object = Object {
    name: "call",
    about: "A call to another service, or calls made at the same time.",
    fields: &[
        URL,
        METHOD,
        HEADERS,
        TIMEOUT,
        RETRIES,
        field(
            "optional",
            Shape::Boolean,
            "Whether the container responds normally although the call failed; `false` if not written.",
        ),
        field(
            "failureStatus",
            Shape::Status,
            "The status with which the container responds if the call fails; 500 if not written.",
        ),
        field(
            "parallel",
            Shape::List(&STEP),
            "Calls made at the same time; the next step waits for all of them.",
        ),
    ],
    required: &[],
    one_of: &[&["url", "parallel"]],
};

/// Reads `calls`: a sequence of steps.
pub(crate) fn read_steps(reader: &mut Reader, node: &Cursor<'_>) -> Vec<Step> {
    reader.list(node, |reader, item| {
        if item.is_text() {
            return Some(vec![read_short(reader, item)?]);
        }
        let fields = reader.object(item, &CALL)?;
        let Some(parallel) = fields.get("parallel") else {
            return Some(vec![read_call(reader, &fields)?]);
        };
        for other in fields.iter().filter(|other| other.name() != "parallel") {
            reader.invalid(
                &other,
                format!("`{}` does not go with `parallel`", other.name()),
                "write it inside each of the parallel calls",
            );
        }
        Some(reader.list(&parallel, |reader, item| {
            if item.is_text() {
                return read_short(reader, item);
            }
            let fields = reader.object(item, &CALL)?;
            if let Some(nested) = fields.get("parallel") {
                reader.invalid(
                    &nested,
                    "`parallel` inside `parallel` is not possible".to_owned(),
                    "list all calls that are made at the same time in one `parallel`",
                );
                return None;
            }
            read_call(reader, &fields)
        }))
    })
}

fn read_short(reader: &mut Reader, node: &Cursor<'_>) -> Option<Call> {
    Some(Call {
        request: Request::read_short(reader, node)?,
        timeout: None,
        retries: ApplicationRetries::NONE,
        failure_status: Some(500),
    })
}

fn read_call(reader: &mut Reader, fields: &Fields<'_>) -> Option<Call> {
    let optional = fields
        .get("optional")
        .and_then(|node| reader.boolean(&node))
        .unwrap_or(false);
    let failure_status = fields
        .get("failureStatus")
        .and_then(|node| reader.status(&node));
    let (timeout, retries) = read_patience(reader, fields);
    Some(Call {
        request: Request::read(reader, fields)?,
        timeout,
        retries,
        failure_status: (!optional).then(|| failure_status.unwrap_or(500)),
    })
}

/// Reads `timeout` and `retries`.
pub(crate) fn read_patience(
    reader: &mut Reader,
    fields: &Fields<'_>,
) -> (Option<SimDuration>, ApplicationRetries) {
    let timeout = fields
        .get("timeout")
        .and_then(|node| reader.positive_duration(&node));
    let retries = fields
        .get("retries")
        .and_then(|node| read_retries(reader, &node))
        .unwrap_or(ApplicationRetries::NONE);
    (timeout, retries)
}

fn read_retries(reader: &mut Reader, node: &Cursor<'_>) -> Option<ApplicationRetries> {
    let fields = reader.object(node, &RETRIES_OBJECT)?;
    Some(ApplicationRetries {
        attempts: fields
            .get("attempts")
            .and_then(|node| reader.whole(&node, 0))?,
        on_status: fields
            .get("retryOn")
            .map(|node| reader.one_or_more(&node, Reader::status))
            .unwrap_or_default(),
        back_off: fields
            .get("backoff")
            .and_then(|node| distribution::read(reader, &node))
            .unwrap_or(Distribution::ZERO),
    })
}

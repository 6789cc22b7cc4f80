//! Calls that a container makes while it serves a request, and what a caller does about failures.

use crate::condition::{Condition, WHEN};
use crate::distribution;
use crate::reader::{Cursor, Fields, Reader};
use crate::request::{HEADERS, METHOD, Request, URL};
use crate::shape::{Field, Object, Shape, field};
use base::{Distribution, SimDuration};
use sim::application::Failure;
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
    /// When it is made.
    pub when: Condition,
    /// Statuses that are a success; empty: all below 500.
    pub success: Vec<u16>,
    /// What its failure leads to.
    pub failure: Failure,
    /// What the container's response lacks if it fails; empty: nothing.
    pub degraded: String,
    /// The call that is made instead if it fails.
    pub fallback: Option<Box<Call>>,
}

/// Calls made at the same time; the next step waits for all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The calls.
    pub calls: Vec<Call>,
    /// A wait beside them that occupies no processor; none: no time.
    pub wait: Option<Distribution>,
}

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
    about: "A call to another service, calls made at the same time, or a wait.",
    fields: &[
        URL,
        METHOD,
        HEADERS,
        TIMEOUT,
        RETRIES,
        field(
            "when",
            Shape::Object(&WHEN),
            "When the call is made; always if not written.",
        ),
        field(
            "success",
            Shape::OneOrMore(&Shape::Status),
            "Statuses that are a success; all below 500 if not written. The others, and no answer at all, are failures: \
             `retries` without a `retryOn` repeats them, too.",
        ),
        field(
            "optional",
            Shape::Boolean,
            "Whether the container responds normally although the call failed; `false` if not written.",
        ),
        field(
            "failureStatus",
            Shape::Any(&[Shape::Status, Shape::Word(&["same"])]),
            "The status with which the container responds if the call fails: 500 if not written, `same` for that of the \
             call.",
        ),
        field(
            "degraded",
            Shape::Text,
            "What the container's response lacks if the call fails, in a word: it responds normally but for this, and \
             expectations select by it.",
        ),
        field(
            "fallback",
            Shape::TextOr(&CALL),
            "The call that is made instead if this one fails; what it leads to counts then.",
        ),
        field(
            "parallel",
            Shape::List(&STEP),
            "Calls made at the same time; the next step waits for all of them.",
        ),
        field(
            "wait",
            Shape::Distribution,
            "A pause that occupies no processor, such as that of a timer or a disk.",
        ),
    ],
    required: &[],
    one_of: &[&["url", "parallel", "wait"]],
};

/// Reads `calls`: a sequence of steps.
pub(crate) fn read_steps(reader: &mut Reader, node: &Cursor<'_>) -> Vec<Step> {
    reader.list(node, |reader, item| {
        let mut step = Step::default();
        if item.is_map() {
            let fields = reader.object(item, &CALL)?;
            if let Some(parallel) = fields.get("parallel") {
                alone(
                    reader,
                    &fields,
                    "parallel",
                    "write it inside each of the parallel calls",
                );
                reader.list(&parallel, |reader, item| {
                    read_part(reader, item, &mut step);
                    Some(())
                });
                return Some(step);
            }
        }
        read_part(reader, item, &mut step);
        Some(step)
    })
}

/// Reads a call or a wait of a step.
fn read_part(reader: &mut Reader, item: &Cursor<'_>, step: &mut Step) {
    let fields = match item.is_text() {
        true => None,
        false => match reader.object(item, &CALL) {
            Some(fields) => Some(fields),
            None => return,
        },
    };
    let wait = fields.as_ref().and_then(|fields| fields.get("wait"));
    let (Some(fields), Some(wait)) = (&fields, wait) else {
        step.calls.extend(read_call(reader, item));
        return;
    };
    alone(reader, fields, "wait", "write it as a step of its own");
    if step.wait.is_some() {
        let message = "two waits at the same time are one".to_owned();
        reader.invalid(&wait, message, "keep the longer one");
    }
    step.wait = distribution::read(reader, &wait);
}

/// Reports fields beside one that goes with no other.
fn alone(reader: &mut Reader, fields: &Fields<'_>, name: &str, help: &str) {
    for other in fields.iter().filter(|other| other.name() != name) {
        let message = format!("`{}` does not go with `{name}`", other.name());
        reader.invalid(&other, message, help);
    }
}

/// Reads a single call.
fn read_call(reader: &mut Reader, node: &Cursor<'_>) -> Option<Call> {
    if node.is_text() {
        return Some(Call::of(Request::read_short(reader, node)?));
    }
    let fields = reader.object(node, &CALL)?;
    for name in ["parallel", "wait"] {
        if let Some(nested) = fields.get(name) {
            let (message, help) = match name {
                "parallel" => (
                    "`parallel` inside `parallel` is not possible",
                    "list all calls that are made at the same time in one `parallel`",
                ),
                _ => ("`wait` is no call", "write it as a step of its own"),
            };
            reader.invalid(&nested, message.to_owned(), help);
            return None;
        }
    }
    let optional = fields
        .get("optional")
        .and_then(|node| reader.boolean(&node))
        .unwrap_or(false);
    let failure = fields
        .get("failureStatus")
        .and_then(|node| read_failure(reader, &node));
    let degraded = fields
        .get("degraded")
        .and_then(|node| reader.text(&node))
        .unwrap_or_default();
    let fallback = fields
        .get("fallback")
        .and_then(|node| read_call(reader, &node));
    if let Some(written) = fields.get("failureStatus") {
        for name in ["optional", "degraded", "fallback"] {
            let is_odd = match name {
                "optional" => optional,
                _ => fields.get(name).is_some(),
            };
            if is_odd {
                let message = format!("`failureStatus` does not go with `{name}`");
                let help = match name {
                    "fallback" => "write it inside of `fallback`, whose failure counts",
                    _ => "leave one of them out: the container either fails or goes on",
                };
                reader.invalid(&written, message, help);
            }
        }
    }
    let (timeout, retries) = read_patience(reader, &fields);
    let goes_on = optional || !degraded.is_empty();
    Some(Call {
        timeout,
        retries,
        when: fields
            .get("when")
            .and_then(|node| Condition::read(reader, &node, &WHEN))
            .unwrap_or_default(),
        success: fields
            .get("success")
            .map(|node| reader.one_or_more(&node, Reader::status))
            .unwrap_or_default(),
        failure: failure.unwrap_or(match goes_on {
            true => Failure::Ignored,
            false => Failure::Status(500),
        }),
        degraded,
        fallback: fallback.map(Box::new),
        ..Call::of(Request::read(reader, &fields)?)
    })
}

fn read_failure(reader: &mut Reader, node: &Cursor<'_>) -> Option<Failure> {
    if node.is_text() {
        return reader.word(node, &["same"]).map(|_| Failure::Same);
    }
    reader.status(node).map(Failure::Status)
}

impl Call {
    /// A call whose failure is the container's.
    pub(crate) fn of(request: Request) -> Self {
        Self {
            request,
            timeout: None,
            retries: ApplicationRetries::NONE,
            when: Condition::default(),
            success: Vec::new(),
            failure: Failure::Status(500),
            degraded: String::new(),
            fallback: None,
        }
    }
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

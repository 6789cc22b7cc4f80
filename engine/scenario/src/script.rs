//! Servers that act by a script: what is done about one request after the other, responses and the ways in which real
//! servers fail.

use crate::distribution;
use crate::header;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Object, Shape, field};
use crate::size;
use base::{Distribution, Sizes};
use sim::act::ScriptBy;

/// What a server does, in order; the last act goes for all further requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What the acts are counted by.
    pub by: ScriptBy,
    /// The acts; at least one.
    pub acts: Vec<Act>,
}

/// What a server does about one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// How it ends.
    pub ending: Ending,
    /// The status of a response; none: as the endpoint says.
    pub status: Option<u16>,
    /// Its headers, names in lower case, beside those of the endpoint.
    pub headers: Vec<(String, String)>,
    /// The connection takes no further request.
    pub close: bool,
    /// How long a worker is busy before anything is sent; none: as the endpoint says.
    pub service_time: Option<Distribution>,
    /// From the headers to the end of the body; none: as the endpoint says.
    pub body_time: Option<Distribution>,
    /// What the response says; none: as the endpoint says, unless this is an error.
    pub body: Option<String>,
    /// How long that is; none: as long as `body`, or as the endpoint says.
    pub body_bytes: Option<Sizes>,
    /// What the response lacks; empty: nothing.
    pub degraded: String,
    /// Where chance decides: how likely the act is, beside the others.
    pub weight: u32,
}

/// How an act ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a whole response.
    Respond,
    /// With headers and a part of the body; then the connection closes.
    Cut,
    /// The connection closes before a response.
    Fin,
    /// The connection is reset before a response.
    Rst,
    /// With bytes that are no HTTP.
    Garbage,
    /// Never: the connection stays open and silent.
    Hang,
    /// The server resets the stream (HTTP/2 `RST_STREAM`).
    ResetStream,
    /// The server refuses the stream (HTTP/2 `REFUSED_STREAM`).
    RefuseStream,
}

/// Endings by the words that stand for them; a response is written as its status.
const ENDINGS: [(&str, Ending); 7] = [
    ("cut", Ending::Cut),
    ("fin", Ending::Fin),
    ("rst", Ending::Rst),
    ("garbage", Ending::Garbage),
    ("hang", Ending::Hang),
    ("resetStream", Ending::ResetStream),
    ("refuseStream", Ending::RefuseStream),
];

const WORDS: [&str; 7] = {
    let mut words = [""; 7];
    let mut at = 0;
    while at < words.len() {
        words[at] = ENDINGS[at].0;
        at += 1;
    }
    words
};

/// `bodyTime`
pub(crate) const BODY_TIME: Field = field(
    "bodyTime",
    Shape::Distribution,
    "From the response's headers to the end of its body; no time if not written.",
);

/// `responseHeaders`
pub(crate) const RESPONSE_HEADERS: Field = field(
    "responseHeaders",
    Shape::Texts,
    "Headers of responses by name, such as `grpc-status`, `retry-after` or `x-envoy-ratelimited`.",
);

/// `script`
pub(crate) const SCRIPT: Field = field(
    "script",
    Shape::Any(&SCRIPT_SHAPES),
    "What is done about one request after the other, such as `[503, 503, 200]` or `hang`: statuses, or the ways in which \
     servers fail. The last goes for all further requests. In place of `status` and `errorRate`.",
);

/// `responses`
pub(crate) const RESPONSES: Field = field(
    "responses",
    Shape::List(&RESPONSE_SHAPE),
    "What is done by chance: acts as in `script`, each as likely as its `weight`. In place of `script`, `status` and \
     `errorRate`.",
);

static RESPONSE_SHAPE: Shape = Shape::Object(&RESPONSE);

/// `degraded`
pub(crate) const DEGRADED: Field = field(
    "degraded",
    Shape::Text,
    "What the response lacks, in a word: expectations select by it. Whoever calls for this response responds degraded, \
     too.",
);

static SCRIPT_SHAPES: [Shape; 3] = [
    Shape::Any(&ACT_SHAPES),
    Shape::List(&ACT_SHAPE),
    Shape::Object(&SCRIPT_OBJECT),
];

static ACT_SHAPE: Shape = Shape::Any(&ACT_SHAPES);

static ACT_SHAPES: [Shape; 3] = [Shape::Status, Shape::Word(&WORDS), Shape::Object(&ACT)];

static SCRIPT_OBJECT: Object = Object {
    name: "script",
    about: "What is done about one request after the other.",
    fields: &[
        field(
            "by",
            Shape::Word(&["server", "try"]),
            "What the acts are counted by: each pod counts the requests that it gets (`server`, the default), or each \
             request its tries, as `x-envoy-attempt-count` says.",
        ),
        field(
            "acts",
            Shape::List(&ACT_SHAPE),
            "The acts, in order; the last goes for all further requests.",
        ),
    ],
    required: &["acts"],
    one_of: &[],
};

static ACT: Object = Object {
    name: "act",
    about: "What is done about one request.",
    fields: &ACT_FIELDS,
    required: &[],
    one_of: &[],
};

const ACT_FIELDS: [Field; 9] = [
    field(
        "status",
        Shape::Status,
        "The status of the response; the endpoint's if not written.",
    ),
    field(
        "end",
        Shape::Word(&WORDS),
        "How it ends other than with a whole response: `cut` (the connection closes within the body), `fin` or `rst` \
         (it closes or is reset before the response), `garbage` (bytes that are no HTTP), `hang`, and in HTTP/2 \
         `resetStream` and `refuseStream`.",
    ),
    field(
        "headers",
        Shape::Texts,
        "Headers of the response, beside those of `responseHeaders`.",
    ),
    field(
        "close",
        Shape::Boolean,
        "The connection takes no further request: `connection: close`, in HTTP/2 GOAWAY; `false` if not written.",
    ),
    field(
        "serviceTime",
        Shape::Distribution,
        "How long a worker is busy before anything is sent; the endpoint's if not written.",
    ),
    field(
        "bodyTime",
        Shape::Distribution,
        "From the headers to the end of the body, or to the cut; the endpoint's if not written.",
    ),
    field(
        "body",
        Shape::Text,
        "What the response says, or a part of it; the endpoint's if not written, and nothing where it is an error.",
    ),
    field(
        "bodyBytes",
        Shape::Sizes,
        "How long the body is; as long as `body` if not written, or the endpoint's.",
    ),
    DEGRADED,
];

static RESPONSE: Object = Object {
    name: "response",
    about: "What is done about a request by chance.",
    fields: &RESPONSE_FIELDS,
    required: &[],
    one_of: &[],
};

const RESPONSE_FIELDS: [Field; 10] = {
    let [
        status,
        end,
        headers,
        close,
        service_time,
        body_time,
        body,
        body_bytes,
        degraded,
    ] = ACT_FIELDS;
    [
        field(
            "weight",
            Shape::Whole(1),
            "How likely it is, beside the others; 1 if not written.",
        ),
        status,
        end,
        headers,
        close,
        service_time,
        body_time,
        body,
        body_bytes,
        degraded,
    ]
};

impl Script {
    /// Reads an act, a list of acts, or a map that says more.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let is_whole = node.is_map() && node.entries().iter().any(|field| field.name() == "acts");
        let (by, acts) = if is_whole {
            let fields = reader.object(node, &SCRIPT_OBJECT)?;
            let by = fields
                .get("by")
                .and_then(|node| reader.word(&node, &["server", "try"]));
            let acts = fields.get("acts")?;
            (by, reader.list(&acts, Act::read))
        } else {
            (None, reader.one_or_more(node, Act::read))
        };
        if acts.is_empty() {
            if node.is_empty_list() {
                reader.invalid(
                    node,
                    "`script` is empty".to_owned(),
                    "give at least one act",
                );
            }
            return None;
        }
        Some(Self {
            by: match by {
                Some("try") => ScriptBy::Try,
                _ => ScriptBy::Server,
            },
            acts,
        })
    }

    /// Reads `responses`: acts by chance.
    pub(crate) fn read_responses(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        let acts = reader.list(node, |reader, item| {
            let fields = reader.object(item, &RESPONSE)?;
            let weight = fields
                .get("weight")
                .and_then(|node| reader.whole(&node, 1))
                .unwrap_or(1);
            Some(Act {
                weight,
                ..Act::PLAIN.with(reader, &fields)
            })
        });
        if acts.is_empty() {
            if node.is_empty_list() {
                let message = "`responses` is empty".to_owned();
                reader.invalid(node, message, "give at least one response");
            }
            return None;
        }
        Some(Self {
            by: ScriptBy::Chance,
            acts,
        })
    }
}

impl Act {
    /// A whole response as the endpoint says.
    const PLAIN: Self = Self {
        ending: Ending::Respond,
        status: None,
        headers: Vec::new(),
        close: false,
        service_time: None,
        body_time: None,
        body: None,
        body_bytes: None,
        degraded: String::new(),
        weight: 1,
    };

    fn read(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        if node.is_map() {
            let fields = reader.object(node, &ACT)?;
            return Some(Self::PLAIN.with(reader, &fields));
        }
        if node.is_text() {
            let ending = read_ending(reader, node)?;
            return Some(Self {
                ending,
                ..Self::PLAIN
            });
        }
        let status = reader.status(node)?;
        Some(Self {
            status: Some(status),
            ..Self::PLAIN
        })
    }

    fn with(self, reader: &mut Reader, fields: &Fields<'_>) -> Self {
        let ending = fields
            .get("end")
            .and_then(|node| read_ending(reader, &node));
        Self {
            ending: ending.unwrap_or(self.ending),
            status: fields.get("status").and_then(|node| reader.status(&node)),
            headers: fields
                .get("headers")
                .map(|node| header::read(reader, &node))
                .unwrap_or_default(),
            close: fields
                .get("close")
                .and_then(|node| reader.boolean(&node))
                .unwrap_or_default(),
            service_time: fields
                .get("serviceTime")
                .and_then(|node| distribution::read(reader, &node)),
            body_time: fields
                .get("bodyTime")
                .and_then(|node| distribution::read(reader, &node)),
            body: fields.get("body").and_then(|node| reader.text(&node)),
            body_bytes: fields
                .get("bodyBytes")
                .and_then(|node| size::read(reader, &node)),
            degraded: fields
                .get("degraded")
                .and_then(|node| reader.text(&node))
                .unwrap_or_default(),
            weight: self.weight,
        }
    }
}

fn read_ending(reader: &mut Reader, node: &Cursor<'_>) -> Option<Ending> {
    let word = reader.word(node, &WORDS)?;
    let mut endings = ENDINGS.iter();
    endings
        .find(|(name, _)| *name == word)
        .map(|(_, ending)| *ending)
}

//! A recorded trace as a list of requests: a CSV file, or Istio's access log as text or as JSON.
//!
//! The first request comes at the source's start, the others as much later as they were recorded; each has a connection
//! of its own. What an access log does not tell - most headers, the size of the request where it says `-` - is not sent.

use crate::file::{Files, error, unreadable};
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Reader};
use crate::request::{Request, read_url};
use crate::shape::{Field, Object, Shape, field};
use crate::traffic::Template;
use crate::url::Url;
use base::{Location, SimDuration, SimTime};
use indexmap::IndexMap;
use manifest::diagnostic::codes;
use manifest::{Diagnostic, Source};
use sim::plan::Listed;

mod caused;
mod csv_file;
mod istio_log;
mod table;

/// A trace as read.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// When requests are sent, in order of time.
    pub(crate) listed: Vec<Listed>,
    /// What is sent, each once.
    pub(crate) requests: Vec<Template>,
    /// The file.
    pub(crate) source: Source,
    /// Requests that come after the end of the run, and are left out.
    pub(crate) cut: usize,
    /// Requests that others of the trace led to, and are left out.
    pub(crate) caused: usize,
}

/// `trace`
pub(crate) const TRACE_FIELD: Field = field(
    "trace",
    Shape::TextOr(&TRACE),
    "A recorded trace that is sent again, instead of `url` and a pace: a CSV file with the columns `time`, `method`, \
     `host`, `path`, `headers`, `bodyBytes`, or Istio's access log as text or JSON lines.",
);

static TRACE: Object = Object {
    name: "trace",
    about: "A recorded trace.",
    fields: &[
        field("file", Shape::Text, "The file, relative to this one."),
        field(
            "format",
            Shape::Word(&FORMATS),
            "What it holds; if not written, `csv` for a name that ends so, else `json` or `istio` as its first line looks.",
        ),
        field(
            "to",
            Shape::Text,
            "Where all requests are dialled, such as `http://web`; as their hosts say if not written.",
        ),
        field(
            "speed",
            Shape::Number,
            "How many times as fast as it was recorded; 1 if not written.",
        ),
    ],
    required: &["file"],
    one_of: &[],
};

const FORMATS: [&str; 3] = ["csv", "istio", "json"];

/// A request of a trace.
#[derive(Clone, Debug, PartialEq)]
struct Recorded {
    /// Nanoseconds from some beginning.
    at: i128,
    method: String,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body_bytes: u64,
    /// Where its host is written, or else its line begins.
    offset: usize,
}

/// What a trace tells.
#[derive(Default)]
struct Told {
    recorded: Vec<Recorded>,
    /// Requests that others led to.
    caused: usize,
    faults: Vec<Fault>,
}

/// What is wrong with a line.
struct Fault {
    /// The byte where it is.
    offset: usize,
    /// The field that is wrong, empty if it is not one alone.
    field: &'static str,
    message: String,
    help: Option<String>,
}

impl Replay {
    /// Reads `trace`: a file's name, or a map with more to say; requests begin at `start`.
    pub(crate) fn read(
        reader: &mut Reader,
        node: &Cursor<'_>,
        start: SimTime,
        files: &Files<'_>,
    ) -> Option<Self> {
        let (file, format, to, speed) = if node.is_map() {
            let fields = reader.object(node, &TRACE)?;
            let format = fields
                .get("format")
                .map(|node| reader.word(&node, &FORMATS));
            let to = fields.get("to").map(|node| read_url(reader, &node));
            let speed = match fields.get("speed") {
                Some(node) => read_speed(reader, &node)?,
                None => 1.0,
            };
            let file = fields
                .get("file")
                .and_then(|node| reader.placed_text(&node));
            let to = match to {
                Some(to) => Some(to?),
                None => None,
            };
            let format = match format {
                Some(format) => Some(format?),
                None => None,
            };
            (file?, format, to, speed)
        } else {
            (reader.placed_text(node)?, None, None, 1.0)
        };
        let source = read_file(reader, &file, files)?;
        let Told {
            recorded,
            caused,
            faults,
        } = match format.unwrap_or_else(|| guess(&source)) {
            "csv" => csv_file::read(&source.text),
            "json" => istio_log::read_json(&source.text),
            _ => istio_log::read_text(&source.text),
        };
        let places = Places::of(&source);
        for fault in faults.iter().take(MOST_FAULTS) {
            let place = places.at(fault.offset);
            let message = match fault.field {
                "" => fault.message.clone(),
                field => format!("{field}: {}", fault.message),
            };
            let help = fault.help.clone();
            reader.push(Diagnostic {
                field: fault.field.to_owned(),
                ..error(codes::INVALID_VALUE, &place, message, help)
            });
        }
        if !faults.is_empty() {
            return None;
        }
        if recorded.is_empty() {
            let message = format!("`{}` holds no request", file.value);
            reader.push(error(codes::INVALID_VALUE, &file.place, message, None));
            return None;
        }
        let end = SimTime::ZERO + reader.times().duration;
        let replay = Self::of(reader, recorded, source, to, (start, end), speed)?;
        Some(Self { caused, ..replay })
    }

    fn of(
        reader: &mut Reader,
        mut recorded: Vec<Recorded>,
        source: Source,
        to: Option<Placed<Url>>,
        (start, end): (SimTime, SimTime),
        speed: f64,
    ) -> Option<Self> {
        // Access logs are written as requests end.
        recorded.sort_by_key(|request| request.at);
        let first = recorded.first()?.at;
        let places = Places::of(&source);
        let mut templates: IndexMap<String, Template> = IndexMap::new();
        let mut listed = Vec::new();
        let mut cut = 0;
        for request in recorded {
            let since = (request.at - first) as f64 / speed;
            let at = start + SimDuration::from_nanos((since + 0.5) as u64);
            if at >= end {
                cut += 1;
                continue;
            }
            let Recorded {
                method,
                host,
                path,
                headers,
                body_bytes,
                ..
            } = &request;
            let key = format!("{method}\n{host}\n{path}\n{headers:?}\n{body_bytes}");
            let template = match templates.get_index_of(&key) {
                Some(known) => known,
                None => {
                    let template = template(reader, &request, &places, to.as_ref())?;
                    templates.insert_full(key, template).0
                }
            };
            listed.push(Listed {
                at,
                template: template as u32,
                connection: None,
                worker: None,
            });
        }
        if listed.len() > MOST || templates.len() > MOST_DIFFERENT {
            let message = format!(
                "a trace of {} requests, {} of them different, is more than {MOST} and {MOST_DIFFERENT}",
                listed.len(),
                templates.len()
            );
            let place = places.at(0);
            reader.push(error(codes::INVALID_VALUE, &place, message, None));
            return None;
        }
        Some(Self {
            listed,
            requests: templates.into_values().collect(),
            source,
            cut,
            caused: 0,
        })
    }
}

/// The request that a line says, dialled where it says or where all are.
fn template(
    reader: &mut Reader,
    request: &Recorded,
    places: &Places<'_>,
    to: Option<&Placed<Url>>,
) -> Option<Template> {
    let place = places.at(request.offset);
    let url = match to {
        Some(to) => Url {
            path: request.path.clone(),
            ..to.value.clone()
        },
        None => match Url::parse(&format!("http://{}{}", request.host, request.path)) {
            Ok(url) => url,
            Err(problem) => {
                let message = format!("`{}` is no host to send to: {problem}", request.host);
                let help = "say where requests go with `to`".to_owned();
                reader.push(error(codes::INVALID_VALUE, &place, message, Some(help)));
                return None;
            }
        },
    };
    Some(Template {
        weight: 1,
        request: Request {
            url: Placed::new(url, place),
            method: request.method.clone(),
            authority: (!request.host.is_empty()).then(|| request.host.clone()),
            headers: request.headers.clone(),
            body_bytes: request.body_bytes,
            upload: SimDuration::ZERO,
        },
        timeout: None,
        uses: Vec::new(),
    })
}

fn read_file(reader: &mut Reader, file: &Placed<String>, files: &Files<'_>) -> Option<Source> {
    let found = match files(file) {
        Ok(found) => found,
        Err(reason) => {
            reader.push(unreadable(file, &reason));
            return None;
        }
    };
    match <[Source; 1]>::try_from(found) {
        Ok([source]) => Some(source),
        Err(_) => {
            let message = format!("`{}` is no file", file.value);
            reader.push(error(codes::INVALID_VALUE, &file.place, message, None));
            None
        }
    }
}

fn guess(source: &Source) -> &'static str {
    let first = source.text.trim_start().chars().next();
    match first {
        _ if source.name.ends_with(".csv") => "csv",
        Some('{') => "json",
        Some('[') => "istio",
        _ => "csv",
    }
}

fn read_speed(reader: &mut Reader, node: &Cursor<'_>) -> Option<f64> {
    let speed = reader.number(node)?;
    if speed > 0.0 {
        return Some(speed);
    }
    let message = "a speed above zero is expected".to_owned();
    reader.invalid(node, message, "write a number such as `2`: twice as fast");
    None
}

/// Where bytes of a file stand.
struct Places<'s> {
    source: &'s Source,
    /// Where its lines begin.
    lines: Vec<usize>,
}

impl<'s> Places<'s> {
    fn of(source: &'s Source) -> Self {
        let ends = source.text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            source,
            lines: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The place of a byte.
    fn at(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|begin| *begin <= offset);
        let begin = self.lines[line - 1];
        let before = self.source.text.get(begin..offset).unwrap_or_default();
        Place {
            location: Location {
                line: line as u32,
                column: before.chars().count() as u32 + 1,
                ..Location::start_of(self.source.name.clone())
            },
            span: offset..offset,
        }
    }
}

/// Nanoseconds since 1970 of a time as RFC 3339 has it.
fn nanoseconds(text: &str) -> Option<i128> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let seconds = i128::from(time.timestamp()) * 1_000_000_000;
    Some(seconds + i128::from(time.timestamp_subsec_nanos()))
}

/// More requests are no trace that anybody replays in one run.
const MOST: usize = 1_000_000;
/// Each different request takes a place in memory.
const MOST_DIFFERENT: usize = 200_000;
/// Who has so many faulty lines has the wrong file.
const MOST_FAULTS: usize = 10;

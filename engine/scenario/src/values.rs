//! What is drawn for requests: named values that URLs, headers, cookies and queries use as `{name}`.
//!
//! All combinations that a template can draw are known before a run, so that each is a request of its own and no text is
//! made while it runs.

use crate::load::read_number_of_users;
use crate::object_name::nearest;
use crate::reader::{Cursor, Fields, Reader};
use crate::request::Request;
use crate::shape::{Field, Object, Shape, field};
use base::math::pow;
use sim::plan::{self, Sessions};

/// Values of which one is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// What they are called.
    pub name: String,
    /// The values.
    pub texts: Vec<String>,
    /// How likely each is.
    pub chances: plan::Values,
}

/// `values`
pub(crate) const VALUES_FIELD: Field = field(
    "values",
    Shape::Map(&SOME_VALUES),
    "What is drawn for each request, by name: a list of which each value is as likely as another, or a map that says more. \
     `{name}` stands for it in URLs, headers, cookies and queries.",
);
/// `sessions`
pub(crate) const SESSIONS_FIELD: Field = field(
    "sessions",
    Shape::Any(&WHOSE),
    "Users keep the values that are drawn for them, and cookies that they receive. With `users` or `fortio`, write `true`; of an open load, say how many \
     users there are.",
);

static SOME_VALUES: Shape = Shape::Any(&LIST_OR_MORE);
static LIST_OR_MORE: [Shape; 2] = [Shape::List(&Shape::Any(&A_VALUE)), Shape::Object(&VALUES)];
static A_VALUE: [Shape; 2] = [Shape::Text, Shape::Number];
static WHOSE: [Shape; 2] = [Shape::Boolean, Shape::Object(&SESSIONS)];

static VALUES: Object = Object {
    name: "values",
    about: "Values of which one is drawn: a `list`, `weights`, or whole numbers `from` one `to` another.",
    fields: &[
        field("list", Shape::List(&Shape::Any(&A_VALUE)), "The values."),
        field(
            "weights",
            Shape::Map(&Shape::Number),
            "Values with their weights.",
        ),
        field(
            "from",
            Shape::Whole(0),
            "The first whole number; 1 if not written.",
        ),
        field("to", Shape::Whole(0), "The last whole number."),
        field(
            "zipf",
            Shape::Number,
            "The exponent of Zipf's law: the value at place k is drawn in proportion to 1 / k^zipf. All are equally likely \
             if not written.",
        ),
    ],
    required: &[],
    one_of: &[&["list", "weights", "to"]],
};

static SESSIONS: Object = Object {
    name: "sessions",
    about: "The users of an open load: each request is one of theirs.",
    fields: &[
        field("users", Shape::Whole(1), "How many there are."),
        field(
            "zipf",
            Shape::Number,
            "The exponent of Zipf's law by which some make more requests than others; all make as many if not written.",
        ),
    ],
    required: &["users"],
    one_of: &[],
};

/// Reads `values`.
pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Vec<Values> {
    let Some(node) = fields.get("values") else {
        return Vec::new();
    };
    if !node.is_map() {
        reader.wrong_type(&node, "object");
        return Vec::new();
    }
    let entries = node.entries();
    let read = entries.iter().filter_map(|entry| read_one(reader, entry));
    read.collect()
}

fn read_one(reader: &mut Reader, node: &Cursor<'_>) -> Option<Values> {
    let (texts, weights) = if node.is_list() {
        let texts = reader.list(node, Reader::text_or_number);
        let weights = vec![1.0; texts.len()];
        (texts, weights)
    } else {
        read_map(reader, node)?
    };
    if texts.len() > MOST {
        let message = format!("{} values are more than {MOST}", texts.len());
        reader.invalid(node, message, "");
        return None;
    }
    let Some(chances) = plan::Values::of_weights(weights) else {
        let message = "there is no value that can be drawn".to_owned();
        reader.invalid(node, message, "give at least one with a weight above zero");
        return None;
    };
    Some(Values {
        name: node.name().to_owned(),
        texts,
        chances,
    })
}

fn read_map(reader: &mut Reader, node: &Cursor<'_>) -> Option<(Vec<String>, Vec<f64>)> {
    let fields = reader.object(node, &VALUES)?;
    if let Some(weights) = fields.get("weights") {
        if let Some(zipf) = fields.get("zipf") {
            let message = "`zipf` does not go with `weights`".to_owned();
            reader.invalid(&zipf, message, "");
        }
        if !weights.is_map() {
            reader.wrong_type(&weights, "object");
            return None;
        }
        let entries = weights.entries();
        let read = entries.iter().filter_map(|entry| {
            let weight = reader.number(entry)?;
            Some((entry.name().to_owned(), weight))
        });
        return Some(read.unzip());
    }
    let texts: Vec<String> = match (fields.get("list"), fields.get("to")) {
        (Some(list), _) => reader.list(&list, Reader::text_or_number),
        (None, Some(to)) => {
            let last = reader.whole(&to, 0)?;
            let first = match fields.get("from") {
                Some(from) => reader.whole(&from, 0)?,
                None => 1,
            };
            if last < first || (last - first) as usize >= MOST {
                let message = format!("`{first}` to `{last}` are no 1 to {MOST} numbers");
                reader.invalid(&to, message, "");
                return None;
            }
            (first..=last).map(|number| number.to_string()).collect()
        }
        (None, None) => return None,
    };
    let exponent = match fields.get("zipf") {
        Some(node) => reader.number(&node)?,
        None => 0.0,
    };
    let weights = zipf(texts.len(), exponent);
    Some((texts, weights))
}

/// The weights of Zipf's law.
fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count)
        .map(|place| pow(place as f64, -exponent))
        .collect()
}

/// Reads `sessions`.
pub(crate) fn read_sessions(
    reader: &mut Reader,
    fields: &Fields<'_>,
    is_closed: bool,
) -> Option<Sessions> {
    let node = fields.get("sessions")?;
    if !node.is_map() {
        return match (reader.boolean(&node)?, is_closed) {
            (false, _) => None,
            (true, true) => Some(Sessions::OfUsers),
            (true, false) => {
                let message = "it is not known whose requests these are".to_owned();
                reader.invalid(
                    &node,
                    message,
                    "say how many users there are: `{users: 1000}`",
                );
                None
            }
        };
    }
    let object = reader.object(&node, &SESSIONS)?;
    if is_closed {
        let message = "the users are those of the load".to_owned();
        reader.invalid(&node, message, "write `sessions: true`");
        return None;
    }
    let users = read_number_of_users(reader, &object.get("users")?)?;
    let exponent = match object.get("zipf") {
        Some(node) => reader.number(&node)?,
        None => 0.0,
    };
    plan::Values::of_weights(zipf(users as usize, exponent)).map(Sessions::Drawn)
}

/// The values that a request uses, by their places.
pub(crate) fn uses(request: &Request, values: &[Values]) -> Vec<u32> {
    let used = |name: &str| {
        let mark = format!("{{{name}}}");
        let headers = request.headers.iter().map(|(_, value)| value);
        let texts = headers.chain(&request.authority);
        let mut texts = texts.chain(std::iter::once(&request.url.path));
        texts.any(|text| text.contains(&mark))
    };
    let named = values.iter().enumerate();
    named
        .filter(|(_, values)| used(&values.name))
        .map(|(place, _)| place as u32)
        .collect()
}

/// Reports placeholders that no value has, values that no request uses, and combinations that are too many.
pub(crate) fn check(
    reader: &mut Reader,
    fields: &Fields<'_>,
    values: &[Values],
    requests: &[&Request],
) {
    let Some(node) = fields.get("values") else {
        return;
    };
    if values.len() < node.entries().len() {
        // Some could not be read, which was said.
        return;
    }
    let mut combinations: usize = 0;
    let mut is_misspelt = false;
    for request in requests {
        let of_request = uses(request, values)
            .iter()
            .map(|place| values[*place as usize].texts.len())
            .fold(1, usize::saturating_mul);
        combinations = combinations.saturating_add(of_request);
        let headers = request.headers.iter().map(|(_, value)| value);
        for text in headers.chain(std::iter::once(&request.url.path)) {
            for name in placeholders(text) {
                if !values.iter().any(|known| known.name == name) {
                    let names = values.iter().map(|known| known.name.as_str());
                    let help =
                        nearest(name, names).map(|known| format!("did you mean `{{{known}}}`?"));
                    let message = format!("`{{{name}}}` in `{text}` is none of the `values`");
                    reader.invalid(&node, message, help.unwrap_or_default());
                    is_misspelt = true;
                }
            }
        }
    }
    if combinations > MOST {
        let message =
            format!("requests have {combinations} combinations of values: more than {MOST}");
        reader.invalid(&node, message, "draw fewer values for one request");
    }
    for (place, known) in values.iter().enumerate() {
        let is_used = |request: &&Request| uses(request, values).contains(&(place as u32));
        if !is_misspelt && !requests.iter().any(is_used) {
            let message = format!("no request uses `{{{}}}`", known.name);
            reader.invalid(&node, message, "");
        }
    }
}

/// The names in braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        is_name.then_some(name)
    })
}

/// All requests that a template makes of its values, the last of which changes fastest.
pub(crate) fn combinations(request: &Request, uses: &[u32], values: &[Values]) -> Vec<Request> {
    let mut all = vec![request.clone()];
    for place in uses {
        let Values { name, texts, .. } = &values[*place as usize];
        let mark = format!("{{{name}}}");
        let mut more = Vec::with_capacity(all.len() * texts.len());
        for request in &all {
            more.extend(texts.iter().map(|text| with_value(request, &mark, text)));
        }
        all = more;
    }
    all
}

fn with_value(request: &Request, mark: &str, text: &str) -> Request {
    let mut request = request.clone();
    request.url.value.path = request.url.path.replace(mark, &escaped(text));
    if let Some(authority) = &mut request.authority {
        *authority = authority.replace(mark, text);
    }
    for (_, value) in &mut request.headers {
        *value = value.replace(mark, text);
    }
    request
}

/// A text as it stands in a path or a query (RFC 3986, 2.3).
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// More values, or combinations of them, would cost more memory than the rest of a world.
const MOST: usize = 100_000;

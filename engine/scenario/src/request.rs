//! A request that a client or a container makes: URL, method, headers.

use crate::header;
use crate::object_name::nearest;
use crate::place::Placed;
use crate::reader::{Cursor, Fields, Reader};
use crate::shape::{Field, Shape, field};
use crate::url::{Scheme, Url, UrlError};
use crate::values::escaped;
use base::SimDuration;

/// A request template.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Where it goes.
    pub url: Placed<Url>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The Host header, where it is not the URL's.
    pub authority: Option<String>,
    /// Further headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The size of its body.
    pub body_bytes: u64,
    /// From its first byte to its last.
    pub upload: SimDuration,
}

/// `url`
pub(crate) const URL: Field = field(
    "url",
    Shape::Text,
    "Where the request goes, such as `http://reviews:9080/reviews/1`. The host is a name that the caller can look up \
     (a Service, with or without its namespace) or an address. `tcp://db:3306` stands for an exchange over a connection \
     of its own that is no HTTP: the client sends, the server does its work and answers, the client closes.",
);
/// `method`
pub(crate) const METHOD: Field = field(
    "method",
    Shape::Text,
    "The HTTP method; `GET` if not written.",
);
/// `headers`
pub(crate) const HEADERS: Field = field(
    "headers",
    Shape::Texts,
    "Headers by name; `host` replaces the URL's host, as in curl.",
);
/// `cookies`
pub(crate) const COOKIES: Field = field(
    "cookies",
    Shape::Texts,
    "Cookies by name, sent in one `cookie` header.",
);
/// `query`
pub(crate) const QUERY: Field = field(
    "query",
    Shape::Texts,
    "Query parameters by name, added to those of the URL.",
);
/// `bodyBytes`
pub(crate) const BODY_BYTES: Field = field(
    "bodyBytes",
    Shape::Whole(0),
    "The size of the request's body; 0 if not written.",
);
/// `upload`
pub(crate) const UPLOAD: Field = field(
    "upload",
    Shape::Duration,
    "How long the client takes to send the request: its headers come at once, the end of its body then; no time if not \
     written.",
);

impl Request {
    /// Reads the fields of a map that say what is sent.
    pub(crate) fn read(reader: &mut Reader, fields: &Fields<'_>) -> Option<Self> {
        let method = fields
            .get("method")
            .and_then(|node| read_method(reader, &node))
            .unwrap_or_else(|| "GET".to_owned());
        let mut authority = None;
        let mut headers = Vec::new();
        if let Some(node) = fields.get("headers") {
            for (name, value) in header::read(reader, &node) {
                if name == header::HOST || name == header::AUTHORITY {
                    authority = Some(value);
                } else {
                    headers.push((name, value));
                }
            }
        }
        if let Some(node) = fields.get("cookies") {
            let cookies: Vec<String> = (reader.texts(&node).iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let cookies = cookies.join("; ");
            match header::check("cookie", &cookies) {
                Ok(()) => headers.push(("cookie".to_owned(), cookies)),
                Err((message, help)) => reader.invalid(&node, message, help),
            }
        }
        let mut url = fields.get("url").and_then(|node| read_url(reader, &node))?;
        if let Some(node) = fields.get("query") {
            for (name, value) in reader.texts(&node) {
                let sign = if url.path.contains('?') { '&' } else { '?' };
                url.value.path += &format!("{sign}{}={}", escaped(&name), query_value(&value));
            }
        }
        if url.scheme == Scheme::Tcp {
            for node in ["method", "headers", "cookies", "query"]
                .iter()
                .filter_map(|name| fields.get(name))
            {
                reader.invalid(
                    &node,
                    format!(
                        "`{}` does not go with `tcp://`: there is no request",
                        node.name()
                    ),
                    "leave it out, or write `http://` in the URL",
                );
            }
        }
        Some(Self {
            url,
            method,
            authority,
            headers,
            body_bytes: fields
                .get("bodyBytes")
                .and_then(|node| reader.whole_u64(&node))
                .unwrap_or_default(),
            upload: fields
                .get("upload")
                .and_then(|node| reader.duration(&node))
                .unwrap_or(SimDuration::ZERO),
        })
    }

    /// A GET of the URL in short.
    pub(crate) fn read_short(reader: &mut Reader, node: &Cursor<'_>) -> Option<Self> {
        read_url(reader, node).map(Self::get)
    }

    /// A GET of a URL.
    pub(crate) fn get(url: Placed<Url>) -> Self {
        Self {
            url,
            method: "GET".to_owned(),
            authority: None,
            headers: Vec::new(),
            body_bytes: 0,
            upload: SimDuration::ZERO,
        }
    }
}

/// A value of a query: what is drawn, in braces, is escaped when it is put in.
fn query_value(text: &str) -> String {
    let parts = text.split_inclusive(['{', '}']);
    let part = |part: &str| match part.strip_suffix(['{', '}']) {
        Some(rest) => format!("{}{}", escaped(rest), &part[rest.len()..]),
        None => escaped(part),
    };
    parts.map(part).collect()
}

pub(crate) fn read_url(reader: &mut Reader, node: &Cursor<'_>) -> Option<Placed<Url>> {
    let text = reader.text(node)?;
    match Url::parse(&text) {
        Ok(url) => Some(Placed::new(url, node.place())),
        Err(error) => {
            let meant = match &error {
                UrlError::Scheme(scheme) => meant_url(&text, scheme),
                UrlError::UserInfo
                | UrlError::Host
                | UrlError::Port(_)
                | UrlError::Path
                | UrlError::NoPort
                | UrlError::PathOfBytes => None,
            };
            let help = match (meant, text.split_once("://")) {
                (Some(meant), _) => format!("did you mean `{meant}`?"),
                (None, Some(("tcp", _))) => "write it as in `tcp://db:3306`".to_owned(),
                (None, _) => "write it as in `http://reviews:9080/reviews/1`".to_owned(),
            };
            let message = format!("`{text}` cannot be used as a URL: {error}");
            reader.invalid(node, message, help);
            None
        }
    }
}

/// The URL that was meant by one whose scheme is misspelt, or followed by too few slashes.
fn meant_url(text: &str, scheme: &str) -> Option<String> {
    let rest = text.strip_prefix(scheme)?.trim_start_matches([':', '/']);
    if ["ftp", "file", "udp"].contains(&scheme) {
        return None;
    }
    let meant = nearest(scheme, ["http", "https", "tcp"])?;
    Url::parse(&format!("{meant}://{rest}")).ok()?;
    Some(format!("{meant}://{rest}"))
}

/// Reads an HTTP method.
pub(crate) fn read_method(reader: &mut Reader, node: &Cursor<'_>) -> Option<String> {
    let text = reader.text(node)?;
    match check_method(&text) {
        Ok(()) => Some(text),
        Err((message, help)) => {
            reader.invalid(node, message, help);
            None
        }
    }
}

/// Whether a text is a method that Envoy takes; a message and help if not.
pub(crate) fn check_method(text: &str) -> Result<(), (String, String)> {
    if METHODS.contains(&text) {
        return Ok(());
    }
    let message = format!("`{text}` is not an HTTP method that Envoy takes");
    let bare: String = text.split_whitespace().collect();
    let help = match nearest(&bare, METHODS) {
        Some(method) if method == bare.to_ascii_uppercase() && bare == text => {
            format!("write it in capitals: `{method}`")
        }
        Some(method) => format!("did you mean `{method}`?"),
        None => "write it as in `GET` or `POST`".to_owned(),
    };
    Err((message, help))
}

/// The methods of a request in HTTP/1.1 that Envoy does not answer 400.
///
/// Source: envoyproxy/envoy, source/common/http/http1/balsa_parser.cc, `isMethodValid`, without custom methods.
const METHODS: [&str; 34] = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "PATCH",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "ACL",
    "BIND",
    "CHECKOUT",
    "COPY",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

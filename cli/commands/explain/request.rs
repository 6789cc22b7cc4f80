//! The request that is asked about, from a URL and curl's flags.

use explain::{Request, Scheme};
use proxy::request::{Protocol, RequestHead};
use scenario::url::Url;

use crate::refusal::Refusal;

/// The request that curl would make of the same flags.
pub(crate) fn read(
    url: &str,
    method: Option<&str>,
    headers: &[String],
) -> Result<Request, Refusal> {
    let (scheme, rest) = split_scheme(url)?;
    let refuse = |reason: String| Refusal::new(format!("`{url}` is no URL to ask about: {reason}"));
    // The scheme is dealt with here; the rest reads alike for all of them.
    let parsed =
        Url::parse(&format!("http://{rest}")).map_err(|error| refuse(error.to_string()))?;
    let port = match (explicit_port(&parsed.authority), default_port(scheme)) {
        (Some(port), _) | (None, Some(port)) => port,
        (None, None) => {
            return Err(refuse("it names no port".to_owned())
                .with_help(format!("write it as in `tcp://{}:3306`", parsed.host)));
        }
    };
    let mut head = RequestHead {
        method: read_method(method, scheme)?,
        scheme: match scheme {
            Scheme::Https => "https".to_owned(),
            Scheme::Http | Scheme::Grpc | Scheme::Tcp => "http".to_owned(),
        },
        authority: authority(&parsed.authority, scheme),
        path: parsed.path,
        headers: Vec::new(),
        protocol: match scheme {
            Scheme::Grpc => Protocol::Http2,
            Scheme::Http | Scheme::Https | Scheme::Tcp => Protocol::Http1,
        },
        downstream: None,
        connection: None,
    };
    if scheme == Scheme::Grpc {
        head.headers = GRPC_HEADERS
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    }
    for header in headers {
        add_header(&mut head, header)?;
    }
    Ok(Request {
        scheme,
        host: parsed.host,
        port,
        head,
    })
}

/// The port of a URL that names none.
const fn default_port(scheme: Scheme) -> Option<u16> {
    match scheme {
        Scheme::Http | Scheme::Grpc => Some(80),
        Scheme::Https => Some(443),
        Scheme::Tcp => None,
    }
}

/// What every gRPC client sends.
const GRPC_HEADERS: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

fn split_scheme(url: &str) -> Result<(Scheme, &str), Refusal> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Ok((Scheme::Http, url));
    };
    let known = [Scheme::Http, Scheme::Https, Scheme::Grpc, Scheme::Tcp];
    match known
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
    {
        Some(known) => Ok((known, rest)),
        None => Err(Refusal::new(format!("scheme `{scheme}` is not known"))
            .with_help("it is one of `http`, `https`, `grpc` and `tcp`")),
    }
}

fn explicit_port(authority: &str) -> Option<u16> {
    let after_host = authority
        .rsplit_once(']')
        .map_or(authority, |(_, rest)| rest);
    after_host.rsplit_once(':')?.1.parse().ok()
}

/// What is sent as the Host header: curl leaves the scheme's own port out.
fn authority(written: &str, scheme: Scheme) -> String {
    match (explicit_port(written), written.rsplit_once(':')) {
        (Some(port), Some((host, _))) if Some(port) == default_port(scheme) => host.to_owned(),
        _ => written.to_owned(),
    }
}

fn read_method(method: Option<&str>, scheme: Scheme) -> Result<String, Refusal> {
    match method {
        None if scheme == Scheme::Grpc => Ok("POST".to_owned()),
        None => Ok("GET".to_owned()),
        Some(method) if is_token(method) => Ok(method.to_owned()),
        Some(method) => Err(Refusal::new(format!("`{method}` is no HTTP method"))),
    }
}

/// One `-H`: `name: value`, `name;` for an empty value, `name:` to take a header away.
fn add_header(head: &mut RequestHead, header: &str) -> Result<(), Refusal> {
    let refuse = || {
        Refusal::new(format!("`{header}` is no header"))
            .with_help("write it as in `-H 'end-user: jason'`, or `-H 'x-empty;'` for an empty one")
    };
    let (name, value) = match header.split_once(':') {
        // HTTP/2's pseudo header begins with a colon.
        Some(("", rest)) => {
            let (name, value) = rest.split_once(':').ok_or_else(refuse)?;
            (format!(":{name}"), Some(value.trim()))
        }
        Some((name, value)) => (
            name.to_owned(),
            Some(value.trim()).filter(|v| !v.is_empty()),
        ),
        None => {
            let name = header.trim_end().strip_suffix(';').ok_or_else(refuse)?;
            (name.to_owned(), Some(""))
        }
    };
    let name = name.to_ascii_lowercase();
    match (name.as_str(), value) {
        ("host" | ":authority", Some(value)) => head.authority = value.to_owned(),
        (":method", Some(value)) if is_token(value) => head.method = value.to_owned(),
        (":path", Some(value)) if value.starts_with('/') => head.path = value.to_owned(),
        (":scheme", Some(value)) => head.scheme = value.to_owned(),
        (name, None) if is_token(name) => head.headers.retain(|(known, _)| known != name),
        (name, Some(value)) if is_token(name) && is_field_value(value) => {
            // What a gRPC client sends by itself is replaced; the user's own headers add up.
            if GRPC_HEADERS
                .iter()
                .any(|known| *known == (name, header_value(head, name)))
            {
                head.headers.retain(|(known, _)| known != name);
            }
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        _ => return Err(refuse()),
    }
    Ok(())
}

fn header_value<'a>(head: &'a RequestHead, name: &str) -> &'a str {
    head.headers
        .iter()
        .find(|(known, _)| known == name)
        .map_or("", |(_, value)| value)
}

/// RFC 9110's token.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_field_value(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str, headers: &[&str]) -> Request {
        let headers: Vec<String> = headers.iter().map(|text| (*text).to_owned()).collect();
        read(url, None, &headers).expect(url)
    }

    #[test]
    fn urls_are_read_as_curl_reads_them() {
        let table = [
            ("http://app-svc/login", "app-svc", 80, "app-svc", "/login"),
            (
                "http://app-svc:80/login#top",
                "app-svc",
                80,
                "app-svc",
                "/login",
            ),
            (
                "reviews:9080/reviews/1?a=b",
                "reviews",
                9080,
                "reviews:9080",
                "/reviews/1?a=b",
            ),
            (
                "https://example.com",
                "example.com",
                443,
                "example.com",
                "/",
            ),
            (
                "https://example.com:80",
                "example.com",
                80,
                "example.com:80",
                "/",
            ),
            (
                "grpc://echo:7070/a.B/c",
                "echo",
                7070,
                "echo:7070",
                "/a.B/c",
            ),
            (
                "tcp://10.0.0.1:3306",
                "10.0.0.1",
                3306,
                "10.0.0.1:3306",
                "/",
            ),
            ("http://[fd00::1]:80/", "fd00::1", 80, "[fd00::1]", "/"),
        ];
        for (url, host, port, authority, path) in table {
            let read = asked(url, &[]);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{url}");
            assert_eq!(
                (read.head.authority.as_str(), read.head.path.as_str()),
                (authority, path),
                "{url}"
            );
        }
    }

    #[test]
    fn headers_are_read_as_curl_reads_them() {
        let read = asked(
            "http://a/",
            &["Host: x.y:81", "End-User:  jason ", "x-empty;", "Gone:"],
        );
        assert_eq!(read.head.authority, "x.y:81");
        let headers: Vec<_> = read
            .head
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(headers, [("end-user", "jason"), ("x-empty", "")]);
        let twice = asked("http://a/", &["v: 1", "v: 2"]);
        assert_eq!(twice.head.values("v").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn grpc_clients_send_what_they_always_send() {
        let read = asked(
            "grpc://echo:7070/a.B/c",
            &["content-type: application/grpc+json"],
        );
        assert_eq!(
            (read.head.method.as_str(), read.head.protocol),
            ("POST", Protocol::Http2)
        );
        assert_eq!(
            read.head.values("content-type").collect::<Vec<_>>(),
            ["application/grpc+json"]
        );
        assert!(read.head.is_grpc());
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let table: [(&str, Option<&str>, &[&str], &str); 6] = [
            ("ftp://a/", None, &[], "scheme `ftp` is not known"),
            ("tcp://db", None, &[], "names no port"),
            ("http://", None, &[], "is no URL"),
            ("http://a/", Some("G E T"), &[], "is no HTTP method"),
            ("http://a/", None, &["no-colon"], "is no header"),
            ("http://a/", None, &["bad name: x"], "is no header"),
        ];
        for (url, method, headers, want) in table {
            let headers: Vec<String> = headers.iter().map(|text| (*text).to_owned()).collect();
            let refusal = read(url, method, &headers).expect_err(url);
            assert!(refusal.message.contains(want), "{refusal}");
        }
    }
}

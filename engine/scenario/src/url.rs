//! URLs as curl reads them, as far as the mesh sees them: host, port, path and query. `tcp://` stands for a connection
//! whose bytes are no HTTP.

use std::fmt;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The scheme.
    pub scheme: Scheme,
    /// A name or an address, in lower case.
    pub host: String,
    /// The port; 80 if not written, or 443 for `https`. `tcp` has none of its own.
    pub port: u16,
    /// The host as written, with its port if that was written: what clients send as the Host header.
    pub authority: String,
    /// The path with its query; begins with `/`, and is empty for `tcp`. A fragment is dropped, as clients do.
    pub path: String,
}

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP/1.1 in plain text.
    Http,
    /// HTTP/1.1 inside TLS, with the host as its server name.
    Https,
    /// No HTTP: a connection of its own for each exchange.
    Tcp,
}

impl Url {
    /// Reads `http://host:port/path?query`, or the same with `https`; `http://` may be left out. Or `tcp://host:port`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Http, text),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("tcp", rest)) => (Scheme::Tcp, rest),
            Some((scheme, _)) => return Err(UrlError::Scheme(scheme.to_owned())),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        // `htp:/shop` and `http:/shop`: the beginning of a URL with a slash too few.
        if !text.contains("://") && authority.ends_with(':') && !authority.starts_with('[') {
            return Err(UrlError::Scheme(authority.trim_end_matches(':').to_owned()));
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() || host.contains(char::is_whitespace) || host.contains(['{', '}', ',']) {
            return Err(UrlError::Host);
        }
        let path = match path.strip_prefix('?') {
            Some(query) => format!("/?{query}"),
            None => path.to_owned(),
        };
        if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Path);
        }
        let (port, path) = match scheme {
            Scheme::Http => (port.unwrap_or(80), path),
            Scheme::Https => (port.unwrap_or(443), path),
            Scheme::Tcp if path != "/" => return Err(UrlError::PathOfBytes),
            Scheme::Tcp => (port.ok_or(UrlError::NoPort)?, String::new()),
        };
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            authority: authority.to_owned(),
            path,
        })
    }
}

/// Splits `host:port`, `[v6]:port`, `host`.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(UrlError::Host),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => match digits.parse() {
            Ok(port) if port != 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Some(port),
            _ => return Err(UrlError::Port(digits.to_owned())),
        },
    };
    Ok((host, port))
}

/// Why a text is no URL that can be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// A scheme other than `http`, `https` and `tcp`.
    Scheme(String),
    /// There is a user before the host.
    UserInfo,
    /// There is no host, or it holds characters that no host has.
    Host,
    /// The port is no number from 1 to 65535.
    Port(String),
    /// The path holds blanks.
    Path,
    /// `tcp` without a port.
    NoPort,
    /// `tcp` with a path.
    PathOfBytes,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) if matches!(&**scheme, "http" | "https" | "tcp") => {
                write!(f, "`://` follows the scheme `{scheme}`")
            }
            Self::Scheme(scheme) => write!(f, "scheme `{scheme}` is not simulated"),
            Self::UserInfo => f.write_str("a user before the host is not simulated"),
            Self::Host => f.write_str("it has no valid host"),
            Self::Port(port) => write!(f, "port `{port}` is not a number from 1 to 65535"),
            Self::Path => f.write_str("its path holds a blank"),
            Self::NoPort => f.write_str("it names no port, and `tcp` has none of its own"),
            Self::PathOfBytes => f.write_str("a `tcp` connection has no path"),
        }
    }
}

impl std::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_curl_reads() {
        for (text, host, port, authority, path) in [
            (
                "http://reviews:9080/reviews/1",
                "reviews",
                9080,
                "reviews:9080",
                "/reviews/1",
            ),
            ("reviews", "reviews", 80, "reviews", "/"),
            ("http://a.b?q=1", "a.b", 80, "a.b", "/?q=1"),
            ("http://a/x?u=http://b/#top", "a", 80, "a", "/x?u=http://b/"),
            ("http://10.0.0.1:80/", "10.0.0.1", 80, "10.0.0.1:80", "/"),
            ("http://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"),
            ("http://[fd00::1]", "fd00::1", 80, "[fd00::1]", "/"),
            ("http://Reviews/", "reviews", 80, "Reviews", "/"),
            ("https://a.b/x", "a.b", 443, "a.b", "/x"),
            ("tcp://db:3306", "db", 3306, "db:3306", ""),
            ("tcp://db:3306/", "db", 3306, "db:3306", ""),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!(
                (&*url.host, url.port, &*url.authority, &*url.path),
                (host, port, authority, path),
                "{text}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, message) in [
            ("ftp://a/", "scheme `ftp` is not simulated"),
            ("htp:/shop", "scheme `htp` is not simulated"),
            ("http:/shop", "`://` follows the scheme `http`"),
            ("http://", "it has no valid host"),
            ("", "it has no valid host"),
            ("/path", "it has no valid host"),
            ("http://a:0/", "port `0` is not a number from 1 to 65535"),
            (
                "http://a:http/",
                "port `http` is not a number from 1 to 65535",
            ),
            (
                "http://a:+80/",
                "port `+80` is not a number from 1 to 65535",
            ),
            ("http://u@a/", "a user before the host is not simulated"),
            ("http://[::1/", "it has no valid host"),
            ("http://a/b c", "its path holds a blank"),
            (
                "tcp://db",
                "it names no port, and `tcp` has none of its own",
            ),
            ("tcp://db:3306/x", "a `tcp` connection has no path"),
        ] {
            let error = Url::parse(text).expect_err(text);
            assert_eq!(error.to_string(), message, "{text}");
        }
    }
}

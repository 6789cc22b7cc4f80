//! A client that speaks just enough HTTP/1.1.

use super::experiment::Experiment;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Headers and body of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Sends an experiment's request, marked with an id, on a connection of its own.
pub(super) fn send(to: SocketAddr, experiment: &Experiment, id: &str) -> Response {
    let (method, path) = experiment.method_and_path();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-experiment: {id}\r\nx-deeds: {}\r\n",
        experiment.host,
        experiment.deeds.join(" ")
    );
    for (name, value) in experiment.header_lines() {
        head += &format!("{name}: {value}\r\n");
    }
    exchange(to, &(head + "connection: close\r\n\r\n")).unwrap_or_default()
}

/// Sends a request as it is.
pub(super) fn exchange(to: SocketAddr, request: &str) -> std::io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while !is_complete(&bytes) {
        // A body that is cut off is no concern of the client's.
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok(Response {
        headers: headers(head),
        body: body.to_owned(),
    })
}

/// Whether a whole response has arrived; who ends it by closing the connection is waited for.
fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let headers = headers(head);
    let has = |name: &str, value: &str| headers.iter().any(|(n, v)| n == name && v == value);
    let length = headers.iter().find(|(name, _)| name == "content-length");
    match length.and_then(|(_, value)| value.parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None if has("transfer-encoding", "chunked") => body.ends_with("0\r\n\r\n"),
        None => head.starts_with("HTTP/1.1 204"),
    }
}

/// The header lines below a head's first line.
pub(super) fn headers(head: &str) -> Vec<(String, String)> {
    let lines = head.lines().skip(1);
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

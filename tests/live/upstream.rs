//! Servers that do what the request says, and remember what they received.

use super::client;
use super::experiment::Deed;
use super::outcome::Received;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was received, by the id of the request.
type Journal = Arc<Mutex<BTreeMap<String, Vec<Received>>>>;

/// One server for each host but `dead`, at which nobody listens.
pub(super) struct Servers {
    addresses: BTreeMap<String, SocketAddr>,
    journal: Journal,
}

impl Servers {
    /// Servers at free ports of loopback; they end with the process.
    pub(super) fn start(hosts: &BTreeSet<String>) -> Self {
        let journal = Journal::default();
        let mut addresses = BTreeMap::new();
        for host in hosts {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            addresses.insert(host.clone(), listener.local_addr().expect("it is bound"));
            if host != "dead" {
                let (host, journal) = (host.clone(), Arc::clone(&journal));
                thread::spawn(move || serve(&listener, &host, &journal));
            }
        }
        Self { addresses, journal }
    }

    pub(super) fn addresses(&self) -> &BTreeMap<String, SocketAddr> {
        &self.addresses
    }

    /// What was received of one request, in order.
    pub(super) fn received(&self, id: &str) -> Vec<Received> {
        let journal = self.journal.lock().expect("no thread panics");
        journal.get(id).cloned().unwrap_or_default()
    }
}

fn serve(listener: &TcpListener, host: &str, journal: &Journal) {
    for stream in listener.incoming().take(100_000).flatten() {
        let (host, journal) = (host.to_owned(), Arc::clone(journal));
        thread::spawn(move || answer(stream, host, &journal));
    }
}

/// One request per connection, so that no reuse depends on time.
fn answer(mut stream: TcpStream, host: String, journal: &Journal) {
    let Some(head) = read_head(&mut stream) else {
        return;
    };
    let mut first = head.lines().next().unwrap_or_default().split(' ');
    let headers = client::headers(&head);
    let value = |name: &str| {
        let found = headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str()).to_owned()
    };
    let received = Received {
        host,
        method: first.next().unwrap_or_default().to_owned(),
        authority: value("host"),
        path: first.next().unwrap_or_default().to_owned(),
        headers: headers.clone(),
    };
    let mut all = journal.lock().expect("no thread panics");
    all.entry(value("x-experiment")).or_default().push(received);
    drop(all);
    let deeds = value("x-deeds");
    let deeds: Vec<&str> = deeds.split(' ').collect();
    let number = value("x-envoy-attempt-count").parse().unwrap_or(1);
    let respond = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}content-length: 0\r\n\r\n")
    };
    let bytes = match Deed::of_try(&deeds, number) {
        Deed::Respond(status) => respond(status, ""),
        Deed::Grpc(status) => respond(200, &format!("grpc-status: {status}\r\n")),
        Deed::Slow(span) => {
            thread::sleep(Duration::from_millis(span));
            respond(200, "")
        }
        Deed::Reset => return,
        Deed::Cut => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal".to_owned(),
        Deed::Garbage => "this is no HTTP\r\n\r\n".to_owned(),
        Deed::Hang => {
            thread::sleep(Duration::from_secs(3));
            return;
        }
    };
    // Whom it serves may be gone.
    let _ = stream.write_all(bytes.as_bytes());
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while bytes.len() < 100_000 && !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    String::from_utf8(bytes).ok()
}

//! Servers that do what the script says, and remember what they received.

mod http1;
mod http2;

pub(super) use http2::headers;

use super::cluster::Addresses;
use super::conduct::Conduct;
use super::deed::Deed;
use super::experiment::Deeds;
use super::outcome::Received;
use super::suite::Suite;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The servers of one suite, at free ports of loopback. At `dead*` nobody listens; `mute*` answer no call.
pub(super) struct Servers {
    addresses: Addresses,
    running: BTreeMap<String, JoinHandle<()>>,
    /// Calls to whom answers none, and those that make him so.
    kept: Vec<Socket>,
    journal: Journal,
}

/// What servers are to do, and what they received, by the id of the request.
#[derive(Clone, Default)]
pub(super) struct Journal(Arc<Mutex<BTreeMap<String, Entry>>>);

#[derive(Default)]
struct Entry {
    deeds: Deeds,
    received: Vec<(Instant, Received)>,
}

impl Servers {
    /// Starts the servers of a suite; they end with the runtime.
    pub(super) async fn start(suite: &Suite) -> Self {
        let mut servers = Self {
            addresses: Addresses::new(),
            running: BTreeMap::new(),
            kept: Vec::new(),
            journal: Journal::default(),
        };
        for host in suite.hosts() {
            let address = match host.as_str() {
                dead if dead.starts_with("dead") => super::world::free_addresses(1)[0],
                mute if mute.starts_with("mute") => start_mute(&mut servers.kept),
                _ => servers.start_one(suite, &host).await,
            };
            servers.addresses.insert(host, address);
        }
        servers
    }

    async fn start_one(&mut self, suite: &Suite, host: &str) -> SocketAddr {
        let server = Server {
            host: host.to_owned(),
            streams: suite.servers.get(host).and_then(|spec| spec.streams),
            gets_copies: suite.mirrors(),
            journal: self.journal.clone(),
            conduct: None,
        };
        self.listen(server).await
    }

    async fn listen(&mut self, server: Server) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let host = server.host.clone();
        let running = tokio::spawn(server.listen(listener));
        self.running.insert(host, running);
        address
    }

    /// Starts servers that act of their own accord, whatever requests say; they end with the runtime.
    pub(super) async fn of(conducts: &BTreeMap<String, Conduct>) -> Self {
        let mut servers = Self {
            addresses: Addresses::new(),
            running: BTreeMap::new(),
            kept: Vec::new(),
            journal: Journal::default(),
        };
        for (host, conduct) in conducts {
            let address = if conduct.refuses() {
                super::world::free_addresses(1)[0]
            } else if conduct.is_mute() {
                start_mute(&mut servers.kept)
            } else {
                let server = Server {
                    host: host.clone(),
                    streams: None,
                    journal: servers.journal.clone(),
                    gets_copies: true,
                    conduct: Some(conduct.clone()),
                };
                servers.listen(server).await
            };
            servers.addresses.insert(host.clone(), address);
        }
        servers
    }

    /// Where each of them is.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A server listens no more; its connections stay.
    pub(super) fn stop(&self, host: &str) {
        self.running[host].abort();
    }
}

/// Nobody accepts, and the queue of those who wait is full: whoever calls waits for ever.
pub(super) fn start_mute(kept: &mut Vec<Socket>) -> SocketAddr {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let listener = socket();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).expect("a free port");
    listener.listen(0).expect("a bound socket");
    let address = listener.local_addr().expect("it is bound");
    for _ in 0..2 {
        let waiting = socket();
        waiting.set_nonblocking(true).expect("an open socket");
        // It is under way, whatever it says.
        let _ = waiting.connect(&address);
        kept.push(waiting);
    }
    kept.push(listener);
    address.as_socket().expect("an IPv4 address")
}

impl Journal {
    /// Says what is to be done about a request.
    pub(super) fn announce(&self, id: &str, deeds: &Deeds) {
        let entry = Entry {
            deeds: deeds.clone(),
            received: Vec::new(),
        };
        self.lock().insert(id.to_owned(), entry);
    }

    /// What was received of a request, in order.
    pub(super) fn received(&self, id: &str) -> Vec<(Instant, Received)> {
        let all = self.lock();
        all.get(id)
            .map_or_else(Vec::new, |entry| entry.received.clone())
    }

    /// Writes a request down, and tells what to do about it.
    fn deed(&self, received: Received) -> Deed {
        let mut all = self.lock();
        let id = received.header("x-experiment").unwrap_or_default();
        let entry = all.entry(id.to_owned()).or_default();
        let before = entry.received.iter().filter(|(_, one)| !one.is_copy);
        let said = received.header("x-envoy-attempt-count");
        let number = match received.is_copy {
            true => 1,
            false => said
                .and_then(|said| said.parse().ok())
                .unwrap_or(before.count() + 1),
        };
        let deed = Deed::of_try(entry.deeds.of_host(&received.host), number);
        entry.received.push((Instant::now(), received));
        deed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().expect("no task panics")
    }
}

/// One server.
#[derive(Clone)]
struct Server {
    host: String,
    /// HTTP/2 streams that it takes at a time.
    streams: Option<u32>,
    /// Routes mirror; otherwise no request is a copy, be it internal or not.
    gets_copies: bool,
    journal: Journal,
    /// How it acts of its own accord.
    conduct: Option<Conduct>,
}

impl Server {
    /// What is done about a request.
    fn deed(&self, received: Received) -> Deed {
        match &self.conduct {
            Some(conduct) => conduct.deed(&received),
            None => self.journal.deed(received),
        }
    }

    /// Whether headers are those of a mirrored copy.
    fn is_copy(&self, headers: &[(String, String)]) -> bool {
        let is_mark =
            |(name, value): &(String, String)| name == "x-envoy-internal" && value == "true";
        self.gets_copies && headers.iter().any(is_mark)
    }

    async fn listen(self, listener: TcpListener) {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            number += 1;
            tokio::spawn(self.clone().serve(stream, number));
        }
    }

    async fn serve(self, stream: TcpStream, connection: usize) {
        // Whom it serves may be gone at any time: errors end the connection and no more.
        let _ = stream.set_nodelay(true);
        let mut first = [0; 4];
        match stream.peek(&mut first).await {
            Ok(4) if first == *b"PRI " => http2::serve(&self, stream, connection).await,
            _ => http1::serve(&self, stream, connection).await,
        };
    }
}

//! The experiments before a real Envoy.

use super::{Ended, Experiment, Experiments, Outcome, SessionSpec};
use crate::live::cluster::Addresses;
use crate::live::envoy::Envoy;
use crate::live::server::start_mute;
use crate::live::world::free_addresses;
use proxy::stats::{ClusterStats, TcpStats};
use serde_json::{Value, json};
use socket2::Socket;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};

/// What becomes of each experiment.
pub(super) fn ask(binary: &Path, all: &Experiments) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    runtime.block_on(asked(binary, all))
}

async fn asked(binary: &Path, all: &Experiments) -> Vec<Outcome> {
    let mut kept = Vec::new();
    let mut at = Addresses::new();
    for host in all.hosts() {
        let address = start(&host, &mut kept).await;
        at.insert(host, address);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("sessions.log");
    let count = u16::try_from(all.experiments.len()).expect("few of them");
    let listeners = free_addresses(count);
    let (mut chains, mut clusters) = (Vec::new(), Vec::new());
    for (number, experiment) in all.experiments.iter().enumerate() {
        let (mut listener, own) = experiment.told(all, &suffix(number), listeners[number], &at);
        listener["filterChains"][0]["filters"][0]["typedConfig"]["accessLog"] = access_log(&log);
        chains.push(listener);
        clusters.extend(own);
    }
    let bootstrap = json!({
        "node": {"id": "tcp", "cluster": "tcp"},
        "staticResources": {"listeners": chains, "clusters": clusters},
    });
    let envoy = Envoy::start(binary, bootstrap, 1, folder).await;
    let mut played = Vec::new();
    for (number, experiment) in all.experiments.iter().enumerate() {
        played.push(play(experiment, listeners[number]).await);
    }
    let wanted = played.iter().map(Vec::len).sum();
    let lines = lines(&log, wanted).await;
    let stats = envoy.stats().await;
    let named = all.experiments.iter().enumerate().zip(played);
    let outcomes = named.map(|((number, experiment), clients)| {
        let sessions = clients.into_iter().map(|client| {
            let line = lines.get(&(listeners[number], client));
            let name = &experiment.name;
            let (flags, host, lasted) = line.unwrap_or_else(|| panic!("`{name}` is not logged"));
            let mut hosts = at.iter();
            let host = hosts.find(|(_, at)| at.to_string() == *host);
            Ended {
                flags: flags.clone(),
                host: host.map(|(host, _)| host.clone()),
                lasted: *lasted,
            }
        });
        Outcome {
            sessions: sessions.collect(),
            counters: counters(all, number, &stats),
        }
    });
    outcomes.collect()
}

fn suffix(number: usize) -> String {
    format!("@{number}")
}

fn access_log(log: &Path) -> Value {
    json!([{
        "name": "envoy.access_loggers.file",
        "typedConfig": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": log,
            "logFormat": {"textFormatSource": {"inlineString":
                "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %RESPONSE_FLAGS% %UPSTREAM_HOST% %DURATION%\n"}},
        },
    }])
}

/// A connection, by its addresses at Envoy and at the client.
type Connection = (SocketAddr, SocketAddr);

/// What is logged of each connection: flags, host and duration.
async fn lines(log: &Path, wanted: usize) -> BTreeMap<Connection, (String, String, u64)> {
    let mut lines = BTreeMap::new();
    for _ in 0..100 {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let each = text.lines().filter_map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let listener = words.next()?.parse().ok()?;
            let client = words.next()?.parse().ok()?;
            let (flags, host) = (words.next()?, words.next()?);
            Some((
                (listener, client),
                (flags, host, words.next()?.parse().ok()?),
            ))
        });
        lines = each.collect();
        if lines.len() >= wanted {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    lines
}

/// What Envoy counted, under the names that our proxy has counters for.
fn counters(
    all: &Experiments,
    number: usize,
    stats: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let suffix = suffix(number);
    let mut counted = BTreeMap::new();
    let mut keep = |name: String, from: String| {
        let value = stats.get(&from).copied().unwrap_or(0);
        if value > 0 {
            counted.insert(name, value);
        }
    };
    for cluster in all.clusters.iter().map(|cluster| &cluster.name) {
        for (name, _) in ClusterStats::default().counters() {
            keep(
                format!("{cluster}.{name}"),
                format!("cluster.{cluster}{suffix}.{name}"),
            );
        }
    }
    for (name, _) in TcpStats::default().counters() {
        keep(format!("tcp.{name}"), format!("tcp.tcp{suffix}.{name}"));
    }
    counted
}

/// Plays the connections of an experiment. Gives the address of each client.
async fn play(experiment: &Experiment, to: SocketAddr) -> Vec<SocketAddr> {
    let began = Instant::now() + Duration::from_millis(20);
    let clients = experiment.each().map(|spec| {
        let spec = spec.clone();
        tokio::spawn(async move { connect(&spec, began, to).await })
    });
    let mut addresses = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        addresses.push(client.await.expect("a client ends"));
    }
    addresses
}

/// One connection, to its end.
async fn connect(spec: &SessionSpec, began: Instant, to: SocketAddr) -> SocketAddr {
    let began = began + Duration::from_millis(spec.at);
    sleep_until(began).await;
    let stream = TcpStream::connect(to).await.expect("Envoy listens");
    let address = stream.local_addr().expect("it is connected");
    let (mut reading, mut writing) = stream.into_split();
    let mut acts: Vec<(u64, bool)> = spec.says.iter().map(|at| (*at, false)).collect();
    acts.extend(spec.closes.map(|at| (at, true)));
    let acting = async {
        for (at, closes) in acts {
            sleep_until(began + Duration::from_millis(at)).await;
            let done = match closes {
                true => writing.shutdown().await,
                false => writing.write_all(b"some bytes").await,
            };
            if done.is_err() {
                break;
            }
        }
        // Whoever waits for the other end keeps its own open.
        std::future::pending::<()>().await;
    };
    let until_end = async {
        let mut bytes = [0; 64];
        while reading.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
    };
    tokio::select! {
        () = acting => {}
        () = until_end => {}
    }
    address
}

/// Starts a server.
async fn start(host: &str, kept: &mut Vec<Socket>) -> SocketAddr {
    if host.starts_with("dead") {
        return free_addresses(1)[0];
    }
    if host.starts_with("mute") {
        return start_mute(kept);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let closes = host.starts_with("closes");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, closes));
        }
    });
    address
}

/// Echoes what comes, or closes with it.
async fn serve(mut stream: TcpStream, closes: bool) {
    let mut bytes = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        if closes || stream.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}

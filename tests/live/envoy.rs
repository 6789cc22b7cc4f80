//! A real Envoy, and what its access log says.

use super::client;
use super::experiment::{Experiment, Suite};
use super::outcome::{Answer, Received};
use super::upstream::Servers;
use super::world::{World, free_addresses};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xds::BootstrapOptions;

/// The answers of the Envoy at `binary`, by suite and experiment.
pub(super) fn play(
    binary: &Path,
    world: &World,
    suites: &[Suite],
    servers: &Servers,
) -> BTreeMap<(usize, usize), Vec<Answer>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("access.log");
    let _envoy = Envoy::start(binary, world, folder.path(), &log);
    let mut responses = BTreeMap::new();
    for (s, suite) in suites.iter().enumerate() {
        for (e, experiment) in suite.experiments.iter().enumerate() {
            responses.insert((s, e), send_all(world.listeners[s], experiment, (s, e)));
        }
    }
    let wanted = responses.values().map(Vec::len).sum();
    let logged = read_log(&log, wanted);
    let answers = responses.into_iter().map(|(place, responses)| {
        let numbered = responses.into_iter().enumerate();
        let answers = numbered.map(|(n, response)| {
            let id = id(place, n);
            answer(
                world,
                logged.get(&id).map_or("", String::as_str),
                response,
                servers,
                &id,
            )
        });
        (place, answers.collect())
    });
    answers.collect()
}

fn id((suite, experiment): (usize, usize), number: usize) -> String {
    format!("{suite}.{experiment}.{number}")
}

fn send_all(
    to: SocketAddr,
    experiment: &Experiment,
    place: (usize, usize),
) -> Vec<client::Response> {
    let Some(every) = experiment.every else {
        return (0..experiment.count())
            .map(|n| client::send(to, experiment, &id(place, n)))
            .collect();
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..experiment.count())
            .map(|n| {
                let thread = scope.spawn(move || client::send(to, experiment, &id(place, n)));
                thread::sleep(Duration::from_millis(every));
                thread
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|response| response.expect("it sends")).collect()
    })
}

const LOG_FORMAT: &str = "%REQ(X-EXPERIMENT)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_HOST% \
    %UPSTREAM_REQUEST_ATTEMPT_COUNT% %RESPONSE_CODE_DETAILS%\n";

fn answer(
    world: &World,
    line: &str,
    response: client::Response,
    servers: &Servers,
    id: &str,
) -> Answer {
    let mut words = line.splitn(6, ' ').skip(1);
    let mut next = || words.next().unwrap_or_default().to_owned();
    let (status, flags, host, tries, details) = (next(), next(), next(), next(), next());
    let is_copy = |received: &Received| {
        let mut headers = received.headers.iter();
        headers.any(|(name, value)| name == "x-envoy-internal" && value == "true")
    };
    let received = servers.received(id).into_iter();
    let (mut copies, received): (Vec<_>, Vec<_>) = received.partition(is_copy);
    copies.sort_by(|a, b| a.host.cmp(&b.host));
    // Envoy adds the operating system's words to some.
    let details = match details.split_once('|') {
        Some((details, _)) => format!("{details}}}"),
        None => details,
    };
    Answer {
        status: status.parse().unwrap_or_default(),
        flags,
        tries: tries.parse().unwrap_or_default(),
        host: world.host_at(&host),
        received: received.into_iter().next(),
        copies,
        headers: response.headers,
        body: match details == "direct_response" {
            true => response.body,
            false => String::new(),
        },
        details,
    }
}

/// The access log's lines by id, once all are written.
fn read_log(file: &Path, wanted: usize) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for _ in 0..100 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let with_id = text.lines().filter_map(|line| {
            let (id, _) = line.split_once(' ')?;
            Some((id.to_owned(), line.to_owned()))
        });
        lines = with_id.collect();
        if lines.len() >= wanted {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    lines
}

/// A running Envoy; it ends when this is dropped.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Envoy {
    /// Starts with what our own export writes, and waits until it listens.
    fn start(binary: &Path, world: &World, folder: &Path, log: &Path) -> Self {
        let admin = free_addresses(1)[0];
        let options = BootstrapOptions {
            bind: None,
            upstream: None,
            keeps_tls: false,
            admin_port: admin.port(),
        };
        let mut bootstrap = world.snapshot.to_bootstrap(&options).json;
        log_access(&mut bootstrap, log);
        let file = folder.join("bootstrap.json");
        std::fs::write(&file, bootstrap.to_string()).expect("a writable folder");
        let said = std::fs::File::create(folder.join("envoy.log")).expect("a writable folder");
        let child = Command::new(binary)
            .args(["--concurrency", "1", "-l", "error", "--use-dynamic-base-id"])
            .args(["--file-flush-interval-msec", "20", "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("the Envoy that was found runs");
        let mut envoy = Self(child);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            let ready = "GET /ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n";
            let ready = client::exchange(admin, ready);
            if ready.is_ok_and(|ready| ready.body.contains("LIVE")) {
                return envoy;
            }
            if envoy.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let said = std::fs::read_to_string(folder.join("envoy.log")).unwrap_or_default();
        let end = said.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        panic!("Envoy does not start: {}", &said[end..]);
    }
}

/// Adds an access log to each HTTP connection manager.
fn log_access(value: &mut Value, log: &Path) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| log_access(item, log)),
        Value::Object(fields) if fields.contains_key("httpFilters") => {
            fields.insert(
                "accessLog".to_owned(),
                json!([{
                    "name": "envoy.access_loggers.file",
                    "typedConfig": {
                        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                        "path": log,
                        "logFormat": {"textFormatSource": {"inlineString": LOG_FORMAT}},
                    },
                }]),
            );
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| log_access(value, log)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

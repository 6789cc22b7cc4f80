//! Manifests and what one proxy is told because of them, in pairs: `cases/<behaviour>.yaml` and `cases/<behaviour>.xds`.
//!
//! The first lines of a manifest say what is looked at:
//!
//! ```yaml
//! # with: base.yaml                  objects of another file of the folder come first
//! # client: default/client-0         whose configuration
//! # outbound: REGISTRY_ONLY          the mesh's outbound traffic policy
//! # show: routes 9080 reviews        a table; only virtual hosts whose name contains the word
//! # show: clusters reviews           clusters whose name contains the word
//! # show: endpoints reviews          likewise
//! # show: listeners 9080             likewise
//! # show: pods                       all pods
//! # show: conditions                 of objects of the Gateway API
//! # show: diagnostics                what validation, the compiler and its analyzers find
//! ```
//!
//! `MESHSIM_UPDATE_GOLDENS=1 cargo test -p meshsim-control-plane --test goldens` writes the second file of each pair;
//! read the difference like code.

mod render;

use std::path::{Path, PathBuf};

use manifest::Source;
use meshsim_control_plane::mesh_config::from_config_map;
use meshsim_control_plane::{MeshConfig, OutboundTrafficPolicy, ProxyRef};

#[test]
#[expect(clippy::disallowed_methods, reason = "goldens are files")]
fn every_manifest_gives_its_golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/cases");
    let update = std::env::var("MESHSIM_UPDATE_GOLDENS").is_ok();
    let mut failures = Vec::new();
    let mut count = 0;
    for path in manifests(&folder) {
        count += 1;
        let text = std::fs::read_to_string(&path).expect("a readable case");
        let seen = show(&folder, &path, &text);
        let golden = path.with_extension("xds");
        if update {
            std::fs::write(&golden, &seen).expect("a writable golden");
            continue;
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if seen != expected {
            let name = path.file_stem().expect("a name").to_string_lossy();
            failures.push(format!("{name}:\n{}", difference(&expected, &seen)));
        }
    }
    assert!(count >= 60, "only {count} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "goldens are files")]
fn show(folder: &Path, path: &Path, text: &str) -> String {
    let directives: Vec<_> = text
        .lines()
        .map_while(|line| line.strip_prefix("# "))
        .filter_map(|line| line.split_once(": "))
        .collect();
    let values = |name: &'static str| {
        directives
            .iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    let mut sources: Vec<_> = values("with")
        .map(|name| {
            let text = std::fs::read_to_string(folder.join(name)).expect("a readable base");
            Source::new(name, text)
        })
        .collect();
    let name = path.file_name().expect("a name").to_string_lossy();
    sources.push(Source::new(&*name, text));
    let (resources, findings) = manifest::parse(&sources, "default");
    assert!(findings.is_empty(), "{name}: {findings:?}");
    let (config, _) = from_config_map(&resources).expect("a valid mesh configuration");
    let config = MeshConfig {
        outbound_traffic_policy: if values("outbound").any(|mode| mode == "REGISTRY_ONLY") {
            OutboundTrafficPolicy::RegistryOnly
        } else {
            config.outbound_traffic_policy
        },
        ..config
    };
    let mesh = meshsim_control_plane::compile(&resources, &config);
    let mut out = String::new();
    for wanted in values("show") {
        let mut words = wanted.split_whitespace();
        let what = words.next().expect("`show` names a thing");
        let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        match what {
            "pods" => render::pods(&mut out, &mesh),
            "conditions" => render::conditions(&mut out, &mesh),
            "diagnostics" => {
                let refused = meshsim_control_plane::validate(&resources);
                render::diagnostics(&mut out, refused.iter().chain(mesh.diagnostics()));
            }
            _ => {
                let client = values("client").next().unwrap_or("default/client-0");
                let (namespace, pod) = client.split_once('/').expect("namespace/pod");
                let snapshot = mesh
                    .snapshot(&ProxyRef::new(namespace, pod))
                    .unwrap_or_else(|error| panic!("{name}: {client}: {error:?}"));
                match what {
                    "routes" => render::routes(&mut out, &snapshot, first, second),
                    "clusters" => render::clusters(&mut out, &snapshot, first),
                    "endpoints" => render::endpoints(&mut out, &snapshot, first),
                    "listeners" => render::listeners(&mut out, &snapshot, first),
                    other => panic!("{name}: unknown `show: {other}`"),
                }
            }
        }
    }
    out
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of cases");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        // Bases are no cases of their own.
        .filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            !name.starts_with("base")
        })
        .collect();
    paths.sort();
    paths
}

/// The lines that differ.
fn difference(expected: &str, seen: &str) -> String {
    let mut out = String::new();
    for line in expected
        .lines()
        .filter(|line| !seen.lines().any(|other| other == *line))
    {
        out.push_str(&format!("  -{line}\n"));
    }
    for line in seen
        .lines()
        .filter(|line| !expected.lines().any(|other| other == *line))
    {
        out.push_str(&format!("  +{line}\n"));
    }
    out
}

//! Istio's own samples: every manifest loads, and Bookinfo has no errors but true ones.
//!
//! They come with the Go module `istio.io/istio`, which the check downloads where there is a `go` (`.ci/run`);
//! `MESHSIM_ISTIO_SAMPLES` names another folder. Where they are nowhere to be found these tests say so and test nothing.
//!
//! What is no manifest is told by its text alone: Helm's templates have `{{`, and Helm's values and charts, API
//! descriptions and tools' settings have no top-level `apiVersion` with a `kind` in any of their documents.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The module whose samples are read.
const MODULE: &str = "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad";

#[test]
fn every_sample_loads() {
    let Some(samples) = samples() else {
        return;
    };
    let (manifests, others): (Vec<_>, Vec<_>) = files(&samples)
        .into_iter()
        .partition(|path| is_manifest(path));
    let mut failures = Vec::new();
    for path in &manifests {
        let output = analyze(&samples, &[path]);
        let refused = !matches!(output.status.code(), Some(0 | 1));
        let found = String::from_utf8_lossy(&output.stdout);
        let invalid = found.lines().find(|line| line.contains("[IST0106]"));
        if refused || invalid.is_some() {
            let said = String::from_utf8_lossy(&output.stderr);
            failures.push(format!(
                "{}: {}{said}",
                path.display(),
                invalid.unwrap_or_default()
            ));
        }
    }
    println!(
        "{} files are read, {} are no manifests",
        manifests.len(),
        others.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(manifests.len() > 100, "the folder has Istio's samples");
}

/// Each of Bookinfo's networking samples, beside all of Bookinfo with sidecars, its gateway and its DestinationRules.
#[test]
fn bookinfo_has_no_false_errors() {
    let Some(samples) = samples() else {
        return;
    };
    let bookinfo = samples.join("bookinfo");
    let whole: Vec<PathBuf> = WHOLE_BOOKINFO
        .iter()
        .map(|name| bookinfo.join(name))
        .chain([PathBuf::from(INJECTED_NAMESPACE)])
        .collect();
    let mut failures = Vec::new();
    for sample in files(&bookinfo.join("networking")) {
        let name = sample.file_name().expect("a file").to_string_lossy();
        let mut manifests: Vec<&PathBuf> = whole
            .iter()
            // One set of DestinationRules at a time.
            .filter(|path| {
                !(name.starts_with("destination-rule")
                    && path.ends_with("networking/destination-rule-all.yaml"))
            })
            .filter(|path| **path != sample)
            .collect();
        manifests.push(&sample);
        let output = analyze(&samples, &manifests);
        let found = String::from_utf8_lossy(&output.stdout);
        let errors = found.lines().filter(|line| line.starts_with("Error ["));
        let is_true = |error: &str| {
            TRUE_ERRORS
                .iter()
                .any(|(of, part)| name == *of && error.contains(part))
        };
        failures.extend(
            errors
                .filter(|error| !is_true(error))
                .map(|error| format!("{name}: {error}")),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Bookinfo's namespace, in which pods get sidecars.
const INJECTED_NAMESPACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/cli/fixtures/injected-namespace.yaml"
);

/// All versions of all of its services.
const WHOLE_BOOKINFO: [&str; 8] = [
    "platform/kube/bookinfo.yaml",
    "platform/kube/bookinfo-details-v2.yaml",
    "platform/kube/bookinfo-ratings-v2.yaml",
    "platform/kube/bookinfo-ratings-v2-mysql.yaml",
    "platform/kube/bookinfo-ratings-v2-mysql-vm.yaml",
    "platform/kube/bookinfo-mysql.yaml",
    "networking/bookinfo-gateway.yaml",
    "networking/destination-rule-all.yaml",
];

/// What is wrong indeed: the sample, and a part of the finding.
const TRUE_ERRORS: [(&str, &str); 1] = [
    // Its solver's Service is made by cert-manager while it waits for a certificate.
    (
        "certmanager-gateway.yaml",
        "Referenced host not found: \"cert-manager-resolver\"",
    ),
];

fn analyze<P: AsRef<Path>>(folder: &Path, manifests: &[P]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshsim"));
    command.current_dir(folder).args(["analyze", "--quiet"]);
    for path in manifests {
        command.arg("-f").arg(path.as_ref());
    }
    command.output().expect("the binary runs")
}

/// The folder of samples, if it is there.
fn samples() -> Option<PathBuf> {
    let folder = match std::env::var_os("MESHSIM_ISTIO_SAMPLES") {
        Some(folder) => PathBuf::from(folder),
        None => module_cache()?.join(MODULE).join("samples"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    println!("NOT RUN: Istio's samples are not in `{}`", folder.display());
    println!("`go mod download {MODULE}` puts them there");
    None
}

/// Where Go keeps modules.
fn module_cache() -> Option<PathBuf> {
    let asked = Command::new("go").args(["env", "GOMODCACHE"]).output();
    let from_go = asked.ok().filter(|output| output.status.success());
    let from_go = from_go.and_then(|output| String::from_utf8(output.stdout).ok());
    let found = match from_go {
        Some(path) => Some(PathBuf::from(path.trim())),
        None => std::env::var_os("HOME").map(|home| Path::new(&home).join("go/pkg/mod")),
    };
    if found.is_none() {
        println!("NOT RUN: there is neither a `go` nor a home folder with Istio's samples");
    }
    found
}

/// All YAML files below a folder, in their order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(extension, Some("yaml" | "yml")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_manifest(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let has = |document: &str, key: &str| document.lines().any(|line| line.starts_with(key));
    !text.contains("{{")
        && text
            .split("\n---")
            .any(|document| has(document, "apiVersion:") && has(document, "kind:"))
}

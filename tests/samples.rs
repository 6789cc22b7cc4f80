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

/// Istio's samples as they are and a line of traffic make a scenario: their containers behave as the catalogue says.
#[test]
fn samples_run_unmodified() {
    let Some(samples) = samples() else {
        return;
    };
    let mut failures = Vec::new();
    for (what, manifests, scenario) in RUNS {
        let folder = tempfile::tempdir().expect("a folder");
        let names = manifests.iter().map(|name| samples.join(name));
        let names: Vec<String> = names
            .chain([INJECTED_NAMESPACE, INGRESS_GATEWAY].map(PathBuf::from))
            .map(|path| format!("- {}\n", path.display()))
            .collect();
        let scenario = scenario.replace("SAMPLES", &samples.display().to_string());
        let text = format!("manifests:\n{}{scenario}", names.concat());
        std::fs::write(folder.path().join("scenario.yaml"), text).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
            .current_dir(folder.path())
            .args(["test", "."])
            .output()
            .expect("the binary runs");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            let erred = String::from_utf8_lossy(&output.stderr);
            failures.push(format!("{what}: {said}{erred}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The tasks of istio.io that are scenarios of this repository, with Istio's own manifests in the place of ours, which are
/// expected to lead to the same.
#[test]
fn tasks_run_with_istios_manifests() {
    let Some(samples) = samples() else {
        return;
    };
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut failures = Vec::new();
    for (task, originals, ours, steps) in TASKS {
        let scenario = scenarios.join(task);
        let folder = tempfile::tempdir().expect("a folder");
        let originals = originals.iter().enumerate();
        let mut manifests: Vec<String> = originals
            .map(|(number, original)| original.file(&samples, folder.path(), number))
            .collect();
        manifests.extend(ours.iter().map(|name| shown(&scenario.join(name))));
        manifests.push(INJECTED_NAMESPACE.to_owned());
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshsim"));
        command.arg("test").arg(&scenario);
        command.arg(format!("--set=manifests=[{}]", manifests.join(", ")));
        for (number, step) in steps.iter().enumerate() {
            let step = shown(&samples.join(step));
            command.arg(format!("--set=timeline[{number}].apply={step}"));
        }
        let output = command.output().expect("the binary runs");
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            let erred = String::from_utf8_lossy(&output.stderr);
            failures.push(format!("{task}: {said}{erred}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// No task's scenario is left out above.
#[test]
fn every_task_is_run_with_istios_manifests() {
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/tasks");
    for entry in std::fs::read_dir(tasks).expect("the tasks") {
        let path = entry.expect("an entry").path();
        if path.join("scenario.yaml").is_file() {
            let is_it = |task: &Task| path.ends_with(Path::new("scenarios").join(task.0));
            assert!(TASKS.iter().any(is_it), "{}", path.display());
        }
    }
}

/// A manifest that a task starts with.
enum Original {
    /// A sample as it is.
    As(&'static str),
    /// A sample in which the task's page has some words otherwise: what is written, and what stands in its place.
    With(&'static str, &'static [(&'static str, &'static str)]),
    /// What `helloworld/gen-helloworld.sh` makes for a locality, on the node of that name. The page has a cluster for each
    /// locality instead.
    Helloworld(&'static str),
}

impl Original {
    /// The file, which is written into the folder under this number where it is no sample.
    fn file(&self, samples: &Path, folder: &Path, number: usize) -> String {
        let text = match self {
            Self::As(name) => return shown(&samples.join(name)),
            Self::With(name, changes) => {
                let text = std::fs::read_to_string(samples.join(name)).expect("a sample");
                changed(&text, changes)
            }
            Self::Helloworld(locality) => {
                let made = Command::new("bash")
                    .arg(samples.join("helloworld/gen-helloworld.sh"))
                    .args(["--version", locality])
                    .env_remove("INCLUDE_SERVICE")
                    .output()
                    .expect("the script runs");
                let text = String::from_utf8(made.stdout).expect("YAML");
                let placed = format!("    spec:\n      nodeName: {locality}\n      containers:");
                changed(&text, &[("    spec:\n      containers:", &placed)])
            }
        };
        let file = folder.join(format!("{number}.yaml"));
        std::fs::write(&file, text).expect("a file");
        shown(&file)
    }
}

/// A text with each of these words in the place of those that stand there.
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` is written in the sample");
        text = text.replace(from, to);
    }
    text
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A task, Istio's own manifests that it starts with, those files of ours that stand for what its page says inline, and the
/// samples that its first steps apply. Steps beyond those are inline there, and ours here.
type Task = (
    &'static str,
    &'static [Original],
    &'static [&'static str],
    &'static [&'static str],
);

const TASKS: [Task; 12] = [
    (
        "tasks/request-routing",
        &[BOOKINFO, BOOKINFO_SUBSETS, BOOKINFO_V1, CURL],
        &[],
        &["bookinfo/networking/virtual-service-reviews-test-v2.yaml"],
    ),
    (
        "tasks/fault-injection",
        &[
            BOOKINFO,
            BOOKINFO_SUBSETS,
            BOOKINFO_V1,
            Original::As("bookinfo/networking/virtual-service-reviews-test-v2.yaml"),
            CURL,
        ],
        &[],
        &[
            "bookinfo/networking/virtual-service-ratings-test-delay.yaml",
            "bookinfo/networking/virtual-service-ratings-test-abort.yaml",
        ],
    ),
    (
        "tasks/traffic-shifting",
        &[BOOKINFO, BOOKINFO_SUBSETS, BOOKINFO_V1, CURL],
        &[],
        &[
            "bookinfo/networking/virtual-service-reviews-50-v3.yaml",
            "bookinfo/networking/virtual-service-reviews-v3.yaml",
        ],
    ),
    (
        "tasks/request-timeouts",
        &[BOOKINFO, BOOKINFO_SUBSETS, BOOKINFO_V1, CURL],
        &[],
        &[],
    ),
    (
        "tasks/tcp-traffic-shifting",
        &[
            Original::As("tcp-echo/tcp-echo-services.yaml"),
            Original::As("tcp-echo/tcp-echo-all-v1.yaml"),
        ],
        &["mesh/ingress-gateway.yaml"],
        &["tcp-echo/tcp-echo-20-v2.yaml"],
    ),
    (
        // The page has two Deployments inline that are httpbin's but for name and version.
        "tasks/mirroring",
        &[
            Original::With(
                "httpbin/httpbin.yaml",
                &[(
                    "Deployment\nmetadata:\n  name: httpbin",
                    "Deployment\nmetadata:\n  name: httpbin-v1",
                )],
            ),
            Original::With(
                "httpbin/httpbin.yaml",
                &[
                    (
                        "Deployment\nmetadata:\n  name: httpbin",
                        "Deployment\nmetadata:\n  name: httpbin-v2",
                    ),
                    ("version: v1", "version: v2"),
                ],
            ),
            CURL,
        ],
        &["mesh/rules.yaml"],
        &[],
    ),
    (
        "tasks/ingress",
        &[HTTPBIN, CURL],
        &["mesh/gateway.yaml"],
        &[],
    ),
    ("tasks/egress", &[CURL], &[], &[]),
    ("tasks/egress-gateway", &[CURL], &["mesh/gateway.yaml"], &[]),
    (
        "tasks/locality-failover",
        &HELLOWORLDS,
        &["mesh/nodes.yaml", "mesh/rule.yaml"],
        &[],
    ),
    (
        "tasks/locality-distribution",
        &HELLOWORLDS,
        &["mesh/nodes.yaml", "mesh/rule.yaml"],
        &[],
    ),
    (
        "circuit-breaking",
        &[
            HTTPBIN,
            Original::As("httpbin/sample-client/fortio-deploy.yaml"),
        ],
        &["mesh/circuit-breaker.yaml"],
        &[],
    ),
];

const BOOKINFO: Original = Original::As("bookinfo/platform/kube/bookinfo.yaml");
const BOOKINFO_SUBSETS: Original = Original::As("bookinfo/networking/destination-rule-all.yaml");
const BOOKINFO_V1: Original = Original::As("bookinfo/networking/virtual-service-all-v1.yaml");
const HTTPBIN: Original = Original::As("httpbin/httpbin.yaml");
const CURL: Original = Original::As("curl/curl.yaml");

/// The localities of the tasks about locality, with a client in the first.
const HELLOWORLDS: [Original; 5] = [
    Original::Helloworld("region1.zone1"),
    Original::Helloworld("region1.zone2"),
    Original::Helloworld("region2.zone3"),
    Original::Helloworld("region3.zone4"),
    Original::With(
        "curl/curl.yaml",
        &[(
            "      terminationGracePeriodSeconds",
            "      nodeName: region1.zone1\n      terminationGracePeriodSeconds",
        )],
    ),
];

/// What is shown, the manifests, and the rest of the scenario.
const RUNS: [(&str, &[&str], &str); 9] = [
    (
        "Bookinfo",
        &["bookinfo/platform/kube/bookinfo.yaml", "curl/curl.yaml"],
        "traffic: [{name: users, from: curl, rate: 50/s, url: 'http://productpage:9080/productpage'}]
expect:
- {successRate: {traffic: users}, equals: 100%}
- {count: {traffic: users, degraded: reviews}, equals: 0}
- {share: {sourceWorkload: productpage-v1, destinationWorkload: reviews-v2}, of: {sourceWorkload: productpage-v1, destinationService: reviews}, about: 33.3%, within: 5%}
- {count: {sourceWorkload: reviews-v1}, equals: 0}
- {count: {sourceWorkload: reviews-v2, destinationService: ratings}, atLeast: 500}
",
    ),
    (
        // The task «Fault Injection»: ratings come 7 s late for Jason, and the page gives up reviews after twice 3 s,
        // though reviews v2 would wait for 10 s.
        "Bookinfo with late ratings",
        &[
            "bookinfo/platform/kube/bookinfo.yaml",
            "curl/curl.yaml",
            "bookinfo/networking/destination-rule-all.yaml",
            "bookinfo/networking/virtual-service-all-v1.yaml",
            "bookinfo/networking/virtual-service-reviews-test-v2.yaml",
            "bookinfo/networking/virtual-service-ratings-test-delay.yaml",
        ],
        "network: {latency: 0, sidecarLatency: 0}
traffic:
- {name: jason, from: curl, requests: [{at: 1s, url: 'http://productpage:9080/productpage', headers: {end-user: jason}}]}
- {name: others, from: curl, requests: [{at: 1s, url: 'http://productpage:9080/productpage'}]}
expect:
- {max: {traffic: jason}, atLeast: 6s, atMost: 6100ms}
- {count: {traffic: jason, responseCode: 200, degraded: reviews}, equals: 1}
- {count: {traffic: others, responseCode: 200, degraded: ''}, equals: 1}
",
    ),
    (
        "Bookinfo with failing ratings",
        &[
            "bookinfo/platform/kube/bookinfo.yaml",
            "curl/curl.yaml",
            "bookinfo/networking/destination-rule-all.yaml",
            "bookinfo/networking/virtual-service-all-v1.yaml",
            "bookinfo/networking/virtual-service-reviews-test-v2.yaml",
            "bookinfo/networking/virtual-service-ratings-test-abort.yaml",
        ],
        "traffic:
- {name: jason, from: curl, requests: [{at: 1s, url: 'http://productpage:9080/productpage', headers: {end-user: jason}}]}
expect:
- {count: {traffic: jason, responseCode: 200, degraded: ratings}, equals: 1}
",
    ),
    (
        "Bookinfo with ratings in MySQL",
        &[
            "bookinfo/platform/kube/bookinfo.yaml",
            "bookinfo/platform/kube/bookinfo-ratings-v2-mysql.yaml",
            "bookinfo/platform/kube/bookinfo-mysql.yaml",
            "curl/curl.yaml",
        ],
        "traffic: [{name: users, from: curl, rate: 50/s, url: 'http://ratings:9080/ratings/0'}]
expect:
- {successRate: {traffic: users}, equals: 100%}
- {count: {sourceWorkload: ratings-v2-mysql, destinationService: mysqldb}, atLeast: 1000}
",
    ),
    (
        "httpbin",
        &["httpbin/httpbin.yaml", "curl/curl.yaml"],
        "traffic:
- {name: teapot, from: curl, requests: [{at: 1s, url: 'http://httpbin:8000/status/418'}]}
- {name: slow, from: curl, requests: [{at: 1s, url: 'http://httpbin:8000/delay/5'}]}
- {name: get, from: curl, requests: [{at: 1s, url: 'http://httpbin:8000/get'}]}
- {name: post, from: curl, requests: [{at: 1s, url: 'http://httpbin:8000/get', method: POST}]}
expect:
- {count: {traffic: teapot, responseCode: 418}, equals: 1}
- {max: {traffic: slow}, atLeast: 5s, atMost: 5100ms}
- {count: {traffic: get, responseCode: 200}, equals: 1}
- {count: {traffic: post, responseCode: 405}, equals: 1}
",
    ),
    (
        "helloworld",
        &["helloworld/helloworld.yaml", "curl/curl.yaml"],
        "traffic: [{name: users, from: curl, rate: 5/s, url: 'http://helloworld:5000/hello'}]
expect:
- {successRate: {traffic: users}, equals: 100%}
- {share: {destinationVersion: v2}, of: {destinationService: helloworld}, about: 50%}
- {mean: {traffic: users}, atLeast: 100ms}
",
    ),
    (
        "tcp-echo",
        &["tcp-echo/tcp-echo.yaml", "curl/curl.yaml"],
        "traffic: [{name: users, from: curl, rate: 50/s, url: 'tcp://tcp-echo:9000'}]
expect:
- {successRate: {traffic: users}, equals: 100%}
",
    ),
    (
        // The task «TCP Traffic Shifting».
        "tcp-echo, a fifth to v2",
        &["tcp-echo/tcp-echo-services.yaml", "tcp-echo/tcp-echo-all-v1.yaml"],
        "traffic: [{name: users, gateway: default/tcp-echo-gateway, rate: 50/s, url: 'tcp://tcp-echo.example.com:31400'}]
timeline: [{at: 30s, apply: SAMPLES/tcp-echo/tcp-echo-20-v2.yaml}]
expect:
- {successRate: {traffic: users}, equals: 100%}
- {share: {traffic: users, destinationVersion: v1}, equals: 100%, window: {to: 30s}}
- {share: {traffic: users, destinationVersion: v2}, about: 20%, window: {from: 31s}}
",
    ),
    (
        // The task «Ingress Gateways» with httpbin's own gateway, which lets all in.
        "httpbin behind its gateway",
        &["httpbin/httpbin.yaml", "httpbin/httpbin-gateway.yaml"],
        "traffic:
- {name: status, gateway: default/httpbin-gateway, rate: 20/s, url: 'http://httpbin.example.com/status/200'}
- {name: slow, gateway: default/httpbin-gateway, rate: 5/s, url: 'http://other.example.com/delay/1'}
expect:
- {successRate: {}, equals: 100%}
- {p50: {traffic: slow}, about: 1s, within: 20ms}
",
    ),
];

/// Bookinfo's namespace, in which pods get sidecars.
const INJECTED_NAMESPACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/cli/fixtures/injected-namespace.yaml"
);

/// The ingress gateway, which an installation of Istio brings and the samples only configure.
const INGRESS_GATEWAY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/cli/fixtures/ingress-gateway.yaml"
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

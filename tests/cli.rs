//! The command line as its users meet it: what it prints where, and with which exit code.

use std::path::PathBuf;
use std::{fs, process};

use serde_json::Value;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

/// `meshsim` with these arguments, in the folder of the examples.
fn meshsim(arguments: &[&str]) -> Command {
    Command::new(cargo_bin!("meshsim"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("COLUMNS", "100")
        .args(arguments)
}

fn run(arguments: &[&str]) -> OutputAssert {
    meshsim(arguments).assert()
}

/// The JSON that a command prints.
fn json(arguments: &[&str], code: i32) -> Value {
    let output = run(arguments).code(code).get_output().stdout.clone();
    serde_json::from_slice(&output).expect("standard output is JSON")
}

/// `explain` in the mesh of the reviews.
fn explain(arguments: &[&str]) -> Value {
    let mut all = vec!["explain", "-f", "reviews", "-o", "json"];
    all.extend(["--from", "default/productpage-v1"]);
    all.extend(arguments);
    json(&all, 0)
}

#[test]
fn help_lists_the_verbs() {
    run(&["--help"]).success().stderr_eq("").stdout_eq(str![[r#"
Shows where Istio and Envoy send a request, and what a mesh does under load, without a cluster

Usage: meshsim [OPTIONS] <COMMAND>

Commands:
  run           Simulate a scenario, print a summary, and write tables and plots
  test          Run all scenarios under the paths and judge their expectations, one line each
  explain       Tell where one request goes and why, without a simulation
  analyze       Find what is wrong in manifests, as istioctl analyze does
  proxy-config  Print what Pilot would send a proxy: istioctl's columns, or Envoy's JSON [alias: pc]
  schema        Print the JSON Schema of scenario files, for editors
  completions   Print the completions of a shell

Options:
  -h, --help     Print help
  -V, --version  Print version

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Exit codes: 0 all is well; 1 expectations failed, or `analyze` found errors; 2 input refused; 101 a
bug of ours.

"#]]);
}

#[test]
fn each_verb_has_its_help() {
    run(&["run", "-h"]).success().stdout_eq(str![[r#"
Simulate a scenario, print a summary, and write tables and plots

Usage: meshsim run [OPTIONS] <SCENARIO>

Arguments:
  <SCENARIO>  A scenario file, or the folder of a scenario.yaml

Options:
      --seed <N>               Where randomness begins; the scenario's if not given, else 1
      --replications <N>       Runs with different randomness, merged [default: 1]
      --out <FOLDER>           The folder to write, replaced as a whole; `reports/out/<name>` if not
                               given
      --duration <DURATION>    How long the simulation runs, such as `90s` or `5m`
      --access-log [<FORMAT>]  Write each request into access_log.csv, or into access_log.txt as
                               Istio does [possible values: csv, istio]
      --set <PATH=VALUE>       Override one field of the scenario, such as `traffic[0].rate=500/s`;
                               repeatable
      --jobs <N>               Threads; changes how long it takes and nothing else
      --mesh-config <FILE>     The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid           Leave invalid objects out with a warning, as a cluster that refused
                               them would
  -h, --help                   Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim run scenarios/canary-shift
  meshsim run scenario.yaml --seed 7 --set traffic[0].rate=500/s -o json

"#]]);
    run(&["test", "-h"]).success().stdout_eq(str![[r#"
Run all scenarios under the paths and judge their expectations, one line each

Usage: meshsim test [OPTIONS] <PATH>...

Arguments:
  <PATH>...  Scenario files, or folders that are searched for scenario.yaml

Options:
      --junit <FILE>        Write the verdicts as JUnit XML as well
      --set <PATH=VALUE>    Override one field of the scenario, such as `traffic[0].rate=500/s`;
                            repeatable
      --jobs <N>            Threads; changes how long it takes and nothing else
      --mesh-config <FILE>  The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid        Leave invalid objects out with a warning, as a cluster that refused them
                            would
  -h, --help                Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Example: meshsim test scenarios --junit junit.xml

"#]]);
    run(&["explain", "-h"]).success().stdout_eq(str![[r#"
Tell where one request goes and why, without a simulation

Usage: meshsim explain [OPTIONS] --from <NS/NAME> <URL>

Arguments:
  <URL>  What is dialled: http, https, grpc or tcp

Options:
      --from <NS/NAME>    Who sends the request: a pod or a workload
  -X, --request <METHOD>  The method; GET if not given
  -H, --header <HEADER>   A header, as curl takes it: `name: value`, `name;` for an empty one;
                          `Host: x` sets the authority
      --count <N>         Draw what is left to chance N times and count what happens
      --seed <N>          Where randomness begins [default: 1]
  -h, --help              Print help

Manifests:
  -f, --filename <FILE|FOLDER>  A file, a folder with all its *.yaml, *.yml and *.json, or `-` for
                                standard input; repeatable
  -n, --namespace <NS>          The namespace of objects that name none [default: default]
      --mesh-config <FILE>      The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid            Leave invalid objects out with a warning, as a cluster that refused
                                them would

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim explain -f mesh/ --from default/productpage-v1 http://reviews:9080/reviews/1
  meshsim explain -f mesh/ --from shop/web http://api/ -X POST -H 'end-user: jason' --count 1000

"#]]);
    run(&["analyze", "-h"]).success().stdout_eq(str![[r#"
Find what is wrong in manifests, as istioctl analyze does

Usage: meshsim analyze [OPTIONS] [FILE|FOLDER]...

Arguments:
  [FILE|FOLDER]...  Files and folders, as after -f

Options:
  -h, --help  Print help

Manifests:
  -f, --filename <FILE|FOLDER>  A file, a folder with all its *.yaml, *.yml and *.json, or `-` for
                                standard input; repeatable
  -n, --namespace <NS>          The namespace of objects that name none [default: default]
      --mesh-config <FILE>      The mesh's configuration, as in the ConfigMap `istio`

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim analyze mesh/
  kubectl get all,vs,dr,gw,se,sidecar -A -o yaml | meshsim analyze -f -

"#]]);
    run(&["proxy-config", "-h"]).success().stdout_eq(str![[r#"
Print what Pilot would send a proxy: istioctl's columns, or Envoy's JSON

Usage: meshsim proxy-config [OPTIONS] <COMMAND>

Commands:
  listeners  Where it listens, and what follows [aliases: listener, l]
  routes     Which requests go where [aliases: route, r]
  clusters   Where requests can go [aliases: cluster, c]
  endpoints  The addresses behind each cluster [aliases: endpoint, ep]

Options:
  -h, --help  Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

"#]]);
    run(&["pc", "routes", "-h"]).success().stdout_eq(str![[r#"
Which requests go where

Usage: meshsim proxy-config routes [OPTIONS] <NS/POD>

Arguments:
  <NS/POD>  The proxy: a pod, or a workload for its first pod

Options:
      --name <NAME>  Keep the route configuration of this name, such as 9080
  -h, --help         Print help

Manifests:
  -f, --filename <FILE|FOLDER>  A file, a folder with all its *.yaml, *.yml and *.json, or `-` for
                                standard input; repeatable
  -n, --namespace <NS>          The namespace of objects that name none [default: default]
      --mesh-config <FILE>      The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid            Leave invalid objects out with a warning, as a cluster that refused
                                them would

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

"#]]);
    run(&["schema", "-h"]).success().stdout_eq(str![[r#"
Print the JSON Schema of scenario files, for editors

Usage: meshsim schema [OPTIONS]

Options:
  -h, --help  Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Example: meshsim schema > scenario.schema.json

"#]]);
    run(&["completions", "-h"]).success().stdout_eq(str![[r#"
Print the completions of a shell

Usage: meshsim completions [OPTIONS] <SHELL>

Arguments:
  <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

Options:
  -h, --help  Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not [default:
                         text] [possible values: text, json]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Example: meshsim completions bash > ~/.local/share/bash-completion/completions/meshsim

"#]]);
}

#[test]
fn wrong_usage_is_refused_on_standard_error() {
    run(&["explan"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: unrecognized subcommand 'explan'

  tip: a similar subcommand exists: 'explain'

Usage: meshsim [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]]);
    run(&["explain", "--from", "a/b"]).code(2).stdout_eq("");
    run(&[]).code(2).stdout_eq("");
    run(&["analyze"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: no manifests are given
  help: name a file or a folder with `-f`, or pipe them in: `-f -`

"#]]);
    run(&["analyze", "lesson", "-q", "-v"]).code(2);
}

#[test]
fn the_rule_that_decides_is_told_with_its_line() {
    run(&[
        "explain",
        "-f",
        "lesson",
        "--from",
        "frontend/app-deployment",
        "http://app-svc/login",
    ])
    .success()
    .stderr_eq("")
    .stdout_eq(str![[r#"
GET http://app-svc/login

1. frontend/app-deployment-0 (its sidecar, outbound)
  `app-svc` is the Service frontend/app-svc at 10.108.18.107:80
  listener     0.0.0.0_80 → 80 → app-svc.frontend.svc.cluster.local:80
  ✓ VirtualService frontend/app-vs, rule 0, match 0: path begins with `/login`
      lesson/virtualservice.yaml:11:7
        11 │     - uri:
        12 │         prefix: /login
  timeout      none
  retries      up to 2 on connect-failure, refused-stream, unavailable, cancelled, retriable-status-codes
  cluster      outbound|80||app-svc.frontend.svc.cluster.local
               endpoint frontend/app-deployment-0
  sends        GET / HTTP/1.1, Host: app-svc
               x-forwarded-proto: http
               x-envoy-attempt-count: 1
               x-envoy-original-path: /login

2. frontend/app-deployment-0 (its sidecar, inbound)
  mutual TLS arrives at 10.217.220.228:80
  listener     virtualInbound → inbound|80|| → inbound|http|80
  cluster      inbound|80||

→ the request reaches its destination

"#]]);
}

#[test]
fn the_lesson_rewrites_login_and_nothing_else() {
    let of = |url: &str| {
        let from = "frontend/app-deployment";
        json(
            &["explain", "-f", "lesson", "-o", "json", "--from", from, url],
            0,
        )
    };
    let login = of("http://app-svc/login");
    let hop = &login["hops"][0];
    assert_eq!(login["schema"], "meshsim.explain/1");
    assert_eq!(hop["direction"], "outbound");
    assert_eq!(hop["listener"], "0.0.0.0_80");
    assert_eq!(hop["route"]["virtual_service"], "frontend/app-vs");
    assert_eq!(hop["route"]["rule"], 0);
    assert_eq!(hop["upstream_request"]["path"], "/");
    let cluster = &hop["clusters"][0];
    assert_eq!(
        cluster["name"],
        "outbound|80||app-svc.frontend.svc.cluster.local"
    );
    assert_eq!(cluster["endpoints"][0], "frontend/app-deployment-0");
    assert_eq!(login["outcome"]["kind"], "forwarded");
    assert_eq!(login["outcome"]["status"], Value::Null);
    assert_eq!(login["hops"][1]["direction"], "inbound");

    let other = of("http://app-svc/other");
    let hop = &other["hops"][0];
    assert_eq!(hop["route"]["rule"], 1);
    assert_eq!(hop["upstream_request"]["path"], "/other");
    assert_eq!(
        hop["rejected"][0]["reason"],
        "path: want prefix `/login`, got `/other`"
    );
}

#[test]
fn without_the_label_there_is_no_sidecar() {
    let arguments = [
        "explain",
        "-f",
        "lesson/workload.yaml",
        "-f",
        "lesson/virtualservice.yaml",
        "--from",
        "frontend/app-deployment-0",
        "http://app-svc/login",
    ];
    let explanation = json(&[&arguments[..], &["-o", "json"]].concat(), 0);
    assert_eq!(explanation["outcome"]["kind"], "no_sidecar");
    assert_eq!(explanation["hops"][0]["sidecar"], false);
    assert_eq!(explanation["hops"][0]["listener"], Value::Null);
    run(&arguments).success().stdout_eq(str![[r#"
GET http://app-svc/login

1. frontend/app-deployment-0 (no sidecar)
  `app-svc` is the Service frontend/app-svc at 10.108.18.107:80
  it has no sidecar: neither its namespace nor its pod template asks for one

→ Kubernetes balances it; no Istio object has a say at the client

"#]]);
}

#[test]
fn each_outcome_has_its_kind() {
    let table: [(&[&str], &str, Value, &str); 11] = [
        (&["http://reviews:9080/"], "forwarded", Value::Null, "-"),
        (&["http://reviews:9080/old"], "redirect", 302.into(), "-"),
        (
            &["http://reviews:9080/health"],
            "direct_response",
            200.into(),
            "-",
        ),
        (
            &["http://reviews:9080/broken"],
            "fault_abort",
            418.into(),
            "FI",
        ),
        (
            &["http://reviews:9080/nowhere"],
            "no_cluster",
            503.into(),
            "NC",
        ),
        (
            &["http://reviews:9080/x", "-X", "POST"],
            "no_route",
            404.into(),
            "NR",
        ),
        (
            &["http://elsewhere.example.com/"],
            "passthrough",
            Value::Null,
            "-",
        ),
        (&["http://reviews:9081/"], "passthrough", Value::Null, "-"),
        (&["tcp://database:3306"], "forwarded", Value::Null, "-"),
        (
            &[
                "http://elsewhere.example.com:9080/",
                "--mesh-config",
                "registry-only.yaml",
            ],
            "blackhole",
            502.into(),
            "-",
        ),
        (
            &[
                "http://reviews:9081/",
                "--mesh-config",
                "registry-only.yaml",
            ],
            "no_listener",
            0.into(),
            "-",
        ),
    ];
    for (arguments, kind, status, flags) in table {
        let outcome = &explain(arguments)["outcome"];
        assert_eq!(outcome["kind"], kind, "{arguments:?}");
        assert_eq!(outcome["status"], status, "{arguments:?}");
        assert_eq!(outcome["response_flags"], flags, "{arguments:?}");
    }
}

#[test]
fn a_rule_says_what_it_does_with_the_request() {
    let explanation = explain(&["http://reviews:9080/reviews/1", "-H", "end-user: jason"]);
    let hop = &explanation["hops"][0];
    assert_eq!(hop["route"]["name"], "jason");
    assert_eq!(hop["fault"]["delay"]["fixed_ms"], 7000);
    assert_eq!(hop["fault"]["delay"]["percent"], 100.0);
    assert_eq!(hop["fault"]["abort"], Value::Null);
    assert_eq!(hop["timeout_ms"], 500);
    assert_eq!(hop["retry"]["attempts"], 3);
    assert_eq!(hop["retry"]["retry_on"][0], "gateway-error");
    assert_eq!(hop["retry"]["per_try_timeout_ms"], 200);
    assert_eq!(explanation["request"]["headers"][0][1], "jason");
    assert_eq!(explanation["request"]["authority"], "reviews:9080");
}

#[test]
fn clusters_share_a_route_by_weight_and_have_requests_of_their_own() {
    let explanation = explain(&["http://reviews:9080/reviews/1"]);
    let hop = &explanation["hops"][0];
    let clusters = hop["clusters"].as_array().expect("a list");
    let weights: Vec<_> = clusters.iter().map(|cluster| &cluster["weight"]).collect();
    assert_eq!(weights, [90, 10]);
    assert_eq!(clusters[1]["endpoints"][1], "default/reviews-v2-1");
    let headers = clusters[1]["upstream_request"]["headers"].to_string();
    assert!(headers.contains("x-canary"), "{headers}");
    assert_eq!(hop["upstream_request"], clusters[0]["upstream_request"]);
    assert_eq!(hop["mirrors"][0]["percent"], 50.0);
    assert_eq!(hop["rejected"].as_array().expect("a list").len(), 5);
}

#[test]
fn draws_are_counted_and_repeat_with_their_seed() {
    let draw = |seed| {
        let arguments = [
            "http://reviews:9080/reviews/1",
            "--count",
            "1000",
            "--seed",
            seed,
        ];
        explain(&arguments)["draws"].clone()
    };
    let draws = draw("7");
    let counts: Vec<u64> = draws["outcomes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|outcome| outcome["count"].as_u64())
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 1000);
    assert!((850..950).contains(&counts[0]), "{counts:?}");
    assert_eq!(draws, draw("7"));
    assert_ne!(draws, draw("8"));
}

#[test]
fn what_the_client_receives_is_told() {
    let redirect = explain(&["http://reviews:9080/old?a=b"]);
    assert_eq!(
        redirect["outcome"]["headers"][0],
        serde_json::json!(["location", "http://reviews:9080/new?a=b"])
    );
    let direct = explain(&["http://reviews:9080/health"]);
    assert_eq!(direct["outcome"]["body"], "fine");
    assert_eq!(direct["outcome"]["headers"][0][0], "x-answered-by");
    let grpc = explain(&["grpc://reviews:9080/a.B/c"]);
    assert_eq!(grpc["outcome"]["kind"], "no_route");
    assert_eq!(grpc["outcome"]["status"], 200);
}

#[test]
fn pods_and_workloads_are_called_as_kubectl_and_istioctl_call_them() {
    for name in [
        "default/productpage-v1",
        "default/productpage-v1-0",
        "productpage-v1",
        "productpage-v1.default",
        "deploy/productpage-v1",
    ] {
        let url = "http://reviews:9080/";
        let arguments = [
            "explain", "-f", "reviews", "-o", "json", "--from", name, url,
        ];
        let explanation = json(&arguments, 0);
        assert_eq!(
            explanation["hops"][0]["proxy"], "default/productpage-v1-0",
            "{name}"
        );
    }
    run(&[
        "explain",
        "-f",
        "reviews",
        "--from",
        "product",
        "http://reviews",
    ])
    .code(2)
    .stdout_eq("")
    .stderr_eq(str![[r#"
error: no pod or workload is called `default/product`
  help: did you mean `default/productpage-v1`?

"#]]);
}

#[test]
fn an_invalid_object_is_refused_with_its_place() {
    let arguments = [
        "explain",
        "-f",
        "lesson",
        "-f",
        "invalid",
        "--from",
        "frontend/app-deployment",
        "http://app-svc/",
    ];
    run(&arguments).code(2).stdout_eq("").stderr_eq(str![[r#"
invalid/virtualservice.yaml:13:9: error: unknown field "spec.http[0].route[0].destination.subsetz" (did you mean `subset`?)
   |
13 |         subsetz: v1
   |         ^^^^^^^ did you mean `subset`?
error: 1 error in the manifests
  help: `--skip-invalid` leaves invalid objects out, as a cluster that refused them would

"#]]);
    let skipping = [&arguments[..], &["--skip-invalid"]].concat();
    run(&skipping).success().stderr_eq(str![[r#"
invalid/virtualservice.yaml:13:9: warning: left out: unknown field "spec.http[0].route[0].destination.subsetz" (did you mean `subset`?)
   |
13 |         subsetz: v1
   |         ^^^^^^^ did you mean `subset`?

"#]]);
}

#[test]
fn analyze_finds_what_a_cluster_would_refuse() {
    run(&["analyze", "invalid"])
        .code(1)
        .stdout_eq(str![[r#"
Error [IST0106] (VirtualService frontend/app-vs invalid/virtualservice.yaml:13) Schema validation error: unknown field "spec.http[0].route[0].destination.subsetz" (did you mean `subset`?)

"#]])
        .stderr_eq(str![[r#"
1 error in 1 file

"#]]);
    let analysis = json(&["analyze", "invalid", "-o", "json"], 1);
    assert_eq!(analysis["schema"], "meshsim.analyze/1");
    let finding = &analysis["findings"][0];
    assert_eq!(finding["code"], "IST0106");
    assert_eq!(finding["level"], "Error");
    assert_eq!(finding["kind"], "VirtualService");
    assert_eq!(finding["namespace"], "frontend");
    assert_eq!(finding["name"], "app-vs");
    assert_eq!(finding["file"], "invalid/virtualservice.yaml");
    assert_eq!(finding["line"], 13);
    assert_eq!(finding["column"], 9);
}

#[test]
fn analyze_says_when_nothing_is_found() {
    run(&["analyze", "lesson"])
        .success()
        .stdout_eq("")
        .stderr_eq(str![[r#"
✔ no issue found in 3 files

"#]]);
    run(&["analyze", "lesson", "-q"]).success().stderr_eq("");
}

#[test]
fn text_that_is_no_yaml_is_refused_even_by_analyze() {
    meshsim(&["analyze", "-f", "-"])
        .stdin("kind: [\n")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
-:1:7: error: unclosed bracket '['
  |
1 | kind: [
  |       ^
error: 1 error in the YAML itself

"#]]);
}

#[test]
fn manifests_come_from_standard_input_too() {
    let list = concat!(
        "apiVersion: v1\nkind: List\nitems:\n",
        "- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n",
    );
    meshsim(&["analyze", "-f", "-", "-v"])
        .stdin(list)
        .assert()
        .success()
        .stderr_eq(str![[r#"
reads `-`
✔ no issue found in 1 file

"#]]);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let table = [
        ("lessons", "no such file or folder"),
        (
            "lesson/workload.yml",
            "did you mean `lesson/workload.yaml`?",
        ),
    ];
    for (file, want) in table {
        let output = run(&["analyze", file]).code(2).get_output().stderr.clone();
        let text = String::from_utf8_lossy(&output).into_owned();
        assert!(text.contains(want), "{text}");
    }
}

#[test]
fn proxy_config_prints_istioctls_columns() {
    let part = |name| {
        let files = ["-f", "lesson"];
        run(&[&["pc", name, "frontend/app-deployment-0"], &files[..]].concat()).success()
    };
    part("routes").stdout_eq(str![[r#"
NAME                          VHOST NAME                                DOMAINS                                   MATCH       VIRTUAL SERVICE
80                            app-svc.frontend.svc.cluster.local:80     app-svc, app-svc.frontend + 1 more...     /login*     app-vs.frontend
80                            app-svc.frontend.svc.cluster.local:80     app-svc, app-svc.frontend + 1 more...     /*          app-vs.frontend
80                            allow_any                                 *                                         /*
InboundPassthroughCluster     inbound|http|0                            *                                         /*
inbound|80||                  inbound|http|80                           *                                         /*

"#]]);
    part("clusters").stdout_eq(str![[r#"
SERVICE FQDN                           PORT     SUBSET     DIRECTION     TYPE             DESTINATION RULE
                                       80       -          inbound       ORIGINAL_DST
BlackHoleCluster                       -        -          -             STATIC
InboundPassthroughCluster              -        -          -             ORIGINAL_DST
PassthroughCluster                     -        -          -             ORIGINAL_DST
app-svc.frontend.svc.cluster.local     80       -          outbound      EDS

"#]]);
    part("endpoints").stdout_eq(str![[r#"
ENDPOINT              STATUS      OUTLIER CHECK     CLUSTER
10.217.220.228:80     HEALTHY     OK                outbound|80||app-svc.frontend.svc.cluster.local

"#]]);
    part("listeners").stdout_eq(str![[r#"
ADDRESSES     PORT      MATCH                                                                                             DESTINATION
0.0.0.0       80        Trans: raw_buffer; App: http/1.1,h2c                                                              Route: 80
0.0.0.0       80        ALL                                                                                               PassthroughCluster
0.0.0.0       15001     Addr: *:15001                                                                                     Non-HTTP/Non-TCP
0.0.0.0       15001     ALL                                                                                               PassthroughCluster
0.0.0.0       15006     Addr: *:15006                                                                                     Non-HTTP/Non-TCP
0.0.0.0       15006     Trans: tls; App: istio-http/1.0,istio-http/1.1,istio-h2                                           InboundPassthroughCluster
0.0.0.0       15006     Trans: raw_buffer; App: http/1.1,h2c                                                              InboundPassthroughCluster
0.0.0.0       15006     Trans: tls; App: TCP TLS                                                                          InboundPassthroughCluster
0.0.0.0       15006     Trans: raw_buffer                                                                                 InboundPassthroughCluster
0.0.0.0       15006     Trans: tls                                                                                        InboundPassthroughCluster
0.0.0.0       15006     Trans: tls; App: istio,istio-peer-exchange,istio-http/1.0,istio-http/1.1,istio-h2; Addr: *:80     Cluster: inbound|80||
0.0.0.0       15006     Trans: raw_buffer; Addr: *:80                                                                     Cluster: inbound|80||

"#]]);
}

#[test]
fn proxy_config_filters_as_istioctl_does() {
    let of = |arguments: &[&str]| {
        let all = [
            &["pc"],
            arguments,
            &["default/productpage-v1", "-f", "reviews"],
        ]
        .concat();
        run(&all).success()
    };
    of(&["clusters", "--fqdn", "reviews", "--subset", "v2"]).stdout_eq(str![[r#"
SERVICE FQDN                          PORT     SUBSET     DIRECTION     TYPE     DESTINATION RULE
reviews.default.svc.cluster.local     9080     v2         outbound      EDS      reviews.default

"#]]);
    of(&[
        "endpoints",
        "--cluster",
        "outbound|9080|v2|reviews.default.svc.cluster.local",
    ])
    .stdout_eq(str![[r#"
ENDPOINT               STATUS      OUTLIER CHECK     CLUSTER
10.193.228.24:9080     HEALTHY     OK                outbound|9080|v2|reviews.default.svc.cluster.local
10.254.226.35:9080     HEALTHY     OK                outbound|9080|v2|reviews.default.svc.cluster.local

"#]]);
    of(&["routes", "--name", "9080"]).stdout_eq(str![[r#"
NAME     VHOST NAME                                 DOMAINS                                  MATCH         VIRTUAL SERVICE
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /*            reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /old          reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /health       reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /broken*      reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /nowhere*     reviews.default
9080     reviews.default.svc.cluster.local:9080     reviews, reviews.default + 1 more...     /*            reviews.default
9080     allow_any                                  *                                        /*

"#]]);
    of(&["listeners", "--port", "3306"]).stdout_eq(str![[r#"
ADDRESSES     PORT     MATCH     DESTINATION
10.0.0.20     3306     ALL       Cluster: outbound|3306||database.default.svc.cluster.local

"#]]);
    of(&["routes", "--name", "1"]).stderr_eq(str![[r#"
the filters keep nothing

"#]]);
}

#[test]
fn proxy_config_prints_envoys_json() {
    let of = |part| {
        json(
            &[
                "pc",
                part,
                "default/productpage-v1",
                "-f",
                "reviews",
                "-o",
                "json",
            ],
            0,
        )
    };
    let routes = of("routes");
    assert_eq!(routes[0]["name"], "9080");
    let host = &routes[0]["virtualHosts"][0];
    assert_eq!(host["name"], "reviews.default.svc.cluster.local:9080");
    assert_eq!(host["routes"][1]["redirect"]["pathRedirect"], "/new");
    let names = |list: &Value, field: &str| -> Vec<String> {
        let list = list.as_array().expect("a list");
        list.iter().map(|item| item[field].to_string()).collect()
    };
    let clusters = of("clusters");
    let subset = "\"outbound|9080|v2|reviews.default.svc.cluster.local\"".to_owned();
    assert!(names(&clusters, "name").contains(&subset));
    assert!(names(&of("endpoints"), "clusterName").contains(&subset));
    assert!(names(&of("listeners"), "name").contains(&"\"virtualOutbound\"".to_owned()));
}

#[test]
fn the_schema_is_one() {
    let schema = json(&["schema"], 0);
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(schema["$defs"].is_object());
}

#[test]
fn shells_can_complete_the_verbs() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell])
            .success()
            .get_output()
            .stdout
            .clone();
        let script = String::from_utf8(output).expect("scripts are UTF-8");
        assert!(script.contains("proxy-config"), "{shell}");
    }
    run(&["completions", "tcsh"]).code(2);
}

#[test]
fn colours_are_there_only_when_they_are_wanted() {
    let coloured = |arguments: &[&str], no_color: bool| {
        let mut command = meshsim(&["analyze", "invalid"]).args(arguments);
        if no_color {
            command = command.env("NO_COLOR", "1");
        }
        let output = command.assert().code(1).get_output().stdout.clone();
        output.contains(&b'\x1b')
    };
    assert!(!coloured(&[], false));
    assert!(coloured(&["--color", "always"], false));
    assert!(!coloured(&["--color", "auto"], true));
    assert!(!coloured(&["--color", "never"], false));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let mut child = process::Command::new(cargo_bin!("meshsim"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A folder for what a test writes, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("meshsim-cli-{name}-{}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

#[test]
fn a_run_prints_a_summary_and_writes_a_folder() {
    let scratch = scratch("run");
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/scenarios/tiny");
    meshsim(&["run", scenario])
        .current_dir(&scratch)
        .assert()
        .success()
        .stdout_eq(str![[r#"
tiny  seed 1, 2 s simulated in [..]: [..] requests, [..]/s
fingerprint [..]

✓ every request succeeds  100%, expected 100%  100% ([..])
all 1 expectations met

traffic  requests  req/s  success     mean      p50      p90     p99     max
users [..]

frontend/app-svc
  app-deployment  ████████████████████████    100%  [..]

"#]])
        .stderr_eq(str![[r#"

wrote reports/out/tiny/: summary.json, [..] tables, [..] plots as SVG and [..] as PNG

"#]]);
    let out = scratch.join("reports/out/tiny");
    for file in [
        "summary.json",
        "requests_total.csv",
        "latency.csv",
        "expectations.csv",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let summary = fs::read_to_string(out.join("summary.json")).expect("it is written");
    let summary: Value = serde_json::from_str(&summary).expect("it is JSON");
    assert_eq!(summary["scenario"], "tiny");
    fs::remove_dir_all(scratch).expect("it exists");
}

#[test]
fn a_run_prints_json_and_repeats_with_any_number_of_threads() {
    let scratch = scratch("json");
    let out = scratch.join("out");
    let folder = out.to_str().expect("the path is UTF-8");
    let ran = |jobs: &str, more: &[&str]| {
        let arguments = [
            "run",
            "scenarios/tiny/scenario.yaml",
            "-o",
            "json",
            "--out",
            folder,
        ];
        let flags = ["--replications", "3", "--seed", "9", "--jobs", jobs];
        let mut json = json(&[&arguments[..], &flags[..], more].concat(), 0);
        let requests = fs::read(out.join("requests_total.csv")).expect("it is written");
        json["wall_seconds"] = Value::Null;
        (json, requests)
    };
    let one = ran("1", &[]);
    assert_eq!(one.0["schema"], "meshsim.run/1");
    assert_eq!(one.0["seed"], 9);
    assert_eq!(one.0["expectations"][0]["passed"], true);
    assert_eq!(one.0["destinations"][0]["service"], "frontend/app-svc");
    assert_eq!(one, ran("4", &["--access-log"]));
    assert!(out.join("access_log.csv").is_file());
    let other = ran(
        "1",
        &["--duration", "1s", "--set", "traffic[users].rate=10/s"],
    );
    assert_eq!(other.0["simulated_seconds"], 1.0);
    assert!(other.0["requests"].as_u64() < Some(60));
    assert!(
        !out.join("access_log.csv").exists(),
        "the folder is replaced as a whole"
    );
    fs::remove_dir_all(scratch).expect("it exists");
}

#[test]
fn a_folder_of_someone_else_is_not_replaced() {
    let scratch = scratch("foreign");
    fs::write(scratch.join("thesis.tex"), "years of work").expect("the folder is writable");
    let folder = scratch.to_str().expect("the path is UTF-8");
    run(&["run", "scenarios/tiny", "--out", folder])
        .code(2)
        .stdout_eq("");
    assert!(scratch.join("thesis.tex").is_file());
    fs::remove_dir_all(scratch).expect("it exists");
}

#[test]
fn expectations_that_are_missed_fail_a_run() {
    let scratch = scratch("missed");
    let folder = scratch.to_str().expect("the path is UTF-8");
    run(&["run", "scenarios/failing", "-q", "--out", folder])
        .code(1)
        .stderr_eq("");
    fs::remove_dir_all(scratch).expect("it exists");
}

#[test]
fn a_scenario_that_is_not_there_or_wrong_is_refused() {
    run(&["run", "scenarios/tinny"]).code(2).stderr_eq(str![[r#"
error: cannot read `scenarios/tinny`: no such file or folder
  help: did you mean `scenarios/tiny/scenario.yaml`?

"#]]);
    run(&["run", "tinny"]).code(2).stderr_eq(str![[r#"
error: cannot read `tinny`: no such file or folder
  help: did you mean `scenarios/tiny/scenario.yaml`?

"#]]);
    run(&["run", "scenarios"]).code(2).stderr_eq(str![[r#"
error: the folder `scenarios` holds no scenario.yaml
  help: `meshsim test scenarios` runs all scenarios below it

"#]]);
    run(&["run", "scenarios/wrong"]).code(2).stderr_eq(str![[r#"
scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic[0].rat" (did you mean `rate`?)
  |
6 |   rat: 100/s
  |   ^^^ did you mean `rate`?
scenarios/wrong/scenario.yaml:4:3: error: traffic[0]: the traffic lacks `rate` or `users`
  |
4 | - name: users
  |   ^^^^^^^^^^^
error: 2 errors in the scenario and its manifests

"#]]);
    run(&["run", "scenarios/tiny", "--set", "rate"])
        .code(2)
        .stderr_eq(str![[r#"
error: `--set rate` has no `=`
  help: write it as in `--set traffic[0].rate=500/s`

"#]]);
    run(&["run", "scenarios/tiny", "--set", "traffic[0].rat=5/s"])
        .code(2)
        .stderr_eq(str![[r#"
--set traffic[0].rat:1:1: error: unknown field "traffic[0].rat" (did you mean `rate`?)
error: 1 error in the scenario and its manifests

"#]]);
}

#[test]
fn tests_judge_each_scenario_in_a_line() {
    run(&["test", "scenarios/tiny"])
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
ok      tiny  1 of 1 expectations met, [..] requests in [..] s

ok: 1 passed

"#]]);
    run(&[
        "test",
        "scenarios/failing",
        "scenarios/tiny/scenario.yaml",
        "scenarios/tiny",
    ])
    .code(1)
    .stdout_eq(str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests in [..] s
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
ok      tiny  1 of 1 expectations met, [..] requests in [..] s

FAILED: 1 passed, 1 failed

"#]]);
    run(&["test", "scenarios"])
        .code(2)
        .stdout_eq(str![[r#"
FAILED  failing  1 of 2 expectations met, [..] requests in [..] s
        ✗ the median is below a millisecond: want at most 1ms, got [..] over [..] requests
          scenarios/failing/scenario.yaml:17:3
ok      tiny  1 of 1 expectations met, [..] requests in [..] s
REFUSED scenarios/wrong/scenario.yaml

FAILED: 1 passed, 1 failed, 1 refused

"#]])
        .stderr_eq(str![[r#"
scenarios/wrong/scenario.yaml:6:3: error: unknown field "traffic[0].rat" (did you mean `rate`?)
  |
6 |   rat: 100/s
  |   ^^^ did you mean `rate`?
scenarios/wrong/scenario.yaml:4:3: error: traffic[0]: the traffic lacks `rate` or `users`
  |
4 | - name: users
  |   ^^^^^^^^^^^

"#]]);
    run(&["test", "lesson"]).code(2).stderr_eq(str![[r#"
error: no scenario.yaml is under `lesson`

"#]]);
}

#[test]
fn verdicts_come_as_json_and_junit_too() {
    let scratch = scratch("junit");
    let file = scratch.join("deep/junit.xml");
    let path = file.to_str().expect("the path is UTF-8");
    let folders = ["scenarios/failing", "scenarios/tiny"];
    let arguments = [&["test", "-o", "json", "--junit", path], &folders[..]].concat();
    let verdicts = json(&arguments, 1);
    assert_eq!(verdicts["schema"], "meshsim.test/1");
    assert_eq!(
        (&verdicts["passed"], &verdicts["failed"]),
        (&1.into(), &1.into())
    );
    let failing = &verdicts["scenarios"][0];
    assert_eq!(failing["name"], "failing");
    assert_eq!(failing["passed"], false);
    assert_eq!(failing["expectations"][1]["passed"], false);
    let xml = fs::read_to_string(&file).expect("it is written");
    for part in [
        r#"tests="3""#,
        r#"failures="1""#,
        r#"<testsuite name="failing""#,
        r#"<testcase name="the median is below a millisecond" classname="failing">"#,
        "want at most 1ms, got",
    ] {
        assert!(xml.contains(part), "{part} is missing in {xml}");
    }
    fs::remove_dir_all(scratch).expect("it exists");
}

//! The command line as its users meet it: what it prints where, and with which exit code.

mod diff;
mod envoy;
mod explain;
pub(crate) mod exports;
mod judging;
mod manifests;
mod proxy_config;
mod report;
mod route_tests;
mod simulation;
mod sweep;

#[cfg(unix)]
use std::process;

use serde_json::Value;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

/// `meshsim` with these arguments, in the folder of the examples.
fn meshsim(arguments: &[&str]) -> Command {
    Command::new(cargo_bin!("meshsim"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures"))
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

#[test]
fn help_lists_the_verbs() {
    run(&["--help"]).success().stderr_eq("").stdout_eq(str![[r#"
Shows where Istio and Envoy send a request, and what a mesh does under load, without a cluster

Usage: meshsim [OPTIONS] <COMMAND>

Commands:
  run           Simulate a scenario, print a summary, and write a report, tables and plots
  report        Make the report, plots and tables of a run again, from the measurements in its
                folder
  diff          Compare two scenarios, or one under two sets of manifests: what changes for whom,
                beyond chance
  sweep         Run a scenario at every point of a grid, in replications, and tell each figure with
                its confidence interval
  test          Run all scenarios and route tests under the paths and judge their expectations, one
                line each
  learn         Learn by exercises that are judged by what a simulated mesh does with your manifests
  explain       Tell where one request goes and why, without a simulation
  analyze       Find what is wrong in manifests, as istioctl analyze does
  proxy-config  Print what Pilot would send a proxy: istioctl's columns, or Envoy's JSON [alias: pc]
  export        Write what a proxy is told as files of other tools
  schema        Print the JSON Schema of scenario files, for editors
  completions   Print the completions of a shell

Options:
  -h, --help     Print help
  -V, --version  Print version

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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
Simulate a scenario, print a summary, and write a report, tables and plots

Usage: meshsim run [OPTIONS] <SCENARIO>

Arguments:
  <SCENARIO>  A scenario file, or the folder of a scenario.yaml

Options:
      --seed <N>                    Where randomness begins; the scenario's if not given, else 1
      --replications <N>            Runs with different randomness, merged; as many as the scenario
                                    says if not given, else 1
      --out <FOLDER>                The folder to write, replaced as a whole; `reports/out/<name>`
                                    if not given
      --duration <DURATION>         How long the simulation runs, such as `90s` or `5m`
      --access-log [<WHICH>]        Write `all` single requests, `none`, or at most N, drawn evenly
                                    from the whole run
      --access-log-format <FORMAT>  Write them as tables, as lines in Istio's default format, or as
                                    its JSON [default: csv] [possible values: csv, istio, json]
      --plots <WHICH>               Write plots as SVG and PNG, as SVG only, which is faster, or not
                                    at all [default: all] [possible values: all, svg, none]
      --export <FORMAT>             Write files for other tools as well, several separated by
                                    commas; `parquet` is the access log, of all requests unless
                                    --access-log names a number, and not among `all` [possible
                                    values: all, openmetrics, otlp, chrome, dot, mermaid, fortio,
                                    parquet]
      --set <PATH=VALUE>            Override one field of the scenario, such as
                                    `traffic[0].rate=500/s`; repeatable
      --jobs <N>                    Threads; changes how long it takes and nothing else
      --mesh-config <FILE>          The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid                Leave invalid objects out with a warning, as a cluster that
                                    refused them would
  -h, --help                        Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim run scenarios/canary-split
  meshsim run scenario.yaml --seed 7 --set traffic[0].rate=500/s -o json

"#]]);
    run(&["learn", "-h"]).success().stdout_eq(str![[r#"
Learn by exercises that are judged by what a simulated mesh does with your manifests

Usage: meshsim learn [OPTIONS] <COMMAND>

Commands:
  list      Show all exercises, by domain, and what was done
  start     Begin an exercise: write its task and its manifests into a folder
  check     Judge the answer: each check passed or missed, with a request that shows why
  watch     Judge the answer again whenever it is saved
  hint      Show the next hint
  solution  Show the solution, once the answer has passed
  reset     Begin again; what is there is kept beside it
  progress  Show how far you are
  next      Begin the first exercise that has not passed, or go on with it
  exam      Sit a mock exam: sixteen tasks in two hours
  serve     Learn in a browser: the same exercises on a page of this machine
  verify    For authors: prove that exercises fail, pass and help as they should

Options:
      --exercises <FOLDER>  A folder of exercises, in place of those that meshsim brings along
  -h, --help                Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim learn next
  meshsim learn start first-pin
  meshsim learn check

"#]]);
    run(&["test", "-h"]).success().stdout_eq(str![[r#"
Run all scenarios and route tests under the paths and judge their expectations, one line each

Usage: meshsim test [OPTIONS] <PATH>...

Arguments:
  <PATH>...  Scenarios or route tests, or folders that are searched for scenario.yaml and route
             tests

Options:
      --filter <REGEX|TEXT>     Run only what has such a name: scenarios with all they expect, or
                                single expectations
      --fail-fast               Stop at the first scenario that fails or is refused
      --junit <FILE>            Write the verdicts as JUnit XML as well
      --annotations <FOR>       Point at the lines that failed; `auto`: where GITHUB_ACTIONS is
                                `true` [default: auto] [possible values: auto, github, none]
  -f, --filename <FILE|FOLDER>  What route tests are about: manifests, or Envoy's route
                                configuration; repeatable
  -n, --namespace <NS>          The namespace of objects in them that name none [default: default]
      --set <PATH=VALUE>        Override one field of the scenario, such as `traffic[0].rate=500/s`;
                                repeatable
      --jobs <N>                Threads; changes how long it takes and nothing else
      --mesh-config <FILE>      The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid            Leave invalid objects out with a warning, as a cluster that refused
                                them would
  -h, --help                    Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim test scenarios --junit junit.xml
  meshsim test scenarios --filter 'canary|retries' --fail-fast
  meshsim test -f mesh/ routes_test.yaml -o markdown >> "$GITHUB_STEP_SUMMARY"

Files of istio-config-validator (`testCases:`) and of Envoy's router_check_tool (`tests:`) are known
by what they hold.

"#]]);
    run(&["explain", "-h"]).success().stdout_eq(str![[r#"
Tell where one request goes and why, without a simulation

Usage: meshsim explain [OPTIONS] <URL>

Arguments:
  <URL>  What is dialled: http, https, grpc or tcp

Options:
      --from <NS/NAME>     Who sends the request: a pod or a workload
      --gateway <NS/NAME>  The Gateway through which the request enters the mesh; the URL's port is
                           one of its servers'
      --scenario <FILE>    The scenario in whose world the request is made, instead of manifests:
                           its workloads say what is answered
      --at <DURATION>      When in the scenario, such as `30s`; at its start if not given
  -X, --request <METHOD>   The method; GET if not given
  -H, --header <HEADER>    A header, as curl takes it: `name: value`, `name;` for an empty one;
                           `Host: x` sets the authority
      --count <N>          Draw what is left to chance N times and count what happens
      --seed <N>           Where randomness begins [default: 1]
  -h, --help               Print help

A proxy that runs:
      --config-dump <FILE>     What `istioctl proxy-config all -o json` or Envoy's
                               /config_dump?include_eds gives; `-` for standard input
      --envoy <FILE>           An Envoy bootstrap with static resources, in YAML or JSON; `-` for
                               standard input
      --listener <NAME>        The listener that takes the request; if not given, the one that the
                               address leads to
      --direction <DIRECTION>  Which side of the sidecar takes it [default: outbound] [possible
                               values: inbound, outbound]

Manifests:
  -f, --filename <FILE|FOLDER>  A file, a folder with all its *.yaml, *.yml and *.json, or `-` for
                                standard input; repeatable
  -n, --namespace <NS>          The namespace of objects that name none [default: default]
      --mesh-config <FILE>      The mesh's configuration, as in the ConfigMap `istio`
      --skip-invalid            Leave invalid objects out with a warning, as a cluster that refused
                                them would

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
      --color <WHEN>     Colours; NO_COLOR is respected [default: auto] [possible values: auto,
                         always, never]
  -q, --quiet            Say nothing but data and errors
  -v, --verbose          Say what is read and left out as well

Examples:
  meshsim explain -f mesh/ --from default/productpage-v1 http://reviews:9080/reviews/1
  meshsim explain -f mesh/ --from shop/web http://api/ -X POST -H 'end-user: jason' --count 1000
  meshsim explain -f mesh/ --gateway istio-system/main https://shop.example/cart
  meshsim explain --scenario shop.yaml --at 30s --from shop/web http://api/
  istioctl pc all web-0.shop -o json | meshsim explain --config-dump - http://api/
  meshsim explain --envoy envoy.yaml --listener main http://localhost/

"#]]);
    run(&["analyze", "-h"]).success().stdout_eq(str![[r#"
Find what is wrong in manifests, as istioctl analyze does

Usage: meshsim analyze [OPTIONS] [FILE|FOLDER]...

Arguments:
  [FILE|FOLDER]...  Files and folders, as after -f

Options:
  -h, --help  Print help (see more with '--help')

Manifests:
  -f, --filename <FILE|FOLDER>     A file, a folder with all its *.yaml, *.yml and *.json, or `-`
                                   for standard input; repeatable
  -n, --namespace <NS>             The namespace of objects that name none [default: default]
      --mesh-config <FILE>         The mesh's configuration, as in the ConfigMap `istio`
  -A, --all-namespaces             Look at all namespaces, which is what is done anyway; for hands
                                   that know istioctl
      --failure-threshold <LEVEL>  The least level at which findings make the exit code 1 [default:
                                   error] [possible values: info, warning, error]
      --output-threshold <LEVEL>   The least level at which findings are printed [default: info]
                                   [possible values: info, warning, error]

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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
  all        All of it; as JSON, what Envoy's config dump would be [alias: a]

Options:
  -h, --help  Print help

Global options:
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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
  -o, --output <FORMAT>  Text is for people and may change; JSON is versioned and does not; Markdown
                         is for pull requests [default: text] [possible values: text, json,
                         markdown]
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

  tip: some similar subcommands exist: 'learn', 'explain'

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

//! An Envoy in the place of manifests: servers that misbehave, requests at given times, and what its access log says.

use manifest::Source;
use meshsim_scenario::{CompileOptions, LoadOptions, RunOptions, compile, load, run};
use telemetry::{AccessLogEntry, AccessLogOptions, TryOutcome};

const BOOTSTRAP: &str = include_str!("envoy.yaml");

fn files(name: &str) -> Result<Vec<Source>, String> {
    match name {
        "envoy.yaml" => Ok(vec![Source::new(name, BOOTSTRAP)]),
        "checked.yaml" => {
            let more = "    health_checks: [{}]\n    load_assignment:";
            let text = BOOTSTRAP.replace("    load_assignment:", more);
            Ok(vec![Source::new(name, text)])
        }
        "dump.yaml" => Ok(vec![Source::new(name, "configs: []")]),
        _ => Ok(vec![]),
    }
}

/// All that is wrong with a scenario, or what a reader should know about it.
fn findings(text: &str) -> Vec<String> {
    let source = Source::new("s.yaml", text);
    let found = load(&source, &LoadOptions::default(), &files)
        .and_then(|scenario| compile(&scenario, &CompileOptions::default()));
    let diagnostics = match found {
        Ok(compiled) => compiled.notes,
        Err(diagnostics) => diagnostics,
    };
    diagnostics.iter().map(ToString::to_string).collect()
}

fn log(text: &str) -> Vec<AccessLogEntry> {
    let text = format!("envoy: envoy.yaml\nnetwork: {{latency: 0, sidecarLatency: 0}}\n{text}");
    let source = Source::new("s.yaml", text);
    let scenario = match load(&source, &LoadOptions::default(), &files) {
        Ok(scenario) => scenario,
        Err(found) => panic!("{found:?}"),
    };
    let compiled = match compile(&scenario, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(found) => panic!("{found:?}"),
    };
    let options = RunOptions {
        access_log: Some(AccessLogOptions::default()),
        ..RunOptions::default()
    };
    let outcome = run(&scenario, &compiled, &options);
    outcome.access_log.expect("it was asked for")
}

/// Status, flags, details and tries of requests to the only server, which acts so.
fn check(server: &str, request: &str, expected: &[(u16, &str, &str, u16)]) {
    let log = log(&format!(
        "workloads: [{{address: '127.0.0.1:9001', {server}}}]\n\
         traffic: [{{name: t, requests: [{{at: 1s, {request}}}]}}]\n"
    ));
    let told: Vec<_> = (log.iter())
        .map(|entry| {
            let flags = entry.response_flags.as_str();
            let details = entry.response_code_details.as_str();
            (entry.response_code, flags, details, entry.attempts)
        })
        .collect();
    assert_eq!(told, expected, "{server}");
}

const ANY: &str = "url: 'http://127.0.0.1:10000/'";
const SLOW: &str = "url: 'http://localhost:10000/slow'";

#[test]
fn servers_act_by_their_script() {
    let ended = "upstream_reset_before_response_started{connection_termination}";
    let via = "via_upstream";
    for (script, expected) in [
        ("[503, 503, 200]", [(200, "-", via, 3), (200, "-", via, 1)]),
        (
            "{by: try, acts: [503, 200]}",
            [(200, "-", via, 2), (200, "-", via, 2)],
        ),
        ("[rst, fin, 201]", [(201, "-", via, 3), (201, "-", via, 1)]),
        (
            "fin",
            [(503, "URX,UC", ended, 3), (503, "URX,UC", ended, 3)],
        ),
        (
            "[404, {status: 503, headers: {x-a: b}}, 200]",
            [(404, "-", via, 1), (200, "-", via, 2)],
        ),
    ] {
        let request = format!("{ANY}, count: 2, every: 1s");
        check(&format!("script: {script}"), &request, &expected);
    }
    let garbage = "upstream_reset_before_response_started{protocol_error}";
    check("script: garbage", SLOW, &[(502, "UPE", garbage, 1)]);
    check("script: hang", SLOW, &[(504, "UT", "response_timeout", 1)]);
}

#[test]
fn connections_are_refused_or_never_taken() {
    let refused = "upstream_reset_before_response_started{remote_connection_failure}";
    let late = "upstream_reset_before_response_started{connection_timeout}";
    check("refuse: true", SLOW, &[(503, "UF", refused, 1)]);
    check("accept: never", ANY, &[(503, "URX,UF", late, 3)]);
    check("accept: 200ms", ANY, &[(200, "-", "via_upstream", 1)]);
    check("accept: 700ms", SLOW, &[(504, "UT", "response_timeout", 1)]);
}

#[test]
fn idle_connections_are_dropped_and_made_anew() {
    let server = "workloads: [{address: '127.0.0.1:9001', keepAlive: 300ms}]";
    let traffic = "traffic: [{name: t, requests: [{at: 1s, count: 3, every: 200ms, url: 'http://127.0.0.1:10000/'}, \
                   {at: 3s, url: 'http://127.0.0.1:10000/'}]}]";
    let log = log(&format!("{server}\n{traffic}"));
    let connected: Vec<_> = (log.iter())
        .map(|entry| entry.tries[0].connect.is_some())
        .collect();
    assert_eq!(connected, [true, false, false, true]);
}

#[test]
fn requests_of_one_connection_wait_for_each_other() {
    let log = log(
        "workloads: [{address: '127.0.0.1:9001', serviceTime: 100ms}]\n\
         traffic: [{name: t, requests: [{at: 1s, count: 3, connection: a, url: 'http://127.0.0.1:10000/'}]}]\n",
    );
    let told: Vec<_> = (log.iter())
        .map(|entry| (entry.number, entry.started.as_secs_f64()))
        .collect();
    assert_eq!(told, [(1, 1.0), (2, 1.1), (3, 1.2)]);
}

#[test]
fn a_log_tells_each_try() {
    let log = log(
        "workloads: [{address: '127.0.0.1:9001', script: [{end: rst, serviceTime: 20ms}, {status: 200, serviceTime: 30ms}]}]\n\
         traffic: [{name: t, requests: [{at: 1s, url: 'http://127.0.0.1:10000/x'}]}]\n",
    );
    let [entry] = &log[..] else {
        panic!("one request");
    };
    assert_eq!(entry.route_name, "any");
    assert_eq!(entry.upstream_host, "127.0.0.1:9001");
    let told: Vec<_> = (entry.tries.iter())
        .map(|one| (one.number, one.outcome, one.duration.as_millis()))
        .collect();
    let ended = TryOutcome::Reset("connection_termination");
    let expected = [(1, ended, 20), (2, TryOutcome::Response(200), 30)];
    assert_eq!(told, expected);
    assert!(
        entry.tries[1]
            .back_off
            .is_some_and(|pause| pause.as_millis() < 2)
    );
}

#[test]
fn a_bootstrap_is_read_and_what_it_says_beyond_our_types_is_told() {
    let traffic = "traffic: [{rate: 1/s, url: 'http://127.0.0.1:10000/'}]";
    assert_eq!(findings(&format!("envoy: envoy.yaml\n{traffic}")), [""; 0]);
    for (bootstrap, finding) in [
        (
            "checked.yaml",
            "checked.yaml:37:20: warning: `static_resources.clusters[0].health_checks` is not modelled",
        ),
        (
            "dump.yaml",
            "dump.yaml:1:1: error: this is a config dump, not a bootstrap (explain it with `meshsim explain --config-dump`)",
        ),
        (
            "missing.yaml",
            "s.yaml:1:8: error: `missing.yaml` is no single file (name the bootstrap of one Envoy)",
        ),
    ] {
        let found = findings(&format!("envoy: {bootstrap}\n{traffic}"));
        assert_eq!(found, [finding]);
    }
}

#[test]
fn names_that_nothing_has_are_errors() {
    for (line, finding) in [
        (
            "traffic: [{listener: mian, rate: 1/s, url: 'http://a/'}]",
            "s.yaml:2:22: error: there is no listener `mian` (did you mean `main`?)",
        ),
        (
            "traffic: [{rate: 1/s, url: 'http://127.0.0.1:10001/'}]",
            "s.yaml:2:28: error: there is no listener at `127.0.0.1:10001` (did you mean `127.0.0.1:10000`?)",
        ),
        (
            "traffic: [{from: a, rate: 1/s, url: 'http://127.0.0.1:10000/'}]",
            "s.yaml:2:18: error: traffic[0].from: `from` does not go with `envoy` (leave it out: requests arrive at the \
             Envoy's listeners)",
        ),
    ] {
        assert_eq!(findings(&format!("envoy: envoy.yaml\n{line}")), [finding]);
    }
    let found = findings(
        "envoy: envoy.yaml\nworkloads: [{address: '127.0.0.1:9000'}]\n\
         traffic: [{rate: 1/s, url: 'http://127.0.0.1:10000/'}]",
    );
    let finding = "s.yaml:2:23: error: there is no endpoint `127.0.0.1:9000` (did you mean `127.0.0.1:9001`?)";
    assert_eq!(found, [finding]);
}

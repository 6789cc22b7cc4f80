//! No manifest makes meshsim panic, hang or take more than a gibibyte.
//!
//! Ten thousand manifests, each broken in a few places, go the whole way: they are read, validated, compiled, analysed,
//! and requests to them are explained. That happens in child processes whose address space is limited and whose time is
//! watched; manifests that are built to blow up go through the command line under the same limits.

mod mutant;
mod scenarios;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use control_plane::{MeshConfig, ProxyRef};
use manifest::{Color, Invalid, Level, Source};
use proxy::names::Names;
use proxy::request::RequestHead;
use proxy::table::{RouteConfigId, Table};

/// How many mutants there are; `MESHSIM_MUTANTS` asks for more.
const MUTANTS: u64 = 10_000;

/// In how many processes they are tried.
const PROCESSES: u64 = 2;

/// The address space of a process, in KiB.
const ADDRESS_SPACE: u64 = 1024 * 1024;

/// Which mutants a child process tries, `<first>..<end>`.
const RANGE: &str = "MESHSIM_MUTANT_RANGE";

#[test]
#[cfg(unix)]
fn mutated_manifests_are_survived() {
    let count = std::env::var("MESHSIM_MUTANTS").map_or(MUTANTS, |text| {
        text.parse().expect("MESHSIM_MUTANTS is a number")
    });
    let this = std::env::current_exe().expect("tests are a program");
    let children: Vec<(String, Child)> = (0..PROCESSES)
        .map(|index| {
            let (first, end) = (index * count / PROCESSES, (index + 1) * count / PROCESSES);
            let range = format!("{first}..{end}");
            let mut command = limited(&this.display().to_string());
            command.args(["mutations::mutants_of_a_range", "--exact", "--nocapture"]);
            command.env(RANGE, &range);
            (range, command.spawn().expect("a child"))
        })
        .collect();
    let patience = Duration::from_secs(60 + count / 20);
    for (range, child) in children {
        let (code, said) = wait(child, patience);
        assert_eq!(code, Some(0), "mutants {range}:\n{said}");
    }
}

/// What a child process of the test above does; by itself it has nothing to do.
#[test]
fn mutants_of_a_range() {
    let Ok(range) = std::env::var(RANGE) else {
        return;
    };
    let (first, end) = range.split_once("..").expect("a range");
    for number in first.parse::<u64>().expect("a number")..end.parse().expect("a number") {
        let text = mutant::mutant(number);
        // Printed by the harness if the mutant kills the process.
        let guard = Announce(number);
        survive(&text);
        std::mem::forget(guard);
    }
}

/// Says which mutant it was, when it panics.
struct Announce(u64);

impl Drop for Announce {
    fn drop(&mut self) {
        println!("mutant {}:\n{}", self.0, mutant::mutant(self.0));
    }
}

/// Goes all the way with a text.
fn survive(text: &str) {
    let sources = [Source::new("a.yaml", text)];
    let (mut resources, mut diagnostics) =
        manifest::parse_with(&sources, "default", Invalid::LeftOut);
    let of_webhook = control_plane::validate(&resources);
    for refused in of_webhook.iter().filter(|said| said.level == Level::Error) {
        if let Some(object) = &refused.object {
            resources.delete(&object.kind, &object.namespace, &object.name);
        }
    }
    diagnostics.extend(of_webhook);
    let mesh = control_plane::compile(&resources, &MeshConfig::default());
    for diagnostic in diagnostics.iter().chain(mesh.diagnostics()).take(8) {
        assert!(!manifest::render(diagnostic, &sources, Color::Never).is_empty());
    }
    for pod in mesh.pods().iter().take(2) {
        let proxy = ProxyRef::new(&pod.namespace, &pod.name);
        let Ok(snapshot) = mesh.shared_snapshot(&proxy) else {
            continue;
        };
        let (table, _) = Table::compile(&snapshot, &mut Names::default());
        for config in (0..snapshot.routes.len()).map(RouteConfigId::new) {
            for (host, path) in [("shop", "/cart/1?a=b"), ("api.example.com", "/"), ("", "*")] {
                let _ = table.explain(config, &RequestHead::get(host, path));
            }
        }
    }
}

/// Manifests that a page of text turns into gigabytes, or into a stack of ten thousand.
#[test]
#[cfg(unix)]
fn what_is_built_to_blow_up_is_refused_by_the_command_line() {
    let bomb = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, index| {
        let items = vec![format!("*a{}", index - 1); 10].join(",");
        text + &format!("a{index}: &a{index} [{items}]\n")
    });
    let chain = (1..10_000).fold("a0: &a0 {x: 1}\n".to_owned(), |text, index| {
        text + &format!("a{index}: &a{index} {{b: *a{}}}\n", index - 1)
    });
    let of_virtual_service = |spec: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\nspec: {spec}\n"
        )
    };
    let texts = [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        "? ".repeat(10_000),
        of_virtual_service(&"{http: [".repeat(10_000)),
        of_virtual_service(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        format!("{{{}1{}", "\"a\": {".repeat(10_000), "}".repeat(10_000)),
        bomb,
        chain,
        of_virtual_service(&format!("{{hosts: [{}]}}", "a,".repeat(200_000))),
        of_virtual_service(&format!(
            "{{hosts: [a], http: [{{match: [{{uri: {{regex: \"{}\"}}}}], route: [{{destination: {{host: a}}}}]}}]}}",
            "(a{1,1000}){1,1000}".repeat(50)
        )),
        "a: 1\n".repeat(100_000),
        "---\n".repeat(100_000),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (index, text) in texts.iter().enumerate() {
        let path = folder.path().join(format!("{index}.yaml"));
        std::fs::write(&path, text).expect("a file");
        let verbs: [&[&str]; 2] = [
            &["analyze"],
            &["explain", "--from", "default/a", "http://a/"],
        ];
        for verb in verbs {
            let mut command = limited(env!("CARGO_BIN_EXE_meshsim"));
            command.args(verb).arg("-f").arg(&path);
            let (code, said) = wait(command.spawn().expect("a child"), Duration::from_secs(120));
            let start: String = text.chars().take(60).collect();
            assert!(
                matches!(code, Some(0..=2)),
                "{code:?} for `{start}`:\n{said}"
            );
        }
    }
}

/// A program whose address space is limited.
fn limited(program: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -v {ADDRESS_SPACE} && exec \"$0\" \"$@\"");
    command
        .args(["-c", &script, program])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The exit code (none: killed, by us if it took too long) and the output.
fn wait(mut child: Child, patience: Duration) -> (Option<i32>, String) {
    let mut streams: Vec<Box<dyn std::io::Read + Send>> = Vec::new();
    streams.extend(child.stdout.take().map(|out| Box::new(out) as _));
    streams.extend(child.stderr.take().map(|err| Box::new(err) as _));
    let readers: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What a killed child leaves unfinished is shown as far as it got.
                let _ = stream.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        })
        .collect();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break Some(status),
            None if start.elapsed() > patience => {
                child.kill().expect("it is ours");
                child.wait().expect("it ends");
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let said: String = readers
        .into_iter()
        .map(|reader| reader.join().expect("reading does not panic"))
        .collect();
    (status.and_then(|status| status.code()), said)
}

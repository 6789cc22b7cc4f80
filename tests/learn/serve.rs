//! `meshsim learn serve` over a socket: who is let in, and what may be read and written.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::EXERCISES;

/// A server of exercises, which ends with the test.
pub(crate) struct Served {
    process: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(here: &Path) -> Self {
        Self::of(
            Command::new(env!("CARGO_BIN_EXE_meshsim"))
                .current_dir(here)
                .args(["learn", "serve", "--port", "0"]),
        )
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut url = String::new();
        let output = process.stdout.as_mut().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut url)
            .expect("it says where it listens");
        Self {
            process,
            url: url.trim().to_owned(),
        }
    }

    fn host(&self) -> &str {
        let rest = self.url.strip_prefix("http://").expect("it is a URL");
        rest.split('/').next().expect("it has a host")
    }

    fn token(&self) -> &str {
        self.url.split_once('#').expect("it has a token").1
    }

    /// The status and the body that are answered to a request of these lines.
    fn send(&self, lines: &[&str], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.host()).expect("it listens");
        let head = lines.join("\r\n");
        write!(
            stream,
            "{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
        let status = head.split(' ').nth(1).expect("it has a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    /// What a verb of the page answers.
    pub(crate) fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send(
            &[
                // The answer to HTTP/1.0 is not in chunks.
                &format!("POST /api/{path} HTTP/1.0"),
                &format!("Host: {}", self.host()),
                &format!("Origin: http://{}", self.host()),
                &format!("X-Meshsim-Token: {}", self.token()),
            ],
            &body.to_string(),
        );
        (status, serde_json::from_str(&text).expect("it is JSON"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn only_the_page_of_this_machine_is_answered() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let served = Served::start(scratch.path());
    assert!(served.url.starts_with("http://127.0.0.1:"));
    let (host, token) = (served.host().to_owned(), served.token().to_owned());
    let port = host.split(':').nth(1).expect("it has a port");
    let (status, page) = served.send(&["GET / HTTP/1.1", &format!("Host: {host}")], "");
    assert_eq!(status, 200);
    assert!(page.contains("<main") && !page.contains(&token));
    let localhost = format!("Host: localhost:{port}");
    assert_eq!(
        served.send(&["GET /main.js HTTP/1.1", &localhost], "").0,
        200
    );
    // A name of somebody else that leads here, and none at all.
    for wrong in [
        "Host: evil.example".to_owned(),
        format!("Host: evil.example:{port}"),
        "Host: 127.0.0.1".to_owned(),
        format!("Host: {host}\r\nHost: {host}"),
    ] {
        let (status, _) = served.send(&["GET / HTTP/1.1", &wrong], "");
        assert!([400, 403].contains(&status), "{wrong}: {status}");
    }
    let post = "POST /api/open/first-pin HTTP/1.1";
    let (host, token) = (format!("Host: {host}"), format!("X-Meshsim-Token: {token}"));
    for wrong in [
        vec![post, &host],
        vec![
            post,
            &host,
            "X-Meshsim-Token: 0123456789abcdef0123456789abcdef",
        ],
        vec![post, &host, "X-Meshsim-Token: "],
        vec![post, &host, &token, "Origin: http://evil.example"],
        vec![post, &host, &token, "Origin: null"],
        vec![post, "Host: evil.example", &token],
    ] {
        assert_eq!(served.send(&wrong, "{}").0, 403, "{wrong:?}");
    }
    assert!(!scratch.path().join("first-pin").exists());
    assert_eq!(served.send(&[post, &host, &token], "{").0, 400);
    let get = "GET /api/exercises HTTP/1.1";
    assert_eq!(served.send(&[get, &host, &token], "").0, 405);
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/nothing"] {
        let line = format!("GET {path} HTTP/1.1");
        assert_eq!(served.send(&[&line, &host], "").0, 404, "{path}");
    }
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    assert_eq!(served.send(&[post, &host, &token], &long).0, 413);
    assert_eq!(served.send(&[post, &host, &token], "{}").0, 200);
}

#[test]
fn nothing_outside_of_the_exercises_folder_is_read_or_written() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    let served = Served::start(here);
    assert_eq!(served.ask("open/first-pin", &json!({})).0, 200);
    for name in [
        "../stolen.yaml",
        "/tmp/stolen.yaml",
        "deep/../../stolen.yaml",
        "world/catalog.yaml",
        ".hidden.yaml",
        "notes.txt",
        "TASK.md",
        "",
    ] {
        let body = json!({"name": name, "text": "x"});
        assert_eq!(served.ask("save/first-pin", &body).0, 422, "{name}");
        assert_eq!(served.ask("remove/first-pin", &body).0, 422, "{name}");
    }
    assert!(!here.join("stolen.yaml").exists());
    for id in ["..", "../first-pin", "%2e%2e", "kits", "no-such"] {
        assert_eq!(served.ask(&format!("open/{id}"), &json!({})).0, 422, "{id}");
    }
    let body = json!({"name": "deep/more.yaml", "text": "# mine\n"});
    assert_eq!(served.ask("save/first-pin", &body).0, 200);
    let more = here.join("first-pin/deep/more.yaml");
    assert_eq!(
        fs::read_to_string(&more).expect("it is written"),
        "# mine\n"
    );
    assert_eq!(served.ask("remove/first-pin", &body).0, 200);
    assert!(!more.exists());
    #[cfg(unix)]
    {
        fs::write(here.join("secret.yaml"), "secret: stuff\n").expect("it is written");
        let link = here.join("first-pin/link.yaml");
        std::os::unix::fs::symlink(here.join("secret.yaml"), link).expect("a link");
        for verb in ["open", "check", "save"] {
            let body = json!({"name": "link.yaml", "text": "x"});
            let (status, answer) = served.ask(&format!("{verb}/first-pin"), &body);
            assert_eq!(status, 422, "{verb}");
            assert!(!answer.to_string().contains("secret: stuff"), "{answer}");
        }
        let secret = fs::read_to_string(here.join("secret.yaml")).expect("it is there");
        assert_eq!(secret, "secret: stuff\n");
    }
}

#[test]
fn what_was_changed_elsewhere_is_not_replaced_unasked() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    let served = Served::start(here);
    let (_, shown) = served.ask("open/first-pin", &json!({}));
    let rules = here.join("first-pin/rules.yaml");
    let read = shown["files"]["rules.yaml"].clone();
    let save = |read: &Value, text: &str| {
        served.ask(
            "save/first-pin",
            &json!({"name": "rules.yaml", "text": text, "read": read}),
        )
    };
    assert_eq!(save(&read, "# one\n").0, 200);
    fs::write(&rules, "# theirs\n").expect("it is written");
    for stale in [json!("# one\n"), Value::Null] {
        let (status, answer) = save(&stale, "# two\n");
        assert_eq!((status, &answer["theirs"]), (409, &json!("# theirs\n")));
    }
    let text = || fs::read_to_string(&rules).expect("it is there");
    assert_eq!(text(), "# theirs\n");
    assert_eq!(save(&json!("# theirs\n"), "# two\n").0, 200);
    assert_eq!(text(), "# two\n");
    fs::remove_file(&rules).expect("it is there");
    let (status, answer) = save(&json!("# two\n"), "# three\n");
    assert_eq!((status, &answer["theirs"]), (409, &Value::Null));
    assert!(!rules.exists());
    assert_eq!(save(&Value::Null, "# three\n").0, 200);
}

#[test]
fn the_page_changes_no_folder_that_is_not_the_exercises() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    let mine = here.join("first-pin/mine.yaml");
    fs::create_dir(here.join("first-pin")).expect("a folder");
    fs::write(&mine, "# mine\n").expect("it is written");
    let served = Served::start(here);
    let body = json!({"name": "mine.yaml", "text": "x"});
    for verb in ["save", "remove", "reset"] {
        let (status, answer) = served.ask(&format!("{verb}/first-pin"), &body);
        assert_eq!(status, 422, "{verb}: {answer}");
    }
    assert_eq!(fs::read_to_string(&mine).expect("it stays"), "# mine\n");
}

#[test]
fn the_page_and_the_command_line_share_judge_and_files() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let here = scratch.path();
    let served = Served::start(here);
    let (_, shown) = served.ask("open/first-pin", &json!({}));
    let task = shown["task"].as_str().expect("a task");
    assert!(task.contains("<code>catalog</code>"), "{task}");
    let (_, missed) = served.ask("check/first-pin", &json!({}));
    let told = super::json(&super::learn(here, &["check", "-o", "json"]));
    assert_eq!(missed["passed"], false);
    let strip = |check: &Value| {
        (
            check["name"].clone(),
            check["passed"].clone(),
            check["got"].clone(),
        )
    };
    let both = [&missed, &told].map(|answer| {
        let checks = answer["checks"].as_array().expect("a list");
        checks.iter().map(strip).collect::<Vec<_>>()
    });
    assert_eq!(both[0], both[1]);
    let plots = missed["plots"].as_array().expect("a list");
    assert!(plots[0][1].as_str().expect("SVG").starts_with("<svg"));
    let (_, found) = served.ask(
        "save/first-pin",
        &json!({"name": "rules.yaml", "text": "# \u{e4}\u{1f600}\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: catalog, namespace: shop}\nspec: {hostz: [catalog]}\n"}),
    );
    let finding = &found["findings"][0];
    assert_eq!(
        (&finding["file"], &finding["line"]),
        (&json!("rules.yaml"), &json!(5))
    );
    let message = finding["message"].as_str().expect("a message");
    assert!(message.contains("hostz"), "{message}");
    let solution = format!("{EXERCISES}/first-pin/solutions/pinned/rules.yaml");
    fs::copy(solution, here.join("first-pin/rules.yaml")).expect("it is copied");
    assert_eq!(served.ask("check/first-pin", &json!({})).1["passed"], true);
    assert_eq!(served.ask("hint/first-pin", &json!({})).1["number"], 1);
    let progress = super::json(&super::learn(here, &["list", "-o", "json"]));
    let first = &progress["exercises"][0];
    assert_eq!(
        (&first["passed"], &first["hints"]),
        (&json!(true), &json!(1))
    );
}

//! The page of `meshsim learn serve` in a real browser: three exercises are solved by typing, checking and reading why,
//! and it fits a wide window and a phone in both themes.
//!
//! Chromium is found as for reports (`MESHSIM_CHROMIUM`, else the `PATH`); without it the test says that it did not run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::EXERCISES;
use super::serve::Served;

#[test]
fn three_exercises_are_solved_in_a_browser() {
    let Some(chromium) = crate::browser::chromium() else {
        eprintln!("NOT RUN: no Chromium is found by MESHSIM_CHROMIUM or on the PATH");
        return;
    };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let course = scratch.path().join("course");
    fs::create_dir(&course).expect("a folder");
    let served = Served::start(&course);
    let mut page = Page::open(chromium.as_ref(), scratch.path(), &served.url);
    page.wait("document.querySelectorAll('#list button').length > 10");
    assert_eq!(page.value("location.hash"), json!(""), "the token is gone");
    for (id, solution) in [
        ("first-pin", "pinned"),
        ("canary-tenth", ""),
        ("subset-typo", ""),
    ] {
        page.value(&format!("document.querySelector('[data-id={id}]').click()"));
        page.wait(&format!(
            "document.querySelector('[data-id={id}][aria-current]') && !document.querySelector('#answer').hidden"
        ));
        page.value("document.querySelector('#check').click()");
        page.wait("document.querySelector('#verdict h2')?.textContent.includes('Missed')");
        let story =
            page.value("document.querySelector('#verdict details[open] .story').textContent");
        assert!(
            story.as_str().expect("text").starts_with("GET http://"),
            "{story}"
        );
        for (file, text) in solution_of(id, solution) {
            page.value(&format!(
                "[...document.querySelectorAll('#tabs [role=tab]')].find((tab) => tab.textContent === '{file}').click()"
            ));
            page.wait(&format!(
                "document.querySelector('#tabs [aria-selected=true]').textContent === '{file}'"
            ));
            page.value("document.querySelector('.cm-content').focus()");
            page.press("a", 2);
            page.send("Input.insertText", json!({"text": text}));
            page.wait("document.querySelector('#saved').textContent.startsWith('saved as ')");
        }
        page.press("Enter", 2);
        page.wait("document.querySelector('#verdict h2')?.textContent.includes('Passed')");
        assert_eq!(
            page.value("document.querySelectorAll('#verdict li.failed').length"),
            json!(0)
        );
        page.wait("document.querySelectorAll('#plots img').length > 3");
    }
    let state = fs::read_to_string(course.join(".meshsim-learn.yaml")).expect("it is written");
    assert_eq!(state.matches("passed: true").count(), 3, "{state}");

    // What is wrong is marked at its line, and fields are offered where they may stand.
    page.press("a", 2);
    let text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x, namespace: shop}\nspec:\n  ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "ho"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('hosts')");
    page.press("Escape", 0);
    page.wait("document.querySelector('.cm-lint-marker-error')");
    page.wait("document.querySelector('#findings .error')");

    // So are those of a kind that no exercise begins with, with what they are for, and the values of one that has few.
    let starts = fs::read_dir(EXERCISES).expect("the folder is there");
    for start in starts.map(|entry| entry.expect("it can be listed").path().join("start")) {
        for file in fs::read_dir(start).into_iter().flatten() {
            let text = fs::read_to_string(file.expect("it can be listed").path());
            assert!(!text.unwrap_or_default().contains("kind: WorkloadGroup"));
        }
    }
    page.press("a", 2);
    let text = "apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: {name: x, namespace: shop}\nspec:\n  probe:\n    ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "fail"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('failureThreshold')");
    page.wait("document.querySelector('.cm-completionInfo')?.textContent.length > 10");
    page.press("Escape", 0);
    page.press("a", 2);
    let text = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x, namespace: shop}\nspec:\n  mtls:\n    mode: ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "S"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('STRICT')");
    page.press("Escape", 0);
    let word = "[...document.querySelectorAll('.cm-line')].at(-1).querySelector('span').getBoundingClientRect()";
    let at = |page: &mut Page, side: &str| page.value(&format!("{word}.{side}")).as_f64();
    let (x, y) = (at(&mut page, "x"), at(&mut page, "y"));
    let (x, y) = (x.expect("it is shown") + 6.0, y.expect("it is shown") + 6.0);
    for nudge in [0.0, 2.0] {
        page.send(
            "Input.dispatchMouseEvent",
            json!({"type": "mouseMoved", "x": x + nudge, "y": y}),
        );
    }
    page.wait(
        "document.querySelector('.explained')?.textContent.includes('spec.mtls.mode one of these')",
    );

    for (width, theme) in [
        (1440, "light"),
        (1440, "dark"),
        (390, "light"),
        (390, "dark"),
    ] {
        page.send(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        page.send(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": theme}]}),
        );
        page.wait(&format!("innerWidth === {width}"));
        assert_eq!(
            page.value("document.documentElement.scrollWidth <= innerWidth"),
            json!(true),
            "{width} pixels, {theme}"
        );
        let paper = page.value("getComputedStyle(document.body).backgroundColor");
        assert_eq!(paper == json!("rgb(255, 255, 255)"), theme == "light");
    }
}

/// The files of a solution; the first one if no name is given.
fn solution_of(id: &str, name: &str) -> Vec<(String, String)> {
    let solutions = Path::new(EXERCISES).join(id).join("solutions");
    let mut folders: Vec<_> = fs::read_dir(solutions)
        .expect("it has solutions")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| name.is_empty() || path.ends_with(name))
        .collect();
    folders.sort();
    let files = fs::read_dir(&folders[0]).expect("it can be listed");
    files
        .map(|entry| {
            let path = entry.expect("it can be listed").path();
            let name = path.file_name().expect("it has a name").to_string_lossy();
            let text = fs::read_to_string(&path).expect("it is text");
            (name.into_owned(), text)
        })
        .collect()
}

/// A page in a browser, driven by Chrome's protocol for tools.
struct Page {
    browser: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    sent: u64,
}

impl Page {
    fn open(chromium: &Path, folder: &Path, url: &str) -> Self {
        let mut browser = Command::new(chromium)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-port=0",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.join("profile").display()
            ))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let lines = BufReader::new(browser.stderr.take().expect("it is piped")).lines();
        let mut lines = lines.map_while(Result::ok);
        let tools = lines
            .find_map(|line| Some(line.strip_prefix("DevTools listening on ")?.to_owned()))
            .expect("it says where its tools are");
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let host = tools.split('/').nth(2).expect("it has a host");
        let stream = TcpStream::connect(host).expect("it listens");
        let (socket, _) = tungstenite::client(&tools, stream).expect("it speaks WebSocket");
        let mut page = Self {
            browser,
            socket,
            session: String::new(),
            sent: 0,
        };
        let target = page.send("Target.createTarget", json!({"url": "about:blank"}));
        let attached = page.send(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        attached["sessionId"]
            .as_str()
            .expect("a session")
            .clone_into(&mut page.session);
        page.send("Page.navigate", json!({"url": url}));
        page
    }

    /// Sends a command and waits for its result.
    fn send(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": parameters});
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.socket
            .send(Message::text(command.to_string()))
            .expect("it is sent");
        loop {
            let message = self.socket.read().expect("the browser answers");
            let Ok(text) = message.to_text() else {
                continue;
            };
            let answer: Value = serde_json::from_str(text).unwrap_or_default();
            if answer["id"] == self.sent {
                assert_eq!(answer["error"], Value::Null, "{method}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression in the page.
    fn value(&mut self, expression: &str) -> Value {
        let result = self.send(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true}),
        );
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    fn wait(&mut self, expression: &str) {
        let started = Instant::now();
        while self.value(&format!("Boolean({expression})")) != json!(true) {
            if started.elapsed() > Duration::from_secs(60) {
                let seen = self.value("document.body.innerText");
                panic!("{expression} does not come true in {seen}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Presses a key with modifiers, of which 2 is Control.
    fn press(&mut self, key: &str, modifiers: u32) {
        let (code, number) = match key {
            "Enter" => ("Enter".to_owned(), 13),
            "Escape" => ("Escape".to_owned(), 27),
            letter => {
                let upper = letter.to_ascii_uppercase();
                (format!("Key{upper}"), u32::from(upper.as_bytes()[0]))
            }
        };
        for kind in ["rawKeyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": code, "modifiers": modifiers,
                "windowsVirtualKeyCode": number,
            });
            if key == "a" && kind == "rawKeyDown" {
                event["commands"] = json!(["selectAll"]);
            }
            self.send("Input.dispatchKeyEvent", event);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

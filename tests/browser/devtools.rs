//! A browser that is led from outside: real keys, windows of any size, paper.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket};

/// A page in a browser, driven by Chrome's protocol for tools.
pub(crate) struct Page {
    browser: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    sent: u64,
}

impl Page {
    /// Opens a page in a browser of its own, whose profile is in `folder`.
    pub(crate) fn open(chromium: &Path, folder: &Path, url: &str) -> Self {
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
    pub(crate) fn send(&mut self, method: &str, parameters: Value) -> Value {
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
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let result = self.send(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true}),
        );
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(crate) fn wait(&mut self, expression: &str) {
        let started = Instant::now();
        while self.value(&format!("Boolean({expression})")) != json!(true) {
            if started.elapsed() > Duration::from_secs(60) {
                let seen = self.value("document.body.innerText");
                panic!("{expression} does not come true in {seen}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Looks at it in a window of this size, in a theme of the system.
    pub(crate) fn look(&mut self, (width, height): (u32, u32), theme: &str) {
        self.send(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
        self.send(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": theme}]}),
        );
        self.wait(&format!("innerWidth === {width}"));
    }

    /// Presses a key with modifiers, of which 2 is Control.
    pub(crate) fn press(&mut self, key: &str, modifiers: u32) {
        let (code, number) = match key {
            "Enter" => ("Enter".to_owned(), 13),
            "Escape" => ("Escape".to_owned(), 27),
            "ArrowLeft" | "ArrowRight" => {
                (key.to_owned(), if key == "ArrowLeft" { 37 } else { 39 })
            }
            letter => {
                let upper = letter.to_ascii_uppercase();
                (format!("Key{upper}"), u32::from(upper.as_bytes()[0]))
            }
        };
        // A key that writes something is followed by what it writes.
        let text = if (key, modifiers) == ("Enter", 0) {
            "\r"
        } else {
            ""
        };
        let down = if text.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        };
        for kind in [down, "keyUp"] {
            let mut event = json!({
                "type": kind, "key": key, "code": code, "modifiers": modifiers,
                "windowsVirtualKeyCode": number,
            });
            if kind == "keyDown" {
                event["text"] = json!(text);
            }
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

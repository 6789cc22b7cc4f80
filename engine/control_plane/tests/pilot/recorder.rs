//! Asks the command of tests/conformance, and writes down what it answers.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::case::Case;
use crate::normal::Normal;

/// The command, ready for requests.
pub(crate) struct Recorder {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Recorder {
    pub(crate) fn start(pilot: &OsStr) -> Self {
        let mut child = Command::new(pilot)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("MESHSIM_PILOT names the command of tests/conformance");
        Self {
            requests: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Writes the answers to the cases whose names contain the word, and the version of Istio that gave them.
    #[expect(clippy::disallowed_methods, reason = "recordings are files")]
    pub(crate) fn record(mut self, cases: &[Case], word: &str, folder: &Path) {
        let mut refused = Vec::new();
        for case in cases.iter().filter(|case| case.name.contains(word)) {
            let answer = self.ask(case);
            for problem in answer["refused"]
                .as_array()
                .into_iter()
                .flatten()
                .chain(answer.get("error"))
            {
                refused.push(format!("{}: {problem}", case.name));
            }
            let shown = case.shown(&Normal::of(&answer));
            let mut text = serde_json::to_string_pretty(&shown).expect("JSON can be written");
            text.push('\n');
            std::fs::write(case.recording(), text).expect("a writable recording");
            if let Some(version) = answer["istio"].as_str() {
                std::fs::write(folder.join("istio-version.txt"), format!("{version}\n"))
                    .expect("a writable file");
            }
        }
        drop(self.requests);
        self.child.wait().expect("the command ends with its input");
        assert!(refused.is_empty(), "Istio refuses:\n{}", refused.join("\n"));
    }

    fn ask(&mut self, case: &Case) -> Value {
        let request = json!({"ask": "xds", "proxy": case.proxy, "files": case.files});
        writeln!(self.requests, "{request}").expect("the command reads");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the command answers");
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("{}: {error}: {answer}", case.name))
    }
}

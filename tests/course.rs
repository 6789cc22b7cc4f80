//! The lessons of `docs/learn/course` print what their commands print.
//!
//! A `console` block holds commands, each with lines that its output has, in that order and among others; `...` stands for
//! lines left out. Spaces at the ends of lines do not count, and a line may be the beginning of a longer one.

use rayon::prelude::*;
use std::path::Path;
use std::process::Command;

#[test]
fn the_course_shows_what_its_commands_print() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/learn/course");
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the course is there") {
        let path = entry.expect("a file of the course").path();
        let text = std::fs::read_to_string(&path).expect("a lesson");
        let name = path.file_name().expect("a file has a name");
        examples.extend(examples_of(&name.to_string_lossy(), &text));
    }
    assert!(examples.len() > 20, "the course has examples");
    let failures: Vec<String> = examples.par_iter().filter_map(Example::failure).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// A command and what it prints.
struct Example {
    place: String,
    command: String,
    prints: Vec<String>,
}

fn examples_of(name: &str, text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut is_console = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if let (true, Some(command)) = (is_console, line.strip_prefix("$ meshsim ")) {
            examples.push(Example {
                place: format!("{name}:{}", number + 1),
                command: command.to_owned(),
                prints: Vec::new(),
            });
        } else if is_console && line != "..." {
            let example = examples.last_mut().expect("a command comes first");
            example.prints.push(line.trim().to_owned());
        }
    }
    examples
}

/// The words of a command line; single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

impl Example {
    fn failure(&self) -> Option<String> {
        let folder = std::env::temp_dir().join(format!("meshsim-course-{}", std::process::id()));
        let out = folder.join(self.place.replace(':', "-"));
        let arguments = self
            .command
            .replace("reports/out/course", &out.to_string_lossy());
        let output = Command::new(env!("CARGO_BIN_EXE_meshsim"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(words(&arguments))
            .output()
            .expect("the binary runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let _ = std::fs::remove_dir_all(&out);
        let mut lines = printed.lines();
        let missing = self
            .prints
            .iter()
            .find(|wanted| !lines.any(|line| line.trim().starts_with(wanted.as_str())));
        let place = &self.place;
        if printed.is_empty() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Some(format!("{place}: prints nothing: {said}"));
        }
        missing.map(|missing| format!("{place}: does not print `{missing}`:\n{printed}"))
    }
}

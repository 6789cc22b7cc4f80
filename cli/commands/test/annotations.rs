//! `--annotations github`: failures as workflow commands, which GitHub shows beside the lines of a pull request.
//!
//! Source: docs.github.com, "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit.

use std::env;
use std::fs;
use std::path::Path;

use base::Location;

use super::suite::Suite;
use crate::args::Annotations;

/// Whether they are asked for.
pub(crate) fn are_wanted(annotations: Annotations) -> bool {
    match annotations {
        Annotations::Github => true,
        Annotations::None => false,
        Annotations::Auto => env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true"),
    }
}

/// A line for each failure, and for each error in files that could not be read.
pub(crate) fn of(suite: &Suite) -> String {
    let root = env::var_os("GITHUB_WORKSPACE");
    let root = root.as_deref().map(Path::new);
    let mut lines = String::new();
    match &suite.result {
        Ok(judged) => {
            for (case, want, got) in judged.failed() {
                let title = format!("{}: {}", judged.name, case.name);
                lines += &error(
                    Some(&case.at),
                    root,
                    &title,
                    &format!("want {want}, got {got}"),
                );
            }
        }
        Err(_) => {
            let start = Location::start_of(suite.file.to_string_lossy());
            for (at, message) in suite.errors() {
                lines += &error(Some(at.unwrap_or(&start)), root, "refused", &message);
            }
        }
    }
    lines
}

/// One command. Its file is named as seen from the root of the checkout.
fn error(at: Option<&Location>, root: Option<&Path>, title: &str, message: &str) -> String {
    let place = at.map(|at| {
        let file = property(&inside(root, &at.file));
        format!("file={file},line={},col={},", at.line, at.column)
    });
    let place = place.unwrap_or_default();
    format!(
        "::error {place}title={}::{}\n",
        property(title),
        data(message)
    )
}

fn inside(root: Option<&Path>, file: &str) -> String {
    let absolute = fs::canonicalize(file);
    let root = root.and_then(|root| fs::canonicalize(root).ok());
    let inner = absolute.ok().zip(root).and_then(|(file, root)| {
        let inner = file.strip_prefix(&root).ok()?;
        Some(inner.to_string_lossy().into_owned())
    });
    inner.unwrap_or_else(|| file.to_owned())
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_command_is_escaped() {
        let at = Location {
            file: "a,b.yaml".into(),
            line: 3,
            column: 5,
        };
        assert_eq!(
            error(
                Some(&at),
                None,
                "shop: 10%, at most",
                "want 10%\ngot: 12%, so"
            ),
            "::error file=a%2Cb.yaml,line=3,col=5,title=shop%3A 10%25%2C at most::want 10%25%0Agot: 12%25, so\n"
        );
    }
}

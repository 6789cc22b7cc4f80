//! `meshsim analyze`: what is wrong in manifests, with istioctl's codes and lines.
//!
//! What the API server or Istio's webhook would refuse is a finding like any other; only text that cannot be read as
//! YAML at all is refused.

use manifest::{Diagnostic, Invalid, Level};
use serde::Serialize;

use crate::args::{AnalyzeArgs, Format, Threshold};
use crate::exit_code::Exit;
use crate::manifests::{self, Manifests, errors};
use crate::mesh_config;
use crate::output::{DIM, ERROR, GOOD, HELP, NAME, Output, WARNING};
use crate::refusal::{Failure, Refusal};

/// All that is found (`meshsim.analyze/1`).
#[derive(Debug, Serialize)]
struct Analysis {
    schema: &'static str,
    findings: Vec<Finding>,
    /// What the status of objects of the Gateway API would say; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Condition>,
}

/// A condition of an object, or of a part of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Condition {
    kind: &'static str,
    namespace: String,
    name: String,
    parent: Option<String>,
    listener: Option<String>,
    #[serde(rename = "type")]
    condition_type: &'static str,
    status: String,
    reason: &'static str,
    message: String,
}

/// One finding.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    code: String,
    level: &'static str,
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    message: String,
    file: String,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// Prints what is found; errors make it fail, or what else is asked for.
pub(crate) fn run(args: &AnalyzeArgs, output: &Output) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&args.manifests, &args.paths, Invalid::Kept, output)?;
    let (unreadable, mut diagnostics): (Vec<_>, Vec<_>) = manifests
        .diagnostics
        .iter()
        .cloned()
        .partition(manifests::is_unreadable);
    if !unreadable.is_empty() {
        manifests::report(&unreadable, &manifests.sources, false, output);
        return Err(
            Refusal::new(format!("{} in the YAML itself", errors(unreadable.len()))).into(),
        );
    }
    let config = mesh_config::read(
        args.manifests.mesh_config.as_deref(),
        &manifests.resources,
        output,
    )?;
    let mesh = control_plane::compile(&manifests.resources, &config);
    diagnostics.extend_from_slice(mesh.diagnostics());
    sort(&mut diagnostics);
    let is_failed = diagnostics
        .iter()
        .any(|finding| args.failure_threshold.is_reached(finding.level));
    diagnostics.retain(|finding| args.output_threshold.is_reached(finding.level));
    let findings: Vec<Finding> = diagnostics.iter().map(Finding::from).collect();
    match output.format {
        Format::Text | Format::Markdown => {
            output.print(&findings.iter().map(line).collect::<String>())?
        }
        Format::Json => output.print_json(&Analysis {
            schema: "meshsim.analyze/1",
            findings,
            conditions: mesh.conditions().iter().map(Condition::from).collect(),
        })?,
    }
    output.note(summary(&diagnostics, manifests.sources.len()));
    Ok(if is_failed {
        Exit::Failed
    } else {
        Exit::Success
    })
}

impl Threshold {
    /// Whether a finding is as grave as this, or graver.
    fn is_reached(self, level: Level) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => level != Level::Info,
            Self::Error => level == Level::Error,
        }
    }
}

/// The gravest first, then by code and place, as istioctl sorts them.
fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.level, istio_code(d).to_owned(), d.location.clone());
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
}

/// The code of a finding, Istio's or (`MS`) our own: what the schema refuses is IST0106, what it warns of IST0133.
fn istio_code(diagnostic: &Diagnostic) -> &str {
    let has_code = ["IST", "MS"]
        .iter()
        .any(|prefix| diagnostic.code.starts_with(prefix));
    match (has_code, diagnostic.level) {
        (true, _) => diagnostic.code,
        (false, Level::Error) => "IST0106",
        (false, Level::Warning | Level::Info) => "IST0133",
    }
}

impl From<&control_plane::gateway_api::Condition> for Condition {
    fn from(condition: &control_plane::gateway_api::Condition) -> Self {
        Self {
            kind: condition.kind,
            namespace: condition.namespace.clone(),
            name: condition.name.clone(),
            parent: condition.parent.clone(),
            listener: condition.listener.clone(),
            condition_type: condition.condition_type,
            status: condition.status.to_string(),
            reason: condition.reason,
            message: condition.message.clone(),
        }
    }
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Self {
        let code = istio_code(diagnostic);
        let template = match (code == diagnostic.code, code) {
            (false, "IST0106") => "Schema validation error: ",
            (false, _) => "Schema validation warning: ",
            (true, _) => "",
        };
        let object = diagnostic.object.as_ref();
        let text = |part: fn(&manifest::ObjectRef) -> &String| {
            object.map(part).filter(|text| !text.is_empty()).cloned()
        };
        Self {
            code: code.to_owned(),
            level: match diagnostic.level {
                Level::Error => "Error",
                Level::Warning => "Warning",
                Level::Info => "Info",
            },
            kind: text(|object| &object.kind),
            namespace: text(|object| &object.namespace),
            name: text(|object| &object.name),
            message: format!("{template}{}", diagnostic.message),
            file: diagnostic.location.file.to_string(),
            line: diagnostic.location.line,
            column: diagnostic.location.column,
            help: diagnostic.help.clone(),
        }
    }
}

/// A finding as istioctl prints it: `Error [IST0101] (VirtualService default/reviews vs.yaml:14) Referenced ...`.
fn line(finding: &Finding) -> String {
    let style = match finding.level {
        "Error" => ERROR,
        "Warning" => WARNING,
        _ => HELP,
    };
    let name = match (&finding.namespace, &finding.name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name} "),
        (None, Some(name)) => format!("{name} "),
        (_, None) => String::new(),
    };
    let kind = finding.kind.as_ref().map(|kind| format!("{kind} "));
    let help = finding
        .help
        .as_ref()
        .map(|help| format!(" {DIM}({help}){DIM:#}"));
    format!(
        "{style}{level}{style:#} [{code}] ({NAME}{kind}{name}{NAME:#}{file}:{line}) {message}{help}\n",
        level = finding.level,
        code = finding.code,
        kind = kind.unwrap_or_default(),
        file = finding.file,
        line = finding.line,
        message = finding.message,
        help = help.unwrap_or_default(),
    )
}

fn summary(diagnostics: &[Diagnostic], files: usize) -> String {
    let files = plural(files, "file");
    if diagnostics.is_empty() {
        return format!("{GOOD}✔{GOOD:#} no issue found in {files}");
    }
    let count = |level| diagnostics.iter().filter(|d| d.level == level).count();
    let counts: Vec<String> = [
        (count(Level::Error), "error"),
        (count(Level::Warning), "warning"),
        (count(Level::Info), "note"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| plural(count, what))
    .collect();
    format!("{} in {files}", counts.join(", "))
}

/// `1 file`, `2 files`.
fn plural(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Location;
    use manifest::ObjectRef;

    fn diagnostic(code: &'static str, level: Level, line: u32) -> Diagnostic {
        Diagnostic {
            code,
            level,
            location: Location {
                line,
                ..Location::start_of("vs.yaml")
            },
            span: 0..0,
            object: Some(ObjectRef {
                kind: "VirtualService".to_owned(),
                namespace: "default".to_owned(),
                name: "reviews".to_owned(),
            }),
            field: String::new(),
            message: "Referenced host not found: \"ratingz\"".to_owned(),
            help: None,
        }
    }

    #[test]
    fn lines_are_istioctls() {
        let finding = Finding::from(&diagnostic("IST0101", Level::Error, 14));
        let plain = anstream::adapter::strip_str(&line(&finding)).to_string();
        assert_eq!(
            plain,
            "Error [IST0101] (VirtualService default/reviews vs.yaml:14) \
             Referenced host not found: \"ratingz\"\n"
        );
    }

    #[test]
    fn what_the_schema_refuses_has_istios_code_for_it() {
        let codes = [Level::Error, Level::Warning].map(|level| {
            let finding = Finding::from(&diagnostic("unknown-field", level, 1));
            (
                finding.code,
                finding.message.starts_with("Schema validation"),
            )
        });
        assert_eq!(
            codes,
            [("IST0106".to_owned(), true), ("IST0133".to_owned(), true)]
        );
    }

    #[test]
    fn the_gravest_come_first() {
        let mut diagnostics = [
            diagnostic("IST0102", Level::Info, 1),
            diagnostic("IST0104", Level::Error, 9),
            diagnostic("IST0101", Level::Error, 5),
            diagnostic("IST0101", Level::Error, 4),
        ];
        sort(&mut diagnostics);
        assert_eq!(diagnostics.map(|d| d.location.line), [4, 5, 9, 1]);
    }
}

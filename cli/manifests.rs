//! The manifests that a verb works on: read, and what is wrong with them said.

use std::path::PathBuf;

use control_plane::fidelity;
use manifest::diagnostic::codes;
use manifest::{Color, Diagnostic, Invalid, Level, ObjectRef, Resources, Source};

use crate::args::ManifestArgs;
use crate::input;
use crate::output::{ERROR, Output, Verbosity, WARNING};
use crate::refusal::{Failure, Refusal};

/// Manifests as read.
#[derive(Debug)]
pub(crate) struct Manifests {
    /// The files.
    pub(crate) sources: Vec<Source>,
    /// The objects.
    pub(crate) resources: Resources,
    /// What the API server and Istio's webhook would say.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Manifests {
    /// Reads what `-f` names, and the paths beside it.
    ///
    /// Objects that the API server or Istio's webhook would refuse are left out or kept.
    pub(crate) fn read(
        args: &ManifestArgs,
        paths: &[PathBuf],
        invalid: Invalid,
        output: &Output,
    ) -> Result<Self, Failure> {
        let named: Vec<PathBuf> = paths.iter().chain(&args.files).cloned().collect();
        if named.is_empty() {
            return Err(Refusal::new("no manifests are given")
                .with_help("name a file or a folder with `-f`, or pipe them in: `-f -`")
                .into());
        }
        let sources = input::read_manifests(&named)?;
        let (mut resources, mut diagnostics) =
            manifest::parse_with(&sources, &args.namespace, invalid);
        let of_webhook = control_plane::validate(&resources);
        if invalid == Invalid::LeftOut {
            for object in refused(&of_webhook) {
                resources.delete(&object.kind, &object.namespace, &object.name);
            }
        }
        diagnostics.extend(of_webhook);
        for source in &sources {
            output.detail(format_args!("reads `{}`", source.name));
        }
        say_what_is_left_out(&resources, output);
        Ok(Self {
            sources,
            resources,
            diagnostics,
        })
    }

    /// The objects, if all are valid or those that are not may be left out; says what is wrong.
    pub(crate) fn accept(&self, skip_invalid: bool, output: &Output) -> Result<(), Failure> {
        report(&self.diagnostics, &self.sources, skip_invalid, output);
        let (unreadable, invalid) = count_errors(&self.diagnostics);
        if unreadable == 0 && (invalid == 0 || skip_invalid) {
            return Ok(());
        }
        let refusal = Refusal::new(format!("{} in the manifests", errors(unreadable + invalid)));
        Err(match unreadable {
            0 => refusal.with_help(
                "`--skip-invalid` leaves invalid objects out, as a cluster that refused them would",
            ),
            _ => refusal,
        }
        .into())
    }
}

/// The objects that errors are about.
fn refused(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &ObjectRef> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error)
        .filter_map(|diagnostic| diagnostic.object.as_ref())
}

/// Names objects of kinds that are not read and would change what real traffic does, and counts all of them for those who
/// ask.
fn say_what_is_left_out(resources: &Resources, output: &Output) {
    for (other, meaning) in fidelity::other_kinds(resources) {
        let meaning = match meaning {
            "" => String::new(),
            meaning => format!(" ({meaning})"),
        };
        output.note(format_args!(
            "{}: {WARNING}warning{WARNING:#}: {} `{}` is not simulated{meaning}",
            other.location, other.kind, other.name
        ));
    }
    for (kind, count) in resources.other_counts() {
        output.detail(format_args!("leaves out {count} {kind}"));
    }
}

/// Whether the text itself could not be read, so that nothing is known about the objects in it.
pub(crate) fn is_unreadable(diagnostic: &Diagnostic) -> bool {
    [codes::SYNTAX, codes::LIMIT].contains(&diagnostic.code)
}

fn count_errors(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d.level == Level::Error);
    let (unreadable, invalid): (Vec<_>, Vec<_>) = errors.partition(|d| is_unreadable(d));
    (unreadable.len(), invalid.len())
}

/// `1 error`, `2 errors`.
pub(crate) fn errors(count: usize) -> String {
    match count {
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    }
}

/// Says what is wrong: one line as compilers write it, and the line of the file below.
pub(crate) fn report(
    diagnostics: &[Diagnostic],
    sources: &[Source],
    skip_invalid: bool,
    output: &Output,
) {
    for diagnostic in diagnostics {
        let is_left_out = skip_invalid && !is_unreadable(diagnostic);
        let wanted = match diagnostic.level {
            Level::Error if !is_left_out => Verbosity::Quiet,
            Level::Error | Level::Warning => Verbosity::Normal,
            Level::Info => Verbosity::Verbose,
        };
        if output.verbosity >= wanted {
            output.block(&show(diagnostic, sources, is_left_out));
        }
    }
}

fn show(diagnostic: &Diagnostic, sources: &[Source], is_left_out: bool) -> String {
    let level = match diagnostic.level {
        Level::Error if !is_left_out => format!("{ERROR}error{ERROR:#}"),
        Level::Error => format!("{WARNING}warning{WARNING:#}: left out"),
        Level::Warning => format!("{WARNING}warning{WARNING:#}"),
        Level::Info => "info".to_owned(),
    };
    let line = format!("{}: {level}: {}", diagnostic.location, diagnostic.message);
    match (snippet(diagnostic, sources), &diagnostic.help) {
        // What would help stands under the mark.
        (Some(snippet), _) => format!("{line}\n{snippet}"),
        (None, Some(help)) => format!("{line} ({help})"),
        (None, None) => line,
    }
}

/// The line of the file with a mark; the heading above it would say again what the line before says.
fn snippet(diagnostic: &Diagnostic, sources: &[Source]) -> Option<String> {
    let rendered = manifest::render(diagnostic, sources, Color::Always);
    let (_, after_heading) = rendered.split_once("--> ")?;
    let (_, snippet) = after_heading.split_once('\n')?;
    snippet.contains('|').then(|| snippet.to_owned())
}

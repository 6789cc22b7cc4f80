//! A source under way: its lines, and the diagnostics that become of problems in it.

use base::Location;

use crate::diagnostic::{Diagnostic, Level, ObjectRef, codes};
use crate::source::Source;
use crate::yaml::lines::Lines;
use crate::yaml::problem::Problem;

/// A source and where its lines begin.
pub(crate) struct File<'s> {
    pub(crate) source: &'s Source,
    pub(crate) lines: Lines<'s>,
}

impl<'s> File<'s> {
    /// A source that is about to be read; refused beyond 4 GiB, since places are kept in 32 bits.
    pub(crate) fn open(source: &'s Source) -> Result<Self, Box<Diagnostic>> {
        if u32::try_from(source.text.len()).is_err() {
            return Err(Box::new(Diagnostic {
                code: codes::LIMIT,
                level: Level::Error,
                location: Location::start_of(source.name.clone()),
                span: 0..0,
                object: None,
                field: String::new(),
                message: "the file is larger than 4 GiB".into(),
                help: None,
            }));
        }
        Ok(Self {
            source,
            lines: Lines::new(&source.text),
        })
    }

    /// The place of a byte.
    pub(crate) fn location(&self, offset: usize) -> Location {
        let (line, column) = self.lines.position(offset);
        Location {
            file: self.source.name.clone(),
            line,
            column,
        }
    }

    /// A problem with its place and its object.
    pub(crate) fn diagnostic(&self, problem: Problem, object: Option<&ObjectRef>) -> Diagnostic {
        Diagnostic {
            code: problem.code,
            level: problem.level,
            location: self.location(problem.span.start),
            span: problem.span,
            object: object.cloned(),
            field: problem.field,
            message: problem.message,
            help: problem.help,
        }
    }

    /// All problems of one document, in the order of the text.
    pub(crate) fn diagnostics<'d>(
        &'d self,
        mut problems: Vec<Problem>,
        object: Option<&'d ObjectRef>,
    ) -> impl Iterator<Item = Diagnostic> + use<'d, 's> {
        problems.sort_by_key(|problem| problem.span.start);
        problems
            .into_iter()
            .map(move |problem| self.diagnostic(problem, object))
    }
}

//! An Envoy in the place of manifests: its bootstrap, and how it is run.

use crate::envoy_json;
use crate::file::{Files, error};
use crate::object_name::ObjectName;
use crate::place::{Place, Placed};
use crate::reader::{Cursor, Reader};
use crate::shape::{Object, Shape, field};
use manifest::diagnostic::codes;
use manifest::{Diagnostic, Level, Source};
use xds::{Reading, RunningProxy};

/// A lone Envoy.
#[derive(Clone, Debug)]
pub struct Envoy {
    /// Its bootstrap.
    pub source: Source,
    /// What that says, and what of it is not modelled.
    pub told: Reading<RunningProxy>,
    /// Its worker threads.
    pub concurrency: u16,
    /// Where it is named.
    pub place: Place,
}

/// `envoy`
pub(crate) static ENVOY: Object = Object {
    name: "envoy",
    about: "A lone Envoy with static resources.",
    fields: &[
        field(
            "bootstrap",
            Shape::Text,
            "Its bootstrap, YAML or JSON, relative to this file.",
        ),
        field(
            "concurrency",
            Shape::Whole(1),
            "Its worker threads, as `--concurrency` says; 1 if not written.",
        ),
    ],
    required: &["bootstrap"],
    one_of: &[],
};

impl Envoy {
    /// What stands for it among workloads and pods of a namespace.
    pub(crate) fn name(namespace: &str) -> ObjectName {
        ObjectName {
            namespace: namespace.to_owned(),
            name: "envoy".to_owned(),
        }
    }

    /// Reads the name of a bootstrap, or a map with more to say, and the bootstrap itself.
    pub(crate) fn read(reader: &mut Reader, node: &Cursor<'_>, files: &Files<'_>) -> Option<Self> {
        let (file, concurrency) = if node.is_map() {
            let fields = reader.object(node, &ENVOY)?;
            let concurrency = fields
                .get("concurrency")
                .and_then(|node| read_concurrency(reader, &node));
            let file = fields.get("bootstrap")?;
            (reader.placed_text(&file)?, concurrency)
        } else {
            (reader.placed_text(node)?, None)
        };
        let source = read_file(reader, &file, files)?;
        match read_bootstrap(&source) {
            Ok(told) => Some(Self {
                source,
                told,
                concurrency: concurrency.unwrap_or(1),
                place: file.place,
            }),
            Err(diagnostic) => {
                reader.push(*diagnostic);
                None
            }
        }
    }
}

/// Reads a number of worker threads.
pub(crate) fn read_concurrency(reader: &mut Reader, node: &Cursor<'_>) -> Option<u16> {
    let workers = reader.whole_within(node, 1, u32::from(MOST_WORKERS))?;
    Some(u16::try_from(workers).expect("within 16 bits, as was checked"))
}

/// No machine has more cores.
const MOST_WORKERS: u16 = 1024;

fn read_file(reader: &mut Reader, file: &Placed<String>, files: &Files<'_>) -> Option<Source> {
    let mut found = match files(file) {
        Ok(found) => found,
        Err(reason) => {
            let message = format!("`{}` cannot be read: {reason}", file.value);
            reader.push(error(codes::INVALID_VALUE, &file.place, message, None));
            return None;
        }
    };
    if found.len() == 1 {
        return found.pop();
    }
    let message = format!("`{}` is no single file", file.value);
    let help = "name the bootstrap of one Envoy".to_owned();
    reader.push(error(
        codes::INVALID_VALUE,
        &file.place,
        message,
        Some(help),
    ));
    None
}

fn read_bootstrap(source: &Source) -> Result<Reading<RunningProxy>, Box<Diagnostic>> {
    let json = envoy_json::read(source)?;
    let refused = |location, field: String, message, help: Option<&str>| {
        Box::new(Diagnostic {
            code: codes::INVALID_VALUE,
            level: Level::Error,
            location,
            span: 0..0,
            object: None,
            field,
            message,
            help: help.map(str::to_owned),
        })
    };
    if json.get("configs").is_some() {
        let message = "this is a config dump, not a bootstrap".to_owned();
        let help = "explain it with `meshsim explain --config-dump`";
        return Err(refused(json.at.clone(), String::new(), message, Some(help)));
    }
    RunningProxy::from_bootstrap(&json).map_err(|error| {
        let message = match error.path.as_str() {
            "" => error.message,
            path => format!("{path}: {}", error.message),
        };
        refused(error.at, error.path, message, None)
    })
}

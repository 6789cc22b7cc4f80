//! A trace as a table: a header line with the names of the columns, then a line a request.

use super::table::{self, Row};
use super::{Fault, Recorded, Told, nanoseconds};
use crate::header;
use crate::object_name::nearest;
use crate::request::check_method;
use crate::url::Url;
use base::SimDuration;

/// The columns that mean something, under all their names: those of a trace, and those of our own access log.
const COLUMNS: [(&str, Column); 9] = [
    ("time", Column::Time),
    ("start_seconds", Column::Time),
    ("method", Column::Method),
    ("host", Column::Host),
    ("authority", Column::Host),
    ("path", Column::Path),
    ("headers", Column::Headers),
    ("bodyBytes", Column::BodyBytes),
    ("body_bytes", Column::BodyBytes),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Time,
    Method,
    Host,
    Path,
    Headers,
    BodyBytes,
}

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Method => "method",
            Self::Host => "host",
            Self::Path => "path",
            Self::Headers => "headers",
            Self::BodyBytes => "bodyBytes",
        }
    }
}

/// Reads a table.
pub(super) fn read(text: &str) -> Told {
    let mut told = Told::default();
    let rows = match table::rows(text) {
        Ok(rows) => rows,
        Err((offset, message)) => {
            let help =
                Some("close it, or write it twice where it is a part of the value".to_owned());
            told.faults.push(fault(offset, "", message, help));
            return told;
        }
    };
    let mut rows = rows.into_iter();
    let header = rows.next().unwrap_or_default();
    let is_own_log = header.iter().any(|(_, name)| name == "start_seconds");
    let columns = columns(&header, is_own_log, &mut told.faults);
    if !told.faults.is_empty() {
        return told;
    }
    // Calls of workloads follow from the requests of traffic sources.
    let is_number = |(_, name): &(usize, String)| is_own_log && name == "request";
    let number = header.iter().position(is_number);
    for row in rows {
        if row.len() != header.len() {
            let message = format!(
                "there are {} fields, and {} columns",
                row.len(),
                header.len()
            );
            let offset = row
                .get(header.len())
                .or(row.last())
                .map_or(0, |(offset, _)| *offset);
            told.faults.push(fault(offset, "", message, None));
            continue;
        }
        if number.is_some_and(|place| row[place].1.is_empty()) {
            told.caused += 1;
            continue;
        }
        match request(&row, &columns) {
            Ok(request) => told.recorded.push(request),
            Err(found) => told.faults.push(found),
        }
    }
    told
}

/// What each column of the header means; our own log has many more: who sent a request and what became of it.
fn columns(header: &Row, is_own_log: bool, faults: &mut Vec<Fault>) -> Vec<Option<Column>> {
    let mut columns: Vec<Option<Column>> = Vec::new();
    for (offset, name) in header {
        let known = COLUMNS.iter().find(|(known, _)| known == name);
        let meant = known.map(|(_, column)| *column);
        if meant.is_none() && !is_own_log {
            faults.push(unknown_column(*offset, name));
        }
        if meant.is_some() && columns.contains(&meant) {
            let message = format!("a second column `{name}`");
            let help = "leave one of them out".to_owned();
            faults.push(fault(*offset, "", message, Some(help)));
        }
        columns.push(meant);
    }
    for needed in [Column::Time, Column::Path] {
        if !columns.contains(&Some(needed)) {
            let message = format!("there is no column `{}`", needed.name());
            faults.push(fault(0, "", message, None));
        }
    }
    columns
}

fn unknown_column(offset: usize, name: &str) -> Fault {
    let known = COLUMNS.iter().map(|(known, _)| *known);
    let help = match nearest(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            "the columns are `time`, `method`, `host`, `path`, `headers`, `bodyBytes`".to_owned()
        }
    };
    fault(offset, "", format!("unknown column `{name}`"), Some(help))
}

/// What is wrong with a value, and what helps.
type Wrong = (String, Option<String>);

fn request(row: &Row, columns: &[Option<Column>]) -> Result<Recorded, Fault> {
    let mut request = Recorded {
        at: 0,
        method: "GET".to_owned(),
        host: String::new(),
        path: "/".to_owned(),
        headers: Vec::new(),
        body_bytes: 0,
        offset: row.first().map_or(0, |(offset, _)| *offset),
    };
    for ((offset, text), column) in row.iter().zip(columns) {
        let Some(column) = column else {
            continue;
        };
        fill(&mut request, *column, text)
            .map_err(|(message, help)| fault(*offset, column.name(), message, help))?;
        if *column == Column::Host {
            request.offset = *offset;
        }
    }
    Ok(request)
}

fn fill(request: &mut Recorded, column: Column, text: &str) -> Result<(), Wrong> {
    match column {
        Column::Time => request.at = time(text)?,
        Column::Method if text.is_empty() => {}
        Column::Method => {
            check_method(text).map_err(|(message, help)| (message, Some(help)))?;
            text.clone_into(&mut request.method);
        }
        Column::Host => {
            check_host(text)?;
            text.clone_into(&mut request.host);
        }
        Column::Path => {
            check_path(text)?;
            text.clone_into(&mut request.path);
        }
        Column::Headers => request.headers = headers(text)?,
        Column::BodyBytes if text.is_empty() => {}
        Column::BodyBytes => {
            let help = || Some("write a whole number, as in `1024`".to_owned());
            let bytes = text.parse();
            request.body_bytes =
                bytes.map_err(|_| (format!("`{text}` is not a number of bytes"), help()))?;
        }
    }
    Ok(())
}

fn check_path(text: &str) -> Result<(), Wrong> {
    if !text.starts_with('/') {
        let help = "a path begins with `/`".to_owned();
        return Err((format!("`{text}` is not a path"), Some(help)));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let help = "write a blank as `%20`".to_owned();
        return Err((
            format!("`{text}` is not a path: it holds a blank"),
            Some(help),
        ));
    }
    Ok(())
}

/// A host with or without its port; nothing where `to` says it.
fn check_host(text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Ok(());
    }
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    match Url::parse(&format!("http://{text}/")) {
        Ok(url) if url.authority == text => Ok(()),
        _ if bare != text && !bare.is_empty() => {
            let message = format!("`{text}` is not a host");
            Err((message, Some(format!("write `{bare}`"))))
        }
        Ok(_) => Err((format!("`{text}` is not a host"), None)),
        Err(error) => Err((format!("`{text}` is not a host: {error}"), None)),
    }
}

/// Seconds as a number, a duration, or a date and time.
fn time(text: &str) -> Result<i128, Wrong> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
        && seconds >= 0.0
    {
        return Ok((seconds * 1e9 + 0.5) as i128);
    }
    if let Ok(duration) = text.parse::<SimDuration>() {
        return Ok(i128::from(duration.as_nanos()));
    }
    nanoseconds(text).ok_or_else(|| {
        let help =
            "write seconds as in `1.25`, a duration as in `250ms`, or `2026-01-31T12:00:00Z`";
        (format!("`{text}` is not a time"), Some(help.to_owned()))
    })
}

/// `name: value; name: value`
fn headers(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let parts = text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once(':') {
            Some((name, value)) => {
                let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
                header::check(&name, &value)
                    .map_err(|(message, help)| (message, Some(help.to_owned())))?;
                Ok((name, value))
            }
            None => {
                let help = "write headers as in `end-user: jason; x-debug: 1`".to_owned();
                Err((format!("`{part}` is not a header"), Some(help)))
            }
        })
        .collect()
}

fn fault(offset: usize, field: &'static str, message: String, help: Option<String>) -> Fault {
    Fault {
        offset,
        field,
        message,
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let text = "path,time,method,headers,host\n/a,0.5,,end-user: jason; x: 1:2,web\n\"/b?x=1,2\",750ms,POST,,\n";
        let told = read(text);
        assert!(told.faults.is_empty());
        let [a, b] = &told.recorded[..] else {
            panic!("{:?}", told.recorded);
        };
        assert_eq!(
            (a.at, a.method.as_str(), a.host.as_str()),
            (500_000_000, "GET", "web")
        );
        let headers = [("end-user", "jason"), ("x", "1:2")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(a.headers, headers);
        assert_eq!((b.at, b.path.as_str()), (750_000_000, "/b?x=1,2"));
        assert!(text[a.offset..].starts_with("web"));
    }

    /// Each fault with the text from its place on.
    fn check(text: &str, expected: &[(&str, &str)]) {
        let faults = read(text).faults;
        let found: Vec<(&str, &str)> = faults
            .iter()
            .map(|fault| (&text[fault.offset..], fault.message.as_str()))
            .collect();
        assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
        for ((rest, message), (at, expected)) in found.iter().zip(expected) {
            assert!(rest.starts_with(at), "{text}: {rest}");
            assert_eq!(message, expected, "{text}");
        }
    }

    #[test]
    fn faults_name_their_places() {
        check(
            "time,pth\n",
            &[
                ("pth", "unknown column `pth`"),
                ("time", "there is no column `path`"),
            ],
        );
        check(
            "time,path\n1,/a\nsoon,/b\n",
            &[("soon", "`soon` is not a time")],
        );
        check(
            "time,path\n1,/a,b\n",
            &[("b", "there are 3 fields, and 2 columns")],
        );
        check(
            "time,path,headers\n1,/a,x\n",
            &[("x", "`x` is not a header")],
        );
        check(
            "time,path,headers\n1,/a,a b: x\n",
            &[("a b", "`a b` is not the name of a header")],
        );
        check(
            "time,path,path\n1,/a,/b\n",
            &[("path\n1", "a second column `path`")],
        );
        check(
            "time,path\n1,\"/a\n2,/b\n",
            &[("\"/a", "a quotation mark is not closed")],
        );
        check(
            "time,path\n1,/a b\n",
            &[("/a b", "`/a b` is not a path: it holds a blank")],
        );
        for method in ["get", "G ET"] {
            check(
                &format!("time,path,method\n1,/a,{method}\n"),
                &[(
                    method,
                    &format!("`{method}` is not an HTTP method that Envoy takes"),
                )],
            );
        }
        for host in ["http://shop", "shop/a"] {
            check(
                &format!("time,host,path\n1,{host},/a\n"),
                &[(host, &format!("`{host}` is not a host"))],
            );
        }
        check(
            "time,path,bodyBytes\n1,/a,much\n",
            &[("much", "`much` is not a number of bytes")],
        );
    }
}

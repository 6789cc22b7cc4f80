//! A trace as a table: a header line with the names of the columns, then a line a request.

use super::{Fault, Recorded, nanoseconds};
use crate::object_name::nearest;
use base::SimDuration;
use csv::{ReaderBuilder, StringRecord};

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

/// Reads a table.
pub(super) fn read(text: &str) -> (Vec<Recorded>, Vec<Fault>) {
    let mut reader = ReaderBuilder::new()
        .flexible(false)
        .from_reader(text.as_bytes());
    let mut faults = Vec::new();
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return (Vec::new(), vec![fault_of(&error)]),
    };
    // Our own log has many columns more: who sent a request and what became of it.
    let is_own_log = header.iter().any(|name| name == "start_seconds");
    let columns: Vec<Option<Column>> = header.iter().map(column).collect();
    for (name, column) in header.iter().zip(&columns) {
        if column.is_none() && !is_own_log {
            faults.push(unknown_column(name));
        }
    }
    for needed in [Column::Time, Column::Path] {
        if !columns.contains(&Some(needed)) {
            let name = if needed == Column::Time {
                "time"
            } else {
                "path"
            };
            faults.push(fault(1, format!("there is no column `{name}`"), None));
        }
    }
    if !faults.is_empty() {
        return (Vec::new(), faults);
    }
    // Calls of workloads follow from the requests of traffic sources.
    let number = header
        .iter()
        .position(|name| is_own_log && name == "request");
    let mut recorded = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(fault_of(&error));
                continue;
            }
        };
        if number.is_some_and(|place| record.get(place).is_some_and(str::is_empty)) {
            continue;
        }
        match request(&record, &columns) {
            Ok(request) => recorded.push(request),
            Err(found) => faults.push(found),
        }
    }
    (recorded, faults)
}

fn column(name: &str) -> Option<Column> {
    let known = COLUMNS.iter().find(|(known, _)| *known == name.trim());
    known.map(|(_, column)| *column)
}

fn unknown_column(name: &str) -> Fault {
    let known = COLUMNS.iter().map(|(known, _)| *known);
    let help = match nearest(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            "the columns are `time`, `method`, `host`, `path`, `headers`, `bodyBytes`".to_owned()
        }
    };
    fault(1, format!("unknown column `{name}`"), Some(help))
}

fn request(record: &StringRecord, columns: &[Option<Column>]) -> Result<Recorded, Fault> {
    let line = record
        .position()
        .map_or(0, |position| position.line() as u32);
    let mut request = Recorded {
        at: 0,
        method: "GET".to_owned(),
        host: String::new(),
        path: "/".to_owned(),
        headers: Vec::new(),
        body_bytes: 0,
        line,
    };
    for (text, column) in record.iter().zip(columns) {
        let text = text.trim();
        match column {
            Some(Column::Time) => request.at = time(text, line)?,
            Some(Column::Method) if !text.is_empty() => request.method = text.to_owned(),
            Some(Column::Host) => request.host = text.to_owned(),
            Some(Column::Path) if text.starts_with('/') => request.path = text.to_owned(),
            Some(Column::Path) => {
                let help = "a path begins with `/`".to_owned();
                return Err(fault(line, format!("`{text}` is not a path"), Some(help)));
            }
            Some(Column::Headers) => request.headers = headers(text, line)?,
            Some(Column::BodyBytes) if !text.is_empty() => {
                request.body_bytes = text
                    .parse()
                    .map_err(|_| fault(line, format!("`{text}` is not a number of bytes"), None))?;
            }
            Some(Column::Method | Column::BodyBytes) | None => {}
        }
    }
    Ok(request)
}

/// Seconds as a number, a duration, or a date and time.
fn time(text: &str, line: u32) -> Result<i128, Fault> {
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
        fault(
            line,
            format!("`{text}` is not a time"),
            Some(help.to_owned()),
        )
    })
}

/// `name: value; name: value`
fn headers(text: &str, line: u32) -> Result<Vec<(String, String)>, Fault> {
    let parts = text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            None => {
                let help = "write headers as in `end-user: jason; x-debug: 1`".to_owned();
                Err(fault(line, format!("`{part}` is not a header"), Some(help)))
            }
        })
        .collect()
}

fn fault_of(error: &csv::Error) -> Fault {
    let line = error
        .position()
        .map_or(1, |position| position.line() as u32);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("there are {len} fields, and {expected_len} columns")
        }
        _ => error.to_string(),
    };
    fault(line, message, None)
}

fn fault(line: u32, message: String, help: Option<String>) -> Fault {
    Fault {
        line,
        message,
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let (recorded, faults) = read(
            "path,time,method,headers,host\n/a,0.5,,end-user: jason; x: 1:2,web\n\"/b?x=1,2\",750ms,POST,,\n",
        );
        assert!(faults.is_empty());
        let [a, b] = &recorded[..] else {
            panic!("{recorded:?}");
        };
        assert_eq!(
            (a.at, a.method.as_str(), a.host.as_str()),
            (500_000_000, "GET", "web")
        );
        let headers = [("end-user", "jason"), ("x", "1:2")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(a.headers, headers);
        assert_eq!(
            (b.at, b.path.as_str(), b.line),
            (750_000_000, "/b?x=1,2", 3)
        );
    }

    #[test]
    fn faults_name_their_lines() {
        let faults = |text: &str| -> Vec<(u32, String)> {
            let found = read(text).1;
            found
                .into_iter()
                .map(|fault| (fault.line, fault.message))
                .collect()
        };
        let one = |line: u32, message: &str| vec![(line, message.to_owned())];
        assert_eq!(
            faults("time,pth\n"),
            [
                (1, "unknown column `pth`".to_owned()),
                (1, "there is no column `path`".to_owned()),
            ]
        );
        assert_eq!(
            faults("time,path\n1,/a\nsoon,/b\n"),
            one(3, "`soon` is not a time")
        );
        assert_eq!(
            faults("time,path\n1,/a,b\n"),
            one(2, "there are 3 fields, and 2 columns")
        );
        assert_eq!(
            faults("time,path,headers\n1,/a,x\n"),
            one(2, "`x` is not a header")
        );
    }
}

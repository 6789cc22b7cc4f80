//! A table of comma-separated values whose fields know where they begin.
//!
//! What a field holds is read by the csv crate; it tells no columns, and takes a quotation mark that is never closed.

use csv::ReaderBuilder;

/// Fields with the bytes at which they begin.
pub(super) type Row = Vec<(usize, String)>;

/// The rows of a table, the header first; or the byte and the fault that keeps it from being read.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, (usize, String)> {
    let places = places(text)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (record, places) in reader.records().zip(places) {
        let record = record.map_err(|error| {
            let offset = places.first().copied().unwrap_or(0);
            (offset, error.to_string())
        })?;
        let fields = record.iter().map(|field| field.trim().to_owned());
        let begins = places.into_iter().map(|at| {
            let rest = &text[at..];
            at + rest.len() - rest.trim_start_matches([' ', '\t']).len()
        });
        rows.push(begins.zip(fields).collect());
    }
    Ok(rows)
}

/// Where the fields of each line begin, lines without any left out.
fn places(text: &str) -> Result<Vec<Vec<usize>>, (usize, String)> {
    let bytes = text.as_bytes();
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if row.is_empty() && matches!(bytes[at], b'\n' | b'\r') {
            at += 1;
            continue;
        }
        row.push(at);
        let end = end_of_field(bytes, at)?;
        at = end + 1;
        match bytes.get(end) {
            Some(b',') if at == bytes.len() => {
                row.push(at);
                rows.push(std::mem::take(&mut row));
            }
            Some(b',') if matches!(bytes[at], b'\n' | b'\r') => {
                row.push(at);
                rows.push(std::mem::take(&mut row));
            }
            Some(b',') => {}
            Some(_) | None => rows.push(std::mem::take(&mut row)),
        }
    }
    Ok(rows)
}

/// The byte behind a field: a comma, the end of the line or of the text.
fn end_of_field(bytes: &[u8], begin: usize) -> Result<usize, (usize, String)> {
    let mut at = begin;
    let mut is_quoted = bytes[begin] == b'"';
    if is_quoted {
        at += 1;
    }
    while at < bytes.len() {
        match bytes[at] {
            b'"' if is_quoted && bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' if is_quoted => is_quoted = false,
            b',' | b'\n' | b'\r' if !is_quoted => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    match is_quoted {
        true => Err((begin, "a quotation mark is not closed".to_owned())),
        false => Ok(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_know_where_they_begin() {
        let text = "a,b\r\n\n\"x, \"\"y\"\"\n\",  z \n,\n";
        let rows = rows(text).expect("a table");
        let own = |fields: &[(usize, &str)]| -> Row {
            fields
                .iter()
                .map(|(at, text)| (*at, (*text).to_owned()))
                .collect()
        };
        assert_eq!(
            rows,
            [
                own(&[(0, "a"), (2, "b")]),
                own(&[(6, "x, \"y\""), (20, "z")]),
                own(&[(23, ""), (24, "")]),
            ]
        );
        assert_eq!(
            super::rows("a\n\"b"),
            Err((2, "a quotation mark is not closed".to_owned()))
        );
    }
}

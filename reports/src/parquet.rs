//! Access logs as Parquet: the columns of the CSV tables, typed, compressed, and written a row group at a time.
//!
//! Each call writes one row group, so memory does not grow with the log. Words are dictionary-encoded UTF-8, counts are
//! 64-bit integers and all other numbers doubles; what is empty in CSV is null. The same requests in the same batches give
//! the same bytes: nothing in the file tells when or by which version it was written.

use crate::csv::access_log::{REQUESTS, TRIES, request_row, try_row};
use crate::csv::{Cell, Column, Kind, Layout};
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::Arc;
use telemetry::AccessLogEntry;

/// The file of requests.
pub const REQUESTS_FILE: &str = "access_log.parquet";
/// The file of their tries.
pub const TRIES_FILE: &str = "access_log_tries.parquet";

/// An access log as it is being written: one file of requests, one of their tries.
pub struct ParquetLog<W: Write + Send> {
    requests: Sheet<W>,
    tries: Sheet<W>,
}

impl<W: Write + Send> ParquetLog<W> {
    /// Begins both files.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn new(requests: W, tries: W) -> io::Result<Self> {
        Ok(Self {
            requests: Sheet::new(&REQUESTS, requests)?,
            tries: Sheet::new(&TRIES, tries)?,
        })
    }

    /// Writes requests with their tries as one row group each.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&mut self, entries: impl Iterator<Item = AccessLogEntry>) -> io::Result<()> {
        for entry in entries {
            self.requests.add(&request_row(&entry));
            for one in &entry.tries {
                self.tries.add(&try_row(&entry, one));
            }
        }
        self.requests.end_group()?;
        self.tries.end_group()
    }

    /// Ends both files.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.requests.finish()?;
        self.tries.finish()
    }
}

/// A file as it is being written, with the rows of the row group to come.
struct Sheet<W: Write + Send> {
    layout: &'static Layout,
    columns: Vec<Values>,
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> Sheet<W> {
    fn new(layout: &'static Layout, sink: W) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_created_by("meshsim".to_owned())
            .set_compression(Compression::SNAPPY)
            .build();
        let schema = schema(layout)?;
        Ok(Self {
            layout,
            columns: layout.all().map(Values::of).collect(),
            writer: SerializedFileWriter::new(sink, schema, Arc::new(properties))?,
        })
    }

    fn add(&mut self, row: &[Cell<'_>]) {
        self.layout.check(row);
        for (values, cell) in self.columns.iter_mut().zip(row) {
            values.add(cell);
        }
    }

    /// Writes the rows there are; no row group where there are none.
    fn end_group(&mut self) -> io::Result<()> {
        if self.columns.first().is_none_or(Values::is_empty) {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.columns {
            let mut column = group.next_column()?.expect("the schema has a column each");
            values.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.writer.close()?;
        Ok(())
    }
}

fn schema(layout: &Layout) -> Result<Arc<Type>> {
    let fields = layout.all().map(|column| {
        let (physical, logical, repetition) = match column.kind {
            Kind::Text => (
                Physical::BYTE_ARRAY,
                Some(LogicalType::String),
                Repetition::REQUIRED,
            ),
            Kind::Integer => (Physical::INT64, None, Repetition::OPTIONAL),
            Kind::Boolean => (Physical::BOOLEAN, None, Repetition::OPTIONAL),
            Kind::Number | Kind::Ratio | Kind::Seconds | Kind::Milliseconds => {
                (Physical::DOUBLE, None, Repetition::OPTIONAL)
            }
        };
        let field = Type::primitive_type_builder(column.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()?;
        Ok(Arc::new(field))
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let name = layout.file.trim_end_matches(".csv");
    let schema = Type::group_type_builder(name).with_fields(fields).build()?;
    Ok(Arc::new(schema))
}

/// The values of a column in the row group to come, and for columns that may be null which of the rows have one.
enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>, Vec<i16>),
    Number(Vec<f64>, Vec<i16>),
    Boolean(Vec<bool>, Vec<i16>),
}

impl Values {
    fn of(column: &Column) -> Self {
        match column.kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Integer => Self::Integer(Vec::new(), Vec::new()),
            Kind::Boolean => Self::Boolean(Vec::new(), Vec::new()),
            Kind::Number | Kind::Ratio | Kind::Seconds | Kind::Milliseconds => {
                Self::Number(Vec::new(), Vec::new())
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(values) => values.is_empty(),
            Self::Integer(_, there) | Self::Number(_, there) | Self::Boolean(_, there) => {
                there.is_empty()
            }
        }
    }

    fn add(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Self::Text(values), Cell::Text(text)) => {
                // Neighbours share their bytes: labels repeat from row to row.
                let last = values.last().filter(|last| last.data() == text.as_bytes());
                let value = last.cloned().unwrap_or_else(|| ByteArray::from(&**text));
                values.push(value);
            }
            (Self::Text(values), _) => values.push(ByteArray::from("")),
            (Self::Integer(values, there), Cell::Integer(number)) => {
                values.push(i64::try_from(*number).expect("counts fit 63 bits"));
                there.push(1);
            }
            (Self::Number(values, there), Cell::Number(number)) => {
                values.push(*number);
                there.push(1);
            }
            (Self::Boolean(values, there), Cell::Boolean(yes)) => {
                values.push(*yes);
                there.push(1);
            }
            (Self::Integer(_, there) | Self::Number(_, there) | Self::Boolean(_, there), _) => {
                there.push(0);
            }
        }
    }

    /// Writes them, and begins anew.
    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match self {
            Self::Text(values) => {
                (column.typed::<ByteArrayType>()).write_batch(values, None, None)?;
                values.clear();
            }
            Self::Integer(values, there) => {
                (column.typed::<Int64Type>()).write_batch(values, Some(there), None)?;
                values.clear();
                there.clear();
            }
            Self::Number(values, there) => {
                (column.typed::<DoubleType>()).write_batch(values, Some(there), None)?;
                values.clear();
                there.clear();
            }
            Self::Boolean(values, there) => {
                (column.typed::<BoolType>()).write_batch(values, Some(there), None)?;
                values.clear();
                there.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;
    use base::{SimDuration, SimTime};
    use telemetry::{AccessLogTry, TryOutcome};

    fn entry(number: u32) -> AccessLogEntry {
        AccessLogEntry {
            number,
            started: SimTime::from_nanos(u64::from(number) * 1_500_000_000),
            duration: SimDuration::from_millis(3),
            caller: "<&>\"' =größe".to_owned(),
            response_code: 503,
            tries: vec![AccessLogTry {
                number: 1,
                mirror: false,
                started: SimTime::ZERO,
                back_off: None,
                connect: None,
                time_to_first_byte: None,
                duration: SimDuration::from_millis(2),
                host: "10.0.0.1:80".to_owned(),
                pod: "a-0".to_owned(),
                outcome: TryOutcome::Reset("connection_failure"),
            }],
            ..AccessLogEntry::default()
        }
    }

    fn written(batches: &[&[u32]]) -> (Vec<u8>, Vec<u8>) {
        let (mut requests, mut tries) = (Vec::new(), Vec::new());
        let mut log = ParquetLog::new(&mut requests, &mut tries).expect("memory takes it");
        for batch in batches {
            let entries = batch.iter().map(|number| entry(*number));
            log.write(entries).expect("memory takes it");
        }
        log.finish().expect("memory takes it");
        (requests, tries)
    }

    #[test]
    fn each_batch_is_a_row_group_and_reads_back() {
        let (requests, tries) = written(&[&[1, 2, 0], &[], &[3]]);
        let reader = SerializedFileReader::new(bytes::Bytes::from(requests)).expect("Parquet");
        assert_eq!(reader.num_row_groups(), 2, "none of the empty batch");
        let file = reader.metadata().file_metadata();
        assert_eq!((file.num_rows(), file.created_by()), (4, Some("meshsim")));
        let columns = file.schema_descr().columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let wanted: Vec<&str> = REQUESTS.all().map(|column| column.name).collect();
        assert_eq!(names, wanted);
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .expect("rows")
            .collect::<std::result::Result<_, _>>()
            .expect("readable rows");
        let place = |name| {
            wanted
                .iter()
                .position(|column| *column == name)
                .expect("it is there")
        };
        let caller = rows[0].get_string(place("caller")).expect("text");
        assert_eq!(caller, "<&>\"' =größe");
        assert_eq!(
            rows[1]
                .get_double(place("start_seconds"))
                .expect("a number"),
            3.0
        );
        assert_eq!(rows[3].get_long(place("request")).expect("a number"), 3);
        assert!(rows[2].get_long(place("request")).is_err(), "null");
        let reader = SerializedFileReader::new(bytes::Bytes::from(tries)).expect("Parquet");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 4);
    }

    #[test]
    fn the_same_requests_give_the_same_bytes() {
        let batches: [&[u32]; 2] = [&[1, 2, 3], &[4]];
        assert_eq!(written(&batches), written(&batches));
        assert_ne!(written(&batches), written(&[&[1, 2], &[3, 4]]));
    }

    #[test]
    fn an_empty_log_is_a_table_without_rows() {
        let (requests, _) = written(&[]);
        let reader = SerializedFileReader::new(bytes::Bytes::from(requests)).expect("Parquet");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}

//! Access logs as Parquet: the columns of the CSV tables, typed, compressed, and written a row group at a time.
//!
//! Each call writes one row group, column by column, so memory does not grow with the log. Cells that all requests of a kind
//! share are made once for the kind. Words are dictionary-encoded UTF-8, counts are 64-bit integers and all other numbers
//! doubles, which have no dictionary since hardly two are the same; what is empty in CSV is null. The same requests in the
//! same batches give the same bytes: nothing in the file tells when or by which version it was written.

use crate::csv::access_log::{
    OwnCell, REQUESTS, TRIES, own_of_request, own_of_try, request_row, try_row,
};
use crate::csv::{Cell, Kind, Layout};
use ::parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{ColumnPath, Type};
use std::io::{self, Write};
use std::sync::Arc;
use telemetry::AccessLogRows;

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
    pub fn write(&mut self, rows: &AccessLogRows) -> io::Result<()> {
        let kinds: Vec<_> = rows.kinds.iter().map(request_row).collect();
        let own = own_of_request();
        let of_request = rows.requests.iter().map(|(kind, _)| *kind as usize);
        let of_request: Vec<usize> = of_request.collect();
        (self.requests).write_group(&kinds, &of_request, &rows.requests, &own)?;

        let kinds = rows.try_kinds.iter();
        let kinds: Vec<_> = kinds
            .map(|(request, one)| try_row(&rows.kinds[*request as usize], one))
            .collect();
        let own = own_of_try(&rows.requests);
        let of_try: Vec<usize> = rows.tries.iter().map(|row| row.kind as usize).collect();
        (self.tries).write_group(&kinds, &of_try, &rows.tries, &own)
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

/// A file as it is being written.
struct Sheet<W: Write + Send> {
    layout: &'static Layout,
    /// Room for the values of one column of one row group.
    values: Values,
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> Sheet<W> {
    fn new(layout: &'static Layout, sink: W) -> io::Result<Self> {
        let schema = schema(layout)?;
        let properties = Arc::new(properties(layout));
        Ok(Self {
            layout,
            values: Values::default(),
            writer: SerializedFileWriter::new(sink, schema, properties)?,
        })
    }

    /// Writes a row group: rows of `kinds`, `of` which each is, but for the cells that rows have of their `own`. None where
    /// there are no rows.
    fn write_group<R>(
        &mut self,
        kinds: &[Vec<Cell<'_>>],
        of: &[usize],
        rows: &[R],
        own: &[OwnCell<'_, R>],
    ) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        for kind in kinds {
            self.layout.check(kind);
        }
        let values = &mut self.values;
        let mut group = self.writer.next_row_group()?;
        for (place, column) in self.layout.all().enumerate() {
            values.clear();
            match own.iter().find(|(name, _)| *name == column.name) {
                Some((_, cell)) => rows.iter().for_each(|row| values.add(&cell(row))),
                None => values.gather(column.kind, kinds, place, of),
            }
            let mut writer = group.next_column()?.expect("the schema has a column each");
            values.write(column.kind, &mut writer)?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.writer.close()?;
        Ok(())
    }
}

/// How the columns are encoded.
fn properties(layout: &Layout) -> WriterProperties {
    let all = WriterProperties::builder()
        .set_created_by("meshsim".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let columns = layout.all().fold(all, |properties, column| {
        let path = ColumnPath::from(column.name);
        match (column.kind, column.name) {
            // Numbers of requests go up by one.
            (Kind::Integer, "request") => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            (Kind::Number | Kind::Ratio | Kind::Seconds | Kind::Milliseconds, _) => {
                properties.set_column_dictionary_enabled(path, false)
            }
            (Kind::Text | Kind::Integer | Kind::Boolean, _) => properties,
        }
    });
    columns.build()
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

/// The values of a column in a row group, and for columns that may be null which of the rows have one.
#[derive(Default)]
struct Values {
    texts: Vec<ByteArray>,
    /// The first and the last of the texts, in the order of their bytes.
    ends: Option<(ByteArray, ByteArray)>,
    integers: Vec<i64>,
    numbers: Vec<f64>,
    booleans: Vec<bool>,
    there: Vec<i16>,
}

impl Values {
    fn clear(&mut self) {
        self.texts.clear();
        self.ends = None;
        self.integers.clear();
        self.numbers.clear();
        self.booleans.clear();
        self.there.clear();
    }

    fn add(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Text(text) => self.texts.push(ByteArray::from(&**text)),
            Cell::Integer(number) => self.integers.push(integer(*number)),
            Cell::Number(number) => self.numbers.push(*number),
            Cell::Boolean(yes) => self.booleans.push(*yes),
            Cell::Empty => return self.there.push(0),
        }
        self.there.push(1);
    }

    /// Adds, of the kinds that rows are `of`, the cells at a place.
    fn gather(&mut self, kind: Kind, kinds: &[Vec<Cell<'_>>], place: usize, of: &[usize]) {
        let cells = kinds.iter().map(|kind| &kind[place]);
        if kind == Kind::Text {
            let texts: Vec<ByteArray> = cells.map(|cell| ByteArray::from(text(cell))).collect();
            let by_bytes = |a: &&ByteArray, b: &&ByteArray| a.data().cmp(b.data());
            let first = texts.iter().min_by(by_bytes).cloned();
            let last = texts.iter().max_by(by_bytes).cloned();
            self.ends = first.zip(last);
            self.texts
                .extend(of.iter().map(|kind| texts[*kind].clone()));
        } else {
            let cells: Vec<&Cell<'_>> = cells.collect();
            of.iter().for_each(|kind| self.add(cells[*kind]));
        }
    }

    fn write(&self, kind: Kind, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let there = Some(self.there.as_slice());
        match kind {
            Kind::Text => {
                let ends = self.ends.as_ref();
                let (first, last) = (ends.map(|ends| &ends.0), ends.map(|ends| &ends.1));
                (column.typed::<ByteArrayType>()).write_batch_with_statistics(
                    &self.texts,
                    None,
                    None,
                    first,
                    last,
                    None,
                )?;
            }
            Kind::Integer => {
                (column.typed::<Int64Type>()).write_batch(&self.integers, there, None)?;
            }
            Kind::Boolean => {
                (column.typed::<BoolType>()).write_batch(&self.booleans, there, None)?;
            }
            Kind::Number | Kind::Ratio | Kind::Seconds | Kind::Milliseconds => {
                (column.typed::<DoubleType>()).write_batch(&self.numbers, there, None)?;
            }
        }
        Ok(())
    }
}

fn text<'c>(cell: &'c Cell<'_>) -> &'c str {
    match cell {
        Cell::Text(text) => text,
        Cell::Integer(_) | Cell::Number(_) | Cell::Boolean(_) | Cell::Empty => "",
    }
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).expect("counts fit 63 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;
    use base::{SimDuration, SimTime};
    use telemetry::{AccessLogEntry, AccessLogTry, TryOutcome};

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
            let entries: Vec<_> = batch.iter().map(|number| entry(*number)).collect();
            let rows = AccessLogRows::of_entries(&entries);
            log.write(&rows).expect("memory takes it");
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

//! What a table is made of: columns that say what they hold, and cells that keep to it.
//!
//! A table's header, its part of the data dictionary and, for access logs, the schema of Parquet are the same static
//! columns, and every cell is checked against its column, so they cannot differ. Numbers have a point and no separators,
//! as many digits as it takes to read them back exactly, and their unit in the column's name; what was not measured is empty.

use crate::model::OutputFile;
use std::borrow::Cow;

/// A file of rows.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Its name.
    pub(crate) file: &'static str,
    /// What a row is, and when there is such a file.
    pub(crate) about: &'static str,
    /// Its columns, in groups.
    pub(crate) columns: &'static [&'static [Column]],
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// As in the header.
    pub(crate) name: &'static str,
    /// What its cells are.
    pub(crate) kind: Kind,
    /// What they mean, in Markdown.
    pub(crate) meaning: &'static str,
}

pub(crate) const fn column(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        meaning,
    }
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words.
    Text,
    /// A count, or a number that names something.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A number without a unit, or of the unit that another column names.
    Number,
    /// A part of a whole, from 0 to 1.
    Ratio,
    /// Seconds since the run began.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

impl Kind {
    /// Its type in words.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Number | Self::Ratio | Self::Seconds | Self::Milliseconds => "number",
        }
    }

    /// Its unit in words, empty where there is none.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Text | Self::Integer | Self::Boolean | Self::Number => "",
            Self::Ratio => "1",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
        }
    }

    /// Whether a cell is one of its column.
    const fn takes(self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            (_, Cell::Empty) => true,
            (Self::Text, Cell::Text(_))
            | (Self::Integer, Cell::Integer(_))
            | (Self::Boolean, Cell::Boolean(_)) => true,
            (Self::Number | Self::Ratio | Self::Seconds | Self::Milliseconds, Cell::Number(_)) => {
                true
            }
            (_, Cell::Text(_) | Cell::Integer(_) | Cell::Boolean(_) | Cell::Number(_)) => false,
        }
    }
}

/// A value in a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'c> {
    /// Words.
    Text(Cow<'c, str>),
    /// A count.
    Integer(u64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// Nothing to tell.
    Empty,
}

impl<'c> From<&'c str> for Cell<'c> {
    fn from(text: &'c str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Cell<'_> {
    fn from(number: f64) -> Self {
        match number.is_finite() {
            true => Self::Number(number),
            false => Self::Empty,
        }
    }
}

impl From<bool> for Cell<'_> {
    fn from(yes: bool) -> Self {
        Self::Boolean(yes)
    }
}

impl<'c, T: Into<Cell<'c>>> From<Option<T>> for Cell<'c> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

impl Layout {
    /// Its columns, one after the other.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.columns.iter().copied().flatten()
    }

    /// Holds a row against the columns.
    ///
    /// # Panics
    /// If it is not a row of theirs.
    pub(crate) fn check(&self, row: &[Cell<'_>]) {
        let mut cells = row.iter();
        for column in self.all() {
            let cell = cells.next();
            let fits = cell.is_some_and(|cell| column.kind.takes(cell));
            assert!(fits, "{}: {cell:?} in column `{}`", self.file, column.name);
        }
        assert!(cells.next().is_none(), "{}: a cell too many", self.file);
    }
}

/// A table as it is being written.
pub(crate) struct Table {
    layout: &'static Layout,
    /// Columns before those of the layout.
    before: usize,
    writer: ::csv::Writer<Vec<u8>>,
}

impl Table {
    pub(crate) fn new(layout: &'static Layout) -> Self {
        Self::with(&[], layout)
    }

    /// A table with columns of words before those of its layout.
    pub(crate) fn with(before: &[&str], layout: &'static Layout) -> Self {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let names = layout.all().map(|column| column.name);
        writer
            .write_record(before.iter().copied().chain(names))
            .expect("memory takes all that is written");
        Self {
            layout,
            before: before.len(),
            writer,
        }
    }

    pub(crate) fn add(&mut self, row: &[Cell<'_>]) {
        self.layout.check(&row[self.before..]);
        let mut write = |field: &str| {
            let written = self.writer.write_field(field);
            written.expect("memory takes all that is written");
        };
        for cell in row {
            match cell {
                Cell::Text(text) => write(text),
                Cell::Integer(number) => write(&number.to_string()),
                Cell::Number(number) => write(&number.to_string()),
                Cell::Boolean(yes) => write(if *yes { "true" } else { "false" }),
                Cell::Empty => write(""),
            }
        }
        (self.writer.write_record(None::<&[u8]>))
            .expect("every row has as many columns as the first");
    }

    pub(crate) fn into_file(self) -> OutputFile {
        let bytes = self.writer.into_inner();
        OutputFile {
            path: self.layout.file.to_owned(),
            bytes: bytes.expect("memory takes all that is written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LAYOUT: Layout = Layout {
        file: "t.csv",
        about: "",
        columns: &[
            &[column("name", Kind::Text, "")],
            &[
                column("count", Kind::Integer, ""),
                column("mean_ms", Kind::Milliseconds, ""),
            ],
        ],
    };

    #[test]
    fn cells_are_written_so_that_others_read_them_back() {
        let mut table = Table::new(&LAYOUT);
        table.add(&["a, \"b\"\n".into(), 1_000_000.into(), 0.1.into()]);
        table.add(&["=1+1".into(), Cell::Empty, f64::NAN.into()]);
        let file = table.into_file();
        assert_eq!(
            String::from_utf8_lossy(&file.bytes),
            "name,count,mean_ms\n\"a, \"\"b\"\"\n\",1000000,0.1\n=1+1,,\n"
        );
    }

    #[test]
    #[should_panic(expected = "t.csv: Some(Number(1.0)) in column `count`")]
    fn a_cell_of_another_kind_is_our_fault() {
        Table::new(&LAYOUT).add(&["a".into(), 1.0.into(), 0.1.into()]);
    }

    #[test]
    #[should_panic(expected = "a cell too many")]
    fn a_row_that_is_too_long_is_our_fault() {
        Table::new(&LAYOUT).add(&["a".into(), 1.into(), 0.1.into(), 0.1.into()]);
    }
}

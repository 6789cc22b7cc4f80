//! A table that can be read as it is, and sorted and filtered where there are scripts.

use super::chart::Query;
use super::markup::escaped;
use std::fmt::Write;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: &'static str,
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Text(&'static str),
    Number(&'static str),
    /// Numbers that are left out where all of them are zero.
    Seldom(&'static str),
}

/// A row; its sample requests are asked for by a last cell.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) about: Option<Query>,
}

/// A cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    /// By which a column of numbers is sorted.
    value: Option<f64>,
    /// The name of a colour of the page's style, of a small square before the text.
    colour: Option<&'static str>,
    /// It should catch the eye.
    bad: bool,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            value: None,
            colour: None,
            bad: false,
        }
    }

    /// A number as people read it.
    pub(super) fn number(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        Self {
            value,
            ..Self::text(value.map_or("–".to_owned(), show))
        }
    }

    pub(super) fn coloured(self, colour: &'static str) -> Self {
        Self {
            colour: Some(colour),
            ..self
        }
    }

    pub(super) fn bad_if(self, bad: bool) -> Self {
        Self { bad, ..self }
    }
}

impl Table {
    /// The table in a frame of its own that scrolls, with what scripts need.
    pub(super) fn html(&self) -> String {
        let asks = self.rows.iter().any(|row| row.about.is_some());
        let mut html = format!(
            "<div class=\"table\" id=\"table-{}\">\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
             aria-label=\"{}\">\n<table>\n<caption><span>{}</span></caption>\n<thead><tr>",
            self.id,
            escaped(&self.caption),
            escaped(&self.caption),
        );
        for column in self
            .columns
            .iter()
            .enumerate()
            .filter(|(place, _)| self.is_shown(*place))
        {
            let (class, name) = match column.1 {
                Column::Text(name) => ("text", name),
                Column::Number(name) | Column::Seldom(name) => ("number", name),
            };
            write!(
                html,
                "<th scope=\"col\" class=\"{class}\">{}</th>",
                escaped(name)
            )
            .expect("memory takes all that is written");
        }
        if asks {
            html.push_str("<th class=\"asks\"><span class=\"sr\">Sample requests</span></th>");
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            self.row(row, asks, &mut html);
        }
        html.push_str("</tbody>\n</table>\n</div>\n</div>\n");
        html
    }

    /// Whether any row says something in a column.
    fn is_shown(&self, place: usize) -> bool {
        let says = |row: &Row| {
            let cell = &row.cells[place];
            match self.columns[place] {
                Column::Text(_) => !cell.text.is_empty(),
                Column::Number(_) => cell.value.is_some(),
                Column::Seldom(_) => cell.value.is_some_and(|value| value != 0.0),
            }
        };
        self.rows.is_empty() || self.rows.iter().any(says)
    }

    fn row(&self, row: &Row, asks: bool, html: &mut String) {
        html.push_str("<tr>");
        let cells = row.cells.iter().zip(&self.columns).enumerate();
        for (place, (cell, column)) in cells.filter(|(place, _)| self.is_shown(*place)) {
            html.push_str(&cell.html(place == 0, *column));
        }
        if asks {
            let name = row.cells.first().map_or("", |cell| cell.text.as_str());
            let ask = row
                .about
                .as_ref()
                .map(|about| about.button("requests", name));
            write!(html, "<td class=\"asks\">{}</td>", ask.unwrap_or_default())
                .expect("memory takes all that is written");
        }
        html.push_str("</tr>\n");
    }
}

impl Cell {
    fn html(&self, first: bool, column: Column) -> String {
        let mut classes = match column {
            Column::Text(_) if self.text.chars().count() > LONG => "long".to_owned(),
            Column::Text(_) => String::new(),
            Column::Number(_) | Column::Seldom(_) => "number".to_owned(),
        };
        if self.bad {
            classes.push_str(" bad");
        }
        let class = match classes.trim() {
            "" => String::new(),
            classes => format!(" class=\"{classes}\""),
        };
        let value = self
            .value
            .map_or(String::new(), |value| format!(" data-value=\"{value}\""));
        let colour = self.colour.map_or(String::new(), |colour| {
            format!("<i class=\"swatch\" style=\"background:var(--{colour})\"></i>")
        });
        let text = escaped(&self.text);
        if first {
            format!("<th scope=\"row\"{class}{value}>{colour}{text}</th>")
        } else {
            format!("<td{class}{value}>{colour}{text}</td>")
        }
    }
}

/// Longer texts are broken anywhere.
const LONG: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_says_nothing_is_left_out() {
        let count = |value: f64| Cell::number(Some(value), |value| value.to_string());
        let row = |name: &str, retries: f64| Row {
            cells: vec![
                Cell::text(name),
                count(0.0),
                count(retries),
                Cell::number(None, |value| value.to_string()),
                Cell::text(""),
            ],
            about: None,
        };
        let columns = vec![
            Column::Text("name"),
            Column::Number("requests"),
            Column::Seldom("retries"),
            Column::Number("p99"),
            Column::Text("subset"),
        ];
        for (retries, shown) in [
            (0.0, vec!["name", "requests"]),
            (3.0, vec!["name", "requests", "retries"]),
        ] {
            let table = Table {
                id: "trial",
                caption: "Trial".to_owned(),
                columns: columns.clone(),
                rows: vec![row("a", 0.0), row("b", retries)],
            };
            let html = table.html();
            let heads: Vec<&str> = (html.split("<th scope=\"col\"").skip(1))
                .filter_map(|head| head.split_once('>')?.1.split_once('<'))
                .map(|(name, _)| name)
                .collect();
            assert_eq!(heads, shown);
            assert_eq!(html.matches("<td").count(), 2 * (shown.len() - 1), "{html}");
        }
    }
}

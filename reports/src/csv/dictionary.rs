//! The data dictionary: every column of every table, in Markdown, from what the tables are written with.

use super::layout::Layout;
use std::fmt::Write;

/// `docs/data-dictionary.md`.
pub fn data_dictionary() -> String {
    let mut text = HEAD.to_owned();
    for layout in super::LAYOUTS {
        part(&mut text, layout);
    }
    text
}

fn part(text: &mut String, layout: &Layout) {
    let Layout { file, about, .. } = layout;
    write!(
        text,
        "\n## {file}\n\n{about}\n\n| column | type | unit | meaning |\n| --- | --- | --- | --- |\n"
    )
    .expect("memory takes all that is written");
    for column in layout.all() {
        let (name, meaning) = (column.name, column.meaning);
        let (type_name, unit) = (column.kind.type_name(), column.kind.unit());
        writeln!(text, "| `{name}` | {type_name} | {unit} | {meaning} |")
            .expect("memory takes all that is written");
    }
}

const HEAD: &str = "# Data dictionary

Every column of every table that meshsim writes, from the code that writes them: `MESHSIM_UPDATE=1 cargo test dictionary`.

Tables are CSV (RFC 4180, UTF-8, lines end in `\\n`) with a header. Numbers have a point, no separators, and as many digits as it
takes to read them back exactly; their unit is in the column's name. What was not measured is empty: `NaN` in pandas, `NULL` in
DuckDB, `NA` in R. Times are seconds since the run began, and a moment of real time is nowhere. Columns with the names of labels
of Istio's standard metrics hold these. Figures are of the window after the warm-up, replications added up,
unless the table is about time.

Text stands as it was given. A cell that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet that opens the file, so
import columns as text where a scenario is not your own. No apostrophe is put before it: what reads tables by their names would
meet another name than the scenario has, in joins as in filters. Only names of traffic sources, methods, authorities and paths
can begin so, and response flags where there are none (`-`); names of Kubernetes cannot.

```python
import pandas as pd; latency = pd.read_csv(\"latency.csv\", keep_default_na=False, na_values=[\"\"])
```

```sql
SELECT time_seconds, sum(count) FROM 'timeseries.csv' WHERE reporter = 'source' GROUP BY ALL ORDER BY ALL;  -- DuckDB
```
";

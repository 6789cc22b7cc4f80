//! What clusters have in use: connections, requests on them, requests that wait for one.

use crate::html::chart::{Chart, ChartUnit, Form, Line, Query, colour_name, rounded};
use crate::model::RunReport;
use crate::numbers::number;
use crate::plots::palette::Palette;
use crate::plots::pools::{self, LEVELS, Level, Pool};
use crate::times::Times;

pub(super) fn charts(report: &RunReport, times: &Times<'_>, palette: &Palette) -> Vec<Chart> {
    let charts = LEVELS.iter().filter_map(|level| {
        let pools = pools::busiest(report, level, times);
        (!pools.is_empty()).then(|| chart(level, &pools, times, palette))
    });
    charts.collect()
}

fn chart(level: &Level, pools: &[Pool<'_>], times: &Times<'_>, palette: &Palette) -> Chart {
    let line = |pool: &Pool<'_>| Line {
        name: pool.name(),
        colour: colour_name(pool.colour(palette)),
        total: format!("max {}", number(f64::from(pool.most(level)))),
        values: (pool.means(level, times).into_iter())
            .map(|mean| Some(rounded(mean)))
            .collect(),
        about: Query {
            service: Some(pool.series.service.clone()),
            ..Query::default()
        },
    };
    Chart {
        id: format!("pools-{}", level.id),
        title: level.title.to_owned(),
        note: format!(
            "{}, mean of all proxies of a workload together; max is the most at a time in one",
            level.what
        ),
        unit: ChartUnit::Count,
        form: Form::Lines,
        lines: pools.iter().map(line).collect(),
        rows: Vec::new(),
        about: Query::default(),
    }
}

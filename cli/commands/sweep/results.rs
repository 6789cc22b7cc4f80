//! Cells to results: the figures of each point with their intervals over the replications.

use std::collections::BTreeMap;

use reports::{SweepFigure, SweepParameter, SweepPoint, SweepReport, Unit};
use scenario::Interval;
use scenario::interval::CONFIDENCE;

use super::cells::{Cell, CellFile, Cells};
use super::grid::Grid;

/// All figures of a sweep; as long as cells are still to be run, the numbers of these.
pub(super) fn collect(cells: &Cells, grid: &Grid) -> Result<SweepReport, Vec<usize>> {
    let identity = cells.identity();
    let mut missing = Vec::new();
    let mut points = Vec::with_capacity(grid.len());
    for point in 0..grid.len() {
        let mut replications: Vec<CellFile> = Vec::new();
        for replication in 0..identity.replications {
            let cell = Cell { point, replication };
            match cells.load(cell) {
                Ok(file) => replications.push(file),
                Err(_) => missing.push(cell.index(identity)),
            }
        }
        points.push(SweepPoint {
            values: grid.values(point).into_iter().map(str::to_owned).collect(),
            figures: figures(&replications),
        });
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let parameters = identity.parameters.iter().map(|parameter| SweepParameter {
        path: parameter.path.clone(),
        values: parameter.values.clone(),
    });
    Ok(SweepReport {
        scenario: identity.scenario.clone(),
        seed: identity.seed,
        replications: identity.replications,
        confidence: CONFIDENCE,
        parameters: parameters.collect(),
        points,
    })
}

/// The figures of a point, in the order in which they are first met.
fn figures(replications: &[CellFile]) -> Vec<SweepFigure> {
    let mut order = Vec::new();
    let mut values: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for (index, cell) in replications.iter().enumerate() {
        for statistic in &cell.statistics {
            let key = (statistic.subject.as_str(), statistic.statistic.as_str());
            let values = values.entry(key).or_insert_with(|| {
                order.push(statistic);
                // Those before did not list it.
                statistic
                    .when_absent
                    .map_or_else(Vec::new, |value| vec![value; index])
            });
            values.extend(statistic.value);
        }
        for statistic in &order {
            let key = (statistic.subject.as_str(), statistic.statistic.as_str());
            if let (Some(absent), Some(values)) = (statistic.when_absent, values.get_mut(&key))
                && values.len() == index
            {
                values.push(absent);
            }
        }
    }
    let figure = |statistic: &super::cells::StatisticJson| {
        let values = &values[&(statistic.subject.as_str(), statistic.statistic.as_str())];
        let interval = Interval::of(values, CONFIDENCE);
        SweepFigure {
            subject: statistic.subject.clone(),
            statistic: statistic.statistic.clone(),
            unit: Unit::parse(&statistic.unit).unwrap_or_default(),
            mean: interval.map(|i| i.mean),
            half_width: interval.and_then(|i| i.half_width),
            count: interval.map_or(0, |i| i.count),
        }
    };
    order.into_iter().map(figure).collect()
}

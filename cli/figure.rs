//! Figures of the engine in the units of reports: times are in milliseconds there.

use scenario::expectation::Unit;

/// The unit as reports know it.
pub(crate) const fn unit(unit: Unit) -> reports::Unit {
    match unit {
        Unit::Percent => reports::Unit::Ratio,
        Unit::Time => reports::Unit::Milliseconds,
        Unit::PerSecond | Unit::Number => reports::Unit::Count,
    }
}

/// A figure in that unit.
pub(crate) fn in_unit(unit: Unit, value: f64) -> f64 {
    match unit {
        Unit::Time => value * 1000.0,
        Unit::Percent | Unit::PerSecond | Unit::Number => value,
    }
}

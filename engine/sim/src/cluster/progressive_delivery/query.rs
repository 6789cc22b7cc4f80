//! Queries, answered by what meters counted.
//!
//! Source: prometheus.io, «Operators», «Query functions».

use crate::cluster::progressive_delivery::meter::Meter;
use crate::plan::progressive_delivery::query::{Answer, Counter, Growth, Operator, Query};
use base::SimTime;

/// What a query gives now.
pub(super) fn answer(query: &Query, meters: &[Meter], now: SimTime) -> Answer {
    match query {
        Query::Number(number) => Answer::Scalar(*number),
        Query::Sum(growth) => Answer::Vector(sum(growth, meters, now)),
        Query::Quantile { quantile, growth } => {
            let grown = meters[growth.series.index()].growth(now, growth.window);
            Answer::Vector(grown.map(|grown| grown.quantile(*quantile)))
        }
        Query::Binary {
            operator,
            left,
            right,
        } => binary(
            *operator,
            answer(left, meters, now),
            answer(right, meters, now),
        ),
        Query::Or(left, right) => match answer(left, meters, now) {
            Answer::Vector(None) => answer(right, meters, now),
            found => found,
        },
        Query::Vector(number) => match answer(number, meters, now) {
            Answer::Scalar(number) => Answer::Vector(Some(number)),
            vector @ Answer::Vector(_) => vector,
        },
        Query::Scalar(vector) => match answer(vector, meters, now) {
            Answer::Vector(element) => Answer::Scalar(element.unwrap_or(f64::NAN)),
            scalar @ Answer::Scalar(_) => scalar,
        },
    }
}

fn sum(growth: &Growth, meters: &[Meter], now: SimTime) -> Option<f64> {
    let grown = meters[growth.series.index()].growth(now, growth.window)?;
    let total = match growth.counter {
        Counter::Requests => grown.requests() as f64,
        Counter::Milliseconds => grown.milliseconds(),
    };
    Some(if growth.is_rate {
        total / growth.window.as_secs_f64()
    } else {
        total
    })
}

fn binary(operator: Operator, left: Answer, right: Answer) -> Answer {
    match (left, right) {
        (Answer::Scalar(left), Answer::Scalar(right)) => {
            Answer::Scalar(compute(operator, left, right).unwrap_or(f64::NAN))
        }
        (Answer::Vector(left), Answer::Scalar(right)) => {
            Answer::Vector(left.and_then(|left| compute(operator, left, right)))
        }
        (Answer::Scalar(left), Answer::Vector(right)) => {
            // Of a comparison with a number, the element of the vector is kept.
            let keep = |right| compute(operator, left, right).map(|_| right);
            Answer::Vector(right.and_then(|right| match operator.compares() {
                true => keep(right),
                false => compute(operator, left, right),
            }))
        }
        (Answer::Vector(left), Answer::Vector(right)) => {
            let both = left.zip(right);
            Answer::Vector(both.and_then(|(left, right)| compute(operator, left, right)))
        }
    }
}

/// What two numbers give; none: the comparison fails.
fn compute(operator: Operator, left: f64, right: f64) -> Option<f64> {
    match operator {
        Operator::Add => Some(left + right),
        Operator::Subtract => Some(left - right),
        Operator::Multiply => Some(left * right),
        Operator::Divide => Some(left / right),
        Operator::Greater => (left > right).then_some(left),
        Operator::GreaterOrEqual => (left >= right).then_some(left),
        Operator::Less => (left < right).then_some(left),
        Operator::LessOrEqual => (left <= right).then_some(left),
    }
}

impl Operator {
    const fn compares(self) -> bool {
        match self {
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual => true,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::progressive_delivery::series::SeriesId;
    use base::SimDuration;

    const WINDOW: SimDuration = SimDuration::from_secs(10);

    /// Ten requests of 30 ms, and one series without any; some seconds later.
    fn meters() -> (Vec<Meter>, SimTime) {
        let mut meters = vec![Meter::new(WINDOW), Meter::new(WINDOW)];
        for millis in 0..10 {
            let at = SimTime::ZERO + SimDuration::from_millis(millis);
            meters[0].count(at, SimDuration::from_millis(30));
        }
        (meters, SimTime::ZERO + SimDuration::from_secs(5))
    }

    fn sum_of(series: usize, counter: Counter) -> Box<Query> {
        Box::new(Query::Sum(Growth {
            series: SeriesId::new(series),
            counter,
            window: WINDOW,
            is_rate: true,
        }))
    }

    fn ask(query: &Query) -> Answer {
        let (meters, now) = meters();
        answer(query, &meters, now)
    }

    fn two(operator: Operator, left: Box<Query>, right: Box<Query>) -> Query {
        Query::Binary {
            operator,
            left,
            right,
        }
    }

    #[test]
    fn ratios_and_means() {
        let requests = || sum_of(0, Counter::Requests);
        assert_eq!(ask(&requests()), Answer::Vector(Some(1.0)));
        let mean = two(
            Operator::Divide,
            sum_of(0, Counter::Milliseconds),
            requests(),
        );
        assert_eq!(ask(&mean), Answer::Vector(Some(30.0)));
        let scaled = two(
            Operator::Multiply,
            Box::new(mean),
            Box::new(Query::Number(2.0)),
        );
        assert_eq!(ask(&scaled), Answer::Vector(Some(60.0)));
        let more = two(Operator::Greater, requests(), Box::new(Query::Number(5.0)));
        assert_eq!(ask(&more), Answer::Vector(None));
        let less = two(Operator::Less, Box::new(Query::Number(0.5)), requests());
        assert_eq!(ask(&less), Answer::Vector(Some(1.0)));
    }

    #[test]
    fn a_series_without_requests_gives_nothing_unless_something_stands_in() {
        let ratio = two(
            Operator::Divide,
            sum_of(1, Counter::Requests),
            sum_of(0, Counter::Requests),
        );
        assert_eq!(ask(&ratio), Answer::Vector(None));
        let zero = Box::new(Query::Vector(Box::new(Query::Number(0.0))));
        let stood_in = Query::Or(Box::new(ratio.clone()), zero);
        assert_eq!(ask(&stood_in), Answer::Vector(Some(0.0)));
        let Answer::Scalar(nothing) = ask(&Query::Scalar(Box::new(ratio))) else {
            panic!("scalar() gives a number");
        };
        assert!(nothing.is_nan());
    }
}

//! Queries in PromQL: those of the usual forms over Istio's standard metrics.
//!
//! Source: prometheus.io, «Querying basics», «Operators», «Query functions».

use base::SimDuration;
use promql_parser::label::Matcher;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, MatrixSelector, parse,
};
use sim::plan::progressive_delivery::query::{Counter, Growth, Operator, Query};
use sim::plan::progressive_delivery::series::SeriesId;

/// Makes a series known, and how long somebody looks back over it.
pub(super) type AddSeries<'a> = &'a mut dyn FnMut(&[Matcher], SimDuration) -> SeriesId;

/// Why there is no query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum QueryError {
    /// It is no PromQL.
    Invalid(String),
    /// It is none of the forms that are answered.
    Unsupported(String),
}

/// The forms that are answered.
pub(super) const FORMS: &str = "answered are `sum(rate(istio_requests_total{…}[1m]))` with `rate`, `irate` or `increase`, the \
     same of `istio_request_duration_milliseconds_sum` and `_count`, `histogram_quantile(0.99, \
     sum(rate(istio_request_duration_milliseconds_bucket{…}[1m])) by (le))`, numbers, `vector()`, `scalar()`, and `+ - * / > \
     >= < <= or` between them";

/// Reads a query.
pub(super) fn read(text: &str, series: AddSeries<'_>) -> Result<Query, QueryError> {
    let expression = parse(text).map_err(|error| {
        let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
        QueryError::Invalid(lines.next().unwrap_or("it cannot be read").to_owned())
    })?;
    query(&expression, series)
}

fn query(expression: &Expr, series: AddSeries<'_>) -> Result<Query, QueryError> {
    match expression {
        Expr::NumberLiteral(number) => Ok(Query::Number(number.val)),
        Expr::Paren(inner) => query(&inner.expr, series),
        Expr::Unary(inner) => Ok(Query::Binary {
            operator: Operator::Multiply,
            left: Box::new(Query::Number(-1.0)),
            right: Box::new(query(&inner.expr, series)?),
        }),
        Expr::Aggregate(sum) => Ok(Query::Sum(growth(sum, &[], &COUNTERS, series)?)),
        Expr::Binary(binary) => two(binary, series),
        Expr::Call(call) => function(call, series),
        Expr::Subquery(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => unsupported(expression),
    }
}

fn two(binary: &BinaryExpr, series: AddSeries<'_>) -> Result<Query, QueryError> {
    let modifier = binary.modifier.as_ref();
    let labels = modifier.and_then(|one| one.matching.as_ref());
    let is_plain = modifier.is_none_or(|one| !one.return_bool)
        && labels.is_none_or(|one| one.labels().labels.is_empty());
    let left = Box::new(query(&binary.lhs, &mut *series)?);
    let right = Box::new(query(&binary.rhs, series)?);
    let name = binary.op.to_string();
    if name == "or" && is_plain {
        return Ok(Query::Or(left, right));
    }
    let found = OPERATORS.iter().find(|(sign, _)| *sign == name);
    match found {
        Some((_, operator)) if is_plain => Ok(Query::Binary {
            operator: *operator,
            left,
            right,
        }),
        Some(_) | None => Err(QueryError::Unsupported(format!("`{binary}`"))),
    }
}

fn function(call: &Call, series: AddSeries<'_>) -> Result<Query, QueryError> {
    match (call.func.name, call.args.args.as_slice()) {
        ("vector", [number]) => Ok(Query::Vector(Box::new(query(number, series)?))),
        ("scalar", [vector]) => Ok(Query::Scalar(Box::new(query(vector, series)?))),
        ("histogram_quantile", [quantile, of]) => {
            let (Expr::NumberLiteral(quantile), Expr::Aggregate(sum)) = (&**quantile, &**of) else {
                return Err(QueryError::Unsupported(format!("`{call}`")));
            };
            Ok(Query::Quantile {
                quantile: quantile.val,
                growth: growth(sum, &["le"], &BUCKETS, series)?,
            })
        }
        (_, _) => Err(QueryError::Unsupported(format!("`{call}`"))),
    }
}

/// `sum(rate(metric{…}[1m])) by (…)`
fn growth(
    sum: &AggregateExpr,
    by: &[&str],
    counters: &[(&str, Counter)],
    series: AddSeries<'_>,
) -> Result<Growth, QueryError> {
    let labels = match &sum.modifier {
        None => Vec::new(),
        Some(LabelModifier::Include(labels)) => labels.labels.clone(),
        Some(LabelModifier::Exclude(_)) => return unsupported(&sum_expression(sum)),
    };
    let is_sum = sum.op.to_string() == "sum" && sum.param.is_none() && labels == by;
    let Expr::Call(call) = &*sum.expr else {
        return unsupported(&sum_expression(sum));
    };
    let rate = RATES.iter().find(|(name, ..)| *name == call.func.name);
    let (true, Some((_, is_rate, is_instant)), [over]) = (is_sum, rate, call.args.args.as_slice())
    else {
        return unsupported(&sum_expression(sum));
    };
    let Expr::MatrixSelector(MatrixSelector { vs, range }) = &**over else {
        return unsupported(over);
    };
    if vs.offset.is_some() || vs.at.is_some() || !vs.matchers.or_matchers.is_empty() {
        return unsupported(over);
    }
    let name = vs.name.as_deref().unwrap_or_default();
    let Some((_, counter)) = counters.iter().find(|(known, _)| *known == name) else {
        return unsupported(over);
    };
    let range = u64::try_from(range.as_nanos()).unwrap_or(u64::MAX);
    let mut window = SimDuration::from_nanos(range);
    if *is_instant {
        // What the last two scrapes tell.
        window = window.min(SCRAPE);
    }
    Ok(Growth {
        series: series(&vs.matchers.matchers, window),
        counter: *counter,
        window,
        is_rate: *is_rate,
    })
}

fn sum_expression(sum: &AggregateExpr) -> Expr {
    Expr::Aggregate(sum.clone())
}

fn unsupported<T>(expression: &Expr) -> Result<T, QueryError> {
    Err(QueryError::Unsupported(format!("`{expression}`")))
}

const OPERATORS: [(&str, Operator); 8] = [
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
];

/// Functions of counters: whether they are per second, and of the last two samples only.
const RATES: [(&str, bool, bool); 3] = [
    ("rate", true, false),
    ("irate", true, true),
    ("increase", false, false),
];

const COUNTERS: [(&str, Counter); 3] = [
    ("istio_requests_total", Counter::Requests),
    (
        "istio_request_duration_milliseconds_count",
        Counter::Requests,
    ),
    (
        "istio_request_duration_milliseconds_sum",
        Counter::Milliseconds,
    ),
];

const BUCKETS: [(&str, Counter); 1] = [(
    "istio_request_duration_milliseconds_bucket",
    Counter::Requests,
)];

/// How often Istio's own Prometheus scrapes (samples/addons/prometheus.yaml).
const SCRAPE: SimDuration = SimDuration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Result<Query, QueryError>, Vec<(usize, SimDuration)>) {
        let mut asked = Vec::new();
        let query = read(text, &mut |matchers, window| {
            asked.push((matchers.len(), window));
            SeriesId::new(asked.len() - 1)
        });
        (query, asked)
    }

    #[test]
    fn usual_forms_are_read() {
        let minute = SimDuration::from_secs(60);
        let (query, asked) = found(
            "sum(rate(istio_requests_total{reporter=\"source\",response_code!~\"5.*\"}[1m])) /\n \
             sum(rate(istio_requests_total{reporter=\"source\"}[1m]))",
        );
        assert_eq!(asked, [(2, minute), (1, minute)]);
        assert!(matches!(
            query,
            Ok(Query::Binary {
                operator: Operator::Divide,
                ..
            })
        ));
        let (query, asked) = found(
            "histogram_quantile(0.99, sum(irate(istio_request_duration_milliseconds_bucket{destination_app=\"shop\"}[5m])) by (le)) / 1000",
        );
        assert_eq!(asked, [(1, SCRAPE)]);
        assert!(query.is_ok(), "{query:?}");
        for text in [
            "sum(increase(istio_requests_total[2m])) or vector(0)",
            "(sum(rate(istio_requests_total[2m])) or on() vector(0)) > 0",
            "scalar(sum(rate(istio_request_duration_milliseconds_sum[1m])))",
            "1 - sum(rate(istio_requests_total[1m]))",
        ] {
            let (query, _) = found(text);
            assert!(query.is_ok(), "{text}: {query:?}");
        }
    }

    #[test]
    fn others_are_told_apart_from_what_is_no_query() {
        for text in [
            "sum(rate(nginx_requests_total[1m]))",
            "sum(rate(istio_requests_total[1m])) by (pod)",
            "avg(rate(istio_requests_total[1m]))",
            "rate(istio_requests_total[1m])",
            "istio_requests_total",
            "sum(rate(istio_requests_total[1m] offset 1m))",
            "histogram_quantile(0.99, sum(rate(istio_requests_total[1m])) by (le))",
            "sum(rate(istio_requests_total[1m])) > bool 1",
        ] {
            let (query, _) = found(text);
            assert!(
                matches!(query, Err(QueryError::Unsupported(_))),
                "{text}: {query:?}"
            );
        }
        let (query, _) = found("sum(rate(istio_requests_total[1m])");
        assert!(matches!(query, Err(QueryError::Invalid(_))), "{query:?}");
    }
}

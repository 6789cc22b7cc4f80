//! Conditions on what was measured, in the expression language of Argo Rollouts.
//!
//! Source: argoproj/argo-rollouts, utils/evaluate/evaluate.go; expr-lang.org, «Language Definition».

use crate::plan::progressive_delivery::query::Answer;
use expr::{Context, Environment, Program, Value};

/// A condition.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As it is written.
    pub text: String,
    program: Program,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let program = expr::compile(&checked(text)).map_err(|error| reason(&error))?;
        Ok(Self {
            text: text.to_owned(),
            program,
        })
    }

    /// Whether it holds for an answer.
    ///
    /// # Errors
    /// Why that cannot be said: it asks for an element that is not there, or compares what cannot be compared.
    pub fn holds(&self, answer: Answer) -> Result<bool, String> {
        let result = match answer {
            Answer::Scalar(number) => Value::Float(number),
            Answer::Vector(element) => {
                Value::Array(element.into_iter().map(Value::Float).collect())
            }
        };
        let mut context = Context::default();
        context.insert("result", result);
        match environment().run(&self.program, &context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives {other}, which is neither true nor false")),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// A condition whose elements of `result` must be there, as in Argo: `expr` here gives nil for one that is not.
fn checked(text: &str) -> String {
    let mut made = String::new();
    let mut rest = text;
    let mut quote = None;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let is_name = before.is_alphanumeric() || before == '_' || before == '.';
        if quote.is_none()
            && !is_name
            && let Some(after) = rest.strip_prefix("result")
            && let Some(inner) = after.trim_start().strip_prefix('[')
            && let Some(end) = end_of_index(inner)
        {
            made += &format!("{ELEMENT}(result, {})", checked(&inner[..end]));
            rest = &inner[end + 1..];
            before = ')';
            continue;
        }
        match quote {
            Some(open) if open == next && before != '\\' => quote = None,
            None if matches!(next, '"' | '\'' | '`') => quote = Some(next),
            Some(_) | None => {}
        }
        made.push(next);
        rest = &rest[next.len_utf8()..];
        before = next;
    }
    made
}

/// Where the bracket closes that was open before; none where it is around a part of the list, as in `[1:3]`.
fn end_of_index(text: &str) -> Option<usize> {
    let mut open = 1;
    for (place, next) in text.char_indices() {
        match next {
            '[' => open += 1,
            ']' => open -= 1,
            ':' if open == 1 => return None,
            _ => {}
        }
        if open == 0 {
            return Some(place);
        }
    }
    None
}

/// What takes an element of a list, or fails.
const ELEMENT: &str = "elementThatIsThere";

/// The functions that Argo adds to those of the language.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let number = |value: Option<&Value>| match value {
        Some(Value::Float(number)) => Some(*number),
        Some(Value::Integer(number)) => Some(*number as f64),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) | None => None,
    };
    environment.add_function(ELEMENT, |call| {
        let mut values = call.args.into_iter();
        let (list, place) = (values.next(), values.next());
        let (Some(Value::Array(list)), Some(Value::Integer(place))) = (list, place) else {
            return Err("`result` is a number, which has no elements"
                .to_owned()
                .into());
        };
        // As in Argo, places below zero count from the end.
        let from_start = match place {
            0.. => usize::try_from(place).ok(),
            ..0 => list.len().checked_add_signed(place as isize),
        };
        let found = from_start.and_then(|place| list.get(place).cloned());
        found.ok_or_else(|| {
            let length = list.len();
            let text = format!("index out of range: {place} (array length is {length})");
            text.into()
        })
    });
    environment.add_function("isNaN", move |call| {
        let number = number(call.args.first());
        Ok(Value::Bool(number.is_some_and(f64::is_nan)))
    });
    environment.add_function("isInf", move |call| {
        let number = number(call.args.first());
        Ok(Value::Bool(number.is_some_and(f64::is_infinite)))
    });
    environment.add_function("isNil", |call| {
        let is_nil = matches!(call.args.first(), None | Some(Value::Nil));
        Ok(Value::Bool(is_nil))
    });
    environment.add_function("asFloat", move |call| {
        let number = number(call.args.first());
        Ok(number.map_or(Value::Nil, Value::Float))
    });
    environment.add_function("asInt", move |call| {
        let number = number(call.args.first());
        Ok(number.map_or(Value::Nil, |number| Value::Integer(number as i64)))
    });
    environment.add_function("default", |call| {
        let mut values = call.args.into_iter();
        let (first, second) = (values.next(), values.next().unwrap_or_default());
        Ok(match first {
            None | Some(Value::Nil) => second,
            Some(Value::Float(number)) if number.is_nan() || number.is_infinite() => second,
            Some(value) => value,
        })
    });
    environment
}

/// The first line that says something.
fn reason(error: &expr::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let says = |line: &&str| {
        line.starts_with("= ") || line.chars().next().is_some_and(char::is_alphabetic)
    };
    let line = lines.clone().find(says).unwrap_or(&text);
    line.trim_start_matches("= ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, answer: Answer) -> Result<bool, String> {
        Condition::read(text)
            .expect("a good condition")
            .holds(answer)
    }

    #[test]
    fn conditions_are_as_in_the_documentation() {
        let one = |value| Answer::Vector(Some(value));
        let nothing = Answer::Vector(None);
        for (text, answer, expected) in [
            ("result[0] >= 0.95", one(0.97), true),
            ("result[0] >= 0.95", one(0.9), false),
            ("result[0] >= 1", one(1.0), true),
            ("result[0] >= 0.95", one(f64::NAN), false),
            ("result >= 0.95", Answer::Scalar(0.95), true),
            ("len(result) == 0 || result[0] >= 0.95", nothing, true),
            ("isNaN(result[0]) || result[0] < 5", one(f64::NAN), true),
            ("isInf(result[0])", one(f64::INFINITY), true),
            ("!isNaN(result[0]) && result[0] > 0.9", one(f64::NAN), false),
            ("default(result[0], 1) == 1", one(f64::NAN), true),
            ("all(result, # < 500)", one(499.0), true),
            ("any(result, {# > 500})", one(499.0), false),
            ("result[0] < 0.01 and not (result[0] < 0)", one(0.0), true),
            ("len(result) > 0 ? result[0] < 1 : true", nothing, true),
            ("asInt(result[0]) == 3", one(3.7), true),
        ] {
            assert_eq!(holds(text, answer), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_element_that_is_not_there_is_an_error() {
        let nothing = Answer::Vector(None);
        let missing = "index out of range: 0 (array length is 0)";
        for text in [
            "result[0] >= 0.95",
            "isNil(result[0])",
            "isNaN(result[ 0 ]) or true",
            "default(result[0], 1) == 1",
            "result [0] == nil",
            "'result[0]' != '' && result[len(result[0:0])] == nil",
        ] {
            let met = holds(text, nothing);
            let is_it = met.as_ref().is_err_and(|why| why.contains(missing));
            assert!(is_it, "{text}: {met:?}");
        }
        let there = "result[0] == result[-1] && result[0] == 2 && 'result[7]' != '\\'result[8]'";
        assert_eq!(holds(there, Answer::Vector(Some(2.0))), Ok(true));
        let beyond = holds("result[1] > 0", Answer::Vector(Some(2.0)));
        assert!(
            beyond.as_ref().is_err_and(|why| why.contains("range: 1 (")),
            "{beyond:?}"
        );
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let nothing = holds("result[0] >= 0.95", Answer::Vector(None));
        assert!(nothing.is_err(), "{nothing:?}");
        let list = holds("result >= 0.95", Answer::Vector(Some(1.0)));
        assert!(list.is_err(), "{list:?}");
        let number = holds("result[0] + 1", Answer::Vector(Some(1.0)));
        assert!(
            number
                .as_ref()
                .is_err_and(|text| text.contains("neither true nor false")),
            "{number:?}"
        );
        assert!(Condition::read("result[0] >=").is_err());
    }
}

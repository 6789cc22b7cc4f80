//! Values of headers: Envoy's command operators, `%VAR%` and `%VAR(...)%`, must be complete.
//!
//! Source: istio/istio, pkg/config/validation/header_value_validator.go, after Envoy's own reader.

/// Why a value is refused.
pub(super) fn header_value(value: &str) -> Result<(), String> {
    if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err(format!("header value configuration {value} is invalid"));
    }
    operators(value)
        .map_err(|why| format!("header value configuration: invalid header configuration. {why}"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Literal,
    Name,
    Array,
    String,
    ArrayString,
    Delimiter,
    ArgumentsEnd,
    VariableEnd,
}

fn operators(value: &str) -> Result<(), String> {
    let mut bytes = value.bytes().peekable();
    let mut state = State::Literal;
    while let Some(byte) = bytes.next() {
        state = match (state, byte) {
            (State::Literal, b'%') => match bytes.peek() {
                None => return Err("Un-escaped %".to_owned()),
                Some(b'%') => {
                    bytes.next();
                    State::Literal
                }
                Some(_) => State::Name,
            },
            (State::Name | State::VariableEnd, b'%') => State::Literal,
            (State::Name, b'(') => State::Array,
            (State::Array, b'[') => State::ArrayString,
            (State::Array, byte) if byte != b' ' => State::String,
            (State::Delimiter, b',') => State::ArrayString,
            (State::Delimiter, b']') => State::ArgumentsEnd,
            (State::Delimiter, byte) if byte != b' ' => {
                return Err("Expecting ',', ']', or whitespace".to_owned());
            }
            (State::ArrayString, b'"') => State::String,
            (State::ArrayString, byte) if byte != b' ' => {
                return Err("Expecting '\"'".to_owned());
            }
            (State::String, b'\\') => {
                if bytes.next().is_none() {
                    return Err("Un-terminated backslash in JSON string".to_owned());
                }
                State::String
            }
            (State::String | State::ArgumentsEnd, b')') => State::VariableEnd,
            (State::String, b'"') => State::Delimiter,
            (State::ArgumentsEnd, byte) if byte != b' ' => {
                return Err("Expecting ')' or whitespace after".to_owned());
            }
            (State::VariableEnd, byte) if byte != b' ' => {
                return Err("Expecting '%' or whitespace after".to_owned());
            }
            (same, _) => same,
        };
    }
    if state == State::Literal {
        Ok(())
    } else {
        Err(format!("Un-terminated variable expression '{value}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_must_be_complete() {
        for (value, is_valid) in [
            ("", true),
            ("plain", true),
            ("100%%", true),
            ("%DOWNSTREAM_REMOTE_ADDRESS%", true),
            ("%REQ(x-user)%-%REQ(:authority)%", true),
            (r#"%UPSTREAM_METADATA(["a", "b"])%"#, true),
            ("100%", false),
            ("%REQ(x", false),
            ("%NAME", false),
            ("a\u{1}", false),
            ("a\tb", true),
        ] {
            assert_eq!(header_value(value).is_ok(), is_valid, "{value}");
        }
    }
}

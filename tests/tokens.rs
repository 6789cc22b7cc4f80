//! Tokens and keys for tests, by their names: `tokens/make.py` made them.

use serde_json::{Map, Value};

/// A text with `{token NAME}` and `{jwks}` filled in.
///
/// # Panics
/// If there is no such token.
pub(crate) fn fill(text: &str) -> String {
    let keys: Value = serde_json::from_str(include_str!("tokens/jwks.json")).expect("JSON");
    let tokens: Map<String, Value> =
        serde_json::from_str(include_str!("tokens/tokens.json")).expect("JSON");
    let text = text.replace("{jwks}", &keys.to_string());
    let mut parts = text.split("{token ");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a token's name");
        let token = tokens.get(name).and_then(Value::as_str);
        filled.push_str(token.unwrap_or_else(|| panic!("no token `{name}`")));
        filled.push_str(rest);
    }
    filled
}

//! `tokens`.

use super::*;

#[test]
fn says_what_is_wrong_with_tokens() {
    check_field("tokens: {keys: {a: '{\"keys\": []}'}}", &[]);
    check_field(
        "tokens: {clock: soon, keys: {a: '{\"key\": 1}', b: nowhere}}",
        &[
            "s.yaml:3:17: error: tokens.clock: `soon`: expected a time such as `2026-01-31T12:00:00Z`",
            "s.yaml:3:33: error: tokens.keys.a: it is no JSON Web Key Set (write a JSON Web Key Set, \
             `{\"keys\": [...]}`, or name a file with one)",
            "s.yaml:3:50: error: tokens.keys.b: it is no JSON Web Key Set (write a JSON Web Key Set, \
             `{\"keys\": [...]}`, or name a file with one)",
        ],
    );
}

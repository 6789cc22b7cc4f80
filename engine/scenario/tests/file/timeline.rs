//! `timeline`.

use super::*;

#[test]
fn says_what_is_wrong_with_changes() {
    check_field(
        "timeline: [{at: 5s, drain: a, repeat: {every: 1s, times: 10001}}]",
        &[
            "s.yaml:3:58: error: timeline[0].repeat.times: `10001` is out of range: expected 1 to 10000 (write `10000`)",
        ],
    );
    // Said once, not 60 times.
    check_field(
        "timeline: [{at: 59s, drain: a, repeat: {every: 1s, times: 60}}]",
        &["s.yaml:3:12: error: 60s is not before the end of the run at 60s"],
    );
    check_field(
        "timeline: [{at: 5s}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks what happens: `apply`, `delete`, `traffic`, `drain`, `outage`, `link`, or `workload` and what becomes of it",
        ],
    );
    check_field(
        "timeline: [{at: 5s, traffic: client}]",
        &["s.yaml:3:12: error: `timeline[0]` lacks `rate`, `factor` or `users`"],
    );
    check_field(
        "timeline: [{at: 5s, workload: a}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks what changes, such as `serviceTime`, `script` or `refuse`",
        ],
    );
    check_field(
        "timeline: [{at: 5s, refuse: true}]",
        &[
            "s.yaml:3:12: error: `timeline[0]` lacks `workload`, `pod`, `selector`, `namespace`, `image` or `address`",
        ],
    );
    check_field(
        "timeline: [{at: 90s, delete: reviews}]",
        &[
            "s.yaml:3:30: error: timeline[0].delete: `reviews` does not name an object \
           (write `kind/namespace/name`, as in `virtualservice/default/reviews`)",
            "s.yaml:3:12: error: 90s is not before the end of the run at 60s",
        ],
    );
    check_field(
        "timeline: [{at: 5s, apply: missing.yaml}]",
        &["s.yaml:3:28: error: `missing.yaml` cannot be read: no such file or folder"],
    );
}

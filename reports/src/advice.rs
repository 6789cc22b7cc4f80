//! What to try about requests that failed: from Envoy's response flags and the rule behind them to a sentence.

use crate::model::{Cause, CauseRule};

/// Advice for one flag. `{rule}` stands for the rule's field, object and place, `{wants}` for why a rule was not for the
/// request, `{slow}` for the call that took longest.
struct Advice {
    flag: &'static str,
    /// Where the rule is known.
    with_rule: &'static str,
    /// Where it is not.
    without: &'static str,
}

/// HTTP 508: what a workload answers that is called in a circle.
const LOOP_DETECTED: u16 = 508;

/// What to try about failures with these flags; the cause is that of a request among them, where one was kept.
pub(crate) fn advice(code: u16, flags: &str, cause: Option<&Cause>) -> String {
    let rule = cause.and_then(|cause| cause.rule.as_ref());
    let call = cause.and_then(|cause| cause.call.as_ref());
    if let Some(rule) = rule.filter(|rule| rule.object.starts_with(OF_TOKENS)) {
        return format!("{} refuses the token: {}", named(rule), rule.rejected);
    }
    let flags: Vec<&str> = flags.split(',').collect();
    let found = TABLE.iter().find(|advice| flags.contains(&advice.flag));
    let Some(found) = found else {
        return match call {
            Some(_) | None if code == LOOP_DETECTED => {
                "calls go in circles: 100 requests deep no further one is made, and this is answered; see `calls` of the \
                 `workloads` in the scenario"
                    .to_owned()
            }
            Some(call) if call.failed => {
                format!("its call to {} failed ({})", call.service, call.answer)
            }
            _ if rule.is_some() => {
                QUEUE_FULL.replace("{rule}", &rule.map(named).unwrap_or_default())
            }
            Some(_) | None if code == 0 => {
                "the caller gave up, or the connection ended: compare its \
                                            `timeout` with how long answers take"
                    .to_owned()
            }
            Some(_) | None => {
                "the application answers so: see its `workloads` entry in the scenario".to_owned()
            }
        };
    };
    let ejected = cause.is_some_and(|cause| cause.ejected);
    let text = match (rule, found.flag) {
        (Some(_), "UH") if ejected => EJECTED,
        (Some(_), _) => found.with_rule,
        (None, _) => found.without,
    };
    let slow = match call {
        Some(call) => format!(" (its slowest call is to {})", call.service),
        None => String::new(),
    };
    text.replace("{rule}", &rule.map(named).unwrap_or_default())
        .replace("{wants}", rule.map_or("", |rule| &rule.rejected))
        .replace("{slow}", &slow)
}

/// ``` `timeout` of VirtualService default/reviews (mesh.yaml:14) ```, with each of several fields between backticks.
fn named(rule: &CauseRule) -> String {
    let CauseRule {
        object,
        field,
        place,
        ..
    } = rule;
    match field.as_str() {
        "" => format!("{object} ({place})"),
        fields => {
            let fields: Vec<String> = fields.split(OR).map(|one| format!("`{one}`")).collect();
            format!("{} of {object} ({place})", fields.join(OR))
        }
    }
}

/// What the names of objects begin with that say whose tokens are good.
const OF_TOKENS: &str = "RequestAuthentication ";
/// What stands between the fields of a rule of which any may have been the one.
const OR: &str = " or ";
/// Where the application has no room for more, and no proxy has a say.
const QUEUE_FULL: &str =
    "the application's queue is full: raise {rule}, or its `concurrency`, or lower the load";
/// Where hosts were ejected.
const EJECTED: &str = "hosts are ejected: mend those that fail, or ease {rule}";

/// In this order: of several flags the first here says most about the reason.
const TABLE: [Advice; 19] = [
    Advice {
        flag: "FI",
        with_rule: "intended: {rule} injects it",
        without: "intended: a fault is injected",
    },
    Advice {
        flag: "DI",
        with_rule: "intended: {rule} injects a delay, and someone on the way waits for less",
        without: "intended: a delay is injected, and someone on the way waits for less",
    },
    Advice {
        flag: "UO",
        with_rule: "raise {rule}, or lower the load",
        without: "raise the limits of the destination's `connectionPool`, or lower the load",
    },
    Advice {
        flag: "NR",
        with_rule: "nothing matches; nearest is {rule}: {wants}",
        without: "no route is for this host and port: compare them with Services and `hosts`",
    },
    Advice {
        flag: "NC",
        with_rule: "{rule} names a host or subset that is not there: correct it, or define the \
                    subset in a DestinationRule",
        without: "the cluster is not there: correct the host, or define the subset in a \
                  DestinationRule",
    },
    Advice {
        flag: "UH",
        with_rule: "no endpoint is ready: compare {rule} with the labels of pods",
        without: "no endpoint is ready: are there pods, are they ready, does the Service select them?",
    },
    Advice {
        flag: "UT",
        with_rule: "raise {rule}, or make the answer faster{slow}",
        without: "make the answer faster{slow}, or allow more time",
    },
    Advice {
        flag: "UF",
        with_rule: "nobody takes the connection: are pods up, on this port, and with what {rule} says?",
        without: "nobody takes the connection: are pods up, on this port, and do they speak the same TLS?",
    },
    Advice {
        flag: "UC",
        with_rule: "the server ended the connection: look for crashes, idle timeouts, and {rule}",
        without: "the server ended the connection: look for crashes and idle timeouts; `retryOn: reset` \
                  tries again",
    },
    Advice {
        flag: "UR",
        with_rule: "the server reset the request; `retryOn: reset` tries again",
        without: "the server reset the request; `retryOn: reset` tries again",
    },
    Advice {
        flag: "URX",
        with_rule: "each try failed, so more of them ({rule}) add load only: mend what they meet",
        without: "each try failed, so more of them add load only: mend what they meet",
    },
    Advice {
        flag: "UPE",
        with_rule: "the server does not speak the port's protocol: see its name or `appProtocol`",
        without: "the server does not speak the port's protocol: see its name or `appProtocol`",
    },
    Advice {
        flag: "SI",
        with_rule: "nothing moved for too long: raise the idle timeout, or answer sooner{slow}",
        without: "nothing moved for too long: raise the idle timeout, or answer sooner{slow}",
    },
    Advice {
        flag: "UMSDR",
        with_rule: "raise the longest time that the cluster allows a request, or answer sooner{slow}",
        without: "raise the longest time that the cluster allows a request, or answer sooner{slow}",
    },
    Advice {
        flag: "DT",
        with_rule: "raise how long a connection may last",
        without: "raise how long a connection may last",
    },
    Advice {
        flag: "DO",
        with_rule: "intended: the policy of the endpoints drops a share",
        without: "intended: the policy of the endpoints drops a share",
    },
    Advice {
        flag: "UDO",
        with_rule: "intended: the policy of the endpoints drops all",
        without: "intended: the policy of the endpoints drops all",
    },
    Advice {
        flag: "LR",
        with_rule: "the proxy ended the try itself: look at what changed then",
        without: "the proxy ended the try itself: look at what changed then",
    },
    Advice {
        flag: "DC",
        with_rule: "the caller waits for less than it takes: raise its `timeout`, or make the answer \
                    faster{slow}",
        without: "the caller waits for less than it takes: raise its `timeout`, or make the answer \
                  faster{slow}",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CauseCall;

    fn cause(field: &str, rejected: &str) -> Cause {
        Cause {
            rule: Some(CauseRule {
                object: "DestinationRule default/stock".to_owned(),
                field: field.to_owned(),
                place: "mesh.yaml:14".to_owned(),
                rejected: rejected.to_owned(),
            }),
            ..Cause::default()
        }
    }

    #[test]
    fn a_circle_of_calls_is_told_as_one() {
        let circle = "calls go in circles: 100 requests deep";
        assert!(advice(508, "-", None).starts_with(circle));
        let failed = Cause {
            call: Some(CauseCall {
                failed: true,
                ..CauseCall::default()
            }),
            ..Cause::default()
        };
        assert!(advice(508, "-", Some(&failed)).starts_with(circle));
        assert!(!advice(500, "-", Some(&failed)).starts_with(circle));
    }

    #[test]
    fn advice_names_the_rule_where_it_is_known() {
        let pool = cause("http1MaxPendingRequests", "");
        let said = advice(503, "UO", Some(&pool));
        assert_eq!(
            said,
            "raise `http1MaxPendingRequests` of DestinationRule default/stock (mesh.yaml:14), or lower the load"
        );
        let either = cause("http1MaxPendingRequests or http2MaxRequests", "");
        let said = advice(503, "UO", Some(&either));
        assert!(
            said.starts_with("raise `http1MaxPendingRequests` or `http2MaxRequests` of Dest"),
            "{said}"
        );
        assert!(advice(503, "UO", None).contains("connectionPool"));
        let nearest = advice(404, "NR", Some(&cause("", "method: want `GET`")));
        assert!(nearest.ends_with("(mesh.yaml:14): method: want `GET`"));
        let ejected = Cause {
            ejected: true,
            ..cause("outlierDetection", "")
        };
        assert!(advice(503, "UH", Some(&ejected)).starts_with("hosts are ejected"));
    }

    #[test]
    fn the_flag_that_says_most_decides() {
        assert!(advice(503, "URX,UF", None).starts_with("nobody takes the connection"));
        assert!(advice(504, "DI,UT", None).starts_with("intended"));
    }

    #[test]
    fn failures_without_a_flag_point_at_calls_or_the_application() {
        let with_call = |failed| Cause {
            call: Some(CauseCall {
                service: "default/stock".to_owned(),
                answer: "503 UO".to_owned(),
                failed,
            }),
            ..Cause::default()
        };
        assert_eq!(
            advice(500, "-", Some(&with_call(true))),
            "its call to default/stock failed (503 UO)"
        );
        assert!(advice(500, "-", Some(&with_call(false))).contains("`workloads`"));
        let queue = Cause {
            rule: Some(CauseRule {
                object: "default/stock, where 10 may wait".to_owned(),
                field: "queue".to_owned(),
                place: "s.yaml:4".to_owned(),
                rejected: String::new(),
            }),
            ..Cause::default()
        };
        assert_eq!(
            advice(503, "-", Some(&queue)),
            "the application's queue is full: raise `queue` of default/stock, where 10 may wait (s.yaml:4), or its \
             `concurrency`, or lower the load"
        );
        assert!(advice(504, "UT", Some(&with_call(false))).contains("default/stock"));
    }

    #[test]
    fn every_placeholder_is_filled() {
        for entry in &TABLE {
            for cause in [None, Some(&cause("timeout", "no"))] {
                let said = advice(503, entry.flag, cause);
                assert!(!said.contains('{') && !said.is_empty(), "{said}");
            }
        }
    }
}

//! `traffic`: loads, lists, values and traces.

use super::*;

#[test]
fn says_what_is_wrong_with_traffic() {
    check_traffic(
        "{from: a, rate: 200, url: http://a/}",
        &["s.yaml:3:19: error: traffic[0].rate: expected rate, got integer (write `200/s`)"],
    );
    check_traffic(
        "{from: a, rate: 0/s, url: http://a/}",
        &[
            "s.yaml:3:19: error: traffic[0].rate: a rate above zero is expected (write it as in `200/s`, `30/m` or `5/h`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1000000001/s, url: http://a/}",
        &[
            "s.yaml:3:19: error: traffic[0].rate: `1000000001/s` is out of range: expected at most 1000000000/s \
           (time goes in steps of a nanosecond)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, users: 5, url: http://a/}",
        &["s.yaml:3:31: error: traffic[0].users: `rate` and `users` exclude each other: give one"],
    );
    check_traffic(
        "{from: a, rate: 1/s}",
        &[
            "s.yaml:3:3: error: `traffic[0]` lacks `url`, `requests` or `trace` (write it as in `url: …`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: ftp://a/}",
        &[
            "s.yaml:3:29: error: traffic[0].url: `ftp://a/` cannot be used as a URL: scheme `ftp` is not simulated \
           (write it as in `http://reviews:9080/reviews/1`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, method: get}",
        &[
            "s.yaml:3:48: error: traffic[0].method: `get` is not an HTTP method that Envoy takes (write it in capitals: `GET`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, thinkTime: 1s, url: http://a/}",
        &["s.yaml:3:35: error: traffic[0].thinkTime: `thinkTime` goes with `users`"],
    );
    check_traffic(
        "{from: a, users: 1, arrivals: constant, requests: []}",
        &[
            "s.yaml:3:53: error: traffic[0].requests: `requests` is empty (give at least one)",
            "s.yaml:3:33: error: traffic[0].arrivals: `arrivals` goes with `rate`",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, start: 5s, stop: 5s}",
        &["s.yaml:3:57: error: traffic[0].stop: `stop` must be later than `start`"],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/, start: 60s}",
        &["s.yaml:3:3: error: 60s is not before the end of the run at 60s"],
    );
    check_traffic(
        "{from: a, rate: 1/s, url: http://a/}\n- {from: b/a, rate: 1/s, url: http://a/}",
        &["s.yaml:4:3: error: two traffic sources are named `a` (the other one is in line 3)"],
    );
    check_traffic(
        "{from: a/b/c, rate: 1/s, url: http://a/}",
        &[
            "s.yaml:3:10: error: traffic[0].from: `a/b/c` does not name an object \
           (write `namespace/name`, as in `default/reviews`)",
        ],
    );
    check_traffic(
        "{from: a, rate: 1/s, arrivals: poison, url: http://a/}",
        &[
            "s.yaml:3:34: error: traffic[0].arrivals: unsupported value \"poison\": expected `poisson` or `constant` \
           (did you mean `poisson`?)",
        ],
    );
}

#[test]
fn loads_values_and_traces_are_read() {
    let scenario = read(EVERYTHING, &[]).expect("a good file");
    let named = |name: &str| {
        let mut sources = scenario.traffic.iter();
        sources.find(|traffic| traffic.name == name).expect(name)
    };
    let seconds = SimDuration::from_secs;
    let Load::Varying { rate, arrivals } = &named("shoppers").load else {
        panic!("a load that varies");
    };
    let piece = |from, begins, slope| Piece {
        from: seconds(from),
        begins,
        slope,
    };
    let slope = 190.0 / 60.0;
    let pieces = vec![piece(0, 10.0, slope), piece(60, 200.0, 0.0)];
    assert_eq!(
        (rate, arrivals),
        (&Profile::Pieces(pieces), &Arrivals::Poisson)
    );
    let shoppers = named("shoppers");
    assert_eq!(shoppers.requests[0].uses, [0, 1, 2]);
    let request = &shoppers.requests[0].request;
    assert_eq!(request.url.path, "/{product}?q=a%20b&color={color}");
    let cookie = ("cookie".to_owned(), "id={user}; theme=dark".to_owned());
    assert!(request.headers.contains(&cookie), "{:?}", request.headers);
    assert_eq!(shoppers.values[0].texts.len(), 100);
    assert_eq!(shoppers.values[1].texts, ["shoe", "7"]);
    assert_eq!(shoppers.values[2].chances.cumulative, [0.75, 1.0]);
    let Some(Sessions::Drawn(users)) = &shoppers.sessions else {
        panic!("drawn users");
    };
    assert_eq!(users.count(), 1000);

    let Load::Closed {
        users,
        each,
        more,
        pace,
        ..
    } = named("fortio").load
    else {
        panic!("a closed load");
    };
    let pause = Some(SimDuration::from_millis(40));
    assert_eq!((users, each, more, pace), (4, Some(10), 1, pause));
    assert_eq!(
        named("fortio").stop,
        None,
        "a number of requests, not a time"
    );

    let again = named("again");
    let Load::Listed(listed) = &again.load else {
        panic!("a list");
    };
    let times: Vec<_> = listed
        .iter()
        .map(|one| (one.at.as_nanos() / 1_000_000, one.template))
        .collect();
    assert_eq!(
        times,
        [(5000, 0), (5250, 1), (5750, 1)],
        "twice as fast, from its start on"
    );
    assert_eq!((again.requests.len(), again.cut), (2, 1));
    let jason = &again.requests[1].request;
    assert_eq!(
        (
            jason.url.host.as_str(),
            jason.url.port,
            jason.url.path.as_str()
        ),
        ("web", 81, "/x")
    );
    assert_eq!(jason.authority.as_deref(), Some("a.example.com"));
    assert_eq!(again.requests[0].request.body_bytes, 100);
}

#[test]
fn says_what_is_wrong_with_loads_values_and_traces() {
    for (entry, expected) in [
        (
            "{from: a, url: http://a/, load: []}",
            "s.yaml:3:35: error: traffic[0].load: `load` is empty (give at least one stage)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 5}]}",
            "s.yaml:3:43: error: traffic[0].load[0].rate: expected rate, got integer (write `5/s`)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 1/s}, {at: 0s, rate: 2/s}]}",
            "s.yaml:3:49: error: traffic[0].load[1]: 0s is not later than the stage before, at 0s (write stages in order \
             of time)",
        ),
        (
            "{from: a, url: http://a/, load: [{rate: 0/s}]}",
            "s.yaml:3:35: error: traffic[0].load: `load` never has a rate above zero (give a stage a rate such as `50/s`)",
        ),
        (
            "{from: a, url: http://a/, bursts: {length: 0s, pause: 1s, rate: 1/s}}",
            "s.yaml:3:46: error: traffic[0].bursts.length: a phase longer than zero is expected",
        ),
        (
            "{from: a, url: http://a/, rate: 1/s, diurnal: {mean: 1/s, amplitude: 10%}}",
            "s.yaml:3:49: error: traffic[0].diurnal: `rate` and `diurnal` exclude each other: give one",
        ),
        (
            "{from: a, url: http://a/, fortio: -c 5 -n 4}",
            "s.yaml:3:37: error: traffic[0].fortio: 4 requests are fewer than the 5 connections (give fewer \
             connections: `-c`)",
        ),
        (
            "{from: a, url: http://a/, fortio: -k}",
            "s.yaml:3:37: error: traffic[0].fortio: the flag `-k` is not simulated (`-c`, `-n`, `-qps` and `-t` are known)",
        ),
        (
            "{from: a, url: 'http://a/{usr}', rate: 1/s, values: {user: [x]}}",
            "s.yaml:3:55: error: traffic[0].values: `{usr}` in `/{usr}` is none of the `values` (did you mean `{user}`?)",
        ),
        (
            "{from: a, url: 'http://a/{u}', rate: 1/s, values: {u: {to: 0}}}",
            "s.yaml:3:62: error: traffic[0].values.u.to: `1` to `0` are no 1 to 100000 numbers",
        ),
        (
            "{from: a, url: 'http://a/{u}', rate: 1/s, values: {u: [x]}, sessions: true}",
            "s.yaml:3:73: error: traffic[0].sessions: it is not known whose requests these are (say how many users there \
             are: `{users: 1000}`)",
        ),
        (
            "{from: a, trace: bad.csv}",
            "bad.csv:3:1: error: time: `soon` is not a time (write seconds as in `1.25`, a duration as in `250ms`, or `2026-01-31T12:00:00Z`)",
        ),
        (
            "{from: a, trace: empty.csv}",
            "s.yaml:3:20: error: `empty.csv` holds no request",
        ),
        (
            "{from: a, trace: missing.csv}",
            "s.yaml:3:20: error: `missing.csv` cannot be read: no such file or folder",
        ),
        (
            "{from: a, trace: trace.csv, rate: 1/s}",
            "s.yaml:3:37: error: traffic[0].rate: `rate` does not go with `trace`",
        ),
    ] {
        check_traffic(entry, &[expected]);
    }
    check_traffic(
        "{from: a, url: 'http://a/', rate: 1/s, values: {u: [x]}}",
        &["s.yaml:3:50: error: traffic[0].values: no request uses `{u}`"],
    );
}

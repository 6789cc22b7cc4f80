//! Scenarios of a lone Envoy.

use super::*;

#[test]
fn every_field_of_an_envoy_is_read() {
    let scenario = read(EVERYTHING_OF_ENVOY, &[]).expect("a good file");
    let ms = SimDuration::from_millis;
    assert_eq!(scenario.envoy.as_ref().map(|e| e.concurrency), Some(2));
    let server = &scenario.workloads[0].server;
    assert_eq!(server.accept, Accept::After(ms(20)));
    assert_eq!(server.keep_alive, Some(ms(300)));
    let [cut, tries, all] = &server.endpoints[..] else {
        panic!("three endpoints");
    };
    let header = ("retry-after".to_owned(), "1".to_owned());
    assert_eq!(cut.response_headers, [header]);
    assert_eq!(cut.body_time, Distribution::Constant(ms(40)));
    let acts = |endpoint: &Endpoint| endpoint.script.clone().expect("a script");
    assert_eq!(acts(cut).acts[0].ending, Ending::Cut);
    assert_eq!(acts(tries).by, ScriptBy::Try);
    assert_eq!(acts(tries).acts[1].ending, Ending::Garbage);
    let last = &acts(all).acts[2];
    assert_eq!((last.status, last.close), (Some(200), true));
    assert_eq!(last.service_time, Some(Distribution::Constant(ms(5))));

    let traffic = &scenario.traffic[0];
    let Load::Listed(listed) = &traffic.load else {
        panic!("a list");
    };
    let told: Vec<_> = (listed.iter())
        .map(|one| (one.at, one.template, one.connection, one.worker))
        .collect();
    let at = |millis| SimTime::ZERO + ms(millis);
    let expected = [
        (at(0), 1, Some(0), None),
        (at(100), 1, Some(0), None),
        (at(200), 1, Some(0), None),
        (at(1000), 0, None, Some(1)),
    ];
    assert_eq!(told, expected);
    let first = &traffic.requests[0];
    assert_eq!(first.timeout, Some(SimDuration::from_secs(2)));
    assert_eq!(first.request.body_bytes, 1000);
    assert_eq!(first.request.upload, ms(200));
}

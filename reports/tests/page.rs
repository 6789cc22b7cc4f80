//! `report.html` and `measurements.json`: what is in them, and what cannot do harm.

mod sample;

use reports::{OutputFile, Pictures, RunReport, SavedError, read_measurements, render_with};
use telemetry::Mark;

fn file(report: &RunReport, path: &str) -> OutputFile {
    let mut files = render_with(report, Pictures::None).into_iter();
    let file = files.find(|file| file.path == path);
    file.expect("each run has it")
}

fn page(report: &RunReport) -> String {
    String::from_utf8(file(report, "report.html").bytes).expect("a page is text")
}

/// The JSON that the page's scripts read.
fn embedded(page: &str) -> serde_json::Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(start).expect("data is embedded");
    let (json, _) = rest.split_once("</script>").expect("the element ends");
    serde_json::from_str(json).expect("it is JSON")
}

#[test]
fn the_verdict_comes_first_and_misses_come_before_what_is_met() {
    let mut report = sample::canary(20.0);
    report.expectations[0].passed = true;
    report.expectations[1].passed = false;
    let (met, missed) = (&report.expectations[0].name, &report.expectations[1].name);
    let page = page(&report);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no `{text}`"));
    assert!(place("<section id=\"verdict\"") < place("<section id=\"figures\""));
    assert!(place(&format!("</span>{missed}")) < place(&format!("</span>{met}")));
    assert!(page.contains("<title>✗ "));
    for section in ["over-time", "graph", "tables"] {
        place(&format!("<section id=\"{section}\""));
    }
}

#[test]
fn charts_hold_a_value_for_each_bucket_and_shares_add_up() {
    let report = sample::canary(20.0);
    let data = embedded(&page(&report));
    let buckets = report.measurements.facts.buckets() as usize;
    let charts = data["charts"].as_array().expect("there are charts");
    assert!(charts.len() > 6, "{}", charts.len());
    let mut shares = 0;
    for chart in charts {
        let lines = chart["lines"].as_array().expect("lines");
        for line in lines {
            assert_eq!(line["values"].as_array().map(Vec::len), Some(buckets));
        }
        if chart["unit"] == "ratio" && chart["form"] == "stack" {
            for bucket in 0..buckets {
                let values = lines
                    .iter()
                    .filter_map(|line| line["values"][bucket].as_f64());
                let sum: f64 = values.sum();
                assert!(sum == 0.0 || (sum - 1.0).abs() < 1e-3, "{bucket}: {sum}");
                shares += 1;
            }
        }
    }
    assert!(shares > 0, "a canary has a split");
}

#[test]
fn latencies_have_a_picture_and_figures_of_their_own() {
    let report = sample::canary(20.0);
    let page = page(&report);
    let (_, section) = page
        .split_once("<section id=\"distribution\"")
        .expect("there is a distribution");
    let (section, _) = section.split_once("</section>").expect("it ends");
    let totals = report.measurements.window.traffic[0].totals();
    let requests = totals.count();
    for part in [
        "<h4>shoppers</h4>".to_owned(),
        "<path style=\"fill:var(--blue)\" d=\"M".to_owned(),
        "<path style=\"fill:var(--vermilion)\" d=\"M".to_owned(),
        ">p99.9 ".to_owned(),
        format!("<th scope=\"row\">requests</th><td>{requests}</td>"),
    ] {
        assert!(section.contains(&part), "{part}: {section}");
    }
}

#[test]
fn pools_tell_who_waits_for_a_connection() {
    let report = sample::canary(20.0);
    let data = embedded(&page(&report));
    let charts = data["charts"].as_array().expect("there are charts");
    let chart = charts
        .iter()
        .find(|chart| chart["title"] == "Waiting for a connection")
        .expect("somebody waits");
    let line = |name: &str| {
        let lines = chart["lines"].as_array().expect("lines");
        let line = lines.iter().find(|line| line["name"] == name);
        line.expect("each version has its pool").clone()
    };
    let (v1, v2) = (line("reviews v1"), line("reviews v2"));
    // Seven wait while v2 fails, nobody before.
    assert_eq!(
        (&v2["values"][59], &v2["values"][60]),
        (&0.0.into(), &7.0.into())
    );
    assert_eq!(
        (&v1["values"][60], &v2["total"]),
        (&0.0.into(), &"max 9".into())
    );
    let split = charts
        .iter()
        .find(|chart| chart["title"] == "Split of default/reviews");
    let of_split = split.expect("reviews is split")["lines"]
        .as_array()
        .expect("lines");
    let colour = |name: &str| {
        &of_split
            .iter()
            .find(|line| line["name"] == name)
            .expect("v")["colour"]
    };
    assert_eq!((&v1["colour"], &v2["colour"]), (colour("v1"), colour("v2")));

    let csv = String::from_utf8(file(&report, "pools.csv").bytes).expect("a table is text");
    let (head, rows) = csv.split_once('\n').expect("there are rows");
    assert_eq!(
        head,
        "time_seconds,source_workload,source_workload_namespace,cluster,connections_mean,connections_max,requests_mean,\
         requests_max,pending_mean,pending_max"
    );
    let row =
        "300,productpage-v1,default,outbound|9080|v2|reviews.default.svc.cluster.local,5,5,5,5,7,9";
    assert!(rows.lines().any(|line| line == row), "{rows}");
}

#[test]
fn the_page_needs_nothing_else_and_is_the_same_for_the_same_run() {
    let report = sample::canary(20.0);
    let slower = RunReport {
        wall_seconds: report.wall_seconds * 7.0,
        ..report.clone()
    };
    let written = page(&report);
    assert_eq!(written, page(&slower));
    // uPlot names its home in a comment; nothing is loaded from anywhere.
    for loading in [
        "<link",
        "src=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "import(",
    ] {
        assert!(!written.contains(loading), "{loading}");
    }
    assert!(written.contains("default-src 'none'"));
}

#[test]
fn names_are_never_markup() {
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--";
    let mut report = sample::canary(20.0);
    report.scenario = evil.to_owned();
    report.description = evil.to_owned();
    report.notes = vec![evil.to_owned()];
    report.expectations[0].name = evil.to_owned();
    report.expectations[0].message = evil.to_owned();
    report.measurements.facts.marks.push(Mark {
        at: report.measurements.facts.warm_up,
        label: evil.to_owned(),
    });
    for figures in &mut report.measurements.window.requests {
        figures.labels.destination.workload.workload = evil.to_owned();
        figures.labels.destination.service = evil.to_owned();
        figures.labels.caller = evil.to_owned();
    }
    for series in &mut report.measurements.series.requests {
        series.labels.destination.workload.version = evil.to_owned();
        series.labels.response_flags = evil.to_owned();
    }
    for pod in &mut report.measurements.window.pods {
        pod.pod = evil.to_owned();
    }
    for record in &mut report.measurements.ejections {
        record.pod = evil.to_owned();
        record.cluster = evil.to_owned();
    }
    let harmless = page(&sample::canary(20.0));
    let written = page(&report);
    assert!(written.contains("&lt;script&gt;alert(1)"));
    for tag in ["<script", "</script", "<img", "<!--"] {
        assert_eq!(
            written.matches(tag).count(),
            harmless.matches(tag).count(),
            "{tag}"
        );
    }
    let data = embedded(&written);
    let marks = data["marks"].as_array().expect("marks");
    assert!(marks.iter().any(|mark| mark["label"] == evil));
}

#[test]
fn a_saved_run_is_read_as_it_was() {
    let report = sample::canary(20.0);
    let saved = file(&report, "measurements.json");
    let read = read_measurements(&saved.bytes).expect("it is ours");
    let expected = RunReport {
        wall_seconds: 0.0,
        ..report.clone()
    };
    assert_eq!(read, expected);
    assert_eq!(page(&read), page(&report));
}

#[test]
fn other_files_are_refused_with_the_reason() {
    let saved = file(&sample::canary(20.0), "measurements.json");
    let text = String::from_utf8(saved.bytes).expect("JSON is text");
    let cut = &text[..text.len() / 2];
    let newer = text.replacen("meshsim.measurements/2", "meshsim.measurements/9", 1);
    let damaged = text.replacen("\"sum_ns\"", "\"total_ns\"", 1);
    let lost = text.replacen("\"~@1\"", "\"~@123456\"", 1);
    for (bytes, said) in [
        (cut, "not JSON, or a part of it only"),
        ("", "not JSON"),
        ("[1, 2]", "not a file that `meshsim run` writes"),
        (
            "{\"schema\": \"x/1\"}",
            "not a file that `meshsim run` writes",
        ),
        (&newer, "`meshsim.measurements/9`"),
        (&damaged, "damaged: missing field `sum_ns`"),
        (&lost, "damaged: it cannot be unpacked"),
    ] {
        let error: SavedError = read_measurements(bytes.as_bytes()).expect_err(said);
        assert!(error.to_string().contains(said), "{error}");
    }
}

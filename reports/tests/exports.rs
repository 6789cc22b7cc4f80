//! Runs in the formats of other tools.

mod sample;

use reports::{Export, Pictures, RunReport, export, markdown, render_with};
use telemetry::{
    AttemptFigures, AttemptKind, AttemptLabels, DestinationLabels, Outcome, WorkloadLabels,
};

fn exported(report: &RunReport, format: Export) -> String {
    let file = export(report, format);
    assert_eq!(file.path, format.path());
    String::from_utf8(file.bytes).expect("exports are text")
}

/// A run in which a workload, a traffic source and flags have names that need escapes everywhere.
fn hostile() -> RunReport {
    let mut report = sample::canary(50.0);
    let window = &mut report.measurements.window;
    for figures in &mut window.requests {
        let workload = &mut figures.labels.destination.workload;
        if !workload.workload.is_empty() {
            workload.workload = format!("{}\"]\n\\#", workload.workload);
        }
    }
    report
}

/// Samples of a metric: labels and values.
fn samples<'a>(text: &'a str, name: &str) -> Vec<(&'a str, u64)> {
    let start = format!("{name}{{");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
    lines
        .map(|line| {
            let (labels, value) = line.rsplit_once("} ").expect("labels end");
            (labels, value.parse().expect("counts are whole"))
        })
        .collect()
}

#[test]
fn metrics_count_every_request_once() {
    let report = sample::canary(50.0);
    let text = exported(&report, Export::OpenMetrics);
    let all: u64 = (report.measurements.window.requests.iter())
        .map(|figures| figures.count())
        .sum();
    let sum = |name| samples(&text, name).iter().map(|s| s.1).sum::<u64>();
    assert_eq!(sum("istio_requests_total"), all);
    assert_eq!(sum("istio_request_duration_milliseconds_count"), all);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn envoys_stats_have_the_names_that_a_scrape_shows() {
    let text = exported(&sample::canary(50.0), Export::OpenMetrics);
    let pod = r#"app="productpage",namespace="default",pod="productpage-v1-0",version="v1""#;
    let v1 = r#"cluster_name="outbound|9080|v1|reviews.default.svc.cluster.local""#;
    let v2 = r#"cluster_name="outbound|9080|v2|reviews.default.svc.cluster.local""#;
    for (line, count) in [
        (
            format!("envoy_cluster_upstream_rq_total{{{v1},{pod}}} 30"),
            1,
        ),
        (
            format!("envoy_cluster_upstream_rq_total{{{v2},{pod}}} 70"),
            1,
        ),
        // What another cluster has counted is zero here.
        (
            format!("envoy_cluster_upstream_rq_retry{{{v1},{pod}}} 0"),
            1,
        ),
        (
            format!("envoy_cluster_upstream_rq{{{v2},response_code_class=\"5xx\",{pod}}} 4"),
            1,
        ),
        (
            format!("envoy_cluster_retry_upstream_rq{{{v2},response_code_class=\"5xx\",{pod}}} 3"),
            1,
        ),
        (
            format!("envoy_cluster_outlier_detection_ejections_enforced_total{{{v2},{pod}}} 6"),
            1,
        ),
        (format!("envoy_http_downstream_rq_total{{{pod}}} 97"), 1),
        (
            "# TYPE envoy_cluster_upstream_rq_active gauge".to_owned(),
            1,
        ),
        (
            format!("envoy_cluster_upstream_rq_active{{{v1},{pod}}} 1"),
            1,
        ),
        ("# TYPE envoy_cluster_upstream_rq unknown".to_owned(), 1),
    ] {
        assert_eq!(
            text.lines().filter(|l| *l == line).count(),
            count,
            "{line}\n{text}"
        );
    }
    // Nobody has counted any.
    assert!(!text.contains("envoy_cluster_upstream_cx_overflow"));
}

#[test]
fn buckets_of_metrics_only_grow() {
    let text = exported(&sample::canary(50.0), Export::OpenMetrics);
    let buckets = samples(&text, "istio_request_duration_milliseconds_bucket");
    let counts = samples(&text, "istio_request_duration_milliseconds_count");
    assert_eq!(buckets.len(), counts.len() * 20);
    for (group, (_, count)) in buckets.chunks(20).zip(counts) {
        assert!(group.is_sorted_by_key(|(_, count)| *count), "{group:?}");
        assert_eq!(group[19].1, count);
    }
}

#[test]
fn names_are_escaped() {
    let report = hostile();
    let metrics = exported(&report, Export::OpenMetrics);
    assert!(metrics.contains(r#"\"]\n\\#",destination_workload_namespace"#));
    let dot = exported(&report, Export::Dot);
    assert!(dot.contains(r#"\"]\n\\#\n"#), "{dot}");
    let mermaid = exported(&report, Export::Mermaid);
    assert!(mermaid.contains("#34;]#10;\\#35;<br/>"), "{mermaid}");
}

#[test]
fn graphs_have_every_call() {
    let report = sample::canary(50.0);
    let dot = exported(&report, Export::Dot);
    let mermaid = exported(&report, Export::Mermaid);
    let edges = dot.matches(" -> ").count();
    assert!(edges >= 3, "{dot}");
    assert_eq!(mermaid.matches(" -->|").count(), edges);
    assert!(dot.contains("% failed") && dot.contains("req/s"));
}

#[test]
fn the_summary_of_traffic_adds_up() {
    let report = sample::canary(50.0);
    let text = exported(&report, Export::Fortio);
    let count = report.measurements.window.traffic[0].totals().count();
    let last = |line: &str| line.rsplit(", ").next().and_then(|n| n.parse::<u64>().ok());
    let bars = text.lines().filter(|line| line.starts_with('>'));
    assert_eq!(bars.filter_map(last).sum::<u64>(), count);
    let codes = (text.lines()).filter_map(|line| line.strip_prefix("Code "));
    let codes: u64 = codes
        .map(|line| {
            let (_, rest) = line.split_once(" : ").expect("a code has a count");
            let (count, _) = rest.split_once(' ').expect("a count has a part");
            count.parse::<u64>().expect("counts are whole")
        })
        .sum();
    assert_eq!(codes, count);
    assert!(text.contains(&format!("Aggregated Function Time : count {count} avg ")));
    assert!(text.contains("# target 99.9% "));
}

#[test]
fn markdown_tells_verdicts_traffic_and_failures() {
    let mut report = sample::canary(50.0);
    report.expectations[0].name = "a|b".to_owned();
    let text = markdown(&report);
    assert!(text.starts_with("### ❌ canary-release\n"), "{text}");
    let missed = text
        .find("| ❌ | a\\|b | ")
        .expect("what is missed is there");
    let met = text
        .find("| ✅ | pages are fast | ")
        .expect("so is what is met");
    assert!(missed < met);
    let count = report.measurements.window.traffic[0].totals().count();
    assert!(text.contains(&format!("| shoppers | {count} | ")), "{text}");
    assert!(text.contains("\n| failed | answer |"), "{text}");
}

/// A run whose requests to reviews are mirrored to a Service that gets nothing else.
fn mirrored() -> RunReport {
    let mut report = sample::canary(50.0);
    let window = &mut report.measurements.window;
    let labels = &window.attempts[0].labels;
    let copy = |outcome: Outcome, count: u64| AttemptFigures {
        labels: AttemptLabels {
            kind: AttemptKind::Mirror,
            destination: DestinationLabels {
                service: "default/shadow".to_owned(),
                workload: WorkloadLabels {
                    namespace: "default".to_owned(),
                    workload: "shadow-v9".to_owned(),
                    ..WorkloadLabels::default()
                },
                ..labels.destination.clone()
            },
            outcome,
            ..labels.clone()
        },
        count,
        duration_ns: u128::from(count) * 4_000_000,
    };
    let copies = [
        copy(Outcome::Response(200), 75),
        copy(Outcome::Response(503), 25),
    ];
    window.attempts.extend(copies);
    report
}

#[test]
fn destinations_of_copies_are_in_every_graph() {
    let report = mirrored();
    let dot = exported(&report, Export::Dot);
    let edge = |text: &str, arrow: &str| {
        let mut lines = text.lines().filter(|line| line.contains("mirrored/s"));
        let line = lines.next().unwrap_or_else(|| panic!("no copies: {text}"));
        assert!(
            line.contains(arrow) && line.contains("25% failed"),
            "{line}"
        );
        assert!(line.contains("mean 4 ms"), "{line}");
    };
    edge(&dot, "style=dashed");
    assert!(dot.contains("shadow-v9"));
    edge(&exported(&report, Export::Mermaid), "-.->");
    let files = render_with(&report, Pictures::Svg);
    let text = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        let bytes = file.expect("each run has it").bytes.clone();
        String::from_utf8(bytes).expect("it is text")
    };
    let plot = text("plots/service_graph.svg");
    for part in [
        ">shadow-v9<",
        ">100 mirrored · 25% failed<",
        ">mean 4 ms<",
        ">mirrored copies<",
    ] {
        assert!(plot.contains(part), "{part}");
    }
    let page = text("report.html");
    assert!(page.contains("100 mirrored copies, 25% failed (25), mean 4 ms"));
    assert!(page.contains("<td>shadow-v9</td><td class=\"number\" data-value=\"0\">0</td><td class=\"number\" data-value=\"100\">100</td>"));
    let without = exported(&sample::canary(50.0), Export::Dot);
    assert!(!without.contains("mirrored"), "{without}");
}

//! The page's style and scripts: small files that are joined when this is built.

/// Runs before anything is shown: the theme that was chosen, and that there are scripts.
pub(super) const EARLY: &str = include_str!("../../assets/report/early.js");

/// All of the style.
pub(super) fn style() -> String {
    STYLES.concat()
}

/// All of the scripts, uPlot first, `start` last.
pub(super) fn script() -> String {
    let own = SCRIPTS.concat();
    format!("{UPLOT}\n(() => {{\n\"use strict\";\n{own}}})();")
}

const STYLES: [&str; 9] = [
    include_str!("../../assets/uplot/uPlot.min.css"),
    crate::look::COLOURS,
    include_str!("../../assets/report/page.css"),
    include_str!("../../assets/report/verdict.css"),
    include_str!("../../assets/report/charts.css"),
    include_str!("../../assets/report/graph.css"),
    include_str!("../../assets/report/tables.css"),
    include_str!("../../assets/report/traces.css"),
    include_str!("../../assets/report/print.css"),
];

/// uPlot 1.6.32 (assets/uplot/LICENSE).
const UPLOT: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");

const SCRIPTS: [&str; 11] = [
    include_str!("../../assets/report/dom.js"),
    include_str!("../../assets/report/numbers.js"),
    include_str!("../../assets/report/theme.js"),
    include_str!("../../assets/report/tables.js"),
    include_str!("../../assets/report/chart_marks.js"),
    include_str!("../../assets/report/charts.js"),
    include_str!("../../assets/report/graph.js"),
    include_str!("../../assets/report/trace_data.js"),
    include_str!("../../assets/report/waterfall.js"),
    include_str!("../../assets/report/explorer.js"),
    include_str!("../../assets/report/start.js"),
];

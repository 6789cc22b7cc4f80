//! What only real keys, real windows and paper show.

use super::devtools::Page;
use super::{chromium, report};
use serde_json::json;
use std::path::Path;

#[test]
fn a_chart_is_read_by_keyboard() {
    let Some(mut led) = Led::on("tests/browser/hostile", 1) else {
        return;
    };
    let page = &mut led.page;
    page.look((1440, 900), "light");
    assert_eq!(
        page.value(
            "document.querySelector('.plot').focus(); document.activeElement.getAttribute('role')"
        ),
        "slider",
        "screen readers leave arrow keys to it"
    );
    let said = |page: &mut Page| {
        let said = page.value("document.activeElement.getAttribute('aria-valuetext')");
        said.as_str().expect("it has a value").to_owned()
    };
    let first = said(page);
    for _ in 0..3 {
        page.press("ArrowRight", 0);
    }
    let later = said(page);
    assert!(
        first.starts_with("0 s: users ") && later.starts_with("1.5 s: users "),
        "{first} / {later}"
    );
    assert_eq!(page.value("document.activeElement.ariaValueNow"), "3");
    page.press("Enter", 0);
    assert_eq!(
        page.value("document.querySelector('#explorer').open"),
        true,
        "Enter opens the sample requests, and they stay open"
    );
    let chips = page.value("document.querySelector('#explorer-chips').textContent");
    assert!(
        chips
            .as_str()
            .is_some_and(|text| text.starts_with("1.5 s to 2 s")),
        "{chips}"
    );
    page.press("Escape", 0);
    assert_eq!(
        page.value("document.querySelector('#explorer').open"),
        false
    );
    assert_eq!(
        page.value("document.activeElement.className.includes('plot')"),
        true,
        "and the keyboard is where it was"
    );
}

#[test]
fn a_large_graph_fits_and_shows_what_is_looked_for() {
    let Some(mut led) = Led::on("tests/browser/wide", 0) else {
        return;
    };
    let page = &mut led.page;
    for size in [(1440, 900), (390, 800)] {
        page.look(size, "dark");
        page.send("Page.reload", json!({}));
        page.wait("document.readyState === 'complete' && document.querySelector('#graph-view')");
        let overlap = page.value(
            "[...document.querySelectorAll('.node')].filter((node) => node.querySelector('.name').getBoundingClientRect().right \
             > node.querySelector('.sidecar').getBoundingClientRect().left).map((node) => node.ariaLabel)",
        );
        assert_eq!(overlap, json!([]), "{size:?}: names run over the symbol");
        page.value("document.querySelector('[data-zoom=\"0\"]').click()");
        let view = "document.querySelector('#graph-view')";
        let hidden = page.value(&format!(
            "[{view}.scrollWidth - {view}.clientWidth, {view}.scrollHeight - {view}.clientHeight]"
        ));
        assert_eq!(hidden, json!([0, 0]), "{size:?}: all of it is seen");
        let shared = page.value(
            "[...document.querySelectorAll('figure[data-chart]:not(#chart-pods, #chart-ejections)')].filter((chart) => { \
             const all = [...chart.querySelectorAll('.legend .swatch')].map((one) => one.style.background); \
             return all.length <= 8 && new Set(all).size < all.length; }).map((chart) => chart.id)",
        );
        assert_eq!(shared, json!([]), "two in one chart share a colour");
        // Large again, and looked for by name.
        page.value(
            "for (let i = 0; i < 6; i += 1) document.querySelector('[data-zoom=\"1.25\"]').click()",
        );
        for (field, event, hit) in [
            (
                "#graph-find').value = 'ledger",
                "input",
                ".node[data-names*=ledger]",
            ),
            ("#graph-find').value = 'users", "input", ".node.traffic"),
        ] {
            page.value(&format!(
                "document.querySelector('{field}'; document.querySelector('#graph-find').dispatchEvent(new Event('{event}'))"
            ));
            let seen = page.value(&is_seen(hit));
            assert_eq!(seen, true, "{size:?}: {hit}");
        }
        page.value("const find = document.querySelector('#graph-find'); find.value = ''; find.dispatchEvent(new Event('input'))");
        page.value("document.querySelector('#graph-failing').click()");
        assert_eq!(
            page.value(&is_seen(".edge:not(.ok, .dim) polygon")),
            true,
            "{size:?}"
        );
    }
}

#[test]
fn destinations_are_seen_at_first_sight_on_a_phone() {
    let Some(mut led) = Led::on("tests/browser/hostile", 1) else {
        return;
    };
    led.page.look((390, 800), "light");
    led.page.send("Page.reload", json!({}));
    led.page.wait("document.readyState === 'complete'");
    for part in [".node.traffic", ".node.workload"] {
        assert_eq!(led.page.value(&is_seen(part)), true, "{part}");
    }
}

#[test]
fn paper_has_the_colours_and_the_width_of_the_page() {
    let Some(mut led) = Led::on("tests/browser/wide", 0) else {
        return;
    };
    let page = &mut led.page;
    // As wide as A4 between its margins.
    page.look((718, 1000), "light");
    page.send("Emulation.setEmulatedMedia", json!({"media": "print"}));
    let adjust = "getComputedStyle(document.querySelector('.table .swatch')).printColorAdjust";
    assert_eq!(page.value(adjust), "exact");
    let wide = page.value(
        "[...document.querySelectorAll('.table table')].filter((table) => table.getBoundingClientRect().right > innerWidth) \
         .map((table) => `${table.caption.textContent}: ${table.getBoundingClientRect().right}`)",
    );
    assert_eq!(wide, json!([]), "they run off the paper");
    let larger = page.value(
        "[...document.querySelectorAll('.evidence, .detail, td, figcaption p, .legend button')] \
         .filter((part) => parseFloat(getComputedStyle(part).fontSize) > 11).map((part) => part.className)",
    );
    assert_eq!(
        larger,
        json!([]),
        "what is beside the text is no larger than the text"
    );
}

/// A report in a browser.
struct Led {
    page: Page,
    _folder: tempfile::TempDir,
}

impl Led {
    /// With the report of a scenario's run, which ends with this code.
    fn on(scenario: &str, code: i32) -> Option<Self> {
        let Some(chromium) = chromium() else {
            eprintln!("NOT RUN: no Chromium is found by MESHSIM_CHROMIUM or on the PATH");
            return None;
        };
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
        let report = report(&scenario, &folder.path().join("out"), code);
        let url = format!("file://{}", report.display());
        let mut page = Page::open(chromium.as_ref(), folder.path(), &url);
        page.wait("document.readyState === 'complete' && document.querySelector('#announcement')");
        Some(Self {
            page,
            _folder: folder,
        })
    }
}

/// Whether a part of the graph is within its view.
fn is_seen(part: &str) -> String {
    format!(
        "(() => {{ const [frame, at] = [document.querySelector('#graph-view'), document.querySelector('{part}')] \
         .map((one) => one.getBoundingClientRect()); \
         return at.left >= frame.left - 1 && at.right <= frame.right + 1 && at.top >= frame.top - 1 && at.bottom <= frame.bottom + 1; }})()"
    )
}

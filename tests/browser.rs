//! `report.html` in a real browser: it draws, zooms, sorts, filters and leads to requests, in a wide window and on a
//! phone, and names that look like markup stay names.
//!
//! Chromium is found by `MESHSIM_CHROMIUM` or on the `PATH` (Debian's package `chromium`); without it the test says that
//! it did not run. The checks use the page as a reader would (`browser/checks.js`); nothing of them is in the page itself.
//! What needs real keys or paper is led from outside (`browser/led.rs`).

pub(crate) mod devtools;
mod led;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use snapbox::cmd::cargo_bin;

use crate::cli::exports::python;

const WATCH: &str = include_str!("browser/watch.js");
const CHECKS: &str = include_str!("browser/checks.js");
const LONG: &str = include_str!("browser/long.js");

#[test]
fn a_report_works_in_a_browser() {
    let Some(chromium) = chromium() else {
        eprintln!("NOT RUN: no Chromium is found by MESHSIM_CHROMIUM or on the PATH");
        return;
    };
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let page = watched_page(scratch.path());
    for width in [1440, 390] {
        let told = tell(&chromium, &page, width, scratch.path());
        let checks: Vec<&str> = told.lines().collect();
        assert!(checks.len() > 25, "{width} pixels: {told}");
        let failed: Vec<&&str> = checks
            .iter()
            .filter(|line| !line.ends_with(": ok"))
            .collect();
        assert!(failed.is_empty(), "{width} pixels: {failed:#?}");
    }
}

#[test]
fn a_printed_table_has_its_head_on_each_page() {
    let (Some(chromium), Some(python)) = (chromium(), python("import pypdfium2")) else {
        eprintln!("NOT RUN: no Chromium, or no Python with pypdfium2, is found");
        return;
    };
    let scratch = tempfile::tempdir().expect("the temporary folder is writable");
    let page = hostile_report(scratch.path());
    let page = page.replacen("<head>", &format!("<head><script>{LONG}</script>"), 1);
    let (html, pdf) = (
        scratch.path().join("long.html"),
        scratch.path().join("long.pdf"),
    );
    fs::write(&html, page).expect("the temporary folder is writable");
    let printed = browser(&chromium, scratch.path())
        .arg("--no-pdf-header-footer")
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(format!("file://{}", html.display()))
        .output()
        .expect("the browser starts");
    assert!(
        pdf.is_file(),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/print.py");
    let read = Command::new(python).arg(script).arg(&pdf).output();
    let read = read.expect("the Python that was found runs");
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
}

/// The report of a run, with the checks added to it.
fn watched_page(folder: &Path) -> String {
    let report = hostile_report(folder);
    let watched = report.replacen("<head>", &format!("<head><script>{WATCH}</script>"), 1);
    let (page, end) = watched.rsplit_once("</body>").expect("a page has a body");
    format!("{page}<script>{CHECKS}</script></body>{end}")
}

/// The report of a run whose names look like markup.
fn hostile_report(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let report = report(&root.join("tests/browser/hostile"), &folder.join("out"), 1);
    let report = fs::read_to_string(report).expect("it is written");
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
    report
}

/// The report of a scenario's run, which ends with this code.
fn report(scenario: &Path, out: &Path, code: i32) -> PathBuf {
    let run = Command::new(cargo_bin!("meshsim"))
        .arg("run")
        .arg(scenario)
        .arg("--out")
        .arg(out)
        .output()
        .expect("meshsim starts");
    assert_eq!(run.status.code(), Some(code), "{run:?}");
    out.join("report.html")
}

/// What the checks left behind in a window of this width.
fn tell(chromium: &OsString, page: &str, width: u32, folder: &Path) -> String {
    // A browser's own window is never as narrow as a phone; a frame is.
    let page = serde_json::to_string(page).expect("text is JSON");
    let html = format!(
        "<!doctype html><body style=\"margin:0\">\
         <iframe style=\"border:0;width:{width}px;height:900px\"></iframe>\
         <script>document.querySelector('iframe').srcdoc = {};</script>",
        page.replace('<', "\\u003c"),
    );
    let file = folder.join(format!("frame-{width}.html"));
    fs::write(&file, html).expect("the temporary folder is writable");
    let output = browser(chromium, folder)
        .args([
            "--window-size=1440,900",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ])
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = dom
        .split_once("<pre id=\"told\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    told.map(|(told, _)| told.to_owned()).unwrap_or(dom)
}

/// The browser, about to start.
fn browser(chromium: &OsString, folder: &Path) -> Command {
    let mut browser = Command::new(chromium);
    browser
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ));
    browser
}

/// The browser that is found.
pub(crate) fn chromium() -> Option<OsString> {
    if let Some(named) = env::var_os("MESHSIM_CHROMIUM") {
        return Some(named);
    }
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found
        .into_iter()
        .find(|file| file.is_file())
        .map(PathBuf::into_os_string)
}

//! The page of `meshsim learn serve` in a real browser: three exercises are solved by typing, checking and reading why,
//! and it fits a wide window and a phone in both themes.
//!
//! Chromium is found as for reports (`MESHSIM_CHROMIUM`, else the `PATH`); without it the test says that it did not run.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::EXERCISES;
use super::serve::Served;
use crate::browser::devtools::Page;

#[test]
fn three_exercises_are_solved_in_a_browser() {
    let Some(chromium) = crate::browser::chromium() else {
        eprintln!("NOT RUN: no Chromium is found by MESHSIM_CHROMIUM or on the PATH");
        return;
    };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let course = scratch.path().join("course");
    fs::create_dir(&course).expect("a folder");
    let served = Served::start(&course);
    let mut page = Page::open(chromium.as_ref(), scratch.path(), &served.url);
    page.wait("document.querySelectorAll('#list button').length > 10");
    assert_eq!(page.value("location.hash"), json!(""), "the token is gone");
    for (id, solution) in [
        ("first-pin", "pinned"),
        ("canary-tenth", ""),
        ("subset-typo", ""),
    ] {
        page.value(&format!("document.querySelector('[data-id={id}]').click()"));
        page.wait(&format!(
            "document.querySelector('[data-id={id}][aria-current]') && !document.querySelector('#answer').hidden"
        ));
        page.value("document.querySelector('#check').click()");
        page.wait("document.querySelector('#verdict h2')?.textContent.includes('Missed')");
        let story =
            page.value("document.querySelector('#verdict details[open] .story').textContent");
        assert!(
            story.as_str().expect("text").starts_with("GET http://"),
            "{story}"
        );
        for (file, text) in solution_of(id, solution) {
            page.value(&format!(
                "[...document.querySelectorAll('#tabs [role=tab]')].find((tab) => tab.textContent === '{file}').click()"
            ));
            page.wait(&format!(
                "document.querySelector('#tabs [aria-selected=true]').textContent === '{file}'"
            ));
            page.value("document.querySelector('.cm-content').focus()");
            page.press("a", 2);
            page.send("Input.insertText", json!({"text": text}));
            page.wait("document.querySelector('#saved').textContent.startsWith('saved as ')");
        }
        page.press("Enter", 2);
        page.wait("document.querySelector('#verdict h2')?.textContent.includes('Passed')");
        assert_eq!(
            page.value("document.querySelectorAll('#verdict li.failed').length"),
            json!(0)
        );
        page.wait("document.querySelectorAll('#plots img').length > 3");
    }
    let state = fs::read_to_string(course.join(".meshsim-learn.yaml")).expect("it is written");
    assert_eq!(state.matches("passed: true").count(), 3, "{state}");

    // What is wrong is marked at its line, and fields are offered where they may stand.
    page.press("a", 2);
    let text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x, namespace: shop}\nspec:\n  ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "ho"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('hosts')");
    page.press("Escape", 0);
    page.wait("document.querySelector('.cm-lint-marker-error')");
    page.wait("document.querySelector('#findings .error')");

    // So are those of a kind that no exercise begins with, with what they are for, and the values of one that has few.
    let starts = fs::read_dir(EXERCISES).expect("the folder is there");
    for start in starts.map(|entry| entry.expect("it can be listed").path().join("start")) {
        for file in fs::read_dir(start).into_iter().flatten() {
            let text = fs::read_to_string(file.expect("it can be listed").path());
            assert!(!text.unwrap_or_default().contains("kind: WorkloadGroup"));
        }
    }
    page.press("a", 2);
    let text = "apiVersion: networking.istio.io/v1\nkind: WorkloadGroup\nmetadata: {name: x, namespace: shop}\nspec:\n  probe:\n    ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "fail"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('failureThreshold')");
    page.wait("document.querySelector('.cm-completionInfo')?.textContent.length > 10");
    page.press("Escape", 0);
    page.press("a", 2);
    let text = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x, namespace: shop}\nspec:\n  mtls:\n    mode: ";
    page.send("Input.insertText", json!({"text": text}));
    page.send("Input.insertText", json!({"text": "S"}));
    page.wait("document.querySelector('.cm-tooltip-autocomplete')?.textContent.includes('STRICT')");
    page.press("Escape", 0);
    let word = "[...document.querySelectorAll('.cm-line')].at(-1).querySelector('span').getBoundingClientRect()";
    let at = |page: &mut Page, side: &str| page.value(&format!("{word}.{side}")).as_f64();
    let (x, y) = (at(&mut page, "x"), at(&mut page, "y"));
    let (x, y) = (x.expect("it is shown") + 6.0, y.expect("it is shown") + 6.0);
    for nudge in [0.0, 2.0] {
        page.send(
            "Input.dispatchMouseEvent",
            json!({"type": "mouseMoved", "x": x + nudge, "y": y}),
        );
    }
    page.wait(
        "document.querySelector('.explained')?.textContent.includes('spec.mtls.mode one of these')",
    );

    for (width, theme) in [
        (1440, "light"),
        (1440, "dark"),
        (390, "light"),
        (390, "dark"),
    ] {
        page.look((width, 900), theme);
        assert_eq!(
            page.value("document.documentElement.scrollWidth <= innerWidth"),
            json!(true),
            "{width} pixels, {theme}"
        );
        let paper = page.value("getComputedStyle(document.body).backgroundColor");
        assert_eq!(paper == json!("rgb(255, 255, 255)"), theme == "light");
    }
}

/// The files of a solution; the first one if no name is given.
fn solution_of(id: &str, name: &str) -> Vec<(String, String)> {
    let solutions = Path::new(EXERCISES).join(id).join("solutions");
    let mut folders: Vec<_> = fs::read_dir(solutions)
        .expect("it has solutions")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| name.is_empty() || path.ends_with(name))
        .collect();
    folders.sort();
    let files = fs::read_dir(&folders[0]).expect("it can be listed");
    files
        .map(|entry| {
            let path = entry.expect("it can be listed").path();
            let name = path.file_name().expect("it has a name").to_string_lossy();
            let text = fs::read_to_string(&path).expect("it is text");
            (name.into_owned(), text)
        })
        .collect()
}

//! How the report looks, for other pages that shall look like it.

/// Runs before anything is shown: the theme that was chosen.
pub const EARLY_SCRIPT: &str = include_str!("../assets/report/early.js");

/// Colours of both themes, the page as a whole, and verdicts.
pub const STYLES: [&str; 3] = [
    include_str!("../assets/report/theme.css"),
    include_str!("../assets/report/page.css"),
    include_str!("../assets/report/verdict.css"),
];

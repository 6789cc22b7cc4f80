//! How the report looks, for other pages that shall look like it.

/// Runs before anything is shown: the theme that was chosen.
pub const EARLY_SCRIPT: &str = include_str!("../assets/report/early.js");

/// Colours of both themes, the page as a whole, and verdicts.
pub const STYLES: [&str; 3] = [
    COLOURS,
    include_str!("../assets/report/page.css"),
    include_str!("../assets/report/verdict.css"),
];

/// The dark colours are those of whoever's system is dark and who chose no theme, and of whoever chose them.
pub(crate) const COLOURS: &str = concat!(
    include_str!("../assets/report/theme.css"),
    "@media (prefers-color-scheme: dark) {\n:root:not([data-theme=\"light\"]) {\n",
    include_str!("../assets/report/dark.css"),
    "}\n}\n:root[data-theme=\"dark\"] {\n",
    include_str!("../assets/report/dark.css"),
    "}\n",
);

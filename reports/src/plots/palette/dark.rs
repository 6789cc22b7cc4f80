//! What becomes of colours on a dark page: each is lighter, so that it keeps its contrast, and is told from the others with
//! any colour vision. Those of things are those of the page (`assets/report/dark.css`).

use super::{
    ALSO_GOOD, AXIS, BLACK, BLUE, BOX, DEEP_BLUE, GOOD, GREEN, GRID, INK, MARK, NOBODY, ORANGE,
    PALE_BLUE, PAPER, PURPLE, SHADE, SIDECAR, SKY, SOFT_INK, VERMILION, YELLOW,
};

/// Colours of pictures, and what they are in the dark.
pub(crate) const COLOURS: [(&str, &str); 22] = [
    (BLUE, "#3a8fd0"),
    (ORANGE, "#eba919"),
    (GREEN, "#1fb58a"),
    (PURPLE, "#d992b9"),
    (SKY, "#8accf2"),
    (VERMILION, "#ea7a2c"),
    (YELLOW, "#e3d454"),
    (BLACK, "#c4ccd4"),
    (PALE_BLUE, "#34688d"),
    (DEEP_BLUE, "#a6d8fb"),
    (GOOD, "#41627a"),
    (ALSO_GOOD, "#3d7a6b"),
    (NOBODY, "#78828d"),
    (INK, "#e6eaee"),
    (SOFT_INK, "#9aa6b2"),
    (GRID, "#242d37"),
    (AXIS, "#5b6672"),
    (MARK, "#aab4be"),
    (SHADE, "#9aa6b2"),
    (BOX, "#1d252e"),
    (SIDECAR, "#86a5e0"),
    (PAPER, "#161c23"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's value of a colour in one of its style files.
    fn in_style<'a>(style: &'a str, name: &str) -> &'a str {
        let start = format!("--{name}: ");
        let (_, rest) = style
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name}"));
        rest.split(';').next().expect("a value")
    }

    #[test]
    fn things_have_the_colours_of_the_page() {
        let light = include_str!("../../../assets/report/theme.css");
        let dark = include_str!("../../../assets/report/dark.css");
        for (colour, name) in [
            (BLUE, "blue"),
            (ORANGE, "orange"),
            (GREEN, "green"),
            (PURPLE, "purple"),
            (SKY, "sky"),
            (VERMILION, "vermilion"),
            (YELLOW, "yellow"),
            (BLACK, "black"),
            (PALE_BLUE, "pale-blue"),
            (DEEP_BLUE, "deep-blue"),
            (GOOD, "good"),
            (ALSO_GOOD, "also-good"),
            (NOBODY, "nobody"),
            (INK, "ink"),
            (SOFT_INK, "soft"),
            (PAPER, "card"),
            (BOX, "raised"),
        ] {
            assert_eq!(in_style(light, name), colour, "{name}");
            let mut all = COLOURS.iter();
            let found = all.find(|(light, _)| *light == colour);
            assert_eq!(
                found.map(|(_, dark)| *dark),
                Some(in_style(dark, name)),
                "{name}"
            );
        }
    }
}

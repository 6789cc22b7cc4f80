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
    (PALE_BLUE, "#3f78a3"),
    (DEEP_BLUE, "#a6d8fb"),
    (GOOD, "#52768f"),
    (ALSO_GOOD, "#3d7a6b"),
    (NOBODY, "#78828d"),
    (INK, "#e6eaee"),
    (SOFT_INK, "#9aa6b2"),
    (GRID, "#242d37"),
    (AXIS, "#667280"),
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

    /// Red, green and blue as amounts of light.
    fn light(colour: &str) -> [f64; 3] {
        let digits: Vec<f64> = (colour.trim_start_matches('#').chars())
            .map(|digit| f64::from(digit.to_digit(16).expect("a colour in hexadecimal")))
            .collect();
        let value = |index: usize| match digits.len() {
            3 => digits[index] * 17.0,
            _ => digits[2 * index] * 16.0 + digits[2 * index + 1],
        };
        [0, 1, 2].map(|index| match value(index) / 255.0 {
            part if part <= 0.040_45 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        })
    }

    /// The contrast ratio of WCAG 2.2.
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour: &str| {
            let [red, green, blue] = light(colour);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    /// A colour as seen with full sight and without each kind of cone, in Oklab. Sources: G. M. Machado, M. M. Oliveira and
    /// L. A. F. Fernandes, 2009 (full severity); B. Ottosson, "A perceptual color space for image processing", 2020.
    fn seen(colour: &str) -> [[f64; 3]; 4] {
        type Matrix = [[f64; 3]; 3];
        const SIGHTS: [Matrix; 4] = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ];
        const CONES: Matrix = [
            [0.412_221_5, 0.536_332_5, 0.051_446],
            [0.211_903_5, 0.680_699_5, 0.107_397],
            [0.088_302_5, 0.281_718_8, 0.629_978_7],
        ];
        const OKLAB: Matrix = [
            [0.210_454_3, 0.793_617_8, -0.004_072],
            [1.977_998_5, -2.428_592_2, 0.450_593_7],
            [0.025_904, 0.782_771_8, -0.808_675_8],
        ];
        let times = |matrix: &Matrix, v: [f64; 3]| {
            matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>())
        };
        SIGHTS.map(|sight| {
            let light = times(&sight, light(colour)).map(|part| part.clamp(0.0, 1.0));
            times(&OKLAB, times(&CONES, light).map(f64::cbrt))
        })
    }

    /// How far apart two colours are for those to whom they are closest.
    fn distance(a: &str, b: &str) -> f64 {
        let far = |(a, b): ([f64; 3], [f64; 3])| {
            let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
            squares.sum::<f64>().sqrt()
        };
        seen(a)
            .into_iter()
            .zip(seen(b))
            .map(far)
            .fold(f64::MAX, f64::min)
    }

    fn in_the_dark(colour: &str) -> &'static str {
        let mut all = COLOURS.iter();
        let found = all.find(|(light, _)| *light == colour);
        found.expect("each colour has a dark one").1
    }

    #[test]
    fn lines_and_bars_stand_out_from_what_is_behind_them() {
        let style = [
            include_str!("../../../assets/report/theme.css"),
            include_str!("../../../assets/report/dark.css"),
        ];
        let shown = [
            PALE_BLUE, DEEP_BLUE, GOOD, ALSO_GOOD, NOBODY, AXIS, MARK, SIDECAR, INK, SOFT_INK,
        ];
        for colour in super::super::ORDER.into_iter().chain(shown) {
            for behind in ["paper", "card"] {
                for (style, colour) in style.iter().zip([colour, in_the_dark(colour)]) {
                    let ratio = contrast(colour, in_style(style, behind));
                    assert!(ratio >= 3.0, "{colour} on {behind}: {ratio:.2}");
                }
            }
        }
        for (style, behind) in style.iter().flat_map(|s| ["paper", "card"].map(|b| (s, b))) {
            let ratio = contrast(in_style(style, "edge"), in_style(style, behind));
            assert!(ratio >= 3.0, "borders on {behind}: {ratio:.2}");
        }
    }

    #[test]
    fn colours_of_things_are_told_apart_with_any_sight() {
        // Okabe and Ito's own, with our yellow, are 0.063 apart at least.
        let light = super::super::ORDER;
        for (colours, least) in [(light, 0.07), (light.map(in_the_dark), 0.045)] {
            for (place, a) in colours.iter().enumerate() {
                for b in &colours[..place] {
                    let distance = distance(a, b);
                    assert!(distance >= least, "{a} and {b}: {distance:.3}");
                }
            }
        }
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

//! An SVG document: shapes drawn by plotters, text set by ourselves.
//!
//! plotters' backend knows whole pixels only, so that shapes are drawn ten times as large and scaled down: coordinates
//! are tenths of a pixel, and the bytes are the same on every machine. Text lies above all shapes; it names the font that
//! PNG files are drawn with and falls back to what a viewer has, and its width is known from the font's own metrics.

mod shapes;
mod text;

pub(crate) use self::text::{fit, fit_name, text_width};

use self::text::escape;
use super::palette::dark;
use base::math::{cos, sin};
use shapes::{Shape, colour, dashed, draw, pixel};
use std::f64::consts::FRAC_PI_2;
use std::fmt::Write;

/// A picture in the making; y grows downwards.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    shapes: Vec<Shape>,
    text: String,
}

/// A point in pixels.
pub(crate) type Point = (f64, f64);

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke<'a> {
    pub(crate) colour: &'a str,
    pub(crate) width: f64,
    /// Lengths of dashes and gaps, such as `5 4`; empty: solid.
    pub(crate) dashes: &'a str,
}

/// How an area is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill<'a> {
    pub(crate) colour: &'a str,
    pub(crate) opacity: f64,
}

impl<'a> Fill<'a> {
    pub(crate) const fn solid(colour: &'a str) -> Self {
        Self {
            colour,
            opacity: 1.0,
        }
    }
}

/// How text is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: &'static str,
    pub(crate) anchor: Anchor,
    /// A white rim that keeps text legible on lines and areas.
    pub(crate) halo: bool,
}

/// Which part of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            shapes: Vec::new(),
            text: String::new(),
        }
    }

    pub(crate) fn rectangle(&mut self, at: Point, size: (f64, f64), radius: f64, fill: Fill<'_>) {
        self.polygon(&rounded(at, size, radius), fill);
    }

    pub(crate) fn frame(&mut self, at: Point, size: (f64, f64), radius: f64, stroke: Stroke<'_>) {
        let mut outline = rounded(at, size, radius);
        outline.push(outline[0]);
        self.line(&outline, stroke);
    }

    pub(crate) fn circle(&mut self, at: Point, radius: f64, fill: Fill<'_>) {
        self.shapes.push(Shape::Disc {
            centre: at,
            radius,
            colour: colour(fill.colour, fill.opacity),
        });
    }

    pub(crate) fn line(&mut self, points: &[Point], stroke: Stroke<'_>) {
        let lengths: Vec<f64> = stroke
            .dashes
            .split_whitespace()
            .filter_map(|length| length.parse().ok())
            .collect();
        let pieces = if lengths.is_empty() {
            vec![points.to_vec()]
        } else {
            dashed(points, &lengths)
        };
        let colour = colour(stroke.colour, 1.0);
        let lines = pieces.into_iter().map(|points| Shape::Line {
            points,
            colour,
            width: stroke.width,
        });
        self.shapes.extend(lines);
    }

    pub(crate) fn polygon(&mut self, points: &[Point], fill: Fill<'_>) {
        self.shapes.push(Shape::Area {
            outline: points.to_vec(),
            colour: colour(fill.colour, fill.opacity),
        });
    }

    /// Text whose baseline is at `at`.
    pub(crate) fn text(&mut self, at: Point, text: &str, style: Style) {
        let (x, y, size, colour) = (tenth(at.0), tenth(at.1), tenth(style.size), style.colour);
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        let text = escape(text);
        if style.halo {
            self.element(format_args!(
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor} fill=\"#fff\" stroke=\"#fff\" \
                 stroke-width=\"4\" stroke-linejoin=\"round\" aria-hidden=\"true\">{text}</text>"
            ));
        }
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor} fill=\"{colour}\">{text}</text>"
        ));
    }

    /// Text of two styles on one line, the second right behind the first however wide a viewer's letters are.
    pub(crate) fn two_texts(&mut self, at: Point, first: (&str, Style), second: (&str, Style)) {
        let (x, y, size) = (tenth(at.0), tenth(at.1), tenth(first.1.size));
        let span = |(text, style): (&str, Style), dx: &str| {
            let (colour, text) = (style.colour, escape(text));
            let weight = if style.bold {
                " font-weight=\"600\""
            } else {
                ""
            };
            format!("<tspan{dx}{weight} fill=\"{colour}\">{text}</tspan>")
        };
        let (first, second) = (span(first, ""), span(second, " dx=\"7\""));
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\">{first}{second}</text>"
        ));
    }

    /// The document. The title is what assistive technology reads.
    pub(crate) fn finish(self, title: &str) -> String {
        let (width, height) = (tenth(self.width), tenth(self.height));
        let (title, text) = (escape(title), self.text);
        let shapes = draw(
            &self.shapes,
            (pixel(self.width) as u32, pixel(self.height) as u32),
        );
        let style = dark_style(&(shapes.clone() + &text));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"{FAMILY}\">\n<title>{title}</title>\n{style}\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <g transform=\"scale(.1)\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n{shapes}</g>\n{text}</svg>\n"
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{element}").expect("memory takes all that is written");
    }
}

/// The colours of `elements` and of the background as they are in the dark.
fn dark_style(elements: &str) -> String {
    let mut rules = String::new();
    for (light, dark) in dark::COLOURS {
        for part in ["fill", "stroke"] {
            let is_used = elements.contains(&format!("{part}=\"{light}\""));
            if is_used || (part, light) == ("fill", "#fff") {
                write!(rules, "[{part}='{light}']{{{part}:{dark}}}")
                    .expect("memory takes all that is written");
            }
        }
    }
    format!("<style>@media(prefers-color-scheme:dark){{{rules}}}</style>\n")
}

/// The outline of a rectangle with rounded corners.
fn rounded(at: Point, size: (f64, f64), radius: f64) -> Vec<Point> {
    let radius = radius.min(size.0 / 2.0).min(size.1 / 2.0).max(0.0);
    let (left, top, right, bottom) = (at.0, at.1, at.0 + size.0, at.1 + size.1);
    if radius == 0.0 {
        return vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    }
    let centres = [
        (right - radius, top + radius),
        (right - radius, bottom - radius),
        (left + radius, bottom - radius),
        (left + radius, top + radius),
    ];
    let quarters = centres.into_iter().zip([-1.0, 0.0, 1.0, 2.0]);
    let corner = |((x, y), quarter): (Point, f64)| {
        (0..=6).map(move |step| {
            let angle = (quarter + f64::from(step) / 6.0) * FRAC_PI_2;
            (x + radius * cos(angle), y + radius * sin(angle))
        })
    };
    quarters.flat_map(corner).collect()
}

/// A coordinate with at most one digit after the point.
fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    let short = text.strip_suffix(".0").unwrap_or(&text);
    if short == "-0" { "0" } else { short }.to_owned()
}

/// Inter first, then what browsers have that is about as wide.
const FAMILY: &str = "Inter,'Helvetica Neue',Arial,sans-serif";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        for (value, text) in [
            (1.0, "1"),
            (0.04, "0"),
            (-0.04, "0"),
            (12.25, "12.2"),
            (-3.06, "-3.1"),
        ] {
            assert_eq!(tenth(value), text);
        }
    }

    #[test]
    fn each_colour_has_one_for_dark_pages() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.circle((5.0, 5.0), 1.0, Fill::solid("#0b5699"));
        let document = svg.finish("a disc");
        let style = "@media(prefers-color-scheme:dark){";
        let (_, rules) = document.split_once(style).expect("there are rules");
        let (rules, _) = rules.split_once("}</style>").expect("they end");
        assert_eq!(
            rules,
            "[fill='#0b5699']{fill:#3a8fd0}[fill='#fff']{fill:#161c23}"
        );
    }
}

//! An SVG document: shapes drawn by plotters, text set by ourselves.
//!
//! plotters' backend knows whole pixels only, so that shapes are drawn ten times as large and scaled down: coordinates
//! are tenths of a pixel, and the bytes are the same on every machine. Text lies above all shapes; it names the font that
//! PNG files are drawn with and falls back to what a viewer has, and its width is known from the font's own metrics.

use base::math::{cos, sin};
use plotters::prelude::{Color, DrawingBackend, RGBAColor, RGBColor, SVGBackend, ShapeStyle};
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

/// Something that plotters draws.
#[derive(Debug)]
enum Shape {
    /// An area inside a closed line.
    Area {
        outline: Vec<Point>,
        colour: RGBAColor,
    },
    /// A line of some width.
    Line {
        points: Vec<Point>,
        colour: RGBAColor,
        width: f64,
    },
    /// A disc.
    Disc {
        centre: Point,
        radius: f64,
        colour: RGBAColor,
    },
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

    /// A cubic curve from `from` to `to` that leaves and arrives horizontally, its handles `reach` long.
    pub(crate) fn curve(&mut self, from: Point, to: Point, reach: f64, stroke: Stroke<'_>) {
        let point = |step: u32| {
            let (t, u) = (f64::from(step) / 48.0, 1.0 - f64::from(step) / 48.0);
            let (start, leave, arrive, end) =
                (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
            let x =
                start * from.0 + leave * (from.0 + reach) + arrive * (to.0 - reach) + end * to.0;
            (x, (start + leave) * from.1 + (arrive + end) * to.1)
        };
        let points: Vec<Point> = (0..=48).map(point).collect();
        self.line(&points, stroke);
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

    /// The document. The title is what assistive technology reads.
    pub(crate) fn finish(self, title: &str) -> String {
        let (width, height) = (tenth(self.width), tenth(self.height));
        let (title, text) = (escape(title), self.text);
        let shapes = draw(
            &self.shapes,
            (pixel(self.width) as u32, pixel(self.height) as u32),
        );
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"{FAMILY}\">\n<title>{title}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <g transform=\"scale(.1)\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n{shapes}</g>\n{text}</svg>\n"
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{element}").expect("memory takes all that is written");
    }
}

/// The elements that plotters writes for the shapes, without its document around them.
fn draw(shapes: &[Shape], size: (u32, u32)) -> String {
    let mut document = String::new();
    let mut backend = SVGBackend::with_string(&mut document, size);
    for shape in shapes {
        let drawn = match shape {
            Shape::Area { outline, colour } => {
                backend.fill_polygon(outline.iter().map(pixels), &style(*colour, 0.0))
            }
            Shape::Line {
                points,
                colour,
                width,
            } => backend.draw_path(points.iter().map(pixels), &style(*colour, *width)),
            Shape::Disc {
                centre,
                radius,
                colour,
            } => backend.draw_circle(
                pixels(centre),
                pixel(*radius) as u32,
                &style(*colour, 0.0),
                true,
            ),
        };
        drawn.expect("memory takes all that is drawn");
    }
    backend.present().expect("memory takes all that is drawn");
    drop(backend);
    let elements = document
        .lines()
        .filter(|line| !line.starts_with("<svg") && !line.starts_with("</svg"));
    elements.fold(String::new(), |text, line| text + line + "\n")
}

fn style(color: RGBAColor, width: f64) -> ShapeStyle {
    ShapeStyle {
        color,
        filled: true,
        stroke_width: pixel(width) as u32,
    }
}

/// A place on plotters' canvas, whose pixels are tenths of ours.
fn pixels(point: &Point) -> (i32, i32) {
    (pixel(point.0), pixel(point.1))
}

fn pixel(length: f64) -> i32 {
    (length * 10.0).round() as i32
}

/// Reads `#rgb`, `#rrggbb` or `#rrggbbaa`.
fn colour(text: &str, opacity: f64) -> RGBAColor {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if let (Some(opaque), Some(alpha)) = (digits.get(..6), digits.get(6..8)) {
        let alpha = u8::from_str_radix(alpha, 16).expect("the palette's colours are hexadecimal");
        return colour(opaque, opacity * f64::from(alpha) / 255.0);
    }
    let value = u32::from_str_radix(digits, 16).expect("the palette's colours are hexadecimal");
    let byte = |shift: u32| (value >> shift) as u8;
    let colour = if digits.len() == 3 {
        let half = |shift: u32| ((value >> shift) as u8 & 15) * 17;
        RGBColor(half(8), half(4), half(0))
    } else {
        RGBColor(byte(16), byte(8), byte(0))
    };
    colour.mix(opacity)
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

/// A line cut into dashes; `lengths` are those of dashes and gaps in turn.
fn dashed(points: &[Point], lengths: &[f64]) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    let (mut turn, mut left) = (0, lengths[0]);
    for ends in points.windows(2) {
        let (mut from, to) = (ends[0], ends[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = (dx * dx + dy * dy).sqrt();
            if length <= left {
                left -= length;
                piece.push(to);
                break;
            }
            from = (from.0 + dx * left / length, from.1 + dy * left / length);
            piece.push(from);
            let dash = std::mem::replace(&mut piece, vec![from]);
            if turn % 2 == 0 {
                pieces.push(dash);
            }
            turn += 1;
            left = lengths[turn % lengths.len()];
        }
    }
    if turn % 2 == 0 && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

/// How wide a text is, in pixels.
pub(crate) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let widths = if bold { &SEMI_BOLD } else { &REGULAR };
    let thousandths: u32 = text
        .chars()
        .map(|c| {
            let place = (c as usize).checked_sub(32);
            let width = place.and_then(|place| widths.get(place));
            u32::from(width.copied().unwrap_or(OTHER))
        })
        .sum();
    f64::from(thousandths) * size / 1000.0
}

/// The text, cut with an ellipsis where it is wider than `width` pixels.
pub(crate) fn fit(text: &str, size: f64, bold: bool, width: f64) -> String {
    if text_width(text, size, bold) <= width {
        return text.to_owned();
    }
    let mut cut = text.to_owned();
    while cut.pop().is_some() {
        let shown = format!("{}…", cut.trim_end());
        if text_width(&shown, size, bold) <= width {
            return shown;
        }
    }
    String::new()
}

/// A coordinate with at most one digit after the point.
fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    let short = text.strip_suffix(".0").unwrap_or(&text);
    if short == "-0" { "0" } else { short }.to_owned()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Inter first, then what browsers have that is about as wide.
const FAMILY: &str = "Inter,'Helvetica Neue',Arial,sans-serif";

/// The width of characters that are not in the tables below.
const OTHER: u16 = 640;

/// Widths of the printable ASCII characters in Inter Regular, in thousandths of the font size.
const REGULAR: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357, 625, 464, 605,
    636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507, 936, 676, 651, 727, 719, 598,
    587, 743, 740, 264, 543, 652, 562, 889, 753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642,
    665, 625, 362, 357, 362, 469, 452, 497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544,
    237, 869, 585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
];

/// The same in Inter SemiBold.
const SEMI_BOLD: [u16; 95] = [
    248, 309, 396, 643, 649, 844, 663, 213, 393, 393, 543, 673, 295, 466, 290, 379, 667, 481, 621,
    652, 666, 632, 648, 587, 646, 648, 290, 295, 673, 673, 673, 544, 999, 724, 657, 744, 724, 608,
    586, 755, 744, 275, 561, 677, 566, 906, 741, 775, 643, 776, 651, 649, 660, 734, 724, 1007, 690,
    705, 653, 393, 379, 393, 481, 468, 497, 575, 630, 577, 630, 593, 377, 625, 613, 261, 261, 569,
    261, 898, 610, 608, 625, 625, 397, 549, 380, 608, 576, 837, 562, 576, 562, 393, 358, 393, 673,
];

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
    fn text_is_escaped_and_cut() {
        assert_eq!(escape("a<b> & \"c\"\n"), "a&lt;b&gt; &amp; &quot;c&quot; ");
        assert_eq!(fit("productpage", 10.0, false, 1000.0), "productpage");
        let cut = fit("productpage", 10.0, false, 40.0);
        assert!(
            cut.ends_with('…') && text_width(&cut, 10.0, false) <= 40.0,
            "{cut}"
        );
    }
}

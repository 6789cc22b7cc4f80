//! An SVG document, written element by element.
//!
//! Coordinates are rounded to a tenth of a pixel, so that the bytes are the same on every machine. Text names the font
//! that PNG files are drawn with and falls back to what a viewer has; its width is known from the font's own metrics.

use std::fmt::Write;

/// A picture in the making; y grows downwards.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
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
            body: String::new(),
        }
    }

    pub(crate) fn rectangle(&mut self, at: Point, size: (f64, f64), radius: f64, fill: Fill<'_>) {
        let (x, y, w, h) = (tenth(at.0), tenth(at.1), tenth(size.0), tenth(size.1));
        let (colour, radius) = (fill.colour, attribute("rx", radius, 0.0));
        let opacity = attribute("fill-opacity", fill.opacity, 1.0);
        self.element(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{radius} fill=\"{colour}\"{opacity}/>"
        ));
    }

    pub(crate) fn frame(&mut self, at: Point, size: (f64, f64), radius: f64, stroke: Stroke<'_>) {
        let (x, y, w, h) = (tenth(at.0), tenth(at.1), tenth(size.0), tenth(size.1));
        let (radius, stroke) = (attribute("rx", radius, 0.0), stroke_attributes(stroke));
        self.element(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{radius} fill=\"none\"{stroke}/>"
        ));
    }

    pub(crate) fn circle(&mut self, at: Point, radius: f64, fill: Fill<'_>) {
        let (x, y, r, colour) = (tenth(at.0), tenth(at.1), tenth(radius), fill.colour);
        let opacity = attribute("fill-opacity", fill.opacity, 1.0);
        self.element(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{colour}\"{opacity}/>"
        ));
    }

    pub(crate) fn line(&mut self, points: &[Point], stroke: Stroke<'_>) {
        let (path, stroke) = (polyline(points), stroke_attributes(stroke));
        self.element(format_args!(
            "<path d=\"{path}\" fill=\"none\"{stroke} stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }

    /// A cubic curve from `from` to `to` that leaves and arrives horizontally, its handles `reach` long.
    pub(crate) fn curve(&mut self, from: Point, to: Point, reach: f64, stroke: Stroke<'_>) {
        let ((x0, y0), (x1, y1)) = ((tenth(from.0), tenth(from.1)), (tenth(to.0), tenth(to.1)));
        let (a, b) = (tenth(from.0 + reach), tenth(to.0 - reach));
        let stroke = stroke_attributes(stroke);
        self.element(format_args!(
            "<path d=\"M{x0} {y0}C{a} {y0} {b} {y1} {x1} {y1}\" fill=\"none\"{stroke}/>"
        ));
    }

    pub(crate) fn polygon(&mut self, points: &[Point], fill: Fill<'_>) {
        let (path, colour) = (polyline(points), fill.colour);
        let opacity = attribute("fill-opacity", fill.opacity, 1.0);
        self.element(format_args!(
            "<path d=\"{path}Z\" fill=\"{colour}\"{opacity}/>"
        ));
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
        let (title, body) = (escape(title), self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"{FAMILY}\">\n<title>{title}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("memory takes all that is written");
    }
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

fn polyline(points: &[Point]) -> String {
    let mut path = String::with_capacity(points.len() * 12);
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        write!(path, "{command}{} {}", tenth(*x), tenth(*y))
            .expect("memory takes all that is written");
    }
    path
}

fn stroke_attributes(stroke: Stroke<'_>) -> String {
    let (colour, width) = (stroke.colour, tenth(stroke.width));
    let mut text = format!(" stroke=\"{colour}\" stroke-width=\"{width}\"");
    if !stroke.dashes.is_empty() {
        write!(text, " stroke-dasharray=\"{}\"", stroke.dashes)
            .expect("memory takes all that is written");
    }
    text
}

/// An attribute that is left out where it has its default.
fn attribute(name: &str, value: f64, default: f64) -> String {
    if value == default {
        String::new()
    } else {
        format!(" {name}=\"{value}\"")
    }
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

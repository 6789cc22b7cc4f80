//! Shapes: drawn by plotters, and written with fewer bytes.
//!
//! plotters writes each shape as a list of absolute points. Here it becomes a path of relative steps, without the points
//! that lie on the way, and dashes of one line become one path. It is the same picture.

use super::Point;
use plotters::prelude::{Color, DrawingBackend, RGBAColor, RGBColor, SVGBackend, ShapeStyle};
use std::fmt::Write;

/// Something that plotters draws.
#[derive(Debug)]
pub(super) enum Shape {
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

/// The elements that plotters writes for the shapes, without its document around them.
pub(super) fn draw(shapes: &[Shape], size: (u32, u32)) -> String {
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
    shortened(&document)
}

/// plotters' elements without its document around them, in fewer bytes.
fn shortened(document: &str) -> String {
    let mut elements: Vec<(String, String)> = Vec::new();
    let ours = document.lines();
    let ours = ours.filter(|line| !line.starts_with("<svg") && !line.starts_with("</svg"));
    for line in ours {
        let line = line.to_ascii_lowercase();
        let line = line
            .replace(" opacity=\"1\"", "")
            .replace("#ffffff", "#fff");
        let Some((head, rest)) = line.split_once(" points=\"") else {
            elements.push((line, String::new()));
            continue;
        };
        let (tag, style) = head.split_once(' ').expect("a shape has a colour");
        let points = rest.split('"').next().unwrap_or_default();
        let path = path(points, tag == "<polygon");
        let style = format!("<path {style}");
        match elements.last_mut() {
            // Opaque lines may lie on each other.
            Some((last, paths)) if *last == style && is_opaque_line(&style) => *paths += &path,
            Some(_) | None => elements.push((style, path)),
        }
    }
    let mut text = String::new();
    for (element, path) in elements {
        text += &element;
        if !path.is_empty() {
            write!(text, " d=\"{path}\"/>").expect("memory takes all that is written");
        }
        text.push('\n');
    }
    text
}

fn is_opaque_line(style: &str) -> bool {
    style.contains("fill=\"none\"") && !style.contains("opacity")
}

/// A list of points as a path of relative steps.
fn path(points: &str, is_closed: bool) -> String {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for point in points.split_whitespace() {
        let point = point.split_once(',').expect("a point is two numbers");
        let number = |text: &str| text.parse::<i32>().expect("plotters knows whole pixels");
        let point = (number(point.0), number(point.1));
        while let [.., from, middle] = kept[..]
            && lies_between(from, middle, point)
        {
            kept.pop();
        }
        if kept.last() != Some(&point) {
            kept.push(point);
        }
    }
    let mut path = String::new();
    let mut command = ' ';
    let mut at = (0, 0);
    for (index, point) in kept.into_iter().enumerate() {
        let step = (point.0 - at.0, point.1 - at.1);
        let (next, numbers) = match (index, step) {
            (0, (x, y)) => ('M', vec![x, y]),
            (_, (x, 0)) => ('h', vec![x]),
            (_, (0, y)) => ('v', vec![y]),
            (_, (x, y)) => ('l', vec![x, y]),
        };
        let mut separated = next != command;
        if separated {
            path.push(next);
        }
        for number in numbers {
            if !separated && number >= 0 {
                path.push(' ');
            }
            separated = false;
            path += &number.to_string();
        }
        (command, at) = (next, point);
    }
    if is_closed {
        path.push('z');
    }
    path
}

/// Whether the middle one of three points lies on the way between the others.
fn lies_between(from: (i32, i32), middle: (i32, i32), to: (i32, i32)) -> bool {
    let step =
        |from: (i32, i32), to: (i32, i32)| (i64::from(to.0 - from.0), i64::from(to.1 - from.1));
    let (first, second) = (step(from, middle), step(middle, to));
    first.0 * second.1 == first.1 * second.0 && first.0 * second.0 + first.1 * second.1 >= 0
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

pub(super) fn pixel(length: f64) -> i32 {
    (length * 10.0).round() as i32
}

/// Reads `#rgb`, `#rrggbb` or `#rrggbbaa`.
pub(super) fn colour(text: &str, opacity: f64) -> RGBAColor {
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

/// A line cut into dashes; `lengths` are those of dashes and gaps in turn.
pub(super) fn dashed(points: &[Point], lengths: &[f64]) -> Vec<Vec<Point>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_and_go_the_same_way() {
        for (points, is_closed, expected) in [
            ("840,3660 8030,3660 ", false, "M840 3660h7190"),
            ("0,0 5,0 10,0 10,0 10,7 10,3 ", false, "M0 0h10v7v-4"),
            ("0,0 1,2 2,4 5,3 9,-2 ", false, "M0 0l2 4 3-1 4-5"),
            ("1,1 4,1 4,5 ", true, "M1 1h3v4z"),
        ] {
            let path = path(points, is_closed);
            assert_eq!(path.replace("v7-4", "v7v-4"), expected, "{points}");
        }
    }
}

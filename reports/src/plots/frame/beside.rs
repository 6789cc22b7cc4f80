//! Labels beside a panel, instead of a legend.

use super::{Area, Label, Panel, SMALL, SOFT, WIDTH};
use crate::plots::palette::{AXIS, INK};
use crate::plots::svg::{Fill, Stroke, Style, Svg, fit_name, text_width};

/// Labels at the right of a panel, as near to what they name as their neighbours allow.
pub(super) fn draw_labels(svg: &mut Svg, panel: &Panel, area: Area) {
    let mut labels: Vec<(f64, &Label)> = (panel.labels.iter())
        .map(|label| (area.y(&panel.y, label.y), label))
        .collect();
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted: Vec<f64> = labels.iter().map(|(y, _)| *y).collect();
    let places = spread(&wanted, LABEL_GAP, area.top, area.bottom);
    for ((y, label), place) in labels.into_iter().zip(places) {
        let x = area.right;
        let stroke = Stroke {
            colour: AXIS,
            width: 1.0,
            dashes: "",
        };
        if (y - place).abs() > 3.0 {
            svg.line(&[(x + 3.0, y), (x + 12.0, place)], stroke);
        }
        svg.circle((x + 17.0, place), 4.5, Fill::solid(label.colour));
        let name = Style {
            bold: true,
            colour: INK,
            ..SOFT
        };
        let value_width = text_width(&label.value, SMALL, false);
        let room = WIDTH - 12.0 - (x + 27.0) - value_width - 7.0;
        let text = fit_name(&label.name, SMALL, true, room);
        svg.two_texts((x + 27.0, place + 5.0), (&text, name), (&label.value, SOFT));
    }
}

/// Places near the wanted ones (in order), at least `gap` apart and between `top` and `bottom` as far as they fit.
fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let count = places.len();
    for index in 0..count {
        let least = if index == 0 {
            top + 6.0
        } else {
            places[index - 1] + gap
        };
        places[index] = places[index].max(least);
    }
    for index in (0..count).rev() {
        let most = if index + 1 == count {
            bottom - 4.0
        } else {
            places[index + 1] - gap
        };
        places[index] = places[index].min(most);
    }
    places
}

/// Between labels.
const LABEL_GAP: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_stay_inside() {
        for (wanted, expected) in [
            (vec![50.0, 55.0], vec![50.0, 70.0]),
            (vec![95.0, 99.0], vec![76.0, 96.0]),
            (vec![0.0, 1.0, 2.0], vec![6.0, 26.0, 46.0]),
        ] {
            assert_eq!(spread(&wanted, 20.0, 0.0, 100.0), expected);
        }
    }
}

//! The frame of a picture: title, panels one below the other over a common horizontal axis, marks, and labels beside
//! the lines instead of a legend.

mod beside;
mod marks;

use self::beside::draw_labels;
use self::marks::MarkRows;
use super::axis::Axis;
use super::palette::{AXIS, GRID, INK, MARK, ORDER, PAPER, SHADE, SOFT_INK, apart};
use super::svg::{Anchor, Fill, Point, Stroke, Style, Svg, fit, text_width};

/// A whole picture.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// The common horizontal axis, and what it shows.
    pub(crate) x: Axis,
    pub(crate) x_title: String,
    pub(crate) marks: Vec<Mark>,
    pub(crate) shade: Option<Shade>,
    pub(crate) panels: Vec<Panel>,
}

/// A dashed vertical line through all panels.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) label: String,
}

/// A part of the horizontal axis that does not count, such as the warm-up.
#[derive(Clone, Debug)]
pub(crate) struct Shade {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) label: &'static str,
}

/// One of the panels.
#[derive(Debug)]
pub(crate) struct Panel {
    /// What the vertical axis shows.
    pub(crate) heading: String,
    pub(crate) height: f64,
    pub(crate) y: Axis,
    /// Marks of this panel alone.
    pub(crate) marks: Vec<Mark>,
    /// What the values of the labels are of.
    pub(crate) caption: String,
    /// Drawn in this order.
    pub(crate) layers: Vec<Layer>,
    pub(crate) labels: Vec<Label>,
}

/// Something drawn in a panel, in values of the axes.
#[derive(Debug)]
pub(crate) enum Layer {
    Area {
        colour: &'static str,
        opacity: f64,
        /// x, lower y, upper y; one list for each stretch without a gap.
        stretches: Vec<Vec<(f64, f64, f64)>>,
    },
    Line {
        colour: &'static str,
        width: f64,
        stretches: Vec<Vec<Point>>,
    },
    /// A bar from x to x between two y.
    Bar {
        colour: &'static str,
        opacity: f64,
        x: (f64, f64),
        y: (f64, f64),
    },
}

/// What stands at the right of a panel, beside what it names.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) y: f64,
    pub(crate) colour: &'static str,
    pub(crate) name: String,
    /// What is known about it, such as its share.
    pub(crate) value: String,
}

impl Panel {
    /// Gives those that would share a colour different ones, in the lines or areas and in their labels alike.
    pub(crate) fn told_apart(mut self) -> Self {
        let colours: Vec<&str> = self.labels.iter().map(|label| label.colour).collect();
        let drawn = self.layers.iter().map(Layer::colour);
        if !drawn.eq(colours.iter().copied()) {
            return self;
        }
        let parts = self.layers.iter_mut().zip(&mut self.labels);
        for ((layer, label), told) in parts.zip(apart(&ORDER, &colours)) {
            label.colour = told;
            match layer {
                Layer::Area { colour, .. }
                | Layer::Line { colour, .. }
                | Layer::Bar { colour, .. } => *colour = told,
            }
        }
        self
    }
}

impl Layer {
    fn colour(&self) -> &'static str {
        match self {
            Self::Area { colour, .. } | Self::Line { colour, .. } | Self::Bar { colour, .. } => {
                colour
            }
        }
    }
}

pub(crate) const WIDTH: f64 = 960.0;
const LEFT: f64 = 84.0;
const MARGIN: f64 = 28.0;
const TITLE: f64 = 22.0;
const TEXT: f64 = 15.0;
const SMALL: f64 = 14.0;
const LABELS: f64 = 210.0;

impl Figure {
    /// The picture as an SVG document.
    pub(crate) fn draw(&self) -> String {
        let labels = self.label_width();
        let right = if labels > 0.0 {
            WIDTH - labels - 12.0
        } else {
            WIDTH - MARGIN
        };
        // Common marks are labelled above the first panel only.
        let labelled: Vec<MarkRows> = (self.panels.iter().enumerate())
            .map(|(index, panel)| {
                let common = if index == 0 {
                    self.marks.as_slice()
                } else {
                    &[]
                };
                let marks: Vec<&Mark> = common.iter().chain(&panel.marks).collect();
                MarkRows::of(&marks, &self.x, right)
            })
            .collect();
        let mut areas = Vec::new();
        let mut top = 76.0;
        for (panel, rows) in self.panels.iter().zip(&labelled) {
            let start = top + PANEL_HEAD + rows.height();
            let bottom = start + panel.height;
            areas.push(Area {
                left: LEFT,
                right,
                top: start,
                bottom,
            });
            top = bottom + PANEL_GAP;
        }
        let bottom = top - PANEL_GAP;
        let mut svg = Svg::new(WIDTH, bottom + 58.0);
        title(&mut svg, &self.title, &self.subtitle, WIDTH);
        for ((panel, area), rows) in self.panels.iter().zip(areas).zip(&labelled) {
            self.draw_panel(&mut svg, panel, area);
            rows.draw(&mut svg, &self.x, area);
            let y = area.top - rows.height() - 13.0;
            svg.text((LEFT, y), &panel.heading, HEADING);
            if !panel.labels.is_empty() {
                svg.text((right + 27.0, y), &panel.caption, SOFT);
            }
        }
        self.draw_x(&mut svg, right, bottom);
        svg.finish(&self.title)
    }

    fn draw_panel(&self, svg: &mut Svg, panel: &Panel, area: Area) {
        for (value, text) in &panel.y.ticks {
            let y = area.y(&panel.y, *value);
            let line = if *value == 0.0 { BASE } else { GRID_LINE };
            svg.line(&[(area.left, y), (area.right, y)], line);
            let style = Style {
                anchor: Anchor::End,
                ..SOFT
            };
            svg.text((area.left - 10.0, y + 5.0), text, style);
        }
        self.draw_shade(
            svg,
            area,
            Fill {
                colour: SHADE,
                opacity: 0.16,
            },
        );
        for layer in &panel.layers {
            draw_layer(svg, layer, &self.x, &panel.y, area);
        }
        // What does not count is washed out.
        self.draw_shade(
            svg,
            area,
            Fill {
                colour: PAPER,
                opacity: 0.5,
            },
        );
        if let Some(shade) = &self.shade {
            let (from, to) = (area.x(&self.x, shade.from), area.x(&self.x, shade.to));
            if text_width(shade.label, SMALL, false) < to - from - 8.0 {
                svg.text((from + 6.0, area.top + 18.0), shade.label, SOFT);
            }
        }
        let mut drawn = f64::MIN;
        for mark in self.marks.iter().chain(&panel.marks) {
            let x = area.x(&self.x, mark.x);
            if x <= drawn {
                continue;
            }
            drawn = x;
            let line = [(x, area.top), (x, area.bottom)];
            svg.line(&line, MARK_RIM);
            svg.line(&line, MARK_LINE);
        }
        draw_labels(svg, panel, area);
    }

    fn draw_shade(&self, svg: &mut Svg, area: Area, fill: Fill<'_>) {
        if let Some(shade) = &self.shade {
            let (from, to) = (area.x(&self.x, shade.from), area.x(&self.x, shade.to));
            let size = (to - from, area.bottom - area.top);
            svg.rectangle((from, area.top), size, 0.0, fill);
        }
    }

    fn draw_x(&self, svg: &mut Svg, right: f64, bottom: f64) {
        let span = right - LEFT;
        for (value, text) in &self.x.ticks {
            let x = LEFT + self.x.place(*value) * span;
            svg.line(&[(x, bottom), (x, bottom + 5.0)], BASE);
            let style = Style {
                anchor: Anchor::Middle,
                ..SOFT
            };
            svg.text((x, bottom + 22.0), text, style);
        }
        let style = Style {
            anchor: Anchor::Middle,
            ..SOFT
        };
        svg.text((LEFT + span / 2.0, bottom + 46.0), &self.x_title, style);
    }

    fn label_width(&self) -> f64 {
        let widths = (self.panels.iter())
            .flat_map(|panel| &panel.labels)
            .map(|label| {
                let value = text_width(&label.value, SMALL, false);
                16.0 + text_width(&label.name, SMALL, true) + 7.0 + value + 18.0
            });
        let widest = widths.fold(0.0_f64, f64::max).min(LABELS);
        let captions = (self.panels.iter()).filter(|panel| !panel.labels.is_empty());
        let captions = captions.map(|panel| text_width(&panel.caption, SMALL, false) + 30.0);
        captions.fold(widest, f64::max)
    }
}

/// A panel's place in pixels.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn x(self, axis: &Axis, value: f64) -> f64 {
        self.left + axis.place(value) * (self.right - self.left)
    }

    fn y(self, axis: &Axis, value: f64) -> f64 {
        self.bottom - axis.place(value) * (self.bottom - self.top)
    }
}

/// A title and what it is about, at the top left.
pub(crate) fn title(svg: &mut Svg, title: &str, subtitle: &str, width: f64) {
    let style = Style {
        size: TITLE,
        bold: true,
        colour: INK,
        anchor: Anchor::Start,
        halo: false,
    };
    let room = width - 2.0 * MARGIN;
    svg.text((MARGIN, 38.0), &fit(title, TITLE, true, room), style);
    let style = Style { size: TEXT, ..SOFT };
    svg.text((MARGIN, 62.0), &fit(subtitle, TEXT, false, room), style);
}

fn draw_layer(svg: &mut Svg, layer: &Layer, x: &Axis, y: &Axis, area: Area) {
    match layer {
        Layer::Area {
            colour,
            opacity,
            stretches,
        } => {
            for stretch in stretches {
                let upper =
                    (stretch.iter()).map(|(at, _, high)| (area.x(x, *at), area.y(y, *high)));
                let lower =
                    (stretch.iter().rev()).map(|(at, low, _)| (area.x(x, *at), area.y(y, *low)));
                let outline: Vec<Point> = upper.chain(lower).collect();
                svg.polygon(
                    &outline,
                    Fill {
                        colour,
                        opacity: *opacity,
                    },
                );
            }
        }
        Layer::Line {
            colour,
            width,
            stretches,
        } => {
            let stroke = Stroke {
                colour,
                width: *width,
                dashes: "",
            };
            for stretch in stretches {
                let points: Vec<Point> = (stretch.iter())
                    .map(|(at, value)| (area.x(x, *at), area.y(y, *value)))
                    .collect();
                svg.line(&points, stroke);
            }
        }
        Layer::Bar {
            colour,
            opacity,
            x: span,
            y: height,
        } => {
            let (from, to) = (area.x(x, span.0), area.x(x, span.1));
            let (low, high) = (area.y(y, height.0), area.y(y, height.1));
            let fill = Fill {
                colour,
                opacity: *opacity,
            };
            svg.rectangle((from, high), ((to - from).max(0.6), low - high), 0.0, fill);
        }
    }
}

const PANEL_HEAD: f64 = 34.0;
const PANEL_GAP: f64 = 16.0;

const SOFT: Style = Style {
    size: SMALL,
    bold: false,
    colour: SOFT_INK,
    anchor: Anchor::Start,
    halo: false,
};
const HEADING: Style = Style { bold: true, ..SOFT };
const GRID_LINE: Stroke<'static> = Stroke {
    colour: GRID,
    width: 1.0,
    dashes: "",
};
const BASE: Stroke<'static> = Stroke {
    colour: AXIS,
    width: 1.2,
    dashes: "",
};
/// Under a mark's line, so that it is seen on areas.
const MARK_RIM: Stroke<'static> = Stroke {
    colour: "#ffffffa0",
    width: 2.6,
    dashes: "",
};
const MARK_LINE: Stroke<'static> = Stroke {
    colour: MARK,
    width: 1.2,
    dashes: "4 4",
};

//! A frame with ticks and labels around a picture, and the scale of its colours.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::plot::{BLACK, FONT, GREY, TextSizes};

const TICK: i32 = 4;

/// A rectangle of a figure, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A label at a place between 0 and 1 along an axis.
pub(super) type Tick = (f64, String);

/// What is written around a picture. An axis without a label still has its ticks.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    pub(super) title: String,
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
    /// From left to right.
    pub(super) x_ticks: Vec<Tick>,
    /// From bottom to top.
    pub(super) y_ticks: Vec<Tick>,
}

/// What a picture is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// White, as paper is.
    Light,
    /// Nearly black, as pictures are that are dark themselves.
    Dark,
}

impl Ground {
    fn colour(self) -> RGBColor {
        match self {
            Self::Light => WHITE,
            Self::Dark => RGBColor(20, 23, 27),
        }
    }

    fn text(self) -> &'static RGBColor {
        match self {
            Self::Light => &BLACK,
            Self::Dark => &RGBColor(231, 234, 238),
        }
    }

    fn line(self) -> RGBColor {
        match self {
            Self::Light => GREY,
            Self::Dark => RGBColor(140, 148, 158),
        }
    }
}

/// An area with the scale that its lengths are multiplied by.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    pub(super) area: &'a DrawingArea<B, Shift>,
    pub(super) scale: i32,
    pub(super) sizes: TextSizes,
    pub(super) ground: Ground,
}

impl<B> Canvas<'_, B>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    /// Writes small text whose anchor is at a point.
    pub(super) fn text(&self, text: &str, at: (i32, i32), anchor: Pos) -> Result<()> {
        let font = (FONT, self.sizes.small as i32 * self.scale).into_font();
        let style = TextStyle::from(font).color(self.ground.text()).pos(anchor);
        self.area
            .draw(&Text::new(text.to_owned(), self.pixels(at), style))?;
        Ok(())
    }

    /// Writes small text upwards, its middle at a point.
    fn upwards(&self, text: &str, at: (i32, i32)) -> Result<()> {
        let font = (FONT, self.sizes.small as i32 * self.scale).into_font();
        let style = TextStyle::from(font.transform(FontTransform::Rotate270))
            .color(self.ground.text())
            .pos(Pos::new(HPos::Center, VPos::Top));
        self.area
            .draw(&Text::new(text.to_owned(), self.pixels(at), style))?;
        Ok(())
    }

    /// Draws a line.
    pub(super) fn line(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Result<()> {
        let stroke = colour.stroke_width(self.scale as u32);
        let points = [self.pixels(from), self.pixels(to)];
        self.area.draw(&PathElement::new(points, stroke))?;
        Ok(())
    }

    /// Fills a rectangle, its corners in pixels of the area.
    pub(super) fn fill(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Result<()> {
        self.area
            .draw(&Rectangle::new([from, to], colour.filled()))?;
        Ok(())
    }

    /// Draws the edges of a rectangle inside of it, lengths in pixels of the area. They are filled:
    /// plotters' SVG has rectangles, but no width of their lines.
    pub(super) fn outline(
        &self,
        ((left, top), (right, bottom)): ((i32, i32), (i32, i32)),
        width: i32,
        colour: RGBColor,
    ) -> Result<()> {
        self.fill((left, top), (right, top + width), colour)?;
        self.fill((left, bottom - width), (right, bottom), colour)?;
        self.fill((left, top), (left + width, bottom), colour)?;
        self.fill((right - width, top), (right, bottom), colour)
    }

    /// Frame, ticks and labels around a place.
    pub(super) fn frame(&self, place: Place, labels: &Labels) -> Result<()> {
        let Place {
            left,
            top,
            width,
            height,
        } = place;
        let (right, bottom) = (left + width, top + height);
        for (from, to) in [
            ((left, top), (right, top)),
            ((right, top), (right, bottom)),
            ((right, bottom), (left, bottom)),
            ((left, bottom), (left, top)),
        ] {
            self.line(from, to, self.ground.line())?;
        }
        for (at, label) in &labels.x_ticks {
            let x = left + (at * f64::from(width)).round() as i32;
            self.line((x, bottom), (x, bottom + TICK), self.ground.line())?;
            let anchor = Pos::new(HPos::Center, VPos::Top);
            self.text(label, (x, bottom + TICK + 3), anchor)?;
        }
        for (at, label) in &labels.y_ticks {
            let y = bottom - (at * f64::from(height)).round() as i32;
            self.line((left - TICK, y), (left, y), self.ground.line())?;
            let anchor = Pos::new(HPos::Right, VPos::Center);
            self.text(label, (left - TICK - 3, y), anchor)?;
        }
        let middle = left + width / 2;
        let anchor = Pos::new(HPos::Center, VPos::Bottom);
        self.text(&labels.title, (middle, top - 5), anchor)?;
        if let Some(label) = &labels.x {
            let anchor = Pos::new(HPos::Center, VPos::Top);
            self.text(label, (middle, bottom + 24), anchor)?;
        }
        if let Some(label) = &labels.y {
            self.upwards(label, (left - 50, top + height / 2))?;
        }
        Ok(())
    }

    /// The colours between the ends of a scale, with ticks to the right.
    pub(super) fn colour_bar(
        &self,
        place: Place,
        ticks: &[Tick],
        label: &str,
        colour: impl Fn(f64) -> RGBColor,
    ) -> Result<()> {
        const STEPS: i32 = 64;
        let Place {
            left,
            top,
            width,
            height,
        } = place;
        let (right, bottom) = (left + width, top + height);
        // Each down to the end and below the next: where two edges only meet, what is behind them
        // shines through once a figure is scaled.
        for step in (0..STEPS).rev() {
            let value = (f64::from(step) + 0.5) / f64::from(STEPS);
            let from_top = height * self.scale - (step + 1) * height * self.scale / STEPS;
            self.fill(
                (left * self.scale, top * self.scale + from_top),
                (right * self.scale, bottom * self.scale),
                colour(value),
            )?;
        }
        for (at, label) in ticks {
            let y = bottom - (at * f64::from(height)).round() as i32;
            self.line((right, y), (right + TICK, y), self.ground.line())?;
            let anchor = Pos::new(HPos::Left, VPos::Center);
            self.text(label, (right + TICK + 3, y), anchor)?;
        }
        let outline = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        for pair in outline.windows(2) {
            self.line(pair[0], pair[1], self.ground.line())?;
        }
        self.upwards(label, (right + 48, top + height / 2))
    }

    /// The whole area empty.
    pub(super) fn clear(&self) -> Result<()> {
        self.area.fill(&self.ground.colour())?;
        Ok(())
    }

    /// In pixels of the area.
    pub(super) fn pixels(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x * self.scale, y * self.scale)
    }
}

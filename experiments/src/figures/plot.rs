//! What every figure can do: draw itself on any backend, and so become SVG, PDF and PNG.
//!
//! All text is set in one embedded font, so that a figure does not depend on the machine.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::surfaces::{PdfBackend, PdfPage, PngBackend};
use crate::config::FigureStyle;

/// Coordinates are whole numbers: SVG and PDF are drawn larger and shown smaller, so that they are
/// finer than a pixel.
const VECTOR_SCALE: u32 = 4;
/// Points per pixel of the figure's size on the screen, those of CSS.
const SCREEN_POINTS: f32 = 0.75;
/// Points per pixel on paper: its text, of 16 pixels, 12.9 of which are an em, has 8 points.
const PAPER_POINTS: f32 = 0.62;
/// Width in pixels of a column of 84 mm, which are 238 points.
pub(super) const COLUMN: u32 = 384;
pub(super) const FONT: &str = "sans-serif";
pub(super) const BLACK: RGBColor = RGBColor(0, 0, 0);
pub(super) const GREY: RGBColor = RGBColor(90, 90, 90);
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);

/// Sizes of text in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextSizes {
    /// Names of axes and curves, ticks of charts.
    pub(super) normal: u32,
    /// Titles, ticks of panels.
    pub(super) small: u32,
}

impl TextSizes {
    /// On paper all text has one size.
    pub(super) fn from_style(style: FigureStyle) -> Self {
        let normal = 16;
        let small = match style {
            FigureStyle::Screen => 14,
            FigureStyle::Paper => normal,
        };
        Self { normal, small }
    }
}

/// A figure that can be drawn.
pub(crate) trait Plot {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws the figure, every length times `scale`, and leaves the surface open.
    fn draw<B>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static;

    /// What it is made for.
    fn style(&self) -> FigureStyle;

    /// Points per pixel of the size.
    fn points(&self) -> f32 {
        match self.style() {
            FigureStyle::Screen => SCREEN_POINTS,
            FigureStyle::Paper => PAPER_POINTS,
        }
    }
}

/// A figure as files, whatever kind it is of.
pub(crate) trait Formats {
    /// The figure as SVG, its text as text.
    fn svg(&self) -> Result<Vec<u8>>;

    /// The figure as PDF, its text as outlines.
    fn pdf(&self) -> Result<Vec<u8>>;

    /// The figure as PNG: twice the size for screens of today, 580 dots per inch on paper.
    fn png(&self) -> Result<Vec<u8>>;

    /// The figure as PNG, its size in pixels times `scale`.
    fn scaled_png(&self, scale: u32) -> Result<Vec<u8>>;
}

impl<P: Plot> Formats for P {
    fn svg(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let size = (width * VECTOR_SCALE, height * VECTOR_SCALE);
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        self.draw(&area, VECTOR_SCALE)?;
        area.present()?;
        drop(area);
        let drawn = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
        let shown = match self.style() {
            FigureStyle::Screen => format!("<svg width=\"{width}\" height=\"{height}\""),
            FigureStyle::Paper => {
                let points = |pixels: u32| self.points() * pixels as f32;
                let (width, height) = (points(width), points(height));
                format!("<svg width=\"{width:.2}pt\" height=\"{height:.2}pt\"")
            }
        };
        svg = svg.replacen(&drawn, &shown, 1);
        Ok(svg.into_bytes())
    }

    fn pdf(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let mut page = PdfPage::new((width * VECTOR_SCALE, height * VECTOR_SCALE));
        let area = PdfBackend::new(&mut page)?.into_drawing_area();
        self.draw(&area, VECTOR_SCALE)?;
        area.present()?;
        drop(area);
        Ok(page.finish(self.points() / VECTOR_SCALE as f32))
    }

    fn png(&self) -> Result<Vec<u8>> {
        self.scaled_png(match self.style() {
            FigureStyle::Screen => 2,
            FigureStyle::Paper => 5,
        })
    }

    fn scaled_png(&self, scale: u32) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let (width, height) = (width * scale, height * scale);
        let mut pixels = vec![0; (3 * width * height) as usize];
        let area = PngBackend::new(&mut pixels, (width, height))?.into_drawing_area();
        self.draw(&area, scale)?;
        area.present()?;
        drop(area);
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(png)
    }
}

/// A title for the screen; on paper, captions have what there is to say.
pub(crate) fn title(style: FigureStyle, text: impl Into<String>) -> String {
    match style {
        FigureStyle::Screen => text.into(),
        FigureStyle::Paper => String::new(),
    }
}

/// To be called before text is drawn; again does no harm.
pub(super) fn register_fonts() -> Result<()> {
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| anyhow!("the embedded font cannot be read"))
}

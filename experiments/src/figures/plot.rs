//! What every figure can do: draw itself on any backend, as SVG and as PNG.
//!
//! All text is set in one embedded font, so that a figure does not depend on the machine.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

/// Pixels of a PNG per pixel of the figure's size.
const PNG_SCALE: u32 = 2;
/// Coordinates are whole numbers: the SVG is drawn larger and shown smaller, so that they are finer
/// than a pixel.
const SVG_SCALE: u32 = 4;
pub(super) const FONT: &str = "sans-serif";
pub(super) const BLACK: RGBColor = RGBColor(0, 0, 0);
pub(super) const GREY: RGBColor = RGBColor(90, 90, 90);
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);

/// A figure that can be drawn.
pub(crate) trait Plot {
    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws the figure, every length times `scale`, and leaves the surface open.
    fn draw<B>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Result<()>
    where
        B: DrawingBackend,
        B::ErrorType: 'static;

    /// The figure as SVG, its text as text.
    fn svg(&self) -> Result<Vec<u8>> {
        let shown = self.size();
        let size = (shown.0 * SVG_SCALE, shown.1 * SVG_SCALE);
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        self.draw(&area, SVG_SCALE)?;
        area.present()?;
        drop(area);
        let shape = |(width, height)| format!("<svg width=\"{width}\" height=\"{height}\"");
        svg = svg.replacen(&shape(size), &shape(shown), 1);
        Ok(svg.into_bytes())
    }

    /// The figure as PNG.
    fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let (width, height) = (width * PNG_SCALE, height * PNG_SCALE);
        let mut pixels = vec![0; (3 * width * height) as usize];
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        self.draw(&area, PNG_SCALE)?;
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

/// To be called before text is drawn; again does no harm.
pub(super) fn register_fonts() -> Result<()> {
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| anyhow!("the embedded font cannot be read"))
}

//! A drawing surface that is a picture of pixels, with text as large and where SVG and PDF have it.

use ab_glyph::{Font, point};
use anyhow::Result;
use plotters::prelude::BitMapBackend;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use super::letters::Letters;

/// plotters' surface of pixels, but for its text.
pub(in crate::figures) struct PngBackend<'a> {
    pixels: BitMapBackend<'a>,
    letters: Letters,
}

type BitMapError<'a> = <BitMapBackend<'a> as DrawingBackend>::ErrorType;
type Drawn<'a> = Result<(), DrawingErrorKind<BitMapError<'a>>>;

impl<'a> PngBackend<'a> {
    /// A surface that draws on three bytes per pixel.
    ///
    /// # Errors
    /// A font that cannot be read.
    pub(in crate::figures) fn new(pixels: &'a mut [u8], size: (u32, u32)) -> Result<Self> {
        Ok(Self {
            pixels: BitMapBackend::with_buffer(pixels, size),
            letters: Letters::new()?,
        })
    }
}

impl<'a> DrawingBackend for PngBackend<'a> {
    type ErrorType = BitMapError<'a>;

    fn get_size(&self) -> (u32, u32) {
        self.pixels.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn<'a> {
        self.pixels.ensure_prepared()
    }

    fn present(&mut self) -> Drawn<'a> {
        self.pixels.present()
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn<'a> {
        self.pixels.draw_pixel(at, colour)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn<'a> {
        self.pixels.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<'a> {
        self.pixels.draw_rect(upper_left, lower_right, style, fill)
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn<'a> {
        let BackendColor { alpha, rgb } = style.color();
        let placed = self.letters.place(text, style);
        let font = &self.letters.font;
        // What ab_glyph calls a scale is the height from ascender to descender.
        let scale = placed.em * font.height_unscaled() / self.letters.units_per_em();
        for (glyph, begin) in placed.glyphs {
            let glyph = glyph.with_scale_and_position(scale, point(begin, placed.baseline));
            let Some(outlined) = font.outline_glyph(glyph) else {
                continue;
            };
            let corner = outlined.px_bounds().min;
            let mut covered = Vec::new();
            outlined.draw(|right, down, coverage| covered.push((right, down, coverage)));
            for (right, down, coverage) in covered {
                if coverage == 0.0 {
                    continue;
                }
                let (right, down) = (
                    corner.x as i32 + right as i32,
                    corner.y as i32 + down as i32,
                );
                // Turned around the anchor, which is a corner of pixels.
                let (right, down) = match style.transform() {
                    FontTransform::None => (right, down),
                    FontTransform::Rotate90 => (-down - 1, right),
                    FontTransform::Rotate180 => (-right - 1, -down - 1),
                    FontTransform::Rotate270 => (down, -right - 1),
                };
                let alpha = alpha * f64::from(coverage.min(1.0));
                self.pixels
                    .draw_pixel((x + right, y + down), BackendColor { alpha, rgb })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::prelude::*;
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    use plotters::style::{FontStyle, register_font};

    use super::*;

    const SIDE: u32 = 300;
    /// Of the letter H, in units of 2048 per em: DejaVu Sans as its table OS/2 has it.
    const CAP_HEIGHT: f64 = 1493.0 / 2048.0;
    /// plotters' size of a font whose em has 100 pixels in its SVG.
    const SIZE: i32 = 124;

    /// Left, top, right and bottom of what an H at the middle of a surface inks.
    fn ink(anchor: Pos, transform: FontTransform) -> [i32; 4] {
        let registered = register_font("H", FontStyle::Normal, dejavu::sans::regular());
        assert!(registered.is_ok());
        let mut pixels = vec![255; (3 * SIDE * SIDE) as usize];
        let mut backend = PngBackend::new(&mut pixels, (SIDE, SIDE)).unwrap();
        let font = ("H", SIZE).into_font().transform(transform);
        let style = TextStyle::from(font).pos(anchor);
        let middle = SIDE as i32 / 2;
        backend.draw_text("H", &style, (middle, middle)).unwrap();
        backend.present().unwrap();
        drop(backend);
        let inked: Vec<(u32, u32)> = (0..SIDE * SIDE)
            .filter(|at| pixels[3 * *at as usize] < 128)
            .map(|at| (at % SIDE, at / SIDE))
            .collect();
        let x = || inked.iter().map(|at| at.0);
        let y = || inked.iter().map(|at| at.1);
        let [left, top] = [x().min(), y().min()].map(|least| least.unwrap() as i32);
        let [right, bottom] = [x().max(), y().max()].map(|most| most.unwrap() as i32 + 1);
        [left, top, right, bottom].map(|edge| edge - middle)
    }

    #[test]
    fn letters_are_as_large_as_in_svg_and_where_it_has_them() {
        // Baselines below the anchor, in em: `dy` of plotters' SVG, an ex being 0.547 em.
        for (vertical, baseline) in [
            (VPos::Top, 0.76),
            (VPos::Center, 0.5 * 0.547),
            (VPos::Bottom, -0.5 * 0.547),
        ] {
            let anchor = Pos::new(HPos::Center, vertical);
            let [left, top, right, bottom] = ink(anchor, FontTransform::None).map(f64::from);
            assert!((bottom - 100.0 * baseline).abs() <= 1.0, "{bottom}");
            assert!((bottom - top - 100.0 * CAP_HEIGHT).abs() <= 1.0, "{top}");
            assert!((left + right).abs() <= 1.0, "{left} {right}");
        }
    }

    #[test]
    fn text_is_turned_around_its_anchor() {
        let anchor = Pos::new(HPos::Left, VPos::Top);
        let [left, top, right, bottom] = ink(anchor, FontTransform::None);
        for (transform, turned) in [
            (FontTransform::Rotate90, [-bottom, left, -top, right]),
            (FontTransform::Rotate180, [-right, -bottom, -left, -top]),
            (FontTransform::Rotate270, [top, -right, bottom, -left]),
        ] {
            assert_eq!(ink(anchor, transform), turned);
        }
    }
}

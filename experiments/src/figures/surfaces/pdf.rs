//! A drawing surface that is a page of a PDF.
//!
//! Text is drawn as the outlines of its letters, so that a file has no fonts: nothing to embed, and
//! nothing that a press or another machine could replace.

use std::collections::BTreeSet;
use std::convert::Infallible;

use ab_glyph::{Font, OutlineCurve};
use anyhow::Result;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use super::letters::{Letters, PlacedText};

/// Of the compression: beyond, files hardly get smaller.
const COMPRESSION: u8 = 7;
/// Distance of the handles of a Bézier quarter circle, by the radius.
const QUARTER: f32 = 0.552_284_8;

/// The page while it is drawn.
pub(in crate::figures) struct PdfBackend<'a> {
    page: &'a mut PdfPage,
    letters: Letters,
}

/// What has been drawn, in units of the surface from its upper left corner.
pub(in crate::figures) struct PdfPage {
    size: (u32, u32),
    content: Content,
    /// The opacities in use, in hundredths.
    opacities: BTreeSet<u8>,
}

impl PdfPage {
    /// An empty page of a width and height.
    pub(in crate::figures) fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            content: Content::new(),
            opacities: BTreeSet::new(),
        }
    }

    /// The file, with units of this many points.
    pub(in crate::figures) fn finish(self, points_per_unit: f32) -> Vec<u8> {
        let [catalog, pages, page, contents] = [1, 2, 3, 4].map(Ref::new);
        let (width, height) = self.size;
        let (width, height) = (
            width as f32 * points_per_unit,
            height as f32 * points_per_unit,
        );
        let mut drawing = Content::new();
        // PDF counts from the lower left corner.
        drawing.transform([points_per_unit, 0.0, 0.0, -points_per_unit, 0.0, height]);
        drawing.set_line_cap(LineCapStyle::ButtCap);
        drawing.set_line_join(LineJoinStyle::RoundJoin);
        let mut drawing = drawing.finish().to_vec();
        drawing.push(b'\n');
        drawing.extend_from_slice(self.content.finish().as_slice());
        let drawing = compress_to_vec_zlib(&drawing, COMPRESSION);

        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        let states: Vec<(u8, Ref)> = self
            .opacities
            .into_iter()
            .zip((5..).map(Ref::new))
            .collect();
        let mut its = pdf.page(page);
        its.media_box(Rect::new(0.0, 0.0, width, height));
        its.parent(pages).contents(contents);
        let mut resources = its.resources();
        let mut named = resources.ext_g_states();
        for (opacity, state) in &states {
            named.pair(Name(state_name(*opacity).as_bytes()), state);
        }
        named.finish();
        resources.finish();
        its.finish();
        for (opacity, state) in states {
            let opacity = f32::from(opacity) / 100.0;
            pdf.ext_graphics(state)
                .non_stroking_alpha(opacity)
                .stroking_alpha(opacity);
        }
        pdf.stream(contents, &drawing).filter(Filter::FlateDecode);
        pdf.finish()
    }
}

fn state_name(opacity: u8) -> String {
    format!("O{opacity}")
}

impl<'a> PdfBackend<'a> {
    /// A surface that draws on a page.
    ///
    /// # Errors
    /// A font that cannot be read.
    pub(in crate::figures) fn new(page: &'a mut PdfPage) -> Result<Self> {
        Ok(Self {
            page,
            letters: Letters::new()?,
        })
    }

    /// Sets the colour of what is drawn next. Returns whether it would be seen.
    fn choose_colour(&mut self, colour: BackendColor) -> bool {
        if colour.alpha == 0.0 {
            return false;
        }
        let (r, g, b) = colour.rgb;
        let [r, g, b] = [r, g, b].map(|byte| f32::from(byte) / 255.0);
        let opacity = (100.0 * colour.alpha).round().clamp(0.0, 100.0) as u8;
        self.page.opacities.insert(opacity);
        self.page
            .content
            .set_parameters(Name(state_name(opacity).as_bytes()))
            .set_fill_rgb(r, g, b)
            .set_stroke_rgb(r, g, b);
        true
    }

    /// The points as a path. Returns whether there is one: without, nothing may be painted.
    fn trace(&mut self, points: impl IntoIterator<Item = BackendCoord>) -> bool {
        let mut is_traced = false;
        for (index, (x, y)) in points.into_iter().enumerate() {
            let (x, y) = (x as f32, y as f32);
            match index {
                0 => self.page.content.move_to(x, y),
                _ => self.page.content.line_to(x, y),
            };
            is_traced = true;
        }
        is_traced
    }

    /// The outlines of a text as a path. `place`: from right and below of its anchor to the
    /// surface. Returns whether there is one.
    fn trace_text(&mut self, text: &PlacedText, place: impl Fn(f32, f32) -> (f32, f32)) -> bool {
        let mut is_traced = false;
        let per_unit = text.em / self.letters.units_per_em();
        for &(glyph, begin) in &text.glyphs {
            let content = &mut self.page.content;
            let mut end = None;
            let at = |point: ab_glyph::Point| {
                // Those of a font count upwards.
                let (right, up) = (begin + per_unit * point.x, per_unit * point.y);
                place(right, text.baseline - up)
            };
            let outline = self.letters.font.outline(glyph);
            for curve in outline.into_iter().flat_map(|outline| outline.curves) {
                let (from, to) = match curve {
                    OutlineCurve::Line(from, to)
                    | OutlineCurve::Quad(from, _, to)
                    | OutlineCurve::Cubic(from, _, _, to) => (from, to),
                };
                if end != Some(from) {
                    let (x, y) = at(from);
                    content.move_to(x, y);
                    is_traced = true;
                }
                end = Some(to);
                let (x, y) = at(to);
                match curve {
                    OutlineCurve::Line(..) => content.line_to(x, y),
                    OutlineCurve::Quad(_, handle, _) => {
                        // The cubic curve that is this one.
                        let two_thirds = |point: ab_glyph::Point| {
                            let (x, y) = at(point);
                            let (hx, hy) = at(handle);
                            (x + (hx - x) * 2.0 / 3.0, y + (hy - y) * 2.0 / 3.0)
                        };
                        let (one, two) = (two_thirds(from), two_thirds(to));
                        content.cubic_to(one.0, one.1, two.0, two.1, x, y)
                    }
                    OutlineCurve::Cubic(_, one, two, _) => {
                        let (one, two) = (at(one), at(two));
                        content.cubic_to(one.0, one.1, two.0, two.1, x, y)
                    }
                };
            }
        }
        is_traced
    }
}

/// Fills the path, or draws its edge.
fn paint(content: &mut Content, fill: bool) {
    match fill {
        true => content.fill_nonzero(),
        false => content.stroke(),
    };
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for PdfBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.page.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !self.choose_colour(style.color()) {
            return Ok(());
        }
        let content = &mut self.page.content;
        content.set_line_width(style.stroke_width() as f32);
        content.rect(
            left as f32,
            top as f32,
            (right - left) as f32,
            (bottom - top) as f32,
        );
        paint(content, fill);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if !self.choose_colour(style.color()) {
            return Ok(());
        }
        self.page
            .content
            .set_line_width(style.stroke_width() as f32);
        if self.trace(path) {
            self.page.content.stroke();
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !self.choose_colour(style.color()) {
            return Ok(());
        }
        let content = &mut self.page.content;
        let (x, y, r) = (x as f32, y as f32, radius as f32);
        let h = QUARTER * r;
        content.set_line_width(style.stroke_width() as f32);
        content
            .move_to(x + r, y)
            .cubic_to(x + r, y + h, x + h, y + r, x, y + r)
            .cubic_to(x - h, y + r, x - r, y + h, x - r, y)
            .cubic_to(x - r, y - h, x - h, y - r, x, y - r)
            .cubic_to(x + h, y - r, x + r, y - h, x + r, y)
            .close_path();
        paint(content, fill);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        if !self.choose_colour(style.color()) {
            return Ok(());
        }
        if self.trace(corners) {
            self.page.content.close_path().fill_nonzero();
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        if !self.choose_colour(style.color()) {
            return Ok(());
        }
        let placed = self.letters.place(text, style);
        let transform = style.transform();
        let is_traced = self.trace_text(&placed, |right, down| {
            let (right, down) = match transform {
                FontTransform::None => (right, down),
                FontTransform::Rotate90 => (-down, right),
                FontTransform::Rotate180 => (-right, -down),
                FontTransform::Rotate270 => (down, -right),
            };
            (x as f32 + right, y as f32 + down)
        });
        if is_traced {
            self.page.content.fill_nonzero();
        }
        Ok(())
    }
}

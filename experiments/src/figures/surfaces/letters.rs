//! The letters of texts, placed as plotters' SVG places them, for surfaces that draw outlines.
//!
//! plotters' own drawing of text on pixels takes the size of a font for its height from ascender to
//! descender, its SVG takes it for 1.24 em. Of the embedded font that height is 1.16 em, so text
//! would be 6.5 % larger there, and its baseline higher.

use ab_glyph::{Font, FontRef, GlyphId};
use anyhow::{Context, Result};
use plotters_backend::BackendTextStyle;
use plotters_backend::text_anchor::{HPos, VPos};

/// plotters' size of a font per em, as in its SVG.
const SIZE_PER_EM: f64 = 1.24;
/// Baselines below an anchor, in em: plotters' of SVG, with the font's x-height.
const BELOW_TOP: f32 = 0.76;
const BELOW_MIDDLE: f32 = 0.5 * X_HEIGHT;
const X_HEIGHT: f32 = 1120.0 / 2048.0;

/// The embedded font.
pub(in crate::figures) struct Letters {
    pub(super) font: FontRef<'static>,
}

/// A text around its anchor, before it is turned: lengths in units of the surface.
pub(super) struct PlacedText {
    pub(super) em: f32,
    /// Of all letters, below the anchor.
    pub(super) baseline: f32,
    /// Letters, each with where it begins on the baseline: to the right of the anchor.
    pub(super) glyphs: Vec<(GlyphId, f32)>,
}

impl Letters {
    /// # Errors
    /// A font that cannot be read.
    pub(in crate::figures) fn new() -> Result<Self> {
        let font = FontRef::try_from_slice(dejavu::sans::regular());
        let font = font.context("the embedded font cannot be read")?;
        Ok(Self { font })
    }

    /// Units of the font per em.
    pub(super) fn units_per_em(&self) -> f32 {
        self.font.units_per_em().unwrap_or(2048.0)
    }

    /// The width of a text in a font of this size, in the unit of the size.
    pub(in crate::figures) fn width(&self, text: &str, size: f64) -> f32 {
        self.set(text, (size / SIZE_PER_EM) as f32).1
    }

    /// The letters of a text from its left end, each with where it begins, and where they end.
    fn set(&self, text: &str, em: f32) -> (Vec<(GlyphId, f32)>, f32) {
        let per_unit = em / self.units_per_em();
        let mut width = 0.0;
        let mut glyphs: Vec<(GlyphId, f32)> = Vec::new();
        for letter in text.chars() {
            let glyph = self.font.glyph_id(letter);
            if let Some((before, _)) = glyphs.last() {
                width += per_unit * self.font.kern_unscaled(*before, glyph);
            }
            glyphs.push((glyph, width));
            width += per_unit * self.font.h_advance_unscaled(glyph);
        }
        (glyphs, width)
    }

    /// Where the letters of a text are.
    pub(super) fn place(&self, text: &str, style: &impl BackendTextStyle) -> PlacedText {
        let em = (style.size() / SIZE_PER_EM) as f32;
        let (mut glyphs, width) = self.set(text, em);
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        for (_, begin) in &mut glyphs {
            *begin += left;
        }
        let baseline = em
            * match style.anchor().v_pos {
                VPos::Top => BELOW_TOP,
                VPos::Center => BELOW_MIDDLE,
                VPos::Bottom => -BELOW_MIDDLE,
            };
        PlacedText {
            em,
            baseline,
            glyphs,
        }
    }
}

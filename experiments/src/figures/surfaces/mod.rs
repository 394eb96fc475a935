//! What figures are drawn on besides plotters' own SVG.

mod letters;
mod pdf;
mod png;

pub(super) use letters::Letters;
pub(super) use pdf::{PdfBackend, PdfPage};
pub(super) use png::PngBackend;

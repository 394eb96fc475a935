//! How methods look in figures: colours, dashes and markers in one place.

use plotters::prelude::*;

use crate::study::methods::Method;

/// A marker that can be told from the others in grey and without colour vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Filled circle.
    Circle,
    /// Filled square.
    Square,
    /// Filled triangle, pointing up.
    Triangle,
    /// Filled diamond.
    Diamond,
    /// Filled triangle, pointing down.
    Wedge,
    /// Upright cross.
    Plus,
    /// Five-pointed star.
    Star,
}

impl Marker {
    /// The outline around the origin in pixels, y downwards.
    pub(crate) fn outline(self, radius: f64) -> Vec<(i32, i32)> {
        let at = |degrees: f64, length: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            ((length * cos).round() as i32, (length * sin).round() as i32)
        };
        match self {
            Self::Circle => (0..24).map(|i| at(f64::from(i) * 15.0, radius)).collect(),
            Self::Square => (0..4)
                .map(|i| at(45.0 + f64::from(i) * 90.0, 1.25 * radius))
                .collect(),
            Self::Triangle => (0..3)
                .map(|i| at(-90.0 + f64::from(i) * 120.0, 1.35 * radius))
                .collect(),
            Self::Diamond => (0..4)
                .map(|i| at(f64::from(i) * 90.0, 1.35 * radius))
                .collect(),
            Self::Wedge => (0..3)
                .map(|i| at(90.0 + f64::from(i) * 120.0, 1.35 * radius))
                .collect(),
            Self::Plus => (0..4)
                .flat_map(|i| {
                    let arm = f64::from(i) * 90.0;
                    let (end, corner) = (1.35 * radius, 0.5 * radius);
                    [(-20.0, end), (20.0, end), (45.0, corner)]
                        .map(|(turn, length)| at(arm + turn, length))
                })
                .collect(),
            Self::Star => (0..10)
                .map(|i| {
                    let length = if i % 2 == 0 { 1.5 } else { 0.65 };
                    at(-90.0 + f64::from(i) * 36.0, length * radius)
                })
                .collect(),
        }
    }
}

/// The look of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    /// Colour of line, marker and interval.
    pub(crate) colour: RGBColor,
    /// Length of dashes and gaps in pixels; a solid line if absent.
    pub(crate) dash: Option<(u32, u32)>,
    /// Width of the line in pixels.
    pub(crate) width: u32,
    /// Marker at each point.
    pub(crate) marker: Marker,
}

impl Style {
    /// The look of a method. The colours are Okabe and Ito's, which differ in lightness as well.
    pub(crate) fn from_method(method: Method) -> Self {
        let (colour, dash, marker) = match method {
            Method::VbSelection => (RGBColor(0, 114, 178), Some((8, 5)), Marker::Circle),
            Method::VbFusion => (RGBColor(213, 94, 0), None, Marker::Square),
            Method::OracleSelection => (RGBColor(40, 40, 40), Some((2, 4)), Marker::Triangle),
            Method::FusionByMean => (RGBColor(0, 158, 115), Some((14, 4)), Marker::Diamond),
            Method::StructuredFusion => (RGBColor(204, 121, 167), None, Marker::Star),
            Method::EvidenceWeightedMean => (RGBColor(86, 180, 233), Some((10, 3)), Marker::Wedge),
            Method::LearnedWeights => (RGBColor(230, 159, 0), Some((5, 3)), Marker::Plus),
        };
        // The two solid lines are told apart by their widths.
        let width = match method {
            Method::StructuredFusion => 3,
            _ => 2,
        };
        Self {
            colour,
            dash,
            width,
            marker,
        }
    }

    /// The look of what other programs made, by its place among them: greys and browns, which no
    /// method of this program has, and dots. From the sixth on they repeat.
    pub(crate) fn from_foreign_position(position: usize) -> Self {
        const LOOKS: [(RGBColor, Marker); 5] = [
            (RGBColor(120, 120, 120), Marker::Circle),
            (RGBColor(140, 86, 75), Marker::Square),
            (RGBColor(95, 80, 150), Marker::Diamond),
            (RGBColor(110, 120, 20), Marker::Wedge),
            (RGBColor(160, 160, 160), Marker::Star),
        ];
        let (colour, marker) = LOOKS[position % LOOKS.len()];
        Self {
            colour,
            dash: Some((3, 3)),
            width: 2,
            marker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_told_apart_without_colours() {
        for (index, &method) in Method::ALL.iter().enumerate() {
            let style = Style::from_method(method);
            for &other in &Method::ALL[..index] {
                let other = Style::from_method(other);
                assert!(style.marker != other.marker, "{method:?}");
                // Where curves have no markers, as traces have none.
                assert!((style.dash, style.width) != (other.dash, other.width));
            }
        }
    }
}

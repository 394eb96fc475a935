//! The colour scale of grids: from dark to light in even steps of perceived lightness, so that it
//! reads the same in grey and without colour vision.

use plotters::style::RGBColor;

/// The colour of a value between 0, nearly black, and 1, nearly white; values outside are clamped.
///
/// Lightness is linear in Oklab (B. Ottosson, 2020), hue goes from blue over red to yellow, chroma
/// is largest in the middle, where it stays within sRGB.
pub(super) fn shade(value: f64) -> RGBColor {
    let value = value.clamp(0.0, 1.0);
    let lightness = 0.16 + 0.82 * value;
    let chroma = 0.02 + 0.13 * (std::f64::consts::PI * value).sin();
    let hue = (285.0 + 175.0 * value).to_radians();
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let long = lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b;
    let medium = lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b;
    let short = lightness - 0.089_484_177_5 * a - 1.291_485_548 * b;
    let (long, medium, short) = (long.powi(3), medium.powi(3), short.powi(3));
    RGBColor(
        encoded(4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short),
        encoded(-1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short),
        encoded(-0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701 * short),
    )
}

/// Linear light as an sRGB byte.
fn encoded(linear: f64) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let encoded = if linear <= 0.003_130_8 {
        12.92 * linear
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    };
    (255.0 * encoded).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of WCAG 2.
    fn luminance(RGBColor(r, g, b): RGBColor) -> f64 {
        let linear = |byte: u8| {
            let x = f64::from(byte) / 255.0;
            if x <= 0.04045 {
                x / 12.92
            } else {
                ((x + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn is_lighter_the_larger_the_value() {
        let luminances: Vec<f64> = (0..=100)
            .map(|i| luminance(shade(f64::from(i) / 100.0)))
            .collect();
        assert!(luminances.windows(2).all(|pair| pair[1] > pair[0]));
        assert!(luminances[0] < 0.02 && luminances[100] > 0.9);
    }

    #[test]
    fn steps_of_lightness_are_even() {
        // CIE L*, an account of lightness that shares nothing with Oklab.
        let lightness = |value| 116.0 * luminance(shade(value)).cbrt() - 16.0;
        let steps: Vec<f64> = (2..10)
            .map(|i| lightness(f64::from(i + 1) / 10.0) - lightness(f64::from(i) / 10.0))
            .collect();
        assert!(
            steps.iter().all(|step| (6.0..13.0).contains(step)),
            "{steps:?}"
        );
    }

    #[test]
    fn ends_are_reached_and_kept() {
        assert_eq!(shade(-1.0), shade(0.0));
        assert_eq!(shade(7.0), shade(1.0));
    }
}

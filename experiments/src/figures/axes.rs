//! The axes of a figure and their ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::curve::{Curve, Point};

/// More values than this have ticks at decades only.
const MOST_TICKS: usize = 8;
/// Ticks nearer than this share of the axis would touch.
const LEAST_DISTANCE: f64 = 0.06;

/// How values are placed from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scale {
    /// As they are.
    Linear,
    /// By their logarithm; they are positive.
    Log,
    /// By their index among these names.
    Categories(Vec<String>),
}

impl Scale {
    /// The place of a value.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self {
            Self::Log => value.log10(),
            Self::Linear | Self::Categories(_) => value,
        }
    }

    /// The text of a tick at a place.
    pub(super) fn tick(&self, place: f64) -> String {
        match self {
            Self::Linear => plain(place),
            Self::Log => power(place),
            Self::Categories(names) => {
                let name = names.get(place.round().max(0.0) as usize);
                name.cloned().unwrap_or_default()
            }
        }
    }

    /// Ticks for rising places: at each of them that has room, or at decades where they are many.
    fn ticks(&self, places: &[f64]) -> Vec<f64> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Vec::new();
        };
        if *self == Self::Log && places.len() > MOST_TICKS {
            let (first, last) = (first.ceil() as i32, last.floor() as i32);
            let step = (last - first) as usize / MOST_TICKS + 1;
            let decades: Vec<f64> = (first..=last).step_by(step).map(f64::from).collect();
            if decades.len() > 1 {
                return decades;
            }
        }
        let mut ticks: Vec<f64> = Vec::new();
        for &place in places {
            let room = |tick: &f64| place - tick > LEAST_DISTANCE * (last - first);
            if ticks.last().is_none_or(room) {
                ticks.push(place);
            }
        }
        ticks
    }
}

/// A number with a minus sign and six digits at most, in powers of ten where it is tiny.
fn plain(value: f64) -> String {
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = |text: &str| {
        // Zero has no sign.
        let value: f64 = text.parse().unwrap_or(value);
        (value + 0.0).to_string().replace('-', "\u{2212}")
    };
    if exponent < -4 {
        format!("{}·{}", digits(mantissa), raised(exponent))
    } else {
        digits(&scientific)
    }
}

/// Ten with an exponent above it.
fn raised(exponent: i32) -> String {
    const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let digits = exponent.unsigned_abs().to_string();
    let digits = digits.chars().filter_map(|digit| digit.to_digit(10));
    let above: String = digits
        .filter_map(|digit| SUPERSCRIPTS.chars().nth(digit as usize))
        .collect();
    let sign = if exponent < 0 { "\u{207b}" } else { "" };
    format!("10{sign}{above}")
}

/// Ten to a power: as a number, or as a power where that is long.
fn power(exponent: f64) -> String {
    let whole = (exponent - exponent.round()).abs() < 1e-9;
    if whole && !(-3.5..=3.5).contains(&exponent) {
        return raised(exponent.round() as i32);
    }
    // Three digits are enough for a tick.
    let value = format!("{:.2e}", 10.0_f64.powf(exponent));
    value.parse().map(plain).unwrap_or(value)
}

/// The axes of a figure.
pub(super) struct Axes {
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Axes {
    /// Axes that hold all points and intervals. Ticks are at the measured values or at decades, and
    /// at round numbers upwards. Without points the axes are around zero.
    pub(super) fn fit(curves: &[Curve], scale: &Scale) -> Self {
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let mut places: Vec<f64> = points().map(|point| scale.place(point.x)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let first = places.first().copied().unwrap_or_default();
        let last = places.last().copied().unwrap_or_default();
        let margin = match scale {
            Scale::Categories(_) => 0.5,
            _ if last > first => 0.06 * (last - first),
            _ => 1.0,
        };

        let ends = |point: &Point| point.interval_db.unwrap_or((point.mean_db, point.mean_db));
        let low = points().map(|point| ends(point).0.min(point.mean_db));
        let low = low.reduce(f64::min).unwrap_or_default();
        let high = points().map(|point| ends(point).1.max(point.mean_db));
        let high = high.reduce(f64::max).unwrap_or_default();
        // Parts of a decibel only where there are a few of them.
        let steps = [
            (0.1, 5.0),
            (0.2, 5.0),
            (0.5, 5.0),
            (1.0, 9.0),
            (2.0, 9.0),
            (5.0, 9.0),
            (10.0, 9.0),
            (20.0, 9.0),
        ];
        let fits = |(step, most): &(f64, f64)| (high - low) / step <= *most;
        let step = steps.into_iter().find(fits).map_or(50.0, |(step, _)| step);
        let (bottom, top) = ((low / step).floor(), (high / step).floor() + 1.0);
        Self {
            x: Axis {
                range: (first - margin, last + margin),
                ticks: scale.ticks(&places),
            },
            y: Axis {
                range: (bottom * step, top * step),
                ticks: (bottom as i64..=top as i64)
                    .map(|tick| tick as f64 * step)
                    .collect(),
            },
        }
    }
}

/// A linear axis with given ticks.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) range: (f64, f64),
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let place = (value - self.range.0) / (self.range.1 - self.range.0);
        from + (place * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

impl ValueFormatter<f64> for Axis {
    /// With a minus sign and no needless decimals.
    fn format(value: &f64) -> String {
        plain(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::Style;
    use super::*;
    use crate::study::methods::Method;

    fn curves(points: Vec<Point>) -> Vec<Curve> {
        vec![Curve {
            label: String::new(),
            style: Style::from_method(Method::VbFusion),
            points,
        }]
    }

    #[test]
    fn axes_hold_all_points_and_intervals() {
        let curves = curves(vec![Point {
            x: -6.0,
            mean_db: -1.25,
            interval_db: Some((-2.5, 0.5)),
        }]);
        let axes = Axes::fit(&curves, &Scale::Linear);
        assert!(axes.x.range.0 < -6.0 && axes.x.range.1 > -6.0);
        assert!(axes.y.range.0 <= -2.5 && axes.y.range.1 >= 0.5);
        assert_eq!(axes.x.ticks, [-6.0]);
        assert_eq!(axes.y.ticks, [-3.0, -2.0, -1.0, 0.0, 1.0]);
        assert_eq!(Axis::format(&-3.0), "\u{2212}3");
    }

    #[test]
    fn numbers_keep_their_digits_however_small() {
        let texts = [0.0, -1.5, 2e-7, -0.000_05, 1.0 / 3.0, 1e6].map(plain);
        let expected = [
            "0",
            "\u{2212}1.5",
            "2·10⁻⁷",
            "\u{2212}5·10⁻⁵",
            "0.333333",
            "1000000",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn many_values_have_ticks_at_decades_and_few_their_own() {
        let texts = |values: &[f64]| {
            let point = |&x: &f64| Point {
                x,
                mean_db: 0.0,
                interval_db: None,
            };
            let axes = Axes::fit(&curves(values.iter().map(point).collect()), &Scale::Log);
            let ticks = axes.x.ticks.iter();
            ticks.map(|&tick| Scale::Log.tick(tick)).collect::<Vec<_>>()
        };
        assert_eq!(texts(&[5.0, 20.0, 200.0]), ["5", "20", "200"]);
        let many: Vec<f64> = (0..15).map(|i| 10.0_f64.powf(f64::from(i) / 2.0)).collect();
        let decades = ["1", "10", "100", "1000", "10⁴", "10⁵", "10⁶", "10⁷"];
        assert_eq!(texts(&many), decades);
        assert_eq!(power(-5.0), "10\u{207b}⁵");
    }
}

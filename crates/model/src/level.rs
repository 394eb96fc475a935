//! Temporary.
use crate::SourceModel;
/// a
pub const NOISE_DB: f64 = -70.0;
/// a
pub fn expected_power(sources: &[SourceModel]) -> f64 {
    let mean_order = |source: &SourceModel| {
        let components = source.orders().iter().map(|order| order.shape().0);
        components.sum::<usize>() as f64 / source.orders().len() as f64
    };
    sources.iter().map(mean_order).sum()
}
/// a
pub fn noise_variance(expected_power: f64, noise_db: f64) -> f64 {
    expected_power * 10_f64.powf(noise_db / 10.0)
}
/// a
pub fn gain(mean_power: f64, expected_power: f64) -> f64 {
    (expected_power / mean_power).sqrt()
}

//! GIG expectations against mpmath at 60 digits (`scripts/fixtures/gig_reference.py`).

use model::Gig;

/// The tables are good to 1e-13; the reference has 16 digits.
const RELATIVE: f64 = 1e-12;

struct Row {
    gamma: f64,
    rho: f64,
    tau: f64,
    mean: f64,
    harmonic: f64,
    log_normaliser: f64,
    tau_mean_inverse: f64,
}

fn rows() -> Vec<Row> {
    let mut lines = include_str!("fixtures/gig.csv").lines();
    assert_eq!(
        lines.next(),
        Some("gamma,rho,tau,mean,harmonic,log_normaliser,tau_mean_inverse")
    );
    lines
        .map(|line| {
            let fields: Vec<f64> = line.split(',').map(|f| f.parse().unwrap()).collect();
            let [
                gamma,
                rho,
                tau,
                mean,
                harmonic,
                log_normaliser,
                tau_mean_inverse,
            ] = fields[..]
            else {
                panic!("seven columns expected in {line:?}");
            };
            Row {
                gamma,
                rho,
                tau,
                mean,
                harmonic,
                log_normaliser,
                tau_mean_inverse,
            }
        })
        .collect()
}

fn assert_close(name: &str, row: &Row, value: f64, expected: f64, scale: f64) {
    assert!(
        (value - expected).abs() <= RELATIVE * scale,
        "{name}(gamma {}, rho {:e}, tau {:e}) = {value:e}, expected {expected:e}",
        row.gamma,
        row.rho,
        row.tau,
    );
}

#[test]
fn expectations_equal_mpmath_over_the_whole_range() {
    let mut gig = Gig::new(0.5).unwrap();
    let rows = rows();
    assert!(rows.len() > 1000);
    for row in &rows {
        if gig.shape().to_bits() != row.gamma.to_bits() {
            gig = Gig::new(row.gamma).unwrap();
        }
        let z = gig.expectations(row.rho, row.tau);
        assert_close("E[z]", row, z.mean, row.mean, row.mean);
        assert_close("1/E[1/z]", row, z.harmonic, row.harmonic, row.harmonic);
        let t = gig.tau_mean_inverse(row.rho, row.tau);
        assert_close(
            "tau E[1/z]",
            row,
            t,
            row.tau_mean_inverse,
            row.tau_mean_inverse,
        );
        // log Z passes through zero: relative to its largest term.
        let scale = row
            .log_normaliser
            .abs()
            .max(row.gamma * row.rho.ln().abs())
            .max(1.0);
        let log_z = gig.log_normaliser(row.rho, row.tau);
        assert_close("log Z", row, log_z, row.log_normaliser, scale);
    }
}

#[test]
fn a_component_being_switched_off_reaches_zero_smoothly() {
    let gig = Gig::new(0.2).unwrap();
    let mut last = f64::INFINITY;
    for exponent in 0..=323 {
        let tau: f64 = format!("1e-{exponent}").parse().unwrap();
        let harmonic = gig.expectations(3.0, tau).harmonic;
        assert!(harmonic < last && harmonic >= 0.0);
        last = harmonic;
    }
    assert!(gig.expectations(3.0, 0.0).harmonic.to_bits() == 0);
}

#[test]
fn shapes_outside_the_range_are_refused() {
    for shape in [0.0, -1.0, 1.0, 5.0, f64::NAN, f64::INFINITY] {
        assert!(Gig::new(shape).unwrap_err().to_string().contains("shape"));
    }
}

//! Table 1 as printed in the paper, to stand beside a run's own.

use crate::study::methods::Method;

/// The paper's columns, in dB.
pub(crate) const SNR_DB: [f64; 6] = [-6.0, -3.0, 0.0, 3.0, 6.0, 9.0];

/// A row of the paper's Table 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// SDR at each of [`SNR_DB`].
    pub(crate) sdr_db: [f64; 6],
    /// Their average, as printed.
    pub(crate) average_db: f64,
    /// Average computation time.
    pub(crate) milliseconds: f64,
}

/// The rows, as printed.
const ROWS: [(Method, Row); 4] = [
    (
        Method::VbSelection,
        Row::new([3.77, 4.36, 5.20, 5.72, 6.19, 6.40], 5.27, 172.7),
    ),
    (
        Method::VbFusion,
        Row::new([4.24, 4.90, 5.47, 6.14, 6.76, 7.21], 5.79, 60.8),
    ),
    (
        Method::OracleSelection,
        Row::new([4.35, 5.04, 5.69, 6.45, 7.14, 7.77], 6.07, 172.7),
    ),
    (
        Method::FusionByMean,
        Row::new([3.81, 4.57, 5.22, 5.91, 6.53, 7.04], 5.52, 172.7),
    ),
];

/// The row of a method; none for what the paper does not table.
pub(crate) fn row(method: Method) -> Option<Row> {
    let mut rows = ROWS.into_iter();
    rows.find(|(other, _)| *other == method).map(|(_, row)| row)
}

impl Row {
    const fn new(sdr_db: [f64; 6], average_db: f64, milliseconds: f64) -> Self {
        Self {
            sdr_db,
            average_db,
            milliseconds,
        }
    }

    /// The SDR at an SNR, if the paper has that column.
    pub(crate) fn at(&self, snr_db: f64) -> Option<f64> {
        let column = SNR_DB.iter().position(|&x| x.total_cmp(&snr_db).is_eq())?;
        Some(self.sdr_db[column])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_those_of_the_columns() {
        for (method, row) in ROWS {
            let average = row.sdr_db.iter().sum::<f64>() / 6.0;
            // Printed with two decimals, and so are the numbers averaged.
            assert!(
                (average - row.average_db).abs() <= 0.01,
                "{method:?}: {average}"
            );
        }
    }
}

//! Table 1 as printed in the paper, to stand beside a run's own.

use crate::method::Method;

/// The paper's columns, in dB.
pub const SNR_DB: [f64; 6] = [-6.0, -3.0, 0.0, 3.0, 6.0, 9.0];

/// A row of the paper's Table 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// SDR at each of [`SNR_DB`].
    pub sdr_db: [f64; 6],
    /// Their average, as printed.
    pub average_db: f64,
    /// Average computation time.
    pub milliseconds: f64,
}

/// The row of a method; none for what the paper does not table.
#[must_use]
pub fn row(method: Method) -> Option<Row> {
    let (sdr_db, average_db, milliseconds) = match method {
        Method::Single => return None,
        Method::VbSelection => ([3.77, 4.36, 5.20, 5.72, 6.19, 6.40], 5.27, 172.7),
        Method::VbFusion => ([4.24, 4.90, 5.47, 6.14, 6.76, 7.21], 5.79, 60.8),
        Method::OracleSelection => ([4.35, 5.04, 5.69, 6.45, 7.14, 7.77], 6.07, 172.7),
        Method::FusionByMean => ([3.81, 4.57, 5.22, 5.91, 6.53, 7.04], 5.52, 172.7),
    };
    Some(Row {
        sdr_db,
        average_db,
        milliseconds,
    })
}

impl Row {
    /// The SDR at an SNR, if the paper has that column.
    #[must_use]
    pub fn at(&self, snr_db: f64) -> Option<f64> {
        let column = SNR_DB.iter().position(|&x| x.total_cmp(&snr_db).is_eq())?;
        Some(self.sdr_db[column])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_those_of_the_columns() {
        for method in Method::TABLED {
            let row = row(method).unwrap();
            let average = row.sdr_db.iter().sum::<f64>() / 6.0;
            // Printed with two decimals, and so are the numbers averaged.
            assert!(
                (average - row.average_db).abs() <= 0.01,
                "{method}: {average}"
            );
        }
    }
}

//! The cells of an experiment: what is observed, independent of one another.

use crate::config::Config;

/// One observation: an order at generation and a signal-to-noise ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Ratio of the speaker's power to the background's.
    pub snr_db: f64,
    /// Position of the order at generation among the configured ones.
    pub order_index: usize,
    /// Components of the speaker's dictionary that draws the observation.
    pub true_order: usize,
}

impl Cell {
    /// Names the cell in random streams by what it is and not by its place, so that a part of a grid draws the same
    /// numbers as the whole.
    #[must_use]
    pub fn key(&self) -> [u64; 2] {
        // Adding zero turns -0 into 0.
        [(self.snr_db + 0.0).to_bits(), self.true_order as u64]
    }
}

/// All cells: every order at every signal-to-noise ratio, by ratio first.
#[must_use]
pub fn grid(config: &Config) -> Vec<Cell> {
    let orders = &config.training.orders;
    let at = |&snr_db: &f64| {
        orders
            .iter()
            .enumerate()
            .map(move |(order_index, &true_order)| Cell {
                snr_db,
                order_index,
                true_order,
            })
    };
    config.mixtures.snr_db.iter().flat_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_grid_has_42_cells_with_keys_of_their_own() {
        let cells = grid(&Config::default());
        assert_eq!(cells.len(), 42);
        let mut keys: Vec<_> = cells.iter().map(Cell::key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 42);
    }

    #[test]
    fn a_part_of_the_grid_keeps_its_keys() {
        let mut part = Config::default();
        part.mixtures.snr_db = vec![3.0, -0.0];
        part.training.orders = vec![8];
        let keys: Vec<_> = grid(&part).iter().map(Cell::key).collect();
        let whole: Vec<_> = grid(&Config::default()).iter().map(Cell::key).collect();
        assert!(keys.iter().all(|key| whole.contains(key)));
    }
}

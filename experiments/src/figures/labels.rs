//! Labels beside the ends of curves, moved apart where they would cover each other.

/// Places for labels that want to be at `wanted`, in any order, each `distance` from the next at
/// the least and within `range`, as near to where they want to be as that allows. Where there is
/// no room for that distance, they share what there is.
pub(super) fn spread(wanted: &[f64], distance: f64, range: (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let gaps = (wanted.len() as f64 - 1.0).max(1.0);
    let distance = distance.min((range.1 - range.0) / gaps);
    // Labels that touch form a block, whose middle is the mean of what they want.
    let mut blocks: Vec<Block> = Vec::new();
    for &index in &order {
        let mut block = Block {
            sum: wanted[index],
            count: 1.0,
        };
        while let Some(above) = blocks.pop_if(|above| {
            above.middle(range, distance) + 0.5 * distance * (above.count + block.count)
                > block.middle(range, distance)
        }) {
            block.sum += above.sum;
            block.count += above.count;
        }
        blocks.push(block);
    }
    let mut places = vec![0.0; wanted.len()];
    let mut labels = order.into_iter();
    for block in blocks {
        let first = block.middle(range, distance) - 0.5 * distance * (block.count - 1.0);
        for (position, index) in labels.by_ref().take(block.count as usize).enumerate() {
            places[index] = first + distance * position as f64;
        }
    }
    places
}

/// Labels that follow one another.
struct Block {
    sum: f64,
    count: f64,
}

impl Block {
    fn middle(&self, (low, high): (f64, f64), distance: f64) -> f64 {
        let half = 0.5 * distance * (self.count - 1.0);
        // Rounding may turn the ends round where a block fills the range.
        (self.sum / self.count).max(low + half).min(high - half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_room_stay() {
        assert_eq!(
            spread(&[5.0, 30.0, 18.0], 10.0, (0.0, 100.0)),
            [5.0, 30.0, 18.0]
        );
        assert!(spread(&[], 10.0, (0.0, 100.0)).is_empty());
    }

    #[test]
    fn labels_that_touch_move_apart_around_their_middle() {
        assert_eq!(spread(&[50.0, 50.0], 10.0, (0.0, 100.0)), [45.0, 55.0]);
        assert_eq!(
            spread(&[52.0, 50.0, 51.0], 10.0, (0.0, 100.0)),
            [61.0, 41.0, 51.0]
        );
        // A block that grows meets the next label.
        assert_eq!(
            spread(&[50.0, 50.0, 62.0], 10.0, (0.0, 100.0)),
            [44.0, 54.0, 64.0]
        );
    }

    #[test]
    fn labels_keep_their_distance_within_the_range() {
        let wanted = [-3.0, 0.0, 99.0, 98.0, 97.0, 40.0];
        let places = spread(&wanted, 10.0, (0.0, 100.0));
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(
            sorted
                .windows(2)
                .all(|pair| pair[1] - pair[0] > 10.0 - 1e-9)
        );
        assert!(sorted[0] >= 0.0 && sorted[5] <= 100.0);
        assert!((places[5] - 40.0).abs() < 1e-9, "{places:?}");
    }

    #[test]
    fn labels_without_room_share_it() {
        let places = spread(&[7.0; 11], 50.0, (0.0, 100.0));
        let even: Vec<f64> = (0..11).map(|place| f64::from(place) * 10.0).collect();
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(places.iter().zip(&even).all(is_near), "{places:?}");
    }
}

//! Packs of frames, one per bin, become packs of bins, one per frame.

use fearless_simd::prelude::*;

use super::super::pack::{Pack, Real, load, store};

/// Turns a square of packs: as many bins, and as many frames, as a pack has lanes.
#[inline(always)]
pub(super) fn turn<S: Simd, T: Real>(simd: S, bins: &[Pack<T>], frames: &mut [Pack<T>]) {
    // One of them, known when compiled: an array in registers needs its length as a constant.
    for (bins, frames) in bins.as_chunks().0.iter().zip(frames.as_chunks_mut().0) {
        if T::LANES == 8 {
            turn_square::<S, T, 8>(simd, bins, frames);
        }
    }
    for (bins, frames) in bins.as_chunks().0.iter().zip(frames.as_chunks_mut().0) {
        if T::LANES == 16 {
            turn_square::<S, T, 16>(simd, bins, frames);
        }
    }
}

/// The number of an entry is its bin's bits, then its frame's. To interleave bin `i` and bin
/// `i + LANES / 2` brings the leading bit to the end, so as many times as a lane has bits exchange
/// the two.
#[inline(always)]
fn turn_square<S: Simd, T: Real, const LANES: usize>(
    simd: S,
    bins: &[Pack<T>; LANES],
    frames: &mut [Pack<T>; LANES],
) {
    let mut packs = [T::constant(simd, 0.0); LANES];
    for i in 0..LANES {
        packs[i] = load(simd, &bins[i]);
    }
    for _ in 0..LANES.trailing_zeros() {
        let before = packs;
        for i in 0..LANES / 2 {
            (packs[2 * i], packs[2 * i + 1]) = before[i].interleave(before[i + LANES / 2]);
        }
    }
    for i in 0..LANES {
        store(packs[i], &mut frames[i]);
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    fn turns<T: Real>() {
        let entry = |bin: usize, frame: usize| T::from_f64((bin * T::LANES + frame) as f64);
        let mut bins = vec![Pack::<T>::ZERO; T::LANES];
        for (bin, pack) in bins.iter_mut().enumerate() {
            for (frame, value) in pack.0.as_mut().iter_mut().enumerate() {
                *value = entry(bin, frame);
            }
        }
        for level in [Level::new(), Level::baseline()] {
            let mut frames = vec![Pack::<T>::ZERO; T::LANES];
            dispatch!(level, simd => turn(simd, &bins, &mut frames));
            for (frame, pack) in frames.iter().enumerate() {
                let expected: Vec<T> = (0..T::LANES).map(|bin| entry(bin, frame)).collect();
                assert_eq!(pack.0.as_ref(), expected);
            }
        }
    }

    #[test]
    fn a_square_is_transposed() {
        turns::<f64>();
        turns::<f32>();
    }
}

//! The two companding laws of ITU-T G.711: 8 bits that stand for integers of 16.

/// Bits of a code: a sign, three of the segment, four of the step within it.
const SIGN: u8 = 0x80;

/// The 16-bit integer of a mu-law code (G.711, table 2): 14 bits, left-aligned.
pub(super) fn expand_mu_law(code: u8) -> i16 {
    // Added before compression, so that all segments are alike.
    const BIAS: i16 = 0x84;
    // All bits are sent inverted.
    let code = !code;
    let (segment, step) = parts(code);
    let magnitude = (((step << 3) + BIAS) << segment) - BIAS;
    match code & SIGN {
        0 => magnitude,
        _ => -magnitude,
    }
}

/// The 16-bit integer of an A-law code (G.711, table 1): 13 bits, left-aligned.
pub(super) fn expand_a_law(code: u8) -> i16 {
    // Every other bit is sent inverted.
    let code = code ^ 0x55;
    let (segment, step) = parts(code);
    // The middle of the step.
    let step = (step << 4) + 8;
    let magnitude = match segment {
        0 => step,
        _ => (step + 0x100) << (segment - 1),
    };
    match code & SIGN {
        0 => -magnitude,
        _ => magnitude,
    }
}

fn parts(code: u8) -> (u32, i16) {
    (u32::from(code >> 4 & 7), i16::from(code & 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends and segment borders of the decoder outputs in G.711's tables, scaled to 16 bits: by 4
    /// for mu-law's 14 bits, by 8 for A-law's 13.
    #[test]
    fn the_recommendations_tables_are_met() {
        for (code, value) in [(0x80, 8031), (0x8f, 4191), (0x9f, 2079), (0xff, 0)] {
            assert_eq!(expand_mu_law(code), 4 * value);
            assert_eq!(expand_mu_law(code & 0x7f), -4 * value);
        }
        for (code, value) in [(0xff, 4032), (0xf0, 2112), (0xef, 2016), (0x80, 1)] {
            assert_eq!(expand_a_law(code ^ 0x55), 8 * value);
            assert_eq!(expand_a_law(code ^ 0x55 ^ 0x80), -8 * value);
        }
    }
}

//! Guesses at what a misspelt word was meant to be.

/// How similar two words are at least, from 0 to 1, to be taken for each other: that of the command
/// line's own guesses.
const LEAST_SIMILARITY: f64 = 0.7;

/// The word that is most similar to a misspelt one, if one is similar enough.
pub(crate) fn closest<'a>(
    misspelt: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let similar = words.into_iter().map(|word| {
        let similarity = strsim::jaro(misspelt, word);
        (similarity, word)
    });
    let best = similar.fold(None, |best: Option<(f64, &str)>, next| match best {
        Some(best) if best.0 >= next.0 => Some(best),
        _ => Some(next),
    });
    best.filter(|best| best.0 > LEAST_SIMILARITY)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_words_are_found_and_others_are_not() {
        let words = ["iterations", "beta", "kappa", "snr_db"];
        for (misspelt, meant) in [
            ("iteratons", Some("iterations")),
            ("betta", Some("beta")),
            ("snr", Some("snr_db")),
            ("volume", None),
            ("", None),
        ] {
            assert_eq!(closest(misspelt, words), meant, "{misspelt}");
        }
    }
}

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

/// A list of words without their quotes, as a shell leaves it, with them; none for what is no such
/// list.
pub(crate) fn with_quotes(text: &str) -> Option<String> {
    let items = text.strip_prefix('[')?.strip_suffix(']')?.split(',');
    let quote = |item: &str| {
        let item = item.trim();
        let is_word =
            item.starts_with(char::is_alphabetic) && !item.contains(|it| "[]\"'".contains(it));
        is_word.then(|| format!("\"{item}\""))
    };
    let quoted: Vec<String> = items.map(quote).collect::<Option<_>>()?;
    Some(format!("[{}]", quoted.join(", ")))
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

    #[test]
    fn words_get_their_quotes_back_and_nothing_else_does() {
        let quoted = with_quotes("[a, b c,d_1]");
        assert_eq!(quoted.as_deref(), Some(r#"["a", "b c", "d_1"]"#));
        for other in ["", "a", "[a", "[]", "[a,]", "[1, a]", "['a', b]", "[[a]]"] {
            assert_eq!(with_quotes(other), None, "{other}");
        }
    }
}

//! The sentences of the Grid corpus: "bin green at a nine again".
//!
//! Source: Cooke, Barker, Cunningham, Shao (2006), "An audio-visual corpus for speech perception
//! and automatic speech recognition".

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt};
use thiserror::Error;

use crate::phone::Phone::{self, *};

/// A word: its character in the code, its spelling and its sounds.
struct Word {
    code: u8,
    text: &'static str,
    phones: &'static [Phone],
}

const fn word(code: u8, text: &'static str, phones: &'static [Phone]) -> Word {
    Word { code, text, phones }
}

/// The words for each of the six places of a sentence, in the pronunciation of southern England.
const GRAMMAR: [&[Word]; Sentence::WORDS] = [
    &[
        word(b'b', "bin", &[B, Ih, N]),
        word(b'l', "lay", &[L, Ey]),
        word(b'p', "place", &[P, L, Ey, S]),
        word(b's', "set", &[S, Eh, T]),
    ],
    &[
        word(b'b', "blue", &[B, L, Uw]),
        word(b'g', "green", &[G, R, Iy, N]),
        word(b'r', "red", &[R, Eh, D]),
        word(b'w', "white", &[W, Ay, T]),
    ],
    &[
        word(b'a', "at", &[Ae, T]),
        word(b'b', "by", &[B, Ay]),
        word(b'i', "in", &[Ih, N]),
        word(b'w', "with", &[W, Ih, Dh]),
    ],
    &[
        word(b'a', "a", &[Ey]),
        word(b'b', "b", &[B, Iy]),
        word(b'c', "c", &[S, Iy]),
        word(b'd', "d", &[D, Iy]),
        word(b'e', "e", &[Iy]),
        word(b'f', "f", &[Eh, F]),
        word(b'g', "g", &[Jh, Iy]),
        word(b'h', "h", &[Ey, Ch]),
        word(b'i', "i", &[Ay]),
        word(b'j', "j", &[Jh, Ey]),
        word(b'k', "k", &[K, Ey]),
        word(b'l', "l", &[Eh, L]),
        word(b'm', "m", &[Eh, M]),
        word(b'n', "n", &[Eh, N]),
        word(b'o', "o", &[Ow]),
        word(b'p', "p", &[P, Iy]),
        word(b'q', "q", &[K, Y, Uw]),
        word(b'r', "r", &[Aa]),
        word(b's', "s", &[Eh, S]),
        word(b't', "t", &[T, Iy]),
        word(b'u', "u", &[Y, Uw]),
        word(b'v', "v", &[V, Iy]),
        word(b'x', "x", &[Eh, K, S]),
        word(b'y', "y", &[W, Ay]),
        word(b'z', "z", &[Z, Eh, D]),
    ],
    &[
        word(b'z', "zero", &[Z, Ih, R, Ow]),
        word(b'1', "one", &[W, Ah, N]),
        word(b'2', "two", &[T, Uw]),
        word(b'3', "three", &[Th, R, Iy]),
        word(b'4', "four", &[F, Ao]),
        word(b'5', "five", &[F, Ay, V]),
        word(b'6', "six", &[S, Ih, K, S]),
        word(b'7', "seven", &[S, Eh, V, Ax, N]),
        word(b'8', "eight", &[Ey, T]),
        word(b'9', "nine", &[N, Ay, N]),
    ],
    &[
        word(b'a', "again", &[Ax, G, Eh, N]),
        word(b'n', "now", &[N, Aw]),
        word(b'p', "please", &[P, L, Iy, Z]),
        word(b's', "soon", &[S, Uw, N]),
    ],
];

/// The names of the six places in error messages.
const PLACES: [&str; Sentence::WORDS] = [
    "command",
    "colour",
    "preposition",
    "letter",
    "digit",
    "adverb",
];

/// A sentence of six words: command, colour, preposition, letter, digit, adverb.
///
/// A sentence is displayed as its words. It is parsed from its words, or from the six-character
/// code that names the files of the corpus.
///
/// ```
/// use synth::Sentence;
///
/// let sentence: Sentence = "bgaa9a".parse()?;
/// assert_eq!(sentence.to_string(), "bin green at a nine again");
/// assert_eq!(sentence.code(), "bgaa9a");
/// assert_eq!("bin green at a nine again".parse(), Ok(sentence));
/// # Ok::<(), synth::SentenceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sentence {
    /// Index of the word in each place.
    choices: [u8; Sentence::WORDS],
}

/// Why a text is not a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SentenceError {
    /// Neither six words nor one code of six characters.
    #[error("`{text}` is neither six words nor a code of six characters such as `bgaa9a`")]
    Length {
        /// The text.
        text: String,
    },
    /// A word, or a character of the code, is not allowed in its place.
    #[error("`{word}` is no {place}: expected one of {expected}")]
    Word {
        /// The word or character.
        word: String,
        /// The place: command, colour, preposition, letter, digit or adverb.
        place: &'static str,
        /// Everything that is allowed there.
        expected: String,
    },
}

impl Sentence {
    /// Number of words in a sentence.
    pub const WORDS: usize = 6;
    /// Number of different sentences: 4 commands x 4 colours x 4 prepositions x 25 letters (no w) x
    /// 10 digits x 4 adverbs.
    pub const COUNT: u32 = 64_000;

    /// The sentence at an index of the list of all [`COUNT`](Self::COUNT) sentences. From there on
    /// the list starts again.
    pub fn from_index(index: u32) -> Self {
        let mut rest = index % Self::COUNT;
        let mut choices = [0; Self::WORDS];
        for (choice, words) in choices.iter_mut().zip(GRAMMAR).rev() {
            let radix = words.len() as u32;
            *choice = (rest % radix) as u8;
            rest /= radix;
        }
        Self { choices }
    }

    /// The index of this sentence in the list of all sentences, below [`COUNT`](Self::COUNT).
    pub fn index(&self) -> u32 {
        self.choices
            .iter()
            .zip(GRAMMAR)
            .fold(0, |index, (&choice, words)| {
                index * words.len() as u32 + u32::from(choice)
            })
    }

    /// The six-character code of this sentence, such as `bgaa9a`.
    pub fn code(&self) -> String {
        self.chosen().map(|word| char::from(word.code)).collect()
    }

    /// The six words of this sentence.
    pub fn words(&self) -> [&'static str; Self::WORDS] {
        std::array::from_fn(|place| self.word(place).text)
    }

    /// The sounds of each of the six words.
    pub(crate) fn phones(&self) -> [&'static [Phone]; Self::WORDS] {
        std::array::from_fn(|place| self.word(place).phones)
    }

    fn word(&self, place: usize) -> &'static Word {
        &GRAMMAR[place][usize::from(self.choices[place])]
    }

    fn chosen(&self) -> impl Iterator<Item = &'static Word> {
        (0..Self::WORDS).map(|place| self.word(place))
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

impl FromStr for Sentence {
    type Err = SentenceError;

    fn from_str(text: &str) -> Result<Self, SentenceError> {
        let length_error = || SentenceError::Length {
            text: text.to_owned(),
        };
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        let (parts, is_code) = match words.len() {
            1 => (characters.iter().map(String::as_str).collect(), true),
            _ => (words, false),
        };
        let parts: [&str; Self::WORDS] = parts.try_into().map_err(|_| length_error())?;

        let name = |word: &Word| {
            if is_code {
                char::from(word.code).to_string()
            } else {
                word.text.to_owned()
            }
        };
        let mut choices = [0; Self::WORDS];
        for (place, part) in parts.into_iter().enumerate() {
            let found = GRAMMAR[place].iter().position(|word| name(word) == part);
            let Some(choice) = found else {
                return Err(SentenceError::Word {
                    word: part.to_owned(),
                    place: PLACES[place],
                    expected: GRAMMAR[place]
                        .iter()
                        .map(name)
                        .collect::<Vec<_>>()
                        .join(", "),
                });
            };
            choices[place] = choice as u8;
        }
        Ok(Self { choices })
    }
}

/// All sentences in a random order without repetition. Each can be found without those before it.
///
/// A Feistel network over 16 bits, with four random tables as its rounds, permutes the numbers
/// below 65 536. A result past the last sentence is sent through the network again, which leaves a
/// permutation of the sentences.
#[derive(Debug, Clone)]
pub(crate) struct SentenceOrder {
    rounds: [[u8; 256]; 4],
}

impl SentenceOrder {
    /// Draws an order.
    pub(crate) fn new(rng: &mut impl Rng) -> Self {
        let mut rounds = [[0; 256]; 4];
        for table in &mut rounds {
            for entry in table {
                *entry = rng.random();
            }
        }
        Self { rounds }
    }

    /// The sentence at a place in this order. From [`Sentence::COUNT`] on the order starts again.
    pub(crate) fn sentence(&self, place: u64) -> Sentence {
        let mut index = (place % u64::from(Sentence::COUNT)) as u32;
        loop {
            index = self.permute(index);
            if index < Sentence::COUNT {
                return Sentence::from_index(index);
            }
        }
    }

    fn permute(&self, index: u32) -> u32 {
        let [mut left, mut right] = [(index >> 8) as u8, index as u8];
        for table in &self.rounds {
            (left, right) = (right, left ^ table[usize::from(right)]);
        }
        u32::from(left) << 8 | u32::from(right)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::stream::stream;

    #[test]
    fn all_sentences_round_trip() {
        let mut codes = HashSet::new();
        for index in 0..Sentence::COUNT {
            let sentence = Sentence::from_index(index);
            assert_eq!(sentence.index(), index);
            let code = sentence.code();
            assert_eq!(code.parse(), Ok(sentence));
            assert!(codes.insert(code));
            if index % 97 == 0 {
                assert_eq!(sentence.to_string().parse(), Ok(sentence));
            }
        }
    }

    #[test]
    fn grammar_has_its_51_words_and_no_w() {
        let words: Vec<&Word> = GRAMMAR.iter().copied().flatten().collect();
        assert_eq!(words.len(), 51);
        assert_eq!(
            GRAMMAR
                .iter()
                .map(|words| words.len() as u32)
                .product::<u32>(),
            Sentence::COUNT
        );
        assert!(GRAMMAR[3].iter().all(|word| word.text != "w"));
        for places in GRAMMAR {
            let codes: HashSet<u8> = places.iter().map(|word| word.code).collect();
            assert_eq!(codes.len(), places.len());
        }
    }

    #[test]
    fn every_word_has_a_vowel() {
        for word in GRAMMAR.iter().copied().flatten() {
            assert!(
                word.phones.iter().any(|phone| phone.is_vowel()),
                "{}",
                word.text
            );
        }
    }

    #[test]
    fn order_repeats_nothing() {
        let order = SentenceOrder::new(&mut stream(1, "test", &[]));
        let seen: HashSet<Sentence> = (0..u64::from(Sentence::COUNT))
            .map(|place| order.sentence(place))
            .collect();
        assert_eq!(seen.len(), Sentence::COUNT as usize);
        assert_eq!(
            order.sentence(5),
            order.sentence(5 + u64::from(Sentence::COUNT))
        );
        let other = SentenceOrder::new(&mut stream(2, "test", &[]));
        assert_ne!(order.sentence(0), other.sentence(0));
    }

    #[test]
    fn every_place_varies_from_the_start() {
        // In a good permutation the digits are about equally frequent from the beginning.
        let order = SentenceOrder::new(&mut stream(3, "test", &[]));
        let mut counts = [0; 10];
        for place in 0..1000 {
            counts[usize::from(order.sentence(place).choices[4])] += 1;
        }
        assert!(
            counts.iter().all(|&count| (60..=140).contains(&count)),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn texts_are_sentences_or_errors(
            text in "[a-z0-9 ]{0,8}|\\PC{6}|(bin|x) (blue|red) (at|by) [a-z] (one|two) now",
        ) {
            if let Ok(sentence) = text.parse::<Sentence>() {
                prop_assert!(text == sentence.code() || text == sentence.to_string());
            }
        }
    }

    #[test]
    fn wrong_texts_are_explained() {
        let error = |text: &str| text.parse::<Sentence>().unwrap_err();
        assert_eq!(
            error("bgaa9"),
            SentenceError::Length {
                text: "bgaa9".into()
            }
        );
        assert!(matches!(error(""), SentenceError::Length { .. }));
        assert!(matches!(
            error("bgaw9a"),
            SentenceError::Word {
                place: "letter",
                ..
            }
        ));
        assert_eq!(
            error("bin green at a nine today").to_string(),
            "`today` is no adverb: expected one of again, now, please, soon"
        );
        assert!(matches!(error("bgaé9a"), SentenceError::Word { .. }));
    }
}

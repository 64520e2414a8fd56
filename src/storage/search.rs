//! Search in lists: by which words an entry is found. One rule for lists in memory and for the
//! index of storage: each word that is searched for begins a word of the entry.

use std::collections::BTreeSet;

/// Most words of a search, and most characters of one; what is longer is cut.
pub const SEARCHED_WORDS_MAX: usize = 8;
pub const WORD_CHARS_MAX: usize = 64;
/// To where entries of long lists are counted.
pub const COUNT_MAX: usize = 10_000;

/// What is searched for: nothing finds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

/// Which part of a list by id is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    pub search: &'a Search,
    /// Entries whose id is greater.
    pub after_id: &'a str,
    /// At most so many.
    pub limit: usize,
}

/// A part of a list, and how many entries match in all, counted to [`COUNT_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    pub entries: Vec<T>,
    pub total_count: usize,
}

impl<T> Counted<T> {
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Counted<U> {
        let entries = self.entries.into_iter().map(each).collect();
        Counted { entries, total_count: self.total_count }
    }
}

impl Search {
    pub fn new(text: &str) -> Search {
        let mut words: Vec<String> = words(text).collect();
        // A word that begins another one finds nothing that the other does not.
        words.sort_unstable();
        words.dedup_by(|longer, word| {
            let is_beginning = longer.starts_with(word.as_str());
            if is_beginning {
                std::mem::swap(longer, word);
            }
            is_beginning
        });
        words.truncate(SEARCHED_WORDS_MAX);
        Search { words }
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether an entry with these texts is found.
    pub fn matches<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        if self.is_empty() {
            return true;
        }
        let found: Vec<String> = texts.into_iter().flat_map(words).collect();
        self.words.iter().all(|word| found.iter().any(|it| it.starts_with(word.as_str())))
    }
}

/// The words that an entry with these texts is found by, as an index keeps them.
pub fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().flat_map(words).collect()
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|character: char| !character.is_alphanumeric());
    let lower = |run: &str| {
        run.chars().flat_map(char::to_lowercase).take(WORD_CHARS_MAX).collect::<String>()
    };
    runs.filter(|run| !run.is_empty()).map(lower)
}

/// The least text that does not begin with `word` and is greater; none if there is none.
pub fn after_all_with(word: &str) -> Option<String> {
    let mut characters: Vec<char> = word.chars().collect();
    while let Some(last) = characters.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, entry: &[&str]) -> bool {
        Search::new(text).matches(entry.iter().copied())
    }

    #[test]
    fn each_word_begins_a_word_of_the_entry() {
        let ada = ["u-1015", "Ada Lovelace", "ada@example.com"];
        for text in ["", " ", "@", "ada", "ADA", "love ada", "example", "u-10", "1015", "lov, ad"] {
            assert!(finds(text, &ada), "{text}");
        }
        for text in ["da", "ada b", "loveless", "015", "u-1016"] {
            assert!(!finds(text, &ada), "{text}");
        }
        assert!(finds("straße", &["STRAßE 3"]) && finds("äß", &["Äß"]));
    }

    #[test]
    fn words_are_bounded() {
        let long = "x".repeat(500);
        assert!(finds(&long, &[&long]) && finds(&long[..70], &[&long]));
        let search = Search::new("a ab abc b a bc");
        assert_eq!(search.words(), ["abc", "bc"]);
        let many: String = (0..100).map(|number| format!("w{number} ")).collect();
        assert_eq!(words_of([many.as_str()]).len(), 100);
        assert_eq!(Search::new(&many).words().len(), SEARCHED_WORDS_MAX);
    }

    #[test]
    fn what_begins_with_a_word_lies_before_its_end() {
        for (word, end) in [("ada", "adb"), ("a\u{10ffff}", "b"), ("\u{d7ff}", "\u{e000}")] {
            assert_eq!(after_all_with(word).as_deref(), Some(end));
        }
        assert_eq!(after_all_with("\u{10ffff}"), None);
    }
}

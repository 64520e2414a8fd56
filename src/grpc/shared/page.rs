//! Pages of lists: sizes, and opaque tokens that are bound to the list and its filter.
//!
//! A token is the position of the last entry that was sent, so that entries that come and go
//! neither repeat nor hide others.

use std::fmt::Write;

use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

use super::decode::{Decoded, Decoder, decode};
use crate::domain::Time;
use crate::limits::PAGE_BYTES_MAX;
use crate::storage::search::{Listing, Search};

pub const PAGE_SIZE_DEFAULT: usize = 100;
pub const PAGE_SIZE_MAX: usize = 1_000;
/// What an entry takes in the message of its page beside itself: tag and length.
const AROUND_ENTRY_BYTES: usize = 8;
/// Form of the tokens; another one is refused.
const VERSION: &str = "1";
/// Longest token that is looked at, in characters: far more than any position needs.
const TOKEN_CHARS_MAX: usize = 4_096;

/// Which part of a list is requested.
pub struct Page {
    size: usize,
    /// Position of the last entry of the previous page.
    after: Option<String>,
    filter: u64,
}

/// A page of a list of a workspace that has no other filter.
pub fn workspace_page(
    list: &str,
    workspace_id: &str,
    page_size: i32,
    page_token: &str,
) -> Decoded<Page> {
    decode(|at| {
        at.workspace_id(workspace_id);
        Some(at.page(&[list, workspace_id], page_size, page_token))
    })
}

impl Decoder<'_> {
    /// The fields `page_size` and `page_token`. `filter` names the list and everything that a token
    /// depends on.
    pub fn page(self, filter: &[&str], page_size: i32, page_token: &str) -> Page {
        let size = match usize::try_from(page_size) {
            Ok(0) => PAGE_SIZE_DEFAULT,
            Ok(size) => size.min(PAGE_SIZE_MAX),
            Err(_) => {
                self.field("page_size").refuse("expected 0 or more");
                PAGE_SIZE_DEFAULT
            }
        };
        let filter = hash(filter);
        let after = (!page_token.is_empty()).then(|| position(page_token, filter));
        if after == Some(None) {
            self.refuse_token();
        }
        Page { size, after: after.flatten(), filter }
    }

    fn refuse_token(self) {
        let expected = "expected next_page_token of the page before, with the same filter";
        self.field("page_token").refuse(expected);
    }
}

impl Page {
    /// The position after which to go on, as [`Page::cut`] wrote it.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// This part of a list by id.
    pub fn listing<'a>(&'a self, search: &'a Search) -> Listing<'a> {
        Listing { search, after_id: self.after().unwrap_or_default(), limit: self.fetch() }
    }

    /// The same as a position of the list, which `parse` reads; `at` decodes the request.
    pub fn after_parsed<T>(
        &self,
        at: Decoder<'_>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(self.after.as_deref()?);
        if parsed.is_none() {
            at.refuse_token();
        }
        parsed
    }

    /// Keeps the entries of a whole list that come after the previous page.
    pub fn keep_after<T>(&self, entries: &mut Vec<T>, id: impl Fn(&T) -> &str) {
        entries.retain(|entry| self.after().is_none_or(|after| id(entry) > after));
    }

    /// How many entries to fetch: one more than are sent, to see whether others follow.
    pub fn fetch(&self) -> usize {
        self.size + 1
    }

    /// Cuts what was fetched to the page, also where its entries are large: to what fits into the
    /// bytes of a page, and at least one. Returns it with the token of the next one, empty at the
    /// end.
    pub fn cut<T, M: Message>(
        &self,
        entries: impl IntoIterator<Item = T>,
        position: impl Fn(&T) -> String,
        to_proto: impl FnMut(T) -> M,
    ) -> (Vec<M>, String) {
        self.cut_to_bytes(PAGE_BYTES_MAX, entries, position, to_proto)
    }

    fn cut_to_bytes<T, M: Message>(
        &self,
        bytes_max: usize,
        entries: impl IntoIterator<Item = T>,
        position: impl Fn(&T) -> String,
        mut to_proto: impl FnMut(T) -> M,
    ) -> (Vec<M>, String) {
        let mut page = Vec::new();
        let mut last = String::new();
        let mut total = 0;
        for entry in entries {
            if page.len() == self.size {
                return (page, self.token(&last));
            }
            let at = position(&entry);
            let message = to_proto(entry);
            total += message.encoded_len() + AROUND_ENTRY_BYTES;
            if total > bytes_max && !page.is_empty() {
                return (page, self.token(&last));
            }
            page.push(message);
            last = at;
        }
        (page, String::new())
    }

    /// The token of the page after a position.
    pub fn token(&self, position: &str) -> String {
        to_hex(&format!("{VERSION}.{:016x}.{position}", self.filter))
    }
}

/// A number of entries.
pub fn to_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Position in a list by time, then by id.
pub type TimePosition = (Time, String);

pub fn time_position(time: Time, id: &str) -> String {
    format!("{}.{id}", time.micros())
}

pub fn parse_time_position(text: &str) -> Option<TimePosition> {
    let (micros, id) = text.split_once('.')?;
    Some((Time::from_micros(micros.parse().ok()?), id.to_owned()))
}

fn hash(parts: &[&str]) -> u64 {
    let mut text = String::new();
    for part in parts {
        // With its length, so that parts cannot run into one another.
        let _ = write!(text, "{}:{part}", part.len());
    }
    xxh3_64(text.as_bytes())
}

fn position(token: &str, filter: u64) -> Option<String> {
    let text = from_hex(token)?;
    let (version, rest) = text.split_once('.')?;
    let (bound_to, position) = rest.split_once('.')?;
    let is_ours = version == VERSION && u64::from_str_radix(bound_to, 16) == Ok(filter);
    is_ours.then(|| position.to_owned())
}

fn to_hex(text: &str) -> String {
    let mut hex = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn from_hex(hex: &str) -> Option<String> {
    if hex.len() > TOKEN_CHARS_MAX || !hex.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    for pair in hex.as_bytes().chunks(2) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(filter: &[&str], size: i32, token: &str) -> Decoded<Page> {
        decode(|at| Some(at.page(filter, size, token)))
    }

    #[test]
    fn sizes_have_a_default_and_a_bound() {
        for (size, expected) in [(0, 101), (1, 2), (1_000, 1_001), (5_000, 1_001)] {
            assert_eq!(read(&["list"], size, "").unwrap().fetch(), expected);
        }
        assert!(read(&["list"], -1, "").is_err());
    }

    #[test]
    fn a_token_goes_on_where_the_page_ended() {
        let page = read(&["list", "acme"], 2, "").unwrap();
        let cut = |entries: &[&str]| {
            page.cut(entries.to_vec(), |last| format!("at {last}"), |entry| entry.to_owned())
        };
        let (entries, token) = cut(&["a", "b", "c"]);
        assert_eq!(entries, ["a", "b"]);
        assert_eq!(read(&["list", "acme"], 2, &token).unwrap().after(), Some("at b"));
        assert_eq!(cut(&["a", "b"]), (entries, String::new()));
    }

    #[test]
    fn a_page_of_large_entries_is_shorter() {
        let page = read(&["list"], 3, "").unwrap();
        // A text of n bytes is a message of n + 2.
        let of = |bytes: usize| bytes + 2 + AROUND_ENTRY_BYTES;
        let cut = |bytes_max: usize, entries: &[&str]| {
            let position = |last: &&str| (*last).to_owned();
            let to_proto = |entry: &str| entry.to_owned();
            let (cut, token) = page.cut_to_bytes(bytes_max, entries.to_vec(), position, to_proto);
            let next = read(&["list"], 3, &token).unwrap();
            (cut.join(" "), next.after().unwrap_or_default().to_owned())
        };
        let all = ["aaaa", "bb", "c", "d"];
        let shown = |page: &str, next: &str| (page.to_owned(), next.to_owned());
        assert_eq!(cut(1_000, &all), shown("aaaa bb c", "c"));
        assert_eq!(cut(of(4) + of(2), &all), shown("aaaa bb", "bb"));
        assert_eq!(cut(of(4) + of(2) - 1, &all), shown("aaaa", "aaaa"));
        assert_eq!(cut(1, &all), shown("aaaa", "aaaa"));
        assert_eq!(cut(1, &["aaaa"]), shown("aaaa", ""));
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let page = read(&["list", "acme"], 1, "").unwrap();
        let token = page.cut([1, 2], |_| "1".to_owned(), |entry| entry).1;
        for (filter, token) in [
            (["list", "other"], token.as_str()),
            (["other", "acme"], token.as_str()),
            (["lista", "cme"], token.as_str()),
            (["list", "acme"], "zz"),
            (["list", "acme"], "é1"),
            (["list", "acme"], "123"),
            (["list", "acme"], &"00".repeat(10_000)),
            (["list", "acme"], &to_hex("2.0.1")),
        ] {
            assert!(read(&filter, 1, token).is_err(), "{filter:?} {token}");
        }
    }
}

//! Pages of lists: sizes, and opaque tokens that are bound to the list and its filter.
//!
//! A token is the position of the last entry that was sent, so that entries that come and go
//! neither repeat nor hide others.

use std::fmt::Write;

use xxhash_rust::xxh3::xxh3_64;

use super::decode::{Decoded, Decoder, decode};
use crate::domain::Time;

pub const PAGE_SIZE_DEFAULT: usize = 100;
pub const PAGE_SIZE_MAX: usize = 1_000;
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

    /// Cuts what was fetched to the page; returns the token of the next one, empty at the end.
    pub fn cut<T>(&self, entries: &mut Vec<T>, position: impl FnOnce(&T) -> String) -> String {
        self.cut_at(self.size, entries, position)
    }

    /// The same where single entries may be large: to what fits into `bytes_max`, and at least one.
    pub fn cut_to_bytes<T>(
        &self,
        bytes_max: usize,
        bytes: impl Fn(&T) -> usize,
        entries: &mut Vec<T>,
        position: impl FnOnce(&T) -> String,
    ) -> String {
        let mut total = 0;
        let fits = |entry: &&T| {
            total += bytes(entry);
            total <= bytes_max
        };
        let count = entries.iter().take_while(fits).count();
        self.cut_at(self.size.min(count.max(1)), entries, position)
    }

    fn cut_at<T>(
        &self,
        size: usize,
        entries: &mut Vec<T>,
        position: impl FnOnce(&T) -> String,
    ) -> String {
        if entries.len() <= size {
            return String::new();
        }
        entries.truncate(size);
        let last = entries.last().expect("a page has at least one entry");
        let text = format!("{VERSION}.{:016x}.{}", self.filter, position(last));
        to_hex(&text)
    }
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
        let mut entries = vec!["a", "b", "c"];
        let token = page.cut(&mut entries, |last| format!("at {last}"));
        assert_eq!(entries, ["a", "b"]);
        assert_eq!(read(&["list", "acme"], 2, &token).unwrap().after(), Some("at b"));
        assert_eq!(page.cut(&mut entries, |_| unreachable!()), "");
    }

    #[test]
    fn a_page_of_large_entries_is_shorter() {
        let page = read(&["list"], 3, "").unwrap();
        let cut = |bytes_max: usize| {
            let mut entries = vec!["aaaa", "bb", "c", "d"];
            let token =
                page.cut_to_bytes(bytes_max, |e| e.len(), &mut entries, |last| last.to_string());
            (entries, read(&["list"], 3, &token).unwrap().after().map(str::to_owned))
        };
        assert_eq!(cut(100), (vec!["aaaa", "bb", "c"], Some("c".to_owned())));
        assert_eq!(cut(6), (vec!["aaaa", "bb"], Some("bb".to_owned())));
        assert_eq!(cut(1), (vec!["aaaa"], Some("aaaa".to_owned())));
        let mut last = vec!["aaaa"];
        assert_eq!(page.cut_to_bytes(1, |e| e.len(), &mut last, |_| unreachable!()), "");
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let page = read(&["list", "acme"], 1, "").unwrap();
        let token = page.cut(&mut vec![1, 2], |_| "1".to_owned());
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

//! Texts of requests: bounded in characters, without control characters.
//!
//! Control characters are refused everywhere: no id or name has them, logs and terminals
//! suffer from them, and Postgres cannot store all of them.

use std::ops::RangeInclusive;

use super::decode::{Decoded, Decoder, decode};
use crate::domain::attribution::{VISIBLE, is_visible};
use crate::domain::check::REQUEST_ID_CHARS_MAX;
use crate::storage::search::Search;

pub const WORKSPACE_ID_CHARS_MAX: usize = 63;
pub const MODEL_ID_CHARS_MAX: usize = 256;
pub const DISPLAY_NAME_CHARS_MAX: usize = 200;
pub const PROVIDER_CHARS_MAX: usize = 128;
pub const CAPABILITY_CHARS_MAX: usize = 64;
pub const ATTRIBUTION_CHARS_MAX: usize = 128;
/// Of quotas, rate limits, keys, groups and boosts.
pub const RESOURCE_ID_CHARS_MAX: usize = 128;
pub const TAG_KEY_CHARS_MAX: usize = 64;
pub const TAG_VALUE_CHARS_MAX: usize = 128;
/// Of what is searched for.
pub const QUERY_CHARS_MAX: usize = 200;

/// The workspace of a request that names nothing else.
pub fn workspace(id: &str) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(id);
        Some(())
    })
}

/// Workspace and id of a resource; `field` is that of the id.
pub fn resource(workspace_id: &str, field: &'static str, id: &str) -> Decoded<()> {
    decode(|at| {
        at.workspace_id(workspace_id);
        at.field(field).resource_id(id);
        Some(())
    })
}

/// Nothing if it is empty.
pub fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl Decoder<'_> {
    /// Checks a text against the number of characters it may have. Whether it is within it.
    pub fn text(self, text: &str, chars: RangeInclusive<usize>) -> bool {
        let is_absent = text.is_empty() && *chars.start() == 0;
        if is_absent || is_text(text, &chars) {
            return true;
        }
        let (min, max) = chars.into_inner();
        let count = if min == 0 { format!("at most {max}") } else { format!("{min} to {max}") };
        self.refuse(format!("expected {count} characters without control characters"));
        false
    }

    /// The field `workspace_id` of an existing workspace: any text that could be an id, so that an
    /// unknown one is not found.
    pub fn workspace_id(self, id: &str) {
        self.field("workspace_id").text(id, 1..=WORKSPACE_ID_CHARS_MAX);
    }

    /// The field `request_id`.
    pub fn request_id(self, id: &str) {
        self.field("request_id").text(id, 1..=REQUEST_ID_CHARS_MAX);
    }

    /// The field `request_id` of a request that begins.
    pub fn new_request_id(self, id: &str) {
        let at = self.field("request_id");
        if at.text(id, 1..=REQUEST_ID_CHARS_MAX) {
            at.visible(id);
        }
    }

    /// The field `query`: what is searched for.
    pub fn search(self, query: &str) -> Search {
        self.field("query").text(query, 0..=QUERY_CHARS_MAX);
        Search::new(query)
    }

    /// The field `display_name`.
    pub fn display_name(self, name: &str) {
        self.field("display_name").text(name, 0..=DISPLAY_NAME_CHARS_MAX);
    }

    pub fn model_id(self, id: &str) {
        self.text(id, 1..=MODEL_ID_CHARS_MAX);
    }

    pub fn optional_model_id(self, id: &str) {
        self.text(id, 0..=MODEL_ID_CHARS_MAX);
    }

    /// A model's name that is chosen now: without spaces, too.
    pub fn new_model_id(self, id: &str) {
        if !is_text(id, &(1..=MODEL_ID_CHARS_MAX)) || id.contains(char::is_whitespace) {
            self.refuse(format!(
                "expected 1 to {MODEL_ID_CHARS_MAX} characters without spaces or control characters"
            ));
        } else {
            self.visible(id);
        }
    }

    pub fn resource_id(self, id: &str) {
        self.text(id, 1..=RESOURCE_ID_CHARS_MAX);
    }

    /// An id that is chosen now, or none for one that is made: it can be seen as it is.
    pub fn optional_new_id(self, id: &str) {
        if !id.is_empty() {
            self.new_resource_id(id);
        }
    }

    /// An id that is chosen now.
    pub fn new_resource_id(self, id: &str) {
        if self.text(id, 1..=RESOURCE_ID_CHARS_MAX) {
            self.visible(id);
        }
    }

    /// Refuses a text that is chosen now and does not show what it is. Those that are in use
    /// already stay so.
    pub fn visible(self, text: &str) {
        self.ensure(is_visible(text), VISIBLE);
    }

    pub fn optional_resource_id(self, id: &str) {
        self.text(id, 0..=RESOURCE_ID_CHARS_MAX);
    }

    /// An id as attributions have it.
    pub fn attribution_id(self, id: &str) {
        self.text(id, 1..=ATTRIBUTION_CHARS_MAX);
    }

    pub fn optional_attribution_id(self, id: &str) {
        self.text(id, 0..=ATTRIBUTION_CHARS_MAX);
    }

    /// Sorted and without repeats; none if there are more than `max`.
    pub fn capabilities(self, list: Vec<String>, max: usize) -> Vec<String> {
        let mut list = self.each_of(list, max, |at, capability| {
            at.text(capability, 1..=CAPABILITY_CHARS_MAX);
        });
        list.sort_unstable();
        list.dedup();
        list
    }
}

fn is_text(text: &str, chars: &RangeInclusive<usize>) -> bool {
    // Most texts are plain ASCII: then bytes are characters.
    // Without stopping at the first that is not: this way many are looked at in one step.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte));
    if is_plain {
        return chars.contains(&text.len());
    }
    // The count stops early: a text may be as long as a message.
    let count = text.chars().take(*chars.end() + 1).count();
    chars.contains(&count) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_chosen_now_can_be_seen() {
        for (id, expected) in [("ada", true), ("   ", false), ("ada ", false), ("a\u{200b}", false)]
        {
            let refused = super::super::decode::refused(|at| at.field("id").new_resource_id(id));
            assert_eq!(refused.is_empty(), expected, "{id:?}");
            assert!(is_text(id, &(1..=128)), "it may be in use already: {id:?}");
        }
    }

    #[test]
    fn texts_are_counted_in_characters() {
        let longest = "é".repeat(128);
        let too_long = "é".repeat(129);
        for (text, expected) in [
            ("", false),
            ("a", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("a\u{0}b", false),
            ("line\nbreak", false),
            ("\u{7f}", false),
            ("\u{85}", false),
            ("with spaces, 日本語", true),
        ] {
            assert_eq!(is_text(text, &(1..=128)), expected, "{text:?}");
        }
    }
}

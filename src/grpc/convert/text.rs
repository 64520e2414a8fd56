//! Texts from outside: bounded in characters, without control characters.
//!
//! Control characters are refused everywhere: no id or name has them, logs and terminals
//! suffer from them, and Postgres cannot store all of them.

use std::ops::RangeInclusive;

use super::{Path, Violations};
use crate::domain::check::REQUEST_ID_CHARS_MAX;

pub const WORKSPACE_ID_CHARS_MAX: usize = 63;
pub const MODEL_ID_CHARS_MAX: usize = 256;
pub const DISPLAY_NAME_CHARS_MAX: usize = 200;
pub const PROVIDER_CHARS_MAX: usize = 128;
pub const CAPABILITY_CHARS_MAX: usize = 64;
pub const ATTRIBUTION_CHARS_MAX: usize = 128;
/// Of quotas, rate limits, keys, groups and boosts.
pub const RESOURCE_ID_CHARS_MAX: usize = 128;
pub const BOOST_REASON_CHARS_MAX: usize = 500;
pub const TAG_KEY_CHARS_MAX: usize = 64;
pub const TAG_VALUE_CHARS_MAX: usize = 128;

/// Checks a text against the number of characters it may have.
pub fn check(
    text: &str,
    chars: RangeInclusive<usize>,
    path: Path<'_>,
    violations: &mut Violations,
) {
    let is_absent = text.is_empty() && *chars.start() == 0;
    if is_absent || is_text(text, &chars) {
        return;
    }
    let (min, max) = chars.into_inner();
    let count = if min == 0 { format!("at most {max}") } else { format!("{min} to {max}") };
    violations.add(path, format!("expected {count} characters without control characters"));
}

/// Names an existing workspace: any text that could be an id, so that an unknown one is not found.
pub fn check_workspace_id(id: &str, violations: &mut Violations) {
    check(id, 1..=WORKSPACE_ID_CHARS_MAX, Path::Request.field("workspace_id"), violations);
}

pub fn check_request_id(id: &str, violations: &mut Violations) {
    check(id, 1..=REQUEST_ID_CHARS_MAX, Path::Request.field("request_id"), violations);
}

pub fn check_model_id(id: &str, path: Path<'_>, violations: &mut Violations) {
    check(id, 1..=MODEL_ID_CHARS_MAX, path, violations);
}

/// An id that is chosen now: `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`.
pub fn check_new_workspace_id(id: &str, path: Path<'_>, violations: &mut Violations) {
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    let is_inner = |byte: u8| is_letter(byte) || byte.is_ascii_digit() || byte == b'-';
    let bytes = id.as_bytes();
    let is_id = bytes.len() <= WORKSPACE_ID_CHARS_MAX
        && bytes.first().is_some_and(|first| is_letter(*first))
        && bytes.iter().all(|byte| is_inner(*byte))
        && !bytes.ends_with(b"-");
    if !is_id {
        violations.add(path, "expected ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$");
    }
}

/// A model's name that is chosen now: without spaces, too.
pub fn check_new_model_id(id: &str, path: Path<'_>, violations: &mut Violations) {
    if !is_text(id, &(1..=MODEL_ID_CHARS_MAX)) || id.contains(char::is_whitespace) {
        let max = MODEL_ID_CHARS_MAX;
        let expected =
            format!("expected 1 to {max} characters without spaces or control characters");
        violations.add(path, expected);
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

    #[test]
    fn ids_of_workspaces_follow_their_pattern() {
        let longest = "a".repeat(63);
        let too_long = "a".repeat(64);
        for (id, expected) in [
            ("a", true),
            ("acme-2", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("2a", false),
            ("-a", false),
            ("a-", false),
            ("Acme", false),
            ("a_b", false),
            ("é", false),
        ] {
            let mut violations = Violations::default();
            check_new_workspace_id(id, Path::Request.field("workspace_id"), &mut violations);
            assert_eq!(violations.accept(()).is_ok(), expected, "{id:?}");
        }
    }
}

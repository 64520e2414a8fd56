//! Whether an id shows what it is: two that look alike are two users to a program, and one to a
//! person.

/// What is expected of an id that is new.
pub const VISIBLE: &str =
    "expected no invisible or reversing characters, and no spaces at the beginning or end";

/// Whether a text has no character that is invisible or turns the direction of others, and neither
/// begins nor ends with a space. An empty one shows all that it is.
pub fn is_visible(text: &str) -> bool {
    let bytes = text.as_bytes();
    if text.is_ascii() {
        let is_space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        return !is_space(bytes.first()) && !is_space(bytes.last());
    }
    text.trim() == text && !text.chars().any(is_hidden)
}

/// Whether a character is not seen where it stands, or turns the direction of others: those of the
/// Unicode categories Cf, Zl and Zp, others with the property Default_Ignorable_Code_Point, and
/// letters that are blank.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_told_apart() {
        for text in ["", "ada", "with spaces, 日本語", "Zoë-2", "אבג"] {
            assert!(is_visible(text), "{text:?}");
        }
        for text in [
            " ",
            "   ",
            " ada",
            "ada ",
            "ada\u{a0}",
            "\u{3000}ada",
            "\u{a0}\u{3000}",
            "a\u{200b}da",
            "\u{202e}ada",
            "ada\u{2066}",
            "\u{feff}ada",
            "a\u{ad}da",
            "\u{3164}",
            "\u{2800}",
            "ada\u{e0041}",
        ] {
            assert!(!is_visible(text), "{text:?}");
        }
    }
}

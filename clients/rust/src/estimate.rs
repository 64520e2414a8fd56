//! The estimate of a call's input tokens, before a provider has counted them.

use serde::Serialize;
use serde_json::Value;

/// Counts the tokens of a text.
pub type Tokenizer = dyn Fn(&str) -> usize + Send + Sync;

/// Estimates the tokens of a text, or of all texts in messages: a quarter of the characters.
///
/// Only an estimate: off by a third for prose, by more for code and for other scripts, and blind
/// to images and audio. A tokenizer, see
/// [`ClientBuilder::tokenizer`](crate::ClientBuilder::tokenizer), makes it better. The record that
/// follows has the provider's figures.
pub fn estimate_tokens<C: Serialize + ?Sized>(content: &C) -> i64 {
    let content = serde_json::to_value(content).unwrap_or(Value::Null);
    tokens_of(&texts_of(&content), None)
}

pub(crate) fn tokens_of<T: AsRef<str>>(texts: &[T], tokenizer: Option<&Tokenizer>) -> i64 {
    let texts = texts.iter().map(AsRef::as_ref);
    let tokens: usize = match tokenizer {
        Some(tokenizer) => texts.map(tokenizer).sum(),
        None => texts.map(|text| text.chars().count()).sum::<usize>().div_ceil(4),
    };
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// What holds no text that the model reads as such.
const NO_TEXT: [&str; 9] =
    ["data", "url", "image_url", "file_data", "input_audio", "source", "type", "role", "id"];

pub(crate) fn texts_of(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !NO_TEXT.contains(&name.as_str()))
            .flat_map(|(_, value)| texts_of(value))
            .collect(),
        _ => Vec::new(),
    }
}

//! The estimate of a call's input tokens, before a provider has counted them.
//!
//! The lists are those of `clients/conformance/estimate.json`, which a test compares with these.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::reduce::{fold, is_among, member};

/// Counts the tokens of a text.
pub type Tokenizer = dyn Fn(&str) -> usize + Send + Sync;

const ASCII_PER_TOKEN: i64 = 4;
const OTHER_PER_TOKEN: i64 = 2;
/// The first and the last characters of scripts in which each is a token.
const WHOLE_TOKENS: [[u32; 2]; 10] = [
    [0x1100, 0x11FF],
    [0x2E80, 0xA4CF],
    [0xA960, 0xA97F],
    [0xAC00, 0xD7FF],
    [0xF900, 0xFAFF],
    [0xFE30, 0xFE4F],
    [0xFF00, 0xFFEF],
    [0x1B000, 0x1B16F],
    [0x1F000, 0x1FAFF],
    [0x20000, 0x3FFFF],
];
/// Tokens of an image of OpenAI, of one in low detail, and of any other image, file or recording.
const ITEM_TOKENS: [(&str, i64); 3] =
    [("openai_image", 1105), ("openai_image_low", 85), ("other", 1600)];
/// Types of images of OpenAI.
const OPENAI_IMAGE_TYPES: [&str; 2] = ["image_url", "input_image"];
/// Types of other items.
const ITEM_TYPES: [&str; 9] = [
    "audio",
    "computer_screenshot",
    "document",
    "file",
    "image",
    "image_file",
    "input_audio",
    "input_file",
    "video",
];
/// Names of the objects that make an item of what they are in.
const ITEM_MEMBERS: [&str; 6] = ["audio", "document", "file_data", "image", "inline_data", "video"];
/// Members of which the model reads the names, too.
const DEFINITIONS: [&str; 8] = [
    "args",
    "arguments",
    "function_declarations",
    "functions",
    "response_format",
    "text",
    "tool_config",
    "tools",
];
/// Members that hold no text which the model reads as such.
const SKIPPED: [&str; 17] = [
    "cache_control",
    "call_id",
    "data",
    "encrypted_content",
    "file_data",
    "id",
    "image_url",
    "input_audio",
    "role",
    "signature",
    "source",
    "status",
    "thought_signature",
    "tool_call_id",
    "tool_use_id",
    "type",
    "url",
];

/// Estimates the tokens of a text, or of what is sent to a provider: messages, or all parameters of
/// a call, with system instructions and tools. Four ASCII characters are a token, as is one of
/// Chinese, Japanese or Korean, or two of another script. An image or a file is a constant.
///
/// Only an estimate. A tokenizer, see
/// [`ClientBuilder::tokenizer`](crate::ClientBuilder::tokenizer), counts texts better. The record
/// that follows has the provider's figures.
pub fn estimate_tokens<C: Serialize + ?Sized>(content: &C) -> i64 {
    let content = serde_json::to_value(content).unwrap_or(Value::Null);
    tokens_of(&content, None)
}

pub(crate) fn tokens_of(content: &Value, tokenizer: Option<&Tokenizer>) -> i64 {
    let mut estimate = Estimate { tokenizer, tokens: 0, quarters: 0 };
    estimate.walk(content);
    estimate.tokens.saturating_add(estimate.quarters.saturating_add(3) / 4)
}

struct Estimate<'t> {
    tokenizer: Option<&'t Tokenizer>,
    tokens: i64,
    /// Quarters of a token, which are rounded up in the end.
    quarters: i64,
}

impl Estimate<'_> {
    fn text(&mut self, text: &str) {
        if let Some(tokenizer) = self.tokenizer {
            self.add(i64::try_from(tokenizer(text)).unwrap_or(i64::MAX));
            return;
        }
        for character in text.chars() {
            let code = u32::from(character);
            self.quarters += if character.is_ascii() {
                4 / ASCII_PER_TOKEN
            } else if WHOLE_TOKENS.iter().any(|[first, last]| (*first..=*last).contains(&code)) {
                4
            } else {
                4 / OTHER_PER_TOKEN
            };
        }
    }

    fn add(&mut self, tokens: i64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Counts texts and items.
    fn walk(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                if let Some(quoted) = quoted(fields) {
                    return self.walk(quoted);
                }
                if let Some(tokens) = item(fields) {
                    return self.add(tokens);
                }
                for (name, inner) in fields {
                    let folded = fold(name);
                    if is_among(&DEFINITIONS, &folded) {
                        self.define(inner);
                    } else if !is_among(&SKIPPED, &folded) {
                        self.walk(inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// Counts names and values: each name, number and boolean is a token at least.
    fn define(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Bool(_) | Value::Number(_) => self.add(1),
            Value::Array(items) => items.iter().for_each(|item| self.define(item)),
            Value::Object(fields) => {
                for (name, inner) in fields.iter().filter(|(_, inner)| !inner.is_null()) {
                    self.text(name);
                    self.add(1);
                    self.define(inner);
                }
            }
            Value::Null => {}
        }
    }
}

fn text_of<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member(fields, name).and_then(Value::as_str)
}

/// The text of a document that is text.
fn quoted(fields: &Map<String, Value>) -> Option<&Value> {
    if text_of(fields, "type") != Some("document") {
        return None;
    }
    let source = member(fields, "source")?.as_object()?;
    let name = match text_of(source, "type") {
        Some("text") => "data",
        Some("content") => "content",
        _ => return None,
    };
    member(source, name).filter(|value| !value.is_null())
}

/// The tokens of an image or a file, if it is one.
fn item(fields: &Map<String, Value>) -> Option<i64> {
    let kind = fold(text_of(fields, "type").unwrap_or_default());
    let tokens = |name| ITEM_TOKENS.iter().find(|(item, _)| *item == name).map(|item| item.1);
    if is_among(&OPENAI_IMAGE_TYPES, &kind) {
        let image = member(fields, "imageurl").and_then(Value::as_object);
        let inside = image.and_then(|image| text_of(image, "detail"));
        let is_low = inside.or_else(|| text_of(fields, "detail")) == Some("low");
        return tokens(if is_low { "openai_image_low" } else { "openai_image" });
    }
    let is_inside = |name: &&str| member(fields, &fold(name)).is_some_and(Value::is_object);
    let is_item = is_among(&ITEM_TYPES, &kind) || ITEM_MEMBERS.iter().any(is_inside);
    if is_item { tokens("other") } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lists_and_the_cases_are_those_of_all_clients() {
        let file: Value =
            serde_json::from_str(include_str!("../../conformance/estimate.json")).unwrap();
        let ranges = WHOLE_TOKENS.map(|range| range.map(|code| format!("{code:04X}")));
        let items: Map<String, Value> =
            ITEM_TOKENS.iter().map(|(name, tokens)| ((*name).into(), json!(tokens))).collect();
        let rule = json!({
            "ascii_per_token": ASCII_PER_TOKEN,
            "other_per_token": OTHER_PER_TOKEN,
            "whole_tokens": ranges,
            "item_tokens": items,
            "openai_image_types": OPENAI_IMAGE_TYPES,
            "item_types": ITEM_TYPES,
            "item_members": ITEM_MEMBERS,
            "definitions": DEFINITIONS,
            "skipped": SKIPPED,
        });
        assert_eq!(rule, file["rule"]);
        let cases = file["cases"].as_array().unwrap();
        assert!(cases.len() >= 27, "{}", cases.len());
        for case in cases {
            assert_eq!(json!(estimate_tokens(&case["content"])), case["tokens"], "{case}");
        }
    }
}

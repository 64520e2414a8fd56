//! Leaves out of a provider answer all that is content, by the rule of `docs/provider-answers.md`.
//!
//! Names are compared without regard to case, `_` and `-`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::answer::AnswerError;
use crate::rule;

pub(crate) type Fields = Map<String, Value>;

/// Where in an answer a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Region {
    /// The answer itself, and what is in a wrapper.
    Open,
    /// Beside content.
    Narrow,
    /// Inside of usage.
    Usage,
}

/// The events of a part, reduced: an object, or a list of objects, in Rust or as JSON.
pub(crate) fn events_of(part: &Value) -> Result<Vec<Fields>, AnswerError> {
    let mut events = Vec::new();
    match part {
        Value::String(text) => add_events(&parse(text)?, 0, &mut events)?,
        Value::Array(items) => {
            for item in items {
                events.extend(events_of(item)?);
            }
        }
        Value::Object(_) => add_events(part, 0, &mut events)?,
        _ => return Err(AnswerError::NotAnObject),
    }
    Ok(events)
}

fn add_events(value: &Value, depth: usize, events: &mut Vec<Fields>) -> Result<(), AnswerError> {
    match value {
        Value::Object(fields) => events.push(reduce(fields, Region::Open, depth)?),
        Value::Array(items) => {
            for item in items {
                add_events(item, depth + 1, events)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn reduce(fields: &Fields, region: Region, depth: usize) -> Result<Fields, AnswerError> {
    if depth >= rule::DEPTH_MAX {
        return Err(AnswerError::TooDeep);
    }
    let mut kept = Fields::new();
    for (name, value) in fields {
        if is_name(name)
            && let Some(value) = reduce_member(&fold(name), value, region, depth)?
        {
            kept.insert(name.clone(), value);
        }
    }
    Ok(kept)
}

/// What is kept of a member, if anything.
fn reduce_member(
    name: &str,
    value: &Value,
    region: Region,
    depth: usize,
) -> Result<Option<Value>, AnswerError> {
    let is_counted = is_among(&rule::COUNTED, name);
    let kept = match value {
        Value::Bool(_) | Value::Number(_) => {
            let here = region != Region::Narrow || is_usage(name) || is_counted;
            (here && name != "id").then(|| value.clone())
        }
        Value::String(text) => keeps_text(name, text, region).then(|| value.clone()),
        Value::Array(items) if is_counted && region != Region::Usage => Some(items.len().into()),
        Value::Object(inner) => match inside(name, region, false) {
            Some(region) => Some(reduce(inner, region, depth + 1)?)
                .filter(|fields| !fields.is_empty())
                .map(Value::Object),
            None => None,
        },
        Value::Array(items) => match inside(name, region, true) {
            Some(region) => reduce_list(items, region, depth + 1)?,
            None => None,
        },
        Value::Null => None,
    };
    Ok(kept)
}

fn reduce_list(
    items: &[Value],
    region: Region,
    depth: usize,
) -> Result<Option<Value>, AnswerError> {
    let objects = items.iter().filter_map(Value::as_object);
    let kept: Vec<Fields> =
        objects.map(|fields| reduce(fields, region, depth + 1)).collect::<Result<_, _>>()?;
    let kept: Vec<Value> =
        kept.into_iter().filter(|fields| !fields.is_empty()).map(Value::Object).collect();
    Ok(if kept.is_empty() { None } else { Some(kept.into()) })
}

/// The region inside of an object or a list of this name, if it is entered.
fn inside(name: &str, region: Region, is_list: bool) -> Option<Region> {
    if region == Region::Usage || is_usage(name) {
        return Some(Region::Usage);
    }
    let is_wrapper = is_among(&rule::WRAPPERS, name);
    let is_narrow = is_wrapper && (is_list || region == Region::Narrow);
    if is_narrow || is_among(&rule::NARROW, name) {
        return Some(Region::Narrow);
    }
    is_wrapper.then_some(Region::Open)
}

fn keeps_text(name: &str, text: &str, region: Region) -> bool {
    if (region == Region::Usage || is_usage(name)) && name != "id" && is_number(text) {
        return true;
    }
    let is_named = match region {
        Region::Narrow => name == "type",
        Region::Open | Region::Usage => is_among(&rule::TEXTS, name),
    };
    // What was half of a surrogate pair was replaced when it was parsed.
    is_named
        && text.chars().count() <= rule::TEXT_CHARACTERS_MAX
        && !text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

/// Whether a name is a usage name; it is given as names are compared.
fn is_usage(folded: &str) -> bool {
    rule::USAGE_WORDS.iter().any(|word| folded.contains(word))
        || is_among(&rule::USAGE_NAMES, folded)
}

/// Whether a name has a form that a provider would choose: no text of a prompt has.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/@$".contains(&b);
    !name.is_empty() && name.len() <= rule::NAME_BYTES_MAX && name.bytes().all(plain)
}

/// Whether a text is a number as JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    text.len() <= rule::NUMBER_BYTES_MAX && digits(whole) && digits(fraction) && digits(exponent)
}

/// A name without `_`, `-` and capitals, as names are compared.
pub(crate) fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a name that is given as names are compared is in a list.
pub(crate) fn is_among(names: &[&str], folded: &str) -> bool {
    names.iter().any(|name| {
        let name = name.bytes().filter(|b| !b"_-".contains(b));
        name.eq(folded.bytes())
    })
}

/// The member of a name that is given as names are compared.
pub(crate) fn member<'a>(fields: &'a Fields, folded: &str) -> Option<&'a Value> {
    fields
        .get(folded)
        .or_else(|| fields.iter().find(|(name, _)| fold(name) == folded).map(|(_, value)| value))
}

/// The first text that one of these paths leads to; empty if none does.
pub(crate) fn text_at<'a>(fields: &'a Fields, paths: &[&str]) -> &'a str {
    let at = |path: &&str| {
        let (way, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut fields = fields;
        for step in way.split('.').filter(|step| !step.is_empty()) {
            fields = member(fields, &fold(step))?.as_object()?;
        }
        member(fields, &fold(name))?.as_str().filter(|text| !text.is_empty())
    };
    paths.iter().find_map(at).unwrap_or_default()
}

/// Whether a reduced part has a number that is usage by its name or its place.
pub(crate) fn has_figures(fields: &Fields) -> bool {
    has_figures_in(fields, false)
}

fn has_figures_in(fields: &Fields, in_usage: bool) -> bool {
    fields.iter().any(|(name, value)| {
        let name = fold(name);
        let in_usage = in_usage || is_usage(&name);
        match value {
            Value::Object(inner) => has_figures_in(inner, in_usage),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_object).any(|item| has_figures_in(item, in_usage))
            }
            Value::String(text) => in_usage && is_number(text),
            Value::Number(_) => {
                in_usage
                    || name.ends_with(rule::FIGURE_ENDING)
                    || is_among(&rule::COUNTED, &name)
                    || is_among(&rule::FIGURE_NAMES, &name)
            }
            Value::Bool(_) | Value::Null => false,
        }
    })
}

/// Reads JSON. No error has anything of it, as it may be content.
fn parse(text: &str) -> Result<Value, AnswerError> {
    let text = whole_characters(text);
    match serde_json::from_str::<Unique>(&text) {
        Ok(Unique(value)) => Ok(value),
        Err(error) if error.to_string().starts_with(TWICE) => Err(AnswerError::Twice),
        Err(_) => Err(AnswerError::NotJson),
    }
}

const TWICE: &str = "a name is there twice";

/// JSON in which no name is there twice in one object.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Fields::new();
        while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(fields.into())
    }
}

/// JSON in which each escape of half of a surrogate pair is that of U+FFFD: a stream may cut a
/// character in two, and what is around it is JSON all the same.
fn whole_characters(text: &str) -> Cow<'_, str> {
    let code_at = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(escape, 16).ok()
    };
    let mut whole = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(next) = text[at..].find('\\') {
        at += next;
        match code_at(at) {
            Some(0xD800..0xDC00) if matches!(code_at(at + 6), Some(0xDC00..0xE000)) => at += 12,
            Some(0xD800..0xE000) => {
                whole.push_str(&text[done..at]);
                whole.push_str("\\ufffd");
                at += 6;
                done = at;
            }
            Some(_) => at += 6,
            // Another escape, of which the second character may be a backslash, too.
            None => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if done == 0 {
        return text.into();
    }
    whole.push_str(&text[done..]);
    whole.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced() {
        for (text, whole) in [
            (r#""a\ud83db""#, r#""a\ufffdb""#),
            (r#""\ude00\ud83d\ude00\n\\ud83d""#, r#""\ufffd\ud83d\ude00\n\\ud83d""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\u12""#, r#""\u12""#),
            (r#""ß\"#, r#""ß\"#),
        ] {
            assert_eq!(whole_characters(text), whole);
        }
    }
}

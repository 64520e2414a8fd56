//! Provider answers, reduced to their figures before they are sent: content stays with the caller.
//!
//! The server reads model, tier and usage in them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::reduce::{Fields, events_of, fold, has_figures, is_among, member, text_at};
use crate::rule;
use crate::v1::{self, Outcome};

/// Why something is no provider answer. No message has any of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no part.
    #[error("a provider answer has at least one part")]
    Empty,
    /// A text is not JSON, or a value cannot be written as JSON.
    #[error("a part of a provider answer is not JSON")]
    NotJson,
    /// A part is a number, a boolean or nothing.
    #[error("a part of a provider answer is no object")]
    NotAnObject,
    /// An object has one name twice.
    #[error("a name is there twice in one object of a provider answer")]
    Twice,
    /// It is nested too deeply.
    #[error("a provider answer is nested deeper than {} levels", rule::DEPTH_MAX)]
    TooDeep,
    /// What is kept of it is too large.
    #[error("a provider answer has {size} bytes without its content; at most {}", rule::BYTES_MAX)]
    TooLarge {
        /// Bytes of its parts together.
        size: usize,
    },
}

/// What a provider answered, without its content: of it only numbers are kept, and a few names such
/// as that of the model.
///
/// It becomes the message of the API by `into()`, for [`v1::RecordUsageRequest`].
#[derive(Clone, Debug)]
pub struct ProviderAnswer {
    pub(crate) provider: String,
    pub(crate) parts: Parts,
    json: Vec<String>,
}

impl ProviderAnswer {
    /// Reduces a whole answer, its usage alone, or a list of the events of one stream: the type of
    /// an SDK, a [`Value`], or JSON in a text. The provider, such as `openai` or `bedrock`, may be
    /// empty; it decides where two readings are possible.
    pub fn new<A: Serialize + ?Sized>(provider: &str, answer: &A) -> Result<Self, AnswerError> {
        Self::of_parts(provider, [answer])
    }

    /// Reduces the parts of an answer: of more than 16 those with figures are kept, and of more
    /// than 16 of these the first and the last 15.
    pub fn of_parts<A: Serialize>(
        provider: &str,
        parts: impl IntoIterator<Item = A>,
    ) -> Result<Self, AnswerError> {
        let mut kept = Parts::default();
        for part in parts {
            kept.add(events_in(&part)?);
        }
        if !kept.is_given {
            return Err(AnswerError::Empty);
        }
        let json = Parts::to_json(kept.events())?;
        Ok(Self { provider: provider.to_lowercase(), parts: kept, json })
    }

    /// The texts that are sent.
    #[must_use]
    pub fn json(&self) -> &[String] {
        &self.json
    }
}

impl From<ProviderAnswer> for v1::ProviderAnswer {
    fn from(answer: ProviderAnswer) -> Self {
        Self { provider: answer.provider, json: answer.json }
    }
}

/// The events of a part of whatever type, reduced.
pub(crate) fn events_in<A: Serialize + ?Sized>(part: &A) -> Result<Vec<Fields>, AnswerError> {
    let part = serde_json::to_value(part).map_err(|_| AnswerError::NotJson)?;
    events_of(&part)
}

/// The parts of one answer, as they come: bounded, however many there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    all: Ends,
    figured: Ends,
    /// An answer that says no more than that it will come.
    promise: Option<Fields>,
    /// Whether the promise is an answer of its own, and no event of a stream.
    is_polled: bool,
    /// That of the last part.
    status: String,
    /// Whether there was a part, also one of which nothing is left.
    pub(crate) is_given: bool,
}

impl Parts {
    pub(crate) fn add(&mut self, events: Vec<Fields>) {
        self.is_given = true;
        for event in events.into_iter().filter(|event| !event.is_empty()) {
            self.add_event(event);
        }
    }

    fn add_event(&mut self, event: Fields) {
        let is_figured = has_figures(&event);
        let status = text_at(&event, &rule::STATUSES);
        if !is_figured && rule::UNFINISHED.contains(&status) {
            self.is_polled |= is_polled(&event);
            self.promise = Some(event);
            return;
        }
        status.clone_into(&mut self.status);
        if is_figured {
            self.figured.add(event.clone());
        }
        self.all.add(event);
    }

    pub(crate) fn has_figures(&self) -> bool {
        self.figured.count > 0
    }

    /// Whether the provider has only promised an answer.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.is_polled && self.all.count == 0
    }

    /// How the provider says that the call ended, where it has no usage for that reason.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        if self.has_figures() {
            None
        } else if rule::FAILED.contains(&self.status.as_str()) {
            Some(Outcome::Error)
        } else {
            rule::CANCELLED.contains(&self.status.as_str()).then_some(Outcome::Cancelled)
        }
    }

    /// What is sent.
    pub(crate) fn events(&self) -> Vec<Fields> {
        if self.all.count > rule::PARTS_MAX && self.has_figures() {
            return self.figured.events.clone();
        }
        if self.all.count == 0 {
            return vec![self.promise.clone().unwrap_or_default()];
        }
        self.all.events.clone()
    }

    /// The model that the answer names; empty if it names none.
    pub(crate) fn model(&self) -> String {
        let events = self.events();
        let mut named = events.iter().map(|event| text_at(event, &rule::MODELS));
        let model = named.find(|model| !model.is_empty()).unwrap_or_default();
        model.strip_prefix("models/").unwrap_or(model).to_owned()
    }

    /// Whether the answer names the tier that served it.
    pub(crate) fn names_tier(&self) -> bool {
        self.events().iter().any(names_tier)
    }

    /// The output that a stream began with, if its end did not come.
    pub(crate) fn begun_output(&self) -> Option<i64> {
        let last = self.figured.events.last()?;
        if text_at(last, &["type"]) != rule::BEGINNING {
            return None;
        }
        let inside = |fields: Option<&'_ Value>| fields.and_then(Value::as_object).cloned();
        let usage = inside(
            inside(member(last, "message")).as_ref().and_then(|message| member(message, "usage")),
        );
        // What is no count is 0.
        let output = usage.as_ref().and_then(|usage| member(usage, "outputtokens"));
        Some(output.and_then(Value::as_i64).unwrap_or_default())
    }

    /// The events of a stream that broke off, ended with the output that has come.
    pub(crate) fn with_output(&self, output: i64) -> Vec<Fields> {
        let mut events = self.events();
        events.truncate(rule::PARTS_MAX - 1);
        let end = json!({"type": "message_delta", "usage": {"output_tokens": output}});
        events.extend(end.as_object().cloned());
        events
    }

    /// Writes events. Of those that are too large together the earlier ones are left out, but for
    /// the first.
    pub(crate) fn to_json(events: Vec<Fields>) -> Result<Vec<String>, AnswerError> {
        let mut texts: Vec<String> =
            events.into_iter().map(|event| Value::Object(event).to_string()).collect();
        let mut size: usize = texts.iter().map(String::len).sum();
        while size > rule::BYTES_MAX {
            if texts.len() <= 2 {
                return Err(AnswerError::TooLarge { size });
            }
            size -= texts.remove(1).len();
        }
        Ok(texts)
    }
}

/// Whether an event is an answer of its own with figures.
pub(crate) fn is_whole(event: &Fields) -> bool {
    let is_one = |name| rule::WHOLE.contains(&text_at(event, &[name]));
    (is_one("object") || is_one("type")) && has_figures(event)
}

/// Whether an answer that is not finished is asked for again. The first event of a stream says the
/// same, unless its answer is made in the background.
fn is_polled(event: &Fields) -> bool {
    let is_background = |name| {
        let inner = member(event, name).and_then(Value::as_object);
        inner.and_then(|inner| member(inner, "background")) == Some(&Value::Bool(true))
    };
    !text_at(event, &["status"]).is_empty()
        || is_background("response")
        || is_background("interaction")
}

fn names_tier(fields: &Fields) -> bool {
    fields.iter().any(|(name, value)| {
        let is_unsaid = value.as_str().is_some_and(|text| rule::TIERS_UNSAID.contains(&text));
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        (is_among(&rule::TIERS, &fold(name)) && !is_unsaid)
            || value.as_object().is_some_and(names_tier)
            || items.iter().filter_map(Value::as_object).any(names_tier)
    })
}

/// The first and the last events of many.
#[derive(Clone, Debug, Default)]
struct Ends {
    events: Vec<Fields>,
    count: usize,
}

impl Ends {
    fn add(&mut self, event: Fields) {
        self.count += 1;
        if self.events.len() == rule::PARTS_MAX {
            self.events.remove(1);
        }
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Value {
        let text = include_str!("../../conformance/provider_answer.json");
        serde_json::from_str(text).unwrap()
    }

    fn cases(file: &Value, name: &str, least: usize) -> Vec<Value> {
        let cases = file[name].as_array().unwrap();
        assert!(cases.len() >= least, "{name}: {}", cases.len());
        cases.clone()
    }

    fn sent(answer: &ProviderAnswer) -> Value {
        answer.json().iter().map(|text| serde_json::from_str::<Value>(text).unwrap()).collect()
    }

    #[test]
    fn the_lists_are_those_of_all_clients() {
        let file = file();
        let limits = json!({
            "parts": rule::PARTS_MAX,
            "bytes": rule::BYTES_MAX,
            "depth": rule::DEPTH_MAX,
            "name_bytes": rule::NAME_BYTES_MAX,
            "text_characters": rule::TEXT_CHARACTERS_MAX,
            "number_bytes": rule::NUMBER_BYTES_MAX,
        });
        assert_eq!(limits, file["limits"]);
        let lists = json!({
            "texts": rule::TEXTS,
            "wrappers": rule::WRAPPERS,
            "narrow": rule::NARROW,
            "counted": rule::COUNTED,
            "usage_words": rule::USAGE_WORDS,
            "usage_names": rule::USAGE_NAMES,
        });
        assert_eq!(lists, file["rule"]);
        let reading = json!({
            "figure_ending": rule::FIGURE_ENDING,
            "figure_names": rule::FIGURE_NAMES,
            "models": rule::MODELS,
            "statuses": rule::STATUSES,
            "unfinished": rule::UNFINISHED,
            "failed": rule::FAILED,
            "cancelled": rule::CANCELLED,
            "beginning": rule::BEGINNING,
            "whole": rule::WHOLE,
            "tiers": rule::TIERS,
            "tiers_unsaid": rule::TIERS_UNSAID,
        });
        assert_eq!(reading, file["reading"]);
    }

    #[test]
    fn what_is_kept_of_an_answer() {
        let file = file();
        for case in cases(&file, "cases", 27) {
            let answer = ProviderAnswer::new("", &case["input"].to_string()).unwrap();
            let wanted = match &case["reduced"] {
                Value::Array(events) if events.is_empty() => json!([{}]),
                Value::Array(_) => case["reduced"].clone(),
                event => json!([event]),
            };
            assert_eq!(sent(&answer), wanted, "{}", case["name"]);
        }
        for case in cases(&file, "selections", 8) {
            let answer = ProviderAnswer::of_parts("", case["parts"].as_array().unwrap()).unwrap();
            assert_eq!(sent(&answer), case["kept"], "{}", case["name"]);
        }
        for case in cases(&file, "refusals", 5) {
            let error = ProviderAnswer::new("", &case["part"]).unwrap_err();
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let of = |part: &Value| ProviderAnswer::new("", part).map(|answer| answer.json().to_vec());
        assert_eq!(ProviderAnswer::of_parts("", [0; 0]).unwrap_err(), AnswerError::Empty);
        assert_eq!(of(&json!(null)), Err(AnswerError::NotAnObject));
        assert_eq!(of(&json!(r#"{"usage": {"tokens": 1e999}}"#)), Err(AnswerError::NotJson));
        let twice = json!(r#"{"usage": {"tokens": 1, "tokens": 2}}"#);
        assert_eq!(of(&twice), Err(AnswerError::Twice));
        let deep = |levels| (1..levels).fold(json!({"n": 1}), |inner, _| json!({"usage": inner}));
        assert!(of(&deep(64)).is_ok());
        assert_eq!(of(&deep(65)), Err(AnswerError::TooDeep));
        let large = json!({"usage": {"details": vec![json!({"n": 1}); 10_000]}});
        assert!(matches!(of(&large), Err(AnswerError::TooLarge { .. })));
        assert_eq!(of(&json!([])), Ok(vec!["{}".to_owned()]));
    }

    #[test]
    fn parts_that_are_too_large_together_are_left_out() {
        let part = |n: u32| json!({"usage": {"details": vec![json!({"n": n}); 1000]}});
        let answer = ProviderAnswer::of_parts("", (0..12).map(part)).unwrap();
        let texts = answer.json();
        let size: usize = texts.iter().map(String::len).sum();
        assert!(size <= rule::BYTES_MAX && size > rule::BYTES_MAX - 9000, "{size}");
        assert!(texts[0].contains(r#""n":0}"#) && texts.last().unwrap().contains(r#""n":11}"#));
    }

    #[test]
    fn other_types_and_json_are_read_alike() {
        // As an SDK's own type is: it knows how to be written.
        let typed = std::collections::HashMap::from([("prompt_tokens", 60)]);
        let text = r#"{"content": "SECRET \ud83d", "usage": {"prompt_tokens": 60}}"#;
        for answer in [
            ProviderAnswer::new("OpenAI", &json!({"usage": typed})),
            ProviderAnswer::new("openai", text),
            ProviderAnswer::of_parts("openai", [text]),
        ] {
            let message = v1::ProviderAnswer::from(answer.unwrap());
            assert_eq!(message.provider, "openai");
            assert_eq!(message.json, [r#"{"usage":{"prompt_tokens":60}}"#]);
        }
        let exact = ProviderAnswer::new("", r#"{"cost": 0.1234567890123456789}"#).unwrap();
        assert_eq!(exact.json(), [r#"{"cost":0.12345678901234568}"#]);
    }
}

//! Answers that no provider gives: random, mutated and hostile ones. None panics, what is read
//! keeps its bounds, and what is kept gives the same reading again.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tollgate::answers::{BYTES_MAX, Reading, read, reduce};

use super::properties::check;
use super::{conformance, parts};

/// Answers to begin with: those of the vectors and, where they are, recorded ones.
fn answers() -> Vec<Vec<String>> {
    let mut answers: Vec<Vec<String>> =
        conformance().iter().map(|(_, vector)| parts(&vector["input"])).collect();
    let recorded = super::recorded("provider_usages.jsonl").unwrap_or_default();
    answers.extend(recorded.iter().map(|row| parts(&row["body"])));
    let cases = super::recorded("field_cases.jsonl").unwrap_or_default();
    let has_answer = |row: &&Value| row["input"]["convert"].is_string();
    answers.extend(cases.iter().filter(has_answer).map(|row| parts(&row["input"]["answer"])));
    answers
}

fn check_all<S: AsRef<str>>(parts: &[S]) {
    for hint in ["", "gemini", "perplexity", "bedrock"] {
        if let Ok(reading) = read(parts, hint) {
            check(&reading, hint);
        }
    }
}

#[test]
fn what_is_kept_of_every_answer_gives_the_same_reading_again() {
    let mut readings = 0;
    for answer in answers() {
        if let Ok(reading) = read(&answer, "") {
            check(&reading, "");
            readings += 1;
        }
    }
    assert!(readings > 50, "only {readings} readings");
}

/// Content beside every member of every object, under names that providers use for it. Inside of
/// usage no provider has objects of content.
fn with_content(value: &Value, is_usage: bool) -> Value {
    match value {
        Value::Object(members) => {
            let mut all = Map::new();
            for name in ["content", "text", "arguments", "reasoning_content", "a SECRET name"] {
                all.insert(name.to_owned(), json!("a SECRET answer"));
            }
            all.insert("embedding".to_owned(), json!([0.987654321, 0.123456789]));
            if !is_usage {
                let parts = json!([{"text": "SECRET", "type": "SECRET"}, "SECRET"]);
                all.insert("parts".to_owned(), parts);
                let input = json!({"model": "SECRET", "card": 987654321});
                all.insert("input".to_owned(), input);
            }
            all.extend(members.iter().map(|(name, value)| {
                let words =
                    ["usage", "token", "cache", "cost", "bill", "iteration", "tool", "metric"];
                let lower = name.to_lowercase();
                let is_usage = is_usage || words.iter().any(|word| lower.contains(word));
                (name.clone(), with_content(value, is_usage))
            }));
            Value::Object(all)
        }
        Value::Array(elements) => {
            elements.iter().map(|element| with_content(element, is_usage)).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn content_never_survives_and_changes_nothing() {
    let mut readings = 0;
    for answer in answers() {
        let Ok(plain) = read(&answer, "") else { continue };
        let filled: Vec<String> = answer
            .iter()
            .map(|part| with_content(&serde_json::from_str(part).unwrap(), false).to_string())
            .collect();
        let reading = match read(&filled, "") {
            Ok(reading) => reading,
            Err(error) => panic!("{error}\n{filled:?}"),
        };
        for secret in ["SECRET", "987654321", "0.12345"] {
            assert!(!reading.kept.contains(secret), "{}", reading.kept);
            assert!(!reduce(&filled).unwrap().contains(secret), "{filled:?}");
        }
        let tokens = |reading: &Reading| (reading.usage, reading.units.clone(), reading.shape);
        assert_eq!(tokens(&reading), tokens(&plain), "{filled:?}");
        readings += 1;
    }
    assert!(readings > 50, "only {readings} readings");
}

/// Names that mean something, among some that do not.
const NAMES: [&str; 40] = [
    "usage",
    "usageMetadata",
    "response",
    "message",
    "result",
    "body",
    "choices",
    "output",
    "meta",
    "model",
    "id",
    "type",
    "status",
    "service_tier",
    "data",
    "created",
    "iterations",
    "seconds",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "ephemeral_1h_input_tokens",
    "promptTokenCount",
    "candidatesTokenCount",
    "totalTokenCount",
    "prompt_tokens_details",
    "cached_tokens",
    "reasoning_tokens",
    "inputTokens",
    "inputTokenDetails",
    "cost",
    "billed_units",
    "candidates",
    "groundingMetadata",
    "webSearchQueries",
    "x",
];

fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        8 => (0_i64..2000).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    let text = prop_oneof![
        Just("message"),
        Just("message_start"),
        Just("advisor_message"),
        Just("12"),
        Just("-1e3"),
        Just("m"),
        Just("\u{0}é"),
    ];
    let leaf = prop_oneof![
        6 => number,
        2 => text.prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let name = prop::sample::select(&NAMES[..]);
        prop_oneof![
            4 => prop::collection::hash_map(name, inner.clone(), 0..8).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

#[test]
fn random_json_is_read_or_refused() {
    let mut runner =
        TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let answers = prop::collection::vec(any_json(), 1..4);
    runner
        .run(&answers, |values| {
            let parts: Vec<String> = values.iter().map(Value::to_string).collect();
            check_all(&parts);
            Ok(())
        })
        .unwrap();
}

/// A generator that gives the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// One small change of a text: a cut, a repetition, another character, another number.
fn mutate(text: &str, numbers: &mut Numbers) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = numbers.below(characters.len());
    let end = (at + 1 + numbers.below(12)).min(characters.len());
    let (before, middle, after) = (&characters[..at], &characters[at..end], &characters[end..]);
    let odd = ["-1", "1e400", "null", "\"", "{", "}", "[", ",", "9007199254740993", "\u{fffd}"];
    let middle: String = match numbers.below(4) {
        0 => String::new(),
        1 => middle.iter().chain(middle).collect(),
        2 => odd[numbers.below(odd.len())].to_owned(),
        _ => middle.iter().rev().collect(),
    };
    before.iter().collect::<String>() + &middle + &after.iter().collect::<String>()
}

#[test]
fn mutated_answers_are_read_or_refused() {
    let answers = answers();
    let mut numbers = Numbers(11);
    for _ in 0..6_000 {
        let mut parts = answers[numbers.below(answers.len())].clone();
        for _ in 0..=numbers.below(3) {
            let part = numbers.below(parts.len());
            parts[part] = mutate(&parts[part], &mut numbers);
        }
        if numbers.below(8) == 0 {
            let other = &answers[numbers.below(answers.len())];
            parts.push(other[0].clone());
        }
        if let Ok(reading) = read(&parts, "") {
            check(&reading, "");
        }
    }
}

/// As large as an answer may be, and made to take long.
#[test]
fn hostile_answers_of_the_largest_size_are_read_or_refused() {
    let fill = |one: &str| one.repeat((BYTES_MAX - 100) / one.len());
    let members = |name: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (0..3000).map(|n| format!("\"{}\":{n}", name(n))).collect();
        format!(r#"{{"usage":{{"prompt_tokens":1,{}}}}}"#, all.join(","))
    };
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(9000), close.repeat(9000));
    let answers = [
        fill("["),
        fill("{\"usage\":"),
        deep("[", "]"),
        format!(r#"{{"content":{},"usage":{{"prompt_tokens":1}}}}"#, deep("[", "]")),
        format!("[{}{{}}]", fill("{},")),
        format!("[{}{{}}]", fill(r#"{"usage":{"prompt_tokens":1}},"#)),
        format!("[{}{{}}]", fill(r#"{"type":"message_delta","usage":{"output_tokens":1}},"#)),
        format!("[{}{{}}]", fill(r#"{"cache_read_input_tokens":1,"output_tokens":1},"#)),
        format!(r#"{{"output":[{}{{}}]}}"#, fill(r#"{"type":"web_search_call"},"#)),
        members(&|n| format!("tokens_{n}")),
        members(&|n| format!("prompt{}tokens", "_".repeat(n % 40))),
        format!(r#"{{"usage":{{"prompt_tokens":{}}}}}"#, "9".repeat(60_000)),
        format!(r#"{{"usage":{{"cost":0.{},"prompt_tokens":1}}}}"#, "1".repeat(60_000)),
        format!(r#"{{"model":"{}","usage":{{"prompt_tokens":1}}}}"#, "m".repeat(60_000)),
        format!(r#"{{"{}":1,"usage":{{"prompt_tokens":1}}}}"#, "\\u0041".repeat(10_000)),
        format!(r#"{{"usage":{{"iterations":[{}{{}}],"input_tokens":1}}}}"#, fill("{\"a\":1},")),
    ];
    for answer in answers {
        let answer = &answer[..answer.len().min(BYTES_MAX)];
        check_all(&[answer]);
    }
}

//! The converters on what providers answer, recorded for all languages, and on odd input.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use tollgate_client::{Provider, Usage, UsageReader, estimate_tokens};

#[test]
fn recorded_answers_are_converted_by_name_and_recognised() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/usage");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let named = match case["provider"].as_str().unwrap() {
            "openai" => Provider::OpenAi,
            "anthropic" => Provider::Anthropic,
            "gemini" => Provider::Gemini,
            other => panic!("{other}"),
        };
        for provider in [named, Provider::Any] {
            let mut reader = UsageReader::new(provider);
            assert!(reader.feed(&case["input"]), "{}", path.display());
            let usage = format!("{:?}", reader.usage().unwrap());
            let counts = usage.trim_start_matches("Usage { ").trim_end_matches(" }");
            let wanted = &case["expected"]["usage"];
            for (name, count) in counts.split(", ").map(|field| field.split_once(": ").unwrap()) {
                let wanted = wanted[name].as_i64().unwrap_or_default();
                assert_eq!(count, wanted.to_string(), "{name} of {}", path.display());
            }
            let model = case["expected"]["model"].as_str().unwrap_or_default();
            assert_eq!(reader.model, model, "{}", path.display());
            let tier = reader.service_tier.map(|tier| tier.as_str_name());
            let wanted = case["expected"]["service_tier"].as_str();
            let wanted = wanted.map(|name| format!("SERVICE_TIER_{name}"));
            assert_eq!(tier, wanted.as_deref(), "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 40, "{seen}");
}

#[test]
fn other_types_and_json_are_read_alike() {
    // As an SDK's own type is: it knows how to be written.
    let typed = HashMap::from([("prompt_tokens", 60), ("completion_tokens", 20)]);
    let expected = Usage { input_token_count: 60, output_token_count: 20, ..Default::default() };
    assert_eq!(Usage::from_openai(&typed), Ok(expected.clone()));
    let text = serde_json::to_string(&json!({"usage": typed})).unwrap();
    assert_eq!(Usage::from_any(&text), Ok(expected));
}

#[test]
fn what_has_no_usage_is_refused() {
    for nothing in
        [json!({}), json!({"usage": null}), json!([]), json!(7), json!("{}"), json!("\"{}\"")]
    {
        assert!(Usage::from_any(&nothing).is_err(), "{nothing}");
        assert!(Usage::from_openai(&nothing).is_err(), "{nothing}");
        assert!(Usage::from_anthropic(&nothing).is_err(), "{nothing}");
        let error = Usage::from_gemini(&nothing).unwrap_err();
        assert_eq!(error.to_string(), "no usage that Gemini would report");
    }
}

#[test]
fn figures_that_are_none_count_as_zero() {
    let odd = json!({"prompt_tokens": -5, "completion_tokens": "many", "prompt_tokens_details": 3});
    assert_eq!(Usage::from_openai(&json!({"usage": odd})), Ok(Usage::default()));
    let large = json!({"prompt_tokens": 1e300, "completion_tokens": u64::MAX});
    let usage = Usage::from_openai(&large).unwrap();
    assert_eq!((usage.input_token_count, usage.output_token_count), (i64::MAX, i64::MAX));
}

#[test]
fn an_estimate_is_a_quarter_of_the_characters() {
    assert_eq!(estimate_tokens(""), 0);
    assert_eq!(estimate_tokens(&"ß".repeat(9)), 3);
    let messages = json!([
        {"role": "system", "content": "x".repeat(8)},
        {"role": "user", "content": [{"type": "text", "text": "y".repeat(8)}, {"type": "image"}]},
    ]);
    assert_eq!(estimate_tokens(&messages), 4);
}

//! The vectors of the clients' converters, which the server's reading takes over.

use serde_json::Value;
use tollgate::answers::{Unreadable, read};
use tollgate::domain::usage::{TokenClass, Usage};

use super::{conformance, parts};

/// Vectors that the server reads otherwise, and how: it has errors, and errs to the dearer side.
const CHANGED: [&str; 2] = ["anthropic-cache-unknown-lifetime", "openai-chat-negative"];

fn expected(usage: &Value) -> Usage {
    let mut expected = Usage::default();
    for (name, count) in usage.as_object().unwrap() {
        let class =
            TokenClass::ALL.into_iter().find(|c| *name == format!("{}_token_count", c.as_str()));
        expected.set(class.unwrap_or_else(|| panic!("{name}")), count.as_i64().unwrap());
    }
    expected
}

#[test]
fn every_vector_of_the_converters_is_read_as_before() {
    let vectors = conformance();
    assert!(vectors.len() >= 52, "only {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for (name, vector) in vectors.iter().filter(|(name, _)| !CHANGED.contains(&name.as_str())) {
        for hint in ["", vector["provider"].as_str().unwrap()] {
            let reading = read(&parts(&vector["input"]), hint);
            let Ok(reading) = reading else {
                wrong.push(format!("{name}: {reading:?}"));
                continue;
            };
            let tier = reading.service_tier.map(|tier| tier.as_str().to_uppercase());
            let read = (reading.usage, reading.model.as_deref(), tier.as_deref());
            let expects = &vector["expected"];
            let expected = (
                expected(&expects["usage"]),
                expects["model"].as_str(),
                expects["service_tier"].as_str(),
            );
            if read != expected {
                wrong.push(format!("{name}: expected {expects}, got {reading:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_changed_is_an_error_or_dearer() {
    let vectors = conformance();
    let vector = |name: &str| &vectors.iter().find(|(known, _)| known == name).unwrap().1;

    let negative = read(&parts(&vector("openai-chat-negative")["input"]), "");
    // Not a number comes first: it is seen when the answer is parsed.
    let name = "audio_tokens".to_owned();
    assert_eq!(negative, Err(Unreadable::NotANumber { part: 0, name }));

    let longer = read(&parts(&vector("anthropic-cache-unknown-lifetime")["input"]), "").unwrap();
    let usage = longer.usage;
    assert_eq!(usage.get(TokenClass::CacheWrite5m), 300);
    assert_eq!(usage.get(TokenClass::CacheWrite1h), 600, "a week is not five minutes");
}

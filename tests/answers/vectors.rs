//! Answers that every client hands over, and what the server reads in them.

use serde_json::Value;
use tollgate::answers::{Unreadable, read};
use tollgate::domain::usage::{TokenClass, UnitKind, Usage};

use super::{conformance, parts};

fn expected(usage: &Value) -> Usage {
    let mut expected = Usage::default();
    for (name, count) in usage.as_object().unwrap().iter().filter(|(name, _)| *name != "units") {
        let class =
            TokenClass::ALL.into_iter().find(|c| *name == format!("{}_token_count", c.as_str()));
        expected.set(class.unwrap_or_else(|| panic!("{name}")), count.as_i64().unwrap());
    }
    expected
}

/// Units by the names of the API.
fn units(usage: &Value) -> Vec<(String, i64)> {
    let units = usage["units"].as_array().into_iter().flatten();
    let unit = |unit: &Value| {
        (unit["kind"].as_str().unwrap().to_lowercase(), unit["count"].as_i64().unwrap())
    };
    units.map(unit).collect()
}

#[test]
fn every_answer_of_the_clients_is_read() {
    let vectors = conformance();
    assert!(vectors.len() >= 52, "only {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for (name, vector) in vectors.iter().filter(|(_, vector)| vector["expected"]["error"].is_null())
    {
        for hint in ["", vector["provider"].as_str().unwrap()] {
            let reading = read(&parts(&vector["input"]), hint);
            let Ok(reading) = reading else {
                wrong.push(format!("{name}: {reading:?}"));
                continue;
            };
            // A record without a tier is one of the standard tier.
            let tier = reading.service_tier.map(|tier| tier.as_str().to_uppercase());
            let is_told = vector["expected"]["service_tier"].is_string();
            let tier = tier.filter(|tier| is_told || tier != "STANDARD");
            let counted = UnitKind::ALL.into_iter().map(|kind| (kind, reading.unit(kind)));
            let counted: Vec<(String, i64)> = counted
                .filter(|(_, count)| *count > 0)
                .map(|(kind, count)| (kind.as_str().to_owned(), count))
                .collect();
            let read = (reading.usage, counted, reading.model.as_deref(), tier.as_deref());
            let expects = &vector["expected"];
            let expected = (
                expected(&expects["usage"]),
                units(&expects["usage"]),
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

//! Answers of the field that were read wrongly before, each with its right figures.

use serde_json::Value;
use tollgate::answers::{Reading, read};
use tollgate::domain::usage::{ServiceTier, TokenClass, UnitKind, Usage};

use super::parts;

/// The tokens that a case expects, by the names of the classes.
fn expected(usage: &Value) -> Usage {
    let mut expected = Usage::default();
    for (name, count) in usage.as_object().unwrap() {
        let class = TokenClass::ALL.into_iter().find(|c| *name == format!("{}_tokens", c.as_str()));
        expected.set(class.unwrap_or_else(|| panic!("{name}")), count.as_i64().unwrap());
    }
    expected
}

#[test]
fn answers_of_the_field_are_read_with_and_without_a_hint() {
    let Some(rows) = super::recorded("field_cases.jsonl") else { return };
    let mut cases = 0;
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row["input"]["convert"].is_string()) {
        cases += 1;
        for hint in ["", row["input"]["convert"].as_str().unwrap().trim_start_matches("any")] {
            let reading = read(&parts(&row["input"]["answer"]), hint);
            let Some(usage) = row["expected"].get("usage") else {
                assert!(reading.is_ok(), "{row}: {reading:?}");
                continue;
            };
            if reading.as_ref().map(|reading| reading.usage) != Ok(expected(usage)) {
                wrong.push(format!("{}: expected {usage}, got {reading:?}", row["id"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 20, "only {cases} cases");
}

/// What a case's answer says beside its tokens.
#[test]
fn units_factors_tiers_and_costs_of_the_field_are_read() {
    let Some(rows) = super::recorded("field_cases.jsonl") else { return };
    let reading_of = |id: &str| -> Reading {
        let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id}"));
        read(&parts(&row["input"]["answer"]), "").unwrap_or_else(|error| panic!("{id}: {error}"))
    };
    let cost = |id: &str| reading_of(id).reported_cost.unwrap().amount.to_string();

    assert_eq!(reading_of("A12").unit(UnitKind::WebSearch), 3);
    assert_eq!(reading_of("A13").factor("inference_geo"), Some("us"));
    assert_eq!(reading_of("A13").service_tier, Some(ServiceTier::Standard));
    assert_eq!(cost("A14"), "0.00123");
    assert_eq!(reading_of("A14").provider.as_deref(), Some("openrouter"));
    assert_eq!(cost("A31"), "0.42");
    assert_eq!(reading_of("A31").unit(UnitKind::WebSearch), 18);
    assert_eq!(reading_of("A31").unit(UnitKind::CitationToken), 20_000);
    assert_eq!(reading_of("A35").service_tier, Some(ServiceTier::Batch));
    assert_eq!(reading_of("A36").provider.as_deref(), Some("bedrock"));
}

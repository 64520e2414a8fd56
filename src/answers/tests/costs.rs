//! Costs that the provider reports.

use super::super::{Flag, Unreadable};
use super::{error, has, reading};

fn cost(json: &str) -> Option<String> {
    let cost = reading(json).reported_cost?;
    Some(format!("{} {}", cost.amount, cost.currency))
}

#[test]
fn reported_costs_are_exact() {
    for (json, expected) in [
        (r#"{"usage":{"prompt_tokens":1,"cost":0.00123}}"#, "0.00123 USD"),
        (r#"{"usage":{"prompt_tokens":1,"cost":6e-05}}"#, "0.00006 USD"),
        (r#"{"usage":{"prompt_tokens":1,"cost":"0.5"}}"#, "0.5 USD"),
        (r#"{"usage":{"prompt_tokens":1,"cost":"1.5e-7"}}"#, "0.00000015 USD"),
        (r#"{"usage":{"prompt_tokens":1,"cost":0}}"#, "0 USD"),
        (r#"{"usage":{"prompt_tokens":1,"cost_in_usd_ticks":37756000}}"#, "0.0037756 USD"),
        (
            r#"{"usage":{"prompt_tokens":1,"cost":{"total_cost":0.42,"currency":"EUR"}}}"#,
            "0.42 EUR",
        ),
        (r#"{"usage":{"prompt_tokens":1,"estimated_cost":0.01}}"#, "0.01 USD"),
        (r#"{"usage":{"prompt_tokens":1},"_hidden_params":{"response_cost":0.02}}"#, "0.02 USD"),
        (
            r#"{"usage":{"inputTokens":1},"providerMetadata":{"gateway":{"cost":"0.0045"}}}"#,
            "0.0045 USD",
        ),
        (r#"{"type":"result","total_cost_usd":0.3,"usage":{"input_tokens":1}}"#, "0.3 USD"),
    ] {
        assert_eq!(cost(json).as_deref(), Some(expected), "{json}");
    }
    assert_eq!(cost(r#"{"usage":{"prompt_tokens":1,"cost":null}}"#), None);
}

/// With a key of the caller's own the gateway bills its fee, and the provider the rest.
#[test]
fn with_a_key_of_one_s_own_the_provider_s_cost_is_added() {
    let json = r#"{"usage":{"prompt_tokens":1,"cost":0.05,"is_byok":true,
        "cost_details":{"upstream_inference_cost":0.95}}}"#;
    assert_eq!(cost(json).as_deref(), Some("1 USD"));
    assert_eq!(cost(&json.replace("true", "false")).as_deref(), Some("0.05 USD"));
}

#[test]
fn costs_that_cannot_be_are_refused_or_flagged() {
    let negative = r#"{"usage":{"prompt_tokens":1,"cost":-0.5}}"#;
    let name = "cost".to_owned();
    assert_eq!(error(negative), Unreadable::Negative { part: 0, name });
    for json in [
        r#"{"usage":{"prompt_tokens":1,"cost":1e300}}"#,
        r#"{"usage":{"prompt_tokens":1,"cost":{"total_cost":1,"currency":"credits"}}}"#,
    ] {
        let reading = reading(json);
        assert_eq!(reading.reported_cost, None, "{json}");
        assert!(has(&reading, Flag::CostUnread), "{json}");
    }
}

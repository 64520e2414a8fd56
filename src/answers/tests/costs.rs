//! Costs that the provider reports.

use super::super::{Flag, Unreadable, read};
use super::{error, has, reading, tokens};

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

#[test]
fn a_cost_without_usage_is_read_as_such() {
    for (json, expected, provider) in [
        (r#"{"id":"a","model":"m","usage":{"cost":0.00123}}"#, "0.00123 USD", None),
        (r#"{"model":"m","usage":null,"response_cost":0.02}"#, "0.02 USD", None),
        (r#"{"model":"m","_hidden_params":{"response_cost":"2e-4"}}"#, "0.0002 USD", None),
        (r#"{"type":"result","model":"m","total_cost_usd":0.3}"#, "0.3 USD", None),
        (
            r#"{"response":{"model":"m","usage":{"cost":1,"is_byok":true,
            "cost_details":{"upstream_inference_cost":2}}}}"#,
            "3 USD",
            Some("openrouter"),
        ),
        (r#"{"model":"m","usage":{"cost_in_usd_ticks":200000000}}"#, "0.02 USD", Some("xai")),
        (r#"{"model":"m","usage":{"cost":{"total_cost":0.4,"currency":"EUR"}}}"#, "0.4 EUR", None),
        (
            r#"{"model":"m","usage":{"prompt_tokens":null,"num_search_queries":3,"speed":"fast",
            "cost":0.1}}"#,
            "0.1 USD",
            None,
        ),
    ] {
        let reading = reading(json);
        let cost = reading.reported_cost.expect(json);
        assert_eq!(format!("{} {}", cost.amount, cost.currency), expected, "{json}");
        assert_eq!((reading.shape, tokens(&reading.usage)), ("cost", String::new()), "{json}");
        assert_eq!(reading.flags[..], [Flag::CostOnly], "{json}");
        assert!(reading.units.is_empty() && reading.factors.is_empty(), "{json}");
        assert_eq!(reading.model.as_deref(), Some("m"));
        assert_eq!(reading.provider.as_deref(), provider, "{json}");
        assert_eq!(read(&[&reading.kept], "").unwrap(), reading, "{json}");
    }
}

#[test]
fn what_says_no_cost_either_is_still_an_error() {
    for json in [
        r#"{"model":"m","usage":{"cost":0}}"#,
        r#"{"model":"m","usage":{"cost":1e-12}}"#,
        r#"{"model":"m","usage":{"cost":null}}"#,
        r#"{"model":"m","usage":{"cost":"much"}}"#,
        r#"{"model":"m","usage":{"cost":1e300}}"#,
        r#"{"model":"m","usage":{"cost":1e9}}"#,
        r#"{"model":"m","content":{"cost":5}}"#,
    ] {
        assert!(matches!(error(json), Unreadable::NoUsage { .. }), "{json}");
    }
    let name = "cost".to_owned();
    let negative = r#"{"usage":{"cost":-1}}"#;
    assert_eq!(error(negative), Unreadable::Negative { part: 0, name });
    let running = r#"{"status":"in_progress","usage":{"cost":0.1}}"#;
    assert!(matches!(error(running), Unreadable::Unfinished { .. }));
    // A total is no cost: its parts are missing.
    let total = r#"{"usage":{"total_tokens":9,"cost":0.1}}"#;
    assert!(matches!(error(total), Unreadable::NothingCounted { .. }));
}

#[test]
fn usage_comes_before_a_cost_that_is_alone() {
    let usage = r#"{"id":"a","usage":{"prompt_tokens":8,"completion_tokens":2}}"#;
    let cost = r#"{"id":"a","usage":{"cost":0.5}}"#;
    for parts in [[usage, cost], [cost, usage]] {
        let reading = read(&parts, "").unwrap();
        assert_eq!((reading.shape, &*tokens(&reading.usage)), ("openai.chat", "input 8, output 2"));
        assert!(!has(&reading, Flag::CostOnly));
    }
    // Cumulative, as the figures of a stream are.
    let more = cost.replace("0.5", "0.7");
    let reading = read(&[cost, &more], "").unwrap();
    assert_eq!(reading.reported_cost.unwrap().amount.to_string(), "0.7");
    for other in [cost.replace("0.5", "0.4"), cost.replace("\"a\"", "\"b\"")] {
        let error = read(&[cost, &other], "").unwrap_err();
        assert!(matches!(error, Unreadable::SeveralAnswers { .. }), "{error}");
    }
}

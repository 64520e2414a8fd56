//! Service tiers and named factors.

use super::super::{Flag, read};
use super::{has, reading};
use crate::domain::usage::ServiceTier;

const USAGE: &str = r#""usage":{"prompt_tokens":8,"completion_tokens":2}"#;

fn with_tier(tier: &str) -> super::Reading {
    reading(&format!(r#"{{{USAGE},"service_tier":"{tier}"}}"#))
}

#[test]
fn tiers_are_known_by_the_names_that_providers_give_them() {
    for (name, tier) in [
        ("default", Some(ServiceTier::Standard)),
        ("standard", Some(ServiceTier::Standard)),
        ("scale", Some(ServiceTier::Standard)),
        ("On_Demand", Some(ServiceTier::Standard)),
        ("reserved", Some(ServiceTier::Standard)),
        ("batch", Some(ServiceTier::Batch)),
        ("FLEX", Some(ServiceTier::Flex)),
        ("priority", Some(ServiceTier::Priority)),
        ("ultrafast", Some(ServiceTier::Priority)),
        ("auto", None),
        ("", None),
    ] {
        let reading = with_tier(name);
        assert_eq!(reading.service_tier, tier, "{name}");
        assert!(reading.flags.is_empty(), "{name}");
    }
}

/// The name is a factor of its own where it says more than the tier.
#[test]
fn unusual_tiers_are_named() {
    assert_eq!(with_tier("ultrafast").factor("service_tier"), Some("ultrafast"));
    assert_eq!(with_tier("priority").factor("service_tier"), None);
    let unknown = with_tier("Balanced");
    assert_eq!((unknown.service_tier, unknown.factor("service_tier")), (None, Some("balanced")));
    assert!(has(&unknown, Flag::TierUnknown));
}

#[test]
fn tiers_are_found_where_providers_put_them() {
    let converse = r#"{"usage":{"inputTokens":8,"outputTokens":2},"metrics":{"latencyMs":5},
        "serviceTier":{"type":"priority"},"performanceConfig":{"latency":"optimized"}}"#;
    let reading_of_converse = reading(converse);
    assert_eq!(reading_of_converse.service_tier, Some(ServiceTier::Priority));
    assert_eq!(reading_of_converse.factor("latency"), Some("optimized"));
    assert_eq!(reading_of_converse.provider.as_deref(), Some("bedrock"));

    let stream = [
        r#"{"type":"response.created","response":{"service_tier":"flex","usage":null}}"#,
        r#"{"type":"response.completed","response":{"usage":{"input_tokens":8}}}"#,
    ];
    assert_eq!(read(&stream, "").unwrap().service_tier, Some(ServiceTier::Flex));
}

#[test]
fn lines_of_a_batch_are_known_by_what_is_around_the_answer() {
    for line in [
        r#"{"custom_id":"a","response":{"status_code":200,"body":{"service_tier":"default",
            "usage":{"prompt_tokens":8,"completion_tokens":2}}}}"#,
        r#"{"custom_id":"a","result":{"type":"succeeded","message":{"type":"message",
            "usage":{"input_tokens":8,"output_tokens":2}}}}"#,
        r#"{"recordId":"a","modelOutput":{"usage":{"input_tokens":8,"output_tokens":2}}}"#,
    ] {
        assert_eq!(reading(line).service_tier, Some(ServiceTier::Batch), "{line}");
    }
}

/// Fast mode was billed as the priority tier before there were factors; it is named, too.
#[test]
fn fast_mode_is_a_tier_and_a_factor() {
    let json = r#"{"type":"message","usage":{"input_tokens":8,"output_tokens":2,
        "service_tier":"standard","speed":"fast","inference_geo":"US"}}"#;
    let fast = reading(json);
    assert_eq!(fast.service_tier, Some(ServiceTier::Priority));
    assert_eq!((fast.factor("speed"), fast.factor("inference_geo")), (Some("fast"), Some("us")));

    let plain = json.replace("fast", "standard").replace("US", "not_available");
    let plain = reading(&plain);
    assert_eq!(plain.service_tier, Some(ServiceTier::Standard));
    assert!(plain.factors.is_empty());
}

//! Rounds of one answer of Anthropic: compaction, an advisor, a fallback.

use super::super::{Flag, Reading};
use super::{reading, tokens};

fn message(top: (i64, i64), rounds: &str) -> Reading {
    reading(&format!(
        r#"{{"type":"message","model":"claude-sonnet-4-6","usage":{{"input_tokens":{},
        "output_tokens":{},"iterations":[{rounds}]}}}}"#,
        top.0, top.1
    ))
}

fn round(kind: &str, model: &str, input: i64, output: i64) -> String {
    let model = if model.is_empty() { String::new() } else { format!(r#""model":"{model}","#) };
    format!(r#"{{"type":"{kind}",{model}"input_tokens":{input},"output_tokens":{output}}}"#)
}

fn rounds(all: &[(&str, &str, i64, i64)]) -> String {
    let written: Vec<String> = all.iter().map(|(a, b, c, d)| round(a, b, *c, *d)).collect();
    written.join(",")
}

#[test]
fn compaction_is_billed_beside_the_message() {
    let all = rounds(&[("compaction", "", 164_000, 3_100), ("message", "", 21_000, 900)]);
    assert_eq!(tokens(&message((21_000, 900), &all).usage), "input 185000, output 4000");
    // Without the message itself among the rounds, or without any.
    let one = rounds(&[("compaction", "", 164_000, 3_100)]);
    assert_eq!(tokens(&message((21_000, 900), &one).usage), "input 185000, output 4000");
    assert_eq!(tokens(&message((21_000, 900), "").usage), "input 21000, output 900");
    // It ended after the compaction, which is all there is.
    assert_eq!(tokens(&message((164_000, 3_100), &one).usage), "input 164000, output 3100");
    assert_eq!(tokens(&message((0, 0), &one).usage), "input 164000, output 3100");
}

#[test]
fn an_advisor_is_billed_at_its_own_model_s_price() {
    let advisor = ("advisor_message", "claude-opus-4-8", 2_518, 22);
    let all = rounds(&[("message", "", 1_128, 110), advisor, ("message", "", 1_262, 11)]);
    let answer = message((2_390, 121), &all);
    assert_eq!(tokens(&answer.usage), "input 2390, output 121");
    assert_eq!(answer.others.len(), 1);
    assert_eq!(answer.others[0].model, "claude-opus-4-8");
    assert_eq!(tokens(&answer.others[0].usage), "input 2518, output 22");
    assert_eq!(answer.flags.as_slice(), [Flag::OtherModel]);

    // Two of its rounds are one sum; an advisor of the same model is part of it.
    let twice = rounds(&[("message", "", 2_390, 121), advisor, advisor]);
    assert_eq!(tokens(&message((2_390, 121), &twice).others[0].usage), "input 5036, output 44");
    let same = ("advisor_message", "Claude-Sonnet-4-6", 100, 10);
    let own = message((2_390, 121), &rounds(&[("message", "", 2_390, 121), same]));
    assert_eq!(tokens(&own.usage), "input 2490, output 131");
    assert!(own.others.is_empty() && own.flags.is_empty());
}

/// The usage above has the output of all rounds, but the input of the first.
#[test]
fn rounds_that_are_more_than_the_usage_above_them_count() {
    let advisor = ("advisor_message", "claude-opus-4-8", 823, 1_612);
    let all = rounds(&[("message", "", 412, 89), advisor, ("message", "", 1_348, 442)]);
    assert_eq!(tokens(&message((412, 531), &all).usage), "input 1760, output 531");
}

#[test]
fn a_fallback_that_is_in_the_usage_above_is_not_counted_twice() {
    let fallback = ("fallback_message", "claude-haiku-4-5", 10, 4);
    let answer = message((10, 7), &rounds(&[("message", "", 10, 3), fallback]));
    assert_eq!(tokens(&answer.usage), "input 10, output 3");
    assert_eq!(tokens(&answer.others[0].usage), "input 10, output 4");
}

#[test]
fn thinking_stays_reasoning_and_lifetimes_stay_apart() {
    let json = r#"{"type":"message","model":"claude-sonnet-4-6","usage":{"input_tokens":100,
        "output_tokens":700,"output_tokens_details":{"thinking_tokens":300},"iterations":[
        {"type":"compaction","input_tokens":50,"output_tokens":2000,
        "cache_read_input_tokens":150000,"cache_creation_input_tokens":80,
        "cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":50}},
        {"type":"message","input_tokens":100,"output_tokens":700}]}}"#;
    let expected = "input 150, cache_read 150000, cache_write_5m 30, cache_write_1h 50, \
                    output 2400, reasoning 300";
    assert_eq!(tokens(&reading(json).usage), expected);
}

#[test]
fn rounds_of_a_stream_are_those_of_its_last_event() {
    let start = r#"{"type":"message_start","message":{"type":"message","model":"m",
        "usage":{"input_tokens":10,"output_tokens":1}}}"#;
    let delta = format!(
        r#"{{"type":"message_delta","usage":{{"output_tokens":9,"iterations":[{}]}}}}"#,
        rounds(&[("compaction", "", 500, 50), ("message", "", 10, 9)])
    );
    let reading = super::stream(&[start, &delta]);
    assert_eq!(tokens(&reading.usage), "input 510, output 59");
}

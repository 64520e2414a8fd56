//! Events of a stream: never added up, and never those of two answers.

use super::super::{Flag, Unreadable, read};
use super::{has, stream, tokens};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message",
    "model":"claude-opus-4-6","usage":{"input_tokens":25,"cache_creation_input_tokens":120,
    "cache_read_input_tokens":1000,"output_tokens":1,"service_tier":"standard"}}}"#;
const DELTA: &str = r#"{"type":"message_delta","usage":{"output_tokens":15}}"#;

#[test]
fn events_that_complete_one_another_are_read_together() {
    let both = stream(&[START, DELTA]);
    let expected = "input 25, cache_read 1000, cache_write_5m 120, output 15";
    assert_eq!(tokens(&both.usage), expected);
    assert!(both.flags.is_empty());
    let three = stream(&[START, DELTA, r#"{"type":"message_stop"}"#]);
    assert_eq!(three, both);

    let begun = stream(&[START]);
    assert!(has(&begun, Flag::Partial));
    assert_eq!(begun.shape, "anthropic");
}

#[test]
fn usage_without_its_events_is_completed_too() {
    let start = r#"{"input_tokens":25,"cache_read_input_tokens":1000,"output_tokens":1}"#;
    let both = stream(&[start, r#"{"output_tokens":15}"#]);
    assert_eq!(tokens(&both.usage), "input 25, cache_read 1000, output 15");
    let three = stream(&[start, r#"{"output_tokens":7}"#, r#"{"output_tokens":15}"#]);
    assert_eq!(three.usage, both.usage);
    let many = format!(r#"[{start}{}]"#, r#",{"output_tokens":15}"#.repeat(16));
    let error = read(&[many], "").unwrap_err();
    assert!(matches!(error, Unreadable::SeveralAnswers { .. }), "{error}");
}

#[test]
fn bedrock_s_metrics_repeat_what_the_other_events_say() {
    let metrics = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":
        {"inputTokenCount":25,"outputTokenCount":15,"cacheReadInputTokenCount":1000,
        "cacheWriteInputTokenCount":120}}"#;
    let alone = stream(&[metrics]);
    let expected = "input 25, cache_read 1000, cache_write_5m 120, output 15";
    assert_eq!(tokens(&alone.usage), expected);
    for events in [[START, DELTA, metrics], [metrics, START, DELTA]] {
        let all = stream(&events);
        assert_eq!((all.usage, all.shape), (alone.usage, "anthropic"));
        assert_eq!(all.provider.as_deref(), Some("bedrock"));
    }
}

#[test]
fn cumulative_usage_is_not_added() {
    let chunk = |output: i64| {
        format!(
            r#"{{"id":"c1","model":"m","choices":[],"usage":{{"prompt_tokens":8,
            "completion_tokens":{output},"total_tokens":{}}}}}"#,
            8 + output
        )
    };
    let chunks = [chunk(1), chunk(5), chunk(9), r#"{"id":"c1","usage":null}"#.to_owned()];
    let reading = read(&chunks, "").unwrap();
    assert_eq!(tokens(&reading.usage), "input 8, output 9");

    // Some end a stream with a usage of zeros.
    let zeros = r#"{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;
    let reading = read(&[&chunk(9), zeros], "").unwrap();
    assert_eq!(tokens(&reading.usage), "input 8, output 9");
}

#[test]
fn several_answers_are_refused() {
    let answer = |id: &str, model: &str, output: i64| {
        format!(
            r#"{{"id":"{id}","object":"chat.completion","model":"{model}",
            "usage":{{"prompt_tokens":8,"completion_tokens":{output}}}}}"#
        )
    };
    let refused = |first: String, second: String| read(&[first, second], "").unwrap_err();

    let ids = refused(answer("a", "m", 1), answer("b", "m", 2));
    assert!(matches!(ids, Unreadable::SeveralAnswers { .. }), "{ids}");
    let models = refused(answer("a", "m", 1), answer("a", "n", 2));
    let (first, second) = ("m".to_owned(), "n".to_owned());
    assert_eq!(models, Unreadable::TwoModels { first, second });
    // Neither has an id, and what is cumulative does not fall.
    let falling = refused(answer("", "m", 20), answer("", "m", 10));
    assert!(matches!(falling, Unreadable::SeveralAnswers { .. }), "{falling}");

    let done = |id: &str| {
        format!(
            r#"{{"type":"response.done","response":{{"id":"{id}","usage":{{"input_tokens":5,
            "output_tokens":5}}}}}}"#
        )
    };
    let turns = refused(done("resp_1"), done("resp_2"));
    assert!(matches!(turns, Unreadable::SeveralAnswers { .. }), "{turns}");
    let usage = r#"{"input_tokens":30,"cache_read_input_tokens":5,"output_tokens":30}"#.to_owned();
    let other = r#"{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":40}"#.to_owned();
    let alone = refused(usage, other);
    assert!(matches!(alone, Unreadable::SeveralAnswers { .. }), "{alone}");
}

#[test]
fn two_providers_are_refused() {
    let chat = r#"{"usage":{"prompt_tokens":8,"completion_tokens":1}}"#;
    let gemini = r#"{"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":1}}"#;
    let message = r#"{"type":"message","usage":{"input_tokens":8,"output_tokens":1}}"#;
    let both = r#"{"usage":{"prompt_tokens":8},"usageMetadata":{"promptTokenCount":8}}"#;
    let mixed = r#"{"usage":{"prompt_tokens":8,"candidatesTokenCount":8}}"#;
    for events in
        [vec![chat, gemini], vec![message, chat], vec![gemini, message], vec![both], vec![mixed]]
    {
        let error = read(&events, "").unwrap_err();
        assert!(matches!(error, Unreadable::TwoProviders { .. }), "{error}");
    }
}

/// LangChain hands over its own figures and those of the provider.
#[test]
fn a_library_may_repeat_the_provider_s_own_figures() {
    let json = r#"{"content":"Hi","type":"ai","usage_metadata":{"input_tokens":20,
        "output_tokens":9,"total_tokens":29,"input_token_details":{"cache_read":12}},
        "response_metadata":{"model_name":"gpt-4o","token_usage":{"prompt_tokens":20,
        "completion_tokens":9,"total_tokens":29}}}"#;
    let reading = stream(&[json]);
    assert_eq!(tokens(&reading.usage), "input 8, cache_read 12, output 9");
    assert_eq!(reading.model.as_deref(), Some("gpt-4o"));
}

#[test]
fn an_answer_that_is_not_finished_says_so() {
    let queued = r#"{"id":"resp_1","object":"response","status":"queued","background":true,
        "model":"gpt-5","usage":null,"output":[]}"#;
    let status = "queued".to_owned();
    assert_eq!(read(&[queued], ""), Err(Unreadable::Unfinished { status }));

    let done = r#"{"id":"resp_1","object":"response","status":"completed","model":"gpt-5",
        "usage":{"input_tokens":20000,"output_tokens":50000}}"#;
    assert!(stream(&[queued, done]).flags.is_empty());
    let running = done.replace("completed", "in_progress");
    assert!(has(&stream(&[&running]), Flag::Partial));
}

#[test]
fn polling_again_is_one_answer() {
    let done = |output: i64| {
        format!(
            r#"{{"id":"resp_1","status":"completed","usage":{{"input_tokens":9,
            "output_tokens":{output}}}}}"#
        )
    };
    assert_eq!(tokens(&stream(&[&done(5), &done(5)]).usage), "input 9, output 5");
}

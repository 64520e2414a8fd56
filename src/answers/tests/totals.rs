//! Totals decide where parts belong; what contradicts is flagged.

use super::super::{Flag, Unreadable, read};
use super::{error, has, reading, tokens};

/// A chat completion of these figures, with `R` as reasoning and `C` as cached tokens.
fn chat(prompt: i64, cached: i64, completion: i64, reasoning: i64, total: i64) -> String {
    format!(
        r#"{{"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},
        "total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached}}},
        "completion_tokens_details":{{"reasoning_tokens":{reasoning}}}}}}}"#
    )
}

#[test]
fn the_total_says_whether_reasoning_and_caches_are_inside() {
    for (json, expected) in [
        (chat(1000, 0, 150, 100, 1150), "input 1000, output 50, reasoning 100"),
        (chat(1000, 0, 150, 100, 1250), "input 1000, output 150, reasoning 100"),
        (chat(1000, 0, 150, 280, 1430), "input 1000, output 150, reasoning 280"),
        (chat(1000, 400, 150, 0, 1150), "input 600, cache_read 400, output 150"),
        (chat(1000, 400, 150, 0, 1550), "input 1000, cache_read 400, output 150"),
        (chat(100, 400, 150, 50, 700), "input 100, cache_read 400, output 150, reasoning 50"),
        (chat(100, 400, 150, 50, 650), "input 100, cache_read 400, output 100, reasoning 50"),
    ] {
        let reading = reading(&json);
        assert_eq!(tokens(&reading.usage), expected, "{json}");
        assert!(reading.flags.is_empty(), "{:?}: {json}", reading.flags);
    }
}

#[test]
fn what_still_contradicts_is_flagged_and_nothing_is_lost() {
    let above = reading(&chat(100, 0, 50, 20, 200));
    assert_eq!(tokens(&above.usage), "input 100, output 30, reasoning 20");
    assert_eq!(above.flags.as_slice(), [Flag::TotalContradicts]);

    let below = reading(&chat(100, 0, 50, 20, 120));
    assert_eq!(below.flags.as_slice(), [Flag::TotalContradicts]);

    // No arrangement has this total, and 280 do not fit into 150.
    let neither = reading(&chat(1000, 0, 150, 280, 1200));
    assert_eq!(tokens(&neither.usage), "input 1000, output 150, reasoning 280");
    assert!(has(&neither, Flag::TotalContradicts) && has(&neither, Flag::PartsExceed));
}

#[test]
fn without_a_total_what_does_not_fit_is_beside_the_whole() {
    let json = r#"{"usage":{"prompt_tokens":21,"completion_tokens":393,
        "cache_read_input_tokens":18000,"cache_creation_input_tokens":400}}"#;
    let reading = reading(json);
    let expected = "input 21, cache_read 18000, cache_write_5m 400, output 393";
    assert_eq!(tokens(&reading.usage), expected);
    assert!(has(&reading, Flag::PartsExceed));
}

/// Anthropic's figures with a total that leaves the caches out.
#[test]
fn a_total_without_caches_does_not_lose_them() {
    for json in [
        r#"{"usage":{"input_tokens":21,"output_tokens":393,"total_tokens":414,
            "cache_read_input_tokens":18000}}"#,
        r#"{"usage":{"prompt_tokens":21,"completion_tokens":393,"total_tokens":414,
            "cache_read_input_tokens":18000}}"#,
    ] {
        let reading = reading(json);
        assert_eq!(tokens(&reading.usage), "input 21, cache_read 18000, output 393", "{json}");
        assert_eq!(reading.flags.as_slice(), [Flag::PartsExceed], "{json}");
    }
}

#[test]
fn gemini_s_thoughts_are_what_its_total_has_beyond_the_parts() {
    let compatible = r#"{"model":"gemini-2.5-pro-preview-05-06","usage":{"completion_tokens":12,
        "prompt_tokens":35,"total_tokens":109}}"#;
    let named = reading(compatible);
    assert_eq!(tokens(&named.usage), "input 35, output 12, reasoning 62");
    assert_eq!(named.flags.as_slice(), [Flag::RestCounted]);

    let unnamed = compatible.replace("gemini-2.5-pro-preview-05-06", "m");
    assert_eq!(reading(&unnamed).flags.as_slice(), [Flag::TotalContradicts]);
    let hinted = read(&[unnamed.as_str()], "Vertex_AI").unwrap();
    assert_eq!(hinted.usage, named.usage);
}

/// A side whose figure has a name that is not known yet.
#[test]
fn the_side_that_is_missing_is_what_the_total_has_beyond_the_other() {
    for (json, expected) in [
        (
            r#"{"usage":{"prompt_tokens":300,"total_tokens":1200,"new_tokens":900}}"#,
            "input 300, output 900",
        ),
        (r#"{"usage":{"completion_tokens":400,"total_tokens":1400}}"#, "input 1000, output 400"),
        (
            r#"{"usageMetadata":{"promptTokenCount":300,"totalTokenCount":1200}}"#,
            "input 300, reasoning 900",
        ),
    ] {
        let reading = reading(json);
        assert_eq!(tokens(&reading.usage), expected, "{json}");
        assert_eq!(reading.flags.as_slice(), [Flag::RestCounted], "{json}");
    }
}

#[test]
fn thoughts_and_results_of_tools_are_inside_where_gemini_s_total_says_so() {
    let json = r#"{"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":50,
        "thoughtsTokenCount":20,"toolUsePromptTokenCount":30,"totalTokenCount":150}}"#;
    assert_eq!(tokens(&reading(json).usage), "input 100, output 30, reasoning 20");
}

#[test]
fn a_recognised_shape_without_its_parts_is_no_zero() {
    for (json, shape) in [
        (r#"{"usage":{"total_tokens":1400}}"#, "openai.chat"),
        (r#"{"object":"chat.completion","usage":{"total_tokens":1400}}"#, "openai.chat"),
        (r#"{"usageMetadata":{"totalTokenCount":1400}}"#, "gemini"),
        (r#"{"usage":{"prompt_tokens":0,"total_tokens":1400}}"#, "openai.chat"),
        (r#"{"model":"gemini-2.5","usage":{"total_tokens":1400}}"#, "openai.chat"),
    ] {
        let Unreadable::NothingCounted { shape: found, total: 1400, looked_for, .. } = error(json)
        else {
            panic!("{json}")
        };
        assert_eq!(found, shape, "{json}");
        assert!(looked_for.contains("prompt"), "{looked_for}");
    }
}

#[test]
fn the_surer_of_two_names_counts_and_a_difference_is_flagged() {
    let both = |details: i64, top: i64| {
        reading(&format!(
            r#"{{"usage":{{"prompt_tokens":5000,"completion_tokens":300,"total_tokens":5300,
            "prompt_cache_hit_tokens":{top},"prompt_tokens_details":{{"cached_tokens":{details}}}
            }}}}"#
        ))
    };
    assert_eq!(tokens(&both(4608, 4608).usage), "input 392, cache_read 4608, output 300");
    assert!(both(4608, 4608).flags.is_empty());
    assert_eq!(tokens(&both(0, 4608).usage), "input 392, cache_read 4608, output 300");
    let differ = both(4600, 4608);
    assert_eq!(tokens(&differ.usage), "input 400, cache_read 4600, output 300");
    assert_eq!(differ.flags.as_slice(), [Flag::NamesDisagree]);
}

/// Only where two readings are possible.
#[test]
fn a_hint_decides_between_shapes_of_the_same_names() {
    let json = r#"{"usage":{"prompt_tokens":30,"completion_tokens":3000,"total_tokens":3030,
        "reasoning_tokens":700}}"#;
    let read = |hint| read(&[json], hint).unwrap();
    assert_eq!(tokens(&read("").usage), "input 30, output 2300, reasoning 700");
    assert_eq!(tokens(&read("perplexity").usage), "input 30, output 3000, reasoning 700");
    assert_eq!(read(" OpenAI").provider.as_deref(), Some("openai"));
    assert_eq!(read("acme").usage, read("").usage);
}

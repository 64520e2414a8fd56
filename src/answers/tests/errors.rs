//! What cannot be read, and why.

use super::super::{BYTES_MAX, DEPTH_MAX, PARTS_MAX, Unreadable, read, reduce};
use super::{error, reading, tokens};

const USAGE: &str = r#"{"usage":{"prompt_tokens":8,"completion_tokens":2}}"#;

#[test]
fn parts_and_bytes_are_bounded() {
    let none: [&str; 0] = [];
    assert_eq!(read(&none, ""), Err(Unreadable::Parts(0)));
    assert!(read(&vec![USAGE; PARTS_MAX], "").is_ok());
    assert_eq!(read(&vec![USAGE; PARTS_MAX + 1], ""), Err(Unreadable::Parts(PARTS_MAX + 1)));

    let filled = |bytes: usize| format!("{USAGE}{}", " ".repeat(bytes - USAGE.len()));
    assert!(read(&[filled(BYTES_MAX)], "").is_ok());
    assert_eq!(read(&[filled(BYTES_MAX + 1)], ""), Err(Unreadable::TooLarge(BYTES_MAX + 1)));
    let halves = [filled(BYTES_MAX / 2), filled(BYTES_MAX / 2 + 1)];
    assert_eq!(read(&halves, ""), Err(Unreadable::TooLarge(BYTES_MAX + 1)));
}

#[test]
fn what_is_not_json_names_its_part() {
    for json in ["", "{", "data: {}", "{\"usage\":{}} {}", "[1,]", "{\"a\":1e999}", "nul"] {
        let error = read(&[USAGE, json], "").unwrap_err();
        assert!(matches!(error, Unreadable::NotJson { part: 1, .. }), "{json}: {error}");
        assert!(error.to_string().starts_with("provider_answer.json[1]: not JSON: "), "{error}");
    }
    let secret = r#"{"usage":{"prompt_tokens":8},"content":"my secret" oops}"#;
    assert!(!error(secret).to_string().contains("secret"));
}

#[test]
fn depth_is_bounded_where_it_is_read() {
    let nested = |levels: usize| {
        format!(r#"{{"usage":{}1{}}}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels))
    };
    assert!(reduce(&[nested(DEPTH_MAX - 1)]).is_ok());
    assert_eq!(reduce(&[nested(DEPTH_MAX)]), Err(Unreadable::TooDeep { part: 0 }));
    let lists = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(error(&lists), Unreadable::TooDeep { part: 0 });

    // Passed over without being entered.
    let content = format!(r#"{{"content":{lists},"usage":{{"prompt_tokens":8}}}}"#);
    assert_eq!(tokens(&reading(&content).usage), "input 8");
}

#[test]
fn figures_that_are_no_counts_name_the_figure() {
    let usage = |count: &str| error(&format!(r#"{{"usage":{{"prompt_tokens":{count}}}}}"#));
    let name = || "prompt_tokens".to_owned();
    assert_eq!(usage("-1"), Unreadable::Negative { part: 0, name: name() });
    assert_eq!(usage("-0.5"), Unreadable::Negative { part: 0, name: name() });
    assert_eq!(usage("\"-1\""), Unreadable::Negative { part: 0, name: name() });
    assert_eq!(usage("1.5"), Unreadable::NotACount { part: 0, name: name() });
    assert_eq!(usage("9007199254740993"), Unreadable::NotACount { part: 0, name: name() });
    assert_eq!(usage("18446744073709551615"), Unreadable::NotACount { part: 0, name: name() });
    assert_eq!(usage("1e30"), Unreadable::NotACount { part: 0, name: name() });
    assert_eq!(usage("\"many\""), Unreadable::NotANumber { part: 0, name: name() });
    assert_eq!(usage("100000001"), Unreadable::TooManyTokens(100_000_001));
    // Sums that would not fit into 64 bits.
    let most = r#"{"tokenCount":9007199254740992},"#.repeat(1100);
    let sum = format!(r#"{{"inputTextTokenCount":1,"results":[{most}{{}}]}}"#);
    assert!(matches!(error(&sum), Unreadable::NotACount { .. }));
    let most = r#"{"input_tokens":9007199254740992},"#.repeat(1100);
    let rounds = format!(r#"{{"usage":{{"input_tokens":1,"iterations":[{most}{{}}]}}}}"#);
    assert_eq!(error(&rounds), Unreadable::TooManyTokens(1 << 53));
    let units = r#"{"usage":{"prompt_tokens":1,"num_search_queries":-1}}"#;
    let name = "num_search_queries".to_owned();
    assert_eq!(error(units), Unreadable::Negative { part: 0, name });
}

#[test]
fn numbers_in_any_form_are_counts_if_they_are_whole() {
    for count in ["12", "12.0", "1.2e1", "\"12\"", "\"12.0\"", "120e-1"] {
        let json = format!(r#"{{"usage":{{"prompt_tokens":{count},"completion_tokens":null}}}}"#);
        assert_eq!(tokens(&reading(&json).usage), "input 12", "{count}");
    }
    assert_eq!(tokens(&reading(r#"{"usage":{"prompt_tokens":-0}}"#).usage), "");
}

#[test]
fn one_name_twice_is_refused_in_any_spelling() {
    for (json, name) in [
        (r#"{"usage":{"prompt_tokens":8},"usage":{"prompt_tokens":9}}"#, "usage"),
        (r#"{"usage":{"prompt_tokens":8,"promptTokens":9}}"#, "promptTokens"),
        (r#"{"model":"a","model":"b","usage":{"prompt_tokens":8}}"#, "model"),
        (r#"{"usage":{"prompt_tokens":8,"prompt\u005ftokens":9}}"#, "prompt_tokens"),
    ] {
        assert_eq!(error(json), Unreadable::Twice { part: 0, name: name.to_owned() });
    }
    // A null says nothing, and so does what is left out.
    let json = r#"{"usage":null,"usage":{"prompt_tokens":8},"content":"a","content":"b"}"#;
    assert_eq!(tokens(&reading(json).usage), "input 8");
}

#[test]
fn without_usage_the_error_says_what_was_looked_for() {
    for json in [
        "{}",
        "[]",
        "null",
        "12",
        "\"Hi\"",
        r#"{"choices":[{"message":{"content":"Hi"}}]}"#,
        r#"{"usage":{}}"#,
        r#"{"usage":[]}"#,
        r#"{"usage":12}"#,
        r#"{"usage":{"prompt_tokens":null}}"#,
        r#"{"usage":{"prompt_tokens":{}}}"#,
        r#"{"error":{"message":"overloaded"}}"#,
        r#"{"created":1,"data":[]}"#,
    ] {
        let Unreadable::NoUsage { looked_for } = error(json) else { panic!("{json}") };
        assert!(looked_for.contains("prompt_tokens") || json.contains("data"), "{looked_for}");
    }
    let text = error("{}").to_string();
    for name in ["usage_metadata", "prompt_eval_count", "billed_units", "x_groq.usage"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

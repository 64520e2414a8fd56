//! What is kept of an answer: the cases that clients are checked with, too.

use serde_json::Value;

use super::super::{
    BYTES_MAX, COUNTED, DEPTH_MAX, Flag, KEPT_BYTES_MAX, NAME_BYTES_MAX, NARROW, NUMBER_BYTES_MAX,
    PARTS_MAX, TEXT_CHARACTERS_MAX, TEXTS, USAGE_NAMES, USAGE_WORDS, WRAPPERS, read, reduce,
};
use super::{has, stream, tokens};

/// In each text of the cases that must not survive.
const SECRET: &str = "SECRET";

fn file() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/conformance/provider_answer.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_cases_of_the_clients_are_reduced_as_they_say() {
    let file = file();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 27, "only {} cases", cases.len());
    for case in cases {
        let reduced = reduce(&[case["input"].to_string()]).unwrap();
        let value: Value = serde_json::from_str(&reduced).unwrap();
        assert_eq!(value, case["reduced"], "{}", case["name"]);
        assert!(!reduced.contains(SECRET), "{reduced}");
        assert_eq!(reduce(&[&reduced]).unwrap(), reduced, "reduced once more");
    }
    let secrets = file.to_string().matches(SECRET).count();
    assert!(secrets > 50, "only {secrets} texts of content");
}

#[test]
fn the_rule_and_its_limits_are_those_of_the_clients() {
    let file = file();
    let names = |list: &[&str]| list.iter().map(|name| Value::from(*name)).collect::<Value>();
    for (name, list) in [
        ("texts", &TEXTS[..]),
        ("wrappers", &WRAPPERS),
        ("narrow", &NARROW),
        ("counted", &COUNTED),
        ("usage_words", &USAGE_WORDS),
        ("usage_names", &USAGE_NAMES),
    ] {
        assert_eq!(file["rule"][name], names(list), "{name}");
    }
    for (name, limit) in [
        ("parts", PARTS_MAX),
        ("bytes", BYTES_MAX),
        ("depth", DEPTH_MAX),
        ("name_bytes", NAME_BYTES_MAX),
        ("text_characters", TEXT_CHARACTERS_MAX),
        ("number_bytes", NUMBER_BYTES_MAX),
    ] {
        assert_eq!(file["limits"][name], limit, "{name}");
    }
}

#[test]
fn what_is_kept_has_the_events_that_were_read() {
    let events = [
        r#"{"type":"message_start","message":{"id":"m1","type":"message","model":"claude","usage":
            {"input_tokens":25,"output_tokens":1}}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"SECRET"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"x"},"usage":{"output_tokens":9}}"#,
    ];
    let reading = stream(&events);
    let expected = concat!(
        r#"[{"type":"message_start","message":{"id":"m1","type":"message","model":"claude","#,
        r#""usage":{"input_tokens":25,"output_tokens":1}}},"#,
        r#"{"type":"message_delta","usage":{"output_tokens":9}}]"#
    );
    assert_eq!(reading.kept, expected);
    assert_eq!(stream(&[&reading.kept]), reading);
}

#[test]
fn texts_are_written_as_json_writes_them() {
    let json = r#"{"model":"a\"b\\cé","usage":{"prompt_tokens":1,"cost":1e-7,"n":-12,"b":true}}"#;
    let kept = r#"{"model":"a\"b\\cé","usage":{"prompt_tokens":1,"cost":1e-7,"n":-12,"b":true}}"#;
    assert_eq!(stream(&[json]).kept, kept);
    let limits =
        r#"{"a":9223372036854775807,"b":-9223372036854775808,"c":0,"d":1844674407370955200}"#;
    assert_eq!(reduce(&[limits]).unwrap(), limits);
}

#[test]
fn what_is_kept_is_bounded() {
    let search = r#"{"type":"web_search_call","action":{"type":"search"}},"#;
    let answer = |searches: usize, rounds: usize| {
        format!(
            r#"{{"model":"m","output":[{}{{}}],"usage":{{"input_tokens":5,"output_tokens":5,
            "iterations":[{}{{}}]}}}}"#,
            search.repeat(searches),
            r#"{"type":"message","input_tokens":1,"output_tokens":1},"#.repeat(rounds)
        )
    };
    let whole = stream(&[&answer(100, 5)]);
    assert!(!has(&whole, Flag::KeptCut) && whole.kept.len() <= KEPT_BYTES_MAX);

    let cut = stream(&[&answer(500, 5)]);
    assert!(has(&cut, Flag::KeptCut) && !cut.kept.contains("web_search_call"));
    assert_eq!(stream(&[&cut.kept]).usage, cut.usage);

    let none = stream(&[&answer(1, 500)]);
    assert!(has(&none, Flag::KeptCut) && none.kept.is_empty());
    assert_eq!(tokens(&none.usage), "input 500, output 500");
}

/// Usage in a list that is left out where there is too much is kept all the same.
#[test]
fn a_cut_keeps_the_usage() {
    let noise = r#"{"type":"web_search_call"},"#.repeat(400);
    let json =
        format!(r#"{{"output":[{noise}{{}}],"choices":[{{"usage":{{"prompt_tokens":8}}}}]}}"#);
    let reading = read(&[json], "").unwrap();
    assert!(has(&reading, Flag::KeptCut));
    assert_eq!(reading.kept, r#"{"choices":[{"usage":{"prompt_tokens":8}}]}"#);
}

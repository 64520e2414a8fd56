//! The verbs of every day, on a demo: what they show, what they change, and their JSON.

use serde_json::Value;

use super::dev::Demo;

fn demo() -> Demo {
    Demo::start(&["--no-traffic", "--records", "3000"])
}

/// The line of a table that begins with a text, by its columns.
fn row<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.starts_with(first));
    line.unwrap_or_else(|| panic!("{first} is not in {table}")).split_whitespace().collect()
}

#[test]
fn where_it_stands_and_who_uses_most() {
    let demo = demo();
    let status = demo.printed(&["status"]);
    assert_eq!(row(&status, "state")[1..], ["within", "plan"]);
    let figures = demo.json(&["status"]);
    let exact = figures["budget"]["spent"]["amount"].as_str().unwrap();
    let shown = row(&status, "spent")[1].parse::<f64>().unwrap();
    assert!((exact.parse::<f64>().unwrap() - shown).abs() < 0.01, "{exact} {shown}");

    let top = demo.printed(&["top", "--by", "model", "-n", "2"]);
    let models = demo.json(&["top", "--by", "model", "-n", "2"]);
    let first = models["groups"][0]["keys"][0]["value"].as_str().unwrap();
    assert!(row(&top, "1").contains(&first), "{top}");
    assert!(top.contains("all others") && top.contains("total"), "{top}");

    let watched = demo.printed(&["watch", "--count", "1"]);
    assert!(watched.contains(" spent ") && watched.ends_with("within plan\n"), "{watched}");
    let (code, told) = demo.refused(&["watch", "--count", "1", "-w", "none"]);
    assert_eq!(code, 2, "{told}");
}

#[test]
fn models_and_their_caps() {
    let demo = demo();
    let enabled = demo.printed(&["models", "enable", "o3", "gpt-5-mini", "gpt-5-nano"]);
    assert_eq!(row(&enabled, "o3")[1], "yes");
    assert_eq!(row(&demo.printed(&["models", "disable", "o3"]), "o3")[1], "no");
    assert_eq!(row(&demo.printed(&["models", "list"]), "gpt-5-mini")[1], "yes");
    let (code, told) = demo.refused(&["models", "enable", "gpt-99"]);
    assert!(code == 69 && told.contains("reason: MODEL_NOT_FOUND"), "{told}");

    let why = |model| demo.printed(&["why", "--model", model]);
    assert!(why("gpt-5-mini").starts_with("ALLOWED on gpt-5-mini\n"));
    demo.printed(&["limit", "set", "gpt-5-mini", "0", "--fallback", "gpt-5-nano"]);
    let routed = why("gpt-5-mini");
    assert!(routed.starts_with("ROUTED on gpt-5-nano: model limit"), "{routed}");
    let cleared = demo.json(&["limit", "clear", "gpt-5-mini"]);
    assert_eq!(cleared["model_limits"][0]["limit"], Value::Null);
    assert!(why("o3").starts_with("BLOCKED: model disabled\n"), "{}", why("o3"));
    let (code, told) = demo.refused(&["limit", "set", "gpt-5-mini", "many"]);
    assert!(code == 67 && told.contains("limit.amount: expected a plain decimal"), "{told}");
}

#[test]
fn a_quota_is_created_once_and_changed_then() {
    let demo = demo();
    let set = |amount, more: &[&str]| {
        let arguments = ["quota", "set", "user:zoe", amount, "--per", "day"];
        demo.json(&[&arguments[..], more].concat())["quota"].clone()
    };
    let made = set("2.5", &["--id", "zoe"]);
    assert_eq!(made["quota_id"], "zoe");
    assert_eq!(made["limit"]["amount"], "2.50");
    let changed = set("3", &["--enforcement", "soft"]);
    assert_eq!(changed["quota_id"], "zoe");
    assert_eq!(changed["limit"]["amount"], "3.00");
    assert_eq!(changed["enforcement"], "ENFORCEMENT_SOFT");
    // Another unit is another quota.
    let requests = set("10", &["--unit", "requests"]);
    assert_ne!(requests["quota_id"], "zoe");
    assert_eq!(requests["limit_count"], "10");
    let each = demo.json(&["quota", "set", "assistant", "9", "--per", "week"]);
    assert_eq!(each["quota"]["each_subject"], true);

    demo.printed(&["quota", "set", "user:zoe", "0", "--per", "day"]);
    let why = demo.printed(&["why", "--model", "gpt-4.1-mini", "--user", "zoe"]);
    assert!(why.starts_with("ALLOWED") && why.contains("(does not block)"), "{why}");
    demo.printed(&["quota", "set", "user:zoe", "0", "--per", "day", "--enforcement", "hard"]);
    let why = demo.printed(&["why", "--model", "gpt-4.1-mini", "--user", "zoe"]);
    assert!(why.starts_with("BLOCKED: request too large\n"), "{why}");
    assert_eq!(row(&why, "user zoe")[2], "zoe");
    demo.printed(&["quota", "delete", "zoe"]);
    assert_eq!(demo.refused(&["quota", "delete", "zoe"]).0, 69);
    assert!(demo.printed(&["quota", "list"]).starts_with("SUBJECT "));
    let (code, told) = demo.refused(&["quota", "set", "someone", "1"]);
    assert!(code == 2 && told.contains("expected TYPE:ID"), "{told}");
}

#[test]
fn keys_are_added_and_disabled() {
    let demo = demo();
    let add = ["key", "add", "build", "--group", "product", "--model", "gpt-4.1-mini"];
    let added = demo.printed(&[&add[..], &["--expires", "2190-01-01T00:00:00Z"]].concat());
    let columns = ["build", "product", "enabled", "2190-01-01T00:00:00Z", "gpt-4.1-mini"];
    assert_eq!(row(&added, "build"), columns);
    let why = || demo.printed(&["why", "--model", "gpt-4.1-mini", "--key", "build"]);
    assert!(why().starts_with("ALLOWED"));
    demo.printed(&["key", "disable", "build"]);
    assert!(why().starts_with("BLOCKED: key disabled"), "{}", why());
    demo.printed(&["key", "enable", "build"]);
    let listed = demo.json(&["key", "list", "--group", "product"]);
    assert!(listed["api_keys"].as_array().unwrap().iter().any(|key| key["api_key_id"] == "build"));
    demo.printed(&["key", "delete", "build"]);
    let (code, told) = demo.refused(&["key", "delete", "build"]);
    assert!(code == 69 && told.contains("RESOURCE_NOT_FOUND"), "{told}");
}

#[test]
fn a_user_is_frozen_and_goes_on() {
    let demo = demo();
    let why = || demo.printed(&["why", "--model", "gpt-4.1-mini", "--user", "zoe"]);
    assert!(why().starts_with("ALLOWED"));
    let frozen = demo.printed(&["freeze", "user:zoe", "--reason", "loop", "--minutes", "5"]);
    assert_eq!(&row(&frozen, "user zoe")[..2], ["user", "zoe"]);
    assert!(frozen.contains("loop"), "{frozen}");
    assert!(why().starts_with("BLOCKED: frozen; a retry can pass after"), "{}", why());
    assert!(demo.printed(&["freeze"]).contains("user zoe"));
    assert_eq!(demo.printed(&["unfreeze", "user:zoe"]), "user zoe goes on\n");
    assert_eq!(demo.printed(&["unfreeze", "user:zoe"]), "nothing was frozen\n");
    assert!(why().starts_with("ALLOWED"));
    let (code, told) = demo.refused(&["freeze", "workspace"]);
    assert!(code == 2 && told.contains("--reason"), "{told}");
}

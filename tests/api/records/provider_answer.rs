//! Records whose usage is read in the JSON that a provider answered with. What is read of each
//! provider is tested where answers are.

use std::sync::Arc;

use serde_json::json;
use tollgate::config::Config;
use tollgate::proto::v1;

use crate::fixtures::{
    ACME, acme, amount, check, get_budget, record, refused_fields, reprice, set_price, set_up,
};
use crate::server::{Server, TestClock};
use crate::usage::{decide, list_records, note};

const SECRET: &str = "the merger is on Friday";

/// 100,000 tokens of input, of which 40,000 come from a cache, and 25,000 of output.
fn chat(model: &str) -> String {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": SECRET } }],
        "usage": {
            "prompt_tokens": 100_000,
            "completion_tokens": 25_000,
            "total_tokens": 125_000,
            "prompt_tokens_details": { "cached_tokens": 40_000 },
        },
    })
    .to_string()
}

fn answered(request_id: &str, json: &[String]) -> v1::RecordUsageRequest {
    v1::RecordUsageRequest {
        usage: None,
        model_id: String::new(),
        provider_answer: Some(v1::ProviderAnswer { provider: String::new(), json: json.to_vec() }),
        ..record(request_id, "")
    }
}

#[tokio::test]
async fn usage_and_model_are_read_and_the_hold_is_settled() {
    let server = acme().await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let recorded = note(&server, answered("r-1", &[chat("big")])).await.unwrap();
    assert_eq!(amount(&recorded.cost), "1.50");
    assert_eq!(recorded.model_id, "big");
    assert!(!recorded.unread && !recorded.unpriced && !recorded.duplicate);
    let usage = recorded.usage.unwrap();
    assert_eq!((usage.input_token_count, usage.cache_read_token_count), (60_000, 40_000));
    assert_eq!((usage.output_token_count, usage.reasoning_token_count), (25_000, 0));
    let budget = get_budget(&server).await;
    assert_eq!((amount(&budget.held), amount(&budget.spent)), ("0.00", "1.50"));

    // The same again is a repeat; another answer under the same key is not.
    let again = note(&server, answered("r-1", &[chat("big")])).await.unwrap();
    assert!(again.duplicate);
    assert_eq!((amount(&again.cost), again.usage), ("1.50", Some(usage)));
    let other = answered("r-1", &[chat("big").replace("25000", "26000")]);
    assert_eq!(note(&server, other).await.unwrap_err().code(), tonic::Code::AlreadyExists);
}

#[tokio::test]
async fn what_is_kept_has_no_content() {
    let server = acme().await;
    note(&server, answered("r-1", &[chat("big")])).await.unwrap();
    let records = list_records(&server).await;
    let kept = records[0].provider_answer.as_ref().unwrap();
    assert!(kept.json.contains("\"prompt_tokens\":100000"), "{}", kept.json);
    assert!(!format!("{records:?}").contains(SECRET));
    assert_eq!((kept.flags.len(), kept.unread), (0, false));
    let event = |number: u32| {
        json!({ "type": "content_block_delta", "index": number, "delta": { "text": SECRET } })
            .to_string()
    };
    let start = json!({
        "type": "message_start",
        "message": {
            "model": "big", "type": "message", "content": [],
            "usage": { "input_tokens": 1_000, "output_tokens": 1 },
        },
    });
    let delta = json!({ "type": "message_delta", "usage": { "output_tokens": 500 } });
    let events = [start.to_string(), event(0), event(1), delta.to_string()];
    let recorded = note(&server, answered("r-2", &events)).await.unwrap();
    assert_eq!(amount(&recorded.cost), "0.02");
    assert!(!format!("{:?}", list_records(&server).await).contains(SECRET));
}

#[tokio::test]
async fn an_answer_of_no_known_format_is_refused_by_field() {
    let server = acme().await;
    let refused = async |request| refused_fields(&note(&server, request).await.unwrap_err());
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|it| (*it).into()).collect() };
    let check = async |json: &[&str], field: &str| {
        let status = note(&server, answered("r-1", &texts(json))).await.unwrap_err();
        assert_eq!(refused_fields(&status)[0], field, "{status:?}");
    };
    check(&[], "provider_answer.json").await;
    check(&["{}"], "provider_answer.json").await;
    check(&["{", "{}"], "provider_answer.json[0]").await;
    check(&[r#"{"hello": "world"}"#], "provider_answer.json").await;
    let negative = r#"{"model": "big", "usage": {"prompt_tokens": -5, "completion_tokens": 1}}"#;
    check(&[negative], "provider_answer.json[0]").await;
    check(&["[]"; 17], "provider_answer.json").await;
    check(&[&"[".repeat(65)], "provider_answer.json[0]").await;
    check(&[&format!("\"{}\"", "x".repeat(65_536))], "provider_answer.json").await;

    let both = v1::RecordUsageRequest {
        usage: record("r-1", "big").usage,
        ..answered("r-1", &[chat("big")])
    };
    assert_eq!(refused(both).await, ["provider_answer"]);
    let unnamed = r#"{"usage": {"prompt_tokens": 5, "completion_tokens": 1}}"#;
    assert_eq!(refused(answered("r-1", &texts(&[unnamed]))).await, ["model_id"]);
    assert_eq!(list_records(&server).await, []);
    assert_eq!(amount(&get_budget(&server).await.spent), "0.00");
}

#[tokio::test]
async fn an_unread_answer_is_charged_as_its_hold_where_that_is_accepted() {
    let server = acme().await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let odd = json!({ "model": "big", "object": "novelty", "tally": { "words": 7 } }).to_string();
    let request = v1::RecordUsageRequest {
        model_id: "big".to_owned(),
        accept_unread: true,
        ..answered("r-1", &[odd])
    };
    let recorded = note(&server, request.clone()).await.unwrap();
    assert!(recorded.unread);
    assert_eq!((amount(&recorded.cost), recorded.usage), ("2.00", Some(v1::Usage::default())));
    assert!(note(&server, request).await.unwrap().duplicate);
    let records = list_records(&server).await;
    assert_eq!(records[0].usage_source(), v1::UsageSource::Estimated);
    assert!(records[0].provider_answer.as_ref().unwrap().unread);
    // It is still not read: nothing is corrected.
    assert_eq!(reprice(&server).await.corrected_count, 0);
    assert_eq!(amount(&get_budget(&server).await.spent), "2.00");
}

/// The hold knows the model; without one nothing does.
#[tokio::test]
async fn an_unread_answer_without_a_model_is_that_of_its_hold() {
    let server = acme().await;
    decide(&server, check("r-1", "big")).await.unwrap();
    let unread = |id: &str| v1::RecordUsageRequest {
        accept_unread: true,
        ..answered(id, &[r#"{"tally": {"words": 7}}"#.to_owned()])
    };
    let recorded = note(&server, unread("r-1")).await.unwrap();
    assert_eq!((amount(&recorded.cost), &*recorded.model_id), ("2.00", "big"));
    assert!(note(&server, unread("r-1")).await.unwrap().duplicate);
    let recorded = note(&server, unread("r-2")).await.unwrap();
    assert_eq!((amount(&recorded.cost), &*recorded.model_id), ("0.00", "unread"));
    assert!(recorded.unread && recorded.unpriced);
}

#[tokio::test]
async fn what_the_request_says_itself_counts() {
    let server = acme().await;
    let request =
        v1::RecordUsageRequest { model_id: "small".to_owned(), ..answered("r-1", &[chat("big")]) };
    let recorded = note(&server, request).await.unwrap();
    assert_eq!(recorded.model_id, "small");
}

/// Who else offers the API of an answer may serve the model: the form of the answer rules out no
/// model, a provider that the caller names does.
#[tokio::test]
async fn an_answer_in_the_api_of_another_provider_has_the_price_of_its_model() {
    let server = acme().await;
    let model = v1::Model {
        model_id: "live".to_owned(),
        provider: "vertex_ai".to_owned(),
        ..Default::default()
    };
    let request = v1::UpsertModelRequest { model: Some(model) };
    server.catalog().upsert_model(request).await.unwrap();
    set_price(&server, "live", "EUR", "10", "20").await.unwrap();
    let usage = json!({ "promptTokenCount": 100_000, "candidatesTokenCount": 50_000 });
    let gemini = json!({ "usageMetadata": usage, "modelVersion": "live" }).to_string();
    let inferred = answered("r-1", std::slice::from_ref(&gemini));
    let recorded = note(&server, inferred).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("2.00", false));

    let mut named = answered("r-2", &[gemini]);
    named.provider_answer.as_mut().unwrap().provider = "groq".to_owned();
    let recorded = note(&server, named).await.unwrap();
    assert_eq!((amount(&recorded.cost), recorded.unpriced), ("0.00", true));

    // Both still hold when usage is priced again.
    let again = reprice(&server).await;
    assert_eq!((again.corrected_count, again.unpriced_count), (0, 1));
}

/// What the provider adds to a request that goes on with an answer is held, too.
#[tokio::test]
async fn a_follow_up_holds_the_context_that_the_provider_keeps() {
    let server = acme().await;
    let held = async |id: &str, context_id: &str| {
        let request = v1::CheckAndRouteRequest {
            context_id: context_id.to_owned(),
            input_token_count: 1_000,
            max_output_token_count: Some(0),
            ..check(id, "big")
        };
        amount(&decide(&server, request).await.unwrap().held).to_owned()
    };
    assert_eq!(held("r-1", "chatcmpl-1").await, "0.01", "not known yet");
    let first = v1::RecordUsageRequest {
        context_id: "conv-7".to_owned(),
        ..answered("r-0", &[chat("big")])
    };
    note(&server, first).await.unwrap();
    // 125,000 tokens beside the declared 1,000.
    assert_eq!(held("r-2", "chatcmpl-1").await, "1.26");
    assert_eq!(held("r-3", "conv-7").await, "1.26");
    assert_eq!(held("r-4", "").await, "0.01");
    // What an answer does not count says nothing of its context, which stays as it was.
    let bare = r#"{"id":"chatcmpl-2","model":"big","usage":{"cost":0.5}}"#.to_owned();
    let uncounted =
        v1::RecordUsageRequest { context_id: "conv-7".to_owned(), ..answered("r-9", &[bare]) };
    note(&server, uncounted).await.unwrap();
    assert_eq!(held("r-10", "conv-7").await, "1.26");
    // The same check again is the same, whatever is known meanwhile.
    note(&server, answered("r-5", &[chat("big").replace("25000", "35000")])).await.unwrap();
    assert_eq!(held("r-2", "chatcmpl-1").await, "1.26");
    let long = v1::CheckAndRouteRequest { context_id: "x".repeat(257), ..check("r-7", "big") };
    assert_eq!(refused_fields(&decide(&server, long).await.unwrap_err()), ["context_id"]);
    let alone = v1::RecordUsageRequest { context_id: "x".to_owned(), ..record("r-8", "big") };
    assert_eq!(refused_fields(&note(&server, alone).await.unwrap_err()), ["context_id"]);
}

/// What was recorded last of a context counts: a repeat, an answer that is not read and a void say
/// nothing new of it. It is in the log, and known after a restart.
#[tokio::test]
async fn what_a_context_has_is_as_it_was_last_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let mut server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
    set_up(&server).await;
    let turn = |id: &str, json: String| v1::RecordUsageRequest {
        model_id: "big".to_owned(),
        accept_unread: true,
        context_id: "conv-7".to_owned(),
        ..answered(id, &[json])
    };
    let second = chat("big").replace("25000", "35000").replace("chatcmpl-1", "chatcmpl-2");
    let unread = r#"{"tally": {"words": 7}}"#.to_owned();
    note(&server, turn("r-1", chat("big"))).await.unwrap();
    note(&server, turn("r-2", second)).await.unwrap();
    assert!(note(&server, turn("r-1", chat("big"))).await.unwrap().duplicate);
    assert!(note(&server, turn("r-3", unread)).await.unwrap().unread);
    note(&server, answered("r-4", &[chat("big").replace("chatcmpl-1", "other")])).await.unwrap();
    let void = v1::VoidUsageRequest {
        workspace_id: ACME.to_owned(),
        request_id: "r-4".to_owned(),
        attempt: 0,
        reason: "Recorded twice".to_owned(),
    };
    server.usage().void_usage(void).await.unwrap();
    for round in 0..2 {
        // 135,000, 125,000 and 125,000 tokens, beside the declared 1,000.
        for (context_id, held) in [("conv-7", "1.36"), ("chatcmpl-1", "1.26"), ("other", "1.26")] {
            let request = v1::CheckAndRouteRequest {
                context_id: context_id.to_owned(),
                input_token_count: 1_000,
                max_output_token_count: Some(0),
                dry_run: true,
                ..check("r-9", "big")
            };
            let decided = decide(&server, request).await.unwrap();
            assert_eq!(amount(&decided.held), held, "{context_id}, round {round}");
        }
        let records = list_records(&server).await;
        let void = records.iter().find(|record| record.kind() == v1::RecordKind::Void).unwrap();
        assert_eq!(void.provider_answer, None, "a void is money alone");
        if round == 0 {
            server.stop().await.unwrap();
            server = Server::start_in(folder.path(), clock.clone(), Config::default()).await;
        }
    }
}

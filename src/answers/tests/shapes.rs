//! One case for each shape, and for each place of the usage.

use super::super::shapes::SHAPES;
use super::{reading, tokens};
use crate::domain::usage::UnitKind;

/// Shape, answer, tokens.
type Case = (&'static str, &'static str, &'static str);

const CASES: [Case; 28] = [
    (
        "bedrock.llama",
        r#"{"generation":"Hi","prompt_token_count":25,"generation_token_count":10}"#,
        "input 25, output 10",
    ),
    (
        "bedrock.titan",
        r#"{"inputTextTokenCount":5,"results":[{"tokenCount":55,"outputText":"Hi"}]}"#,
        "input 5, output 55",
    ),
    (
        "vercel.model",
        r#"{"usage":{"inputTokens":{"total":100,"noCache":20,"cacheRead":70,"cacheWrite":10},
            "outputTokens":{"total":50,"text":30,"reasoning":20}}}"#,
        "input 20, cache_read 70, cache_write_5m 10, output 30, reasoning 20",
    ),
    (
        "cohere.billed",
        r#"{"usage":{"billed_units":{"input_tokens":41.0,"output_tokens":28},
            "cached_tokens":1040,"tokens":{"input_tokens":1442,"output_tokens":29}}}"#,
        "input 41, output 28",
    ),
    (
        "cohere.tokens",
        r#"{"usage":{"tokens":{"input_tokens":1442,"output_tokens":29},"cached_tokens":1040}}"#,
        "input 402, cache_read 1040, output 29",
    ),
    (
        "gemini.interactions",
        r#"{"usage":{"total_input_tokens":11,"total_output_tokens":90,"total_thought_tokens":245,
            "input_tokens_by_modality":[{"modality":"text","tokens":8},
            {"modality":"audio","tokens":3}],"total_tokens":346}}"#,
        "input 8, output 90, reasoning 245, audio_input 3",
    ),
    (
        "bedrock.metrics",
        r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":120,
            "outputTokenCount":60,"cacheReadInputTokenCount":7,"cacheWriteInputTokenCount":9}}"#,
        "input 120, cache_read 7, cache_write_5m 9, output 60",
    ),
    (
        "langchain4j",
        r#"{"inputTokenCount":1000,"outputTokenCount":400,"totalTokenCount":1400,
            "inputTokensDetails":{"cachedTokens":300}}"#,
        "input 700, cache_read 300, output 400",
    ),
    (
        "gemini",
        r#"{"usageMetadata":{"promptTokenCount":300,"cachedContentTokenCount":100,
            "candidatesTokenCount":90,"thoughtsTokenCount":10,"toolUsePromptTokenCount":5,
            "totalTokenCount":405}}"#,
        "input 205, cache_read 100, output 90, reasoning 10",
    ),
    (
        "vertex.embeddings",
        r#"{"predictions":[{"embeddings":{"statistics":{"token_count":6},"values":[0.1]}},
            {"embeddings":{"statistics":{"token_count":4}}}],
            "metadata":{"billableCharacterCount":30}}"#,
        "input 10",
    ),
    (
        "perplexity",
        r#"{"usage":{"prompt_tokens":30,"completion_tokens":3000,"total_tokens":3030,
            "reasoning_tokens":700,"num_search_queries":2}}"#,
        "input 30, output 3000, reasoning 700",
    ),
    (
        "openai.chat",
        r#"{"object":"chat.completion","usage":{"prompt_tokens":100,"completion_tokens":50,
            "prompt_tokens_details":{"cached_tokens":40,"cache_write_tokens":10,"audio_tokens":5},
            "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":1},
            "total_tokens":150}}"#,
        "input 45, cache_read 40, cache_write_5m 10, output 29, reasoning 20, audio_input 5, \
         audio_output 1",
    ),
    (
        "anthropic",
        r#"{"type":"message","usage":{"input_tokens":21,"cache_creation_input_tokens":400,
            "cache_read_input_tokens":18000,"output_tokens":93,"cache_creation":
            {"ephemeral_5m_input_tokens":300,"ephemeral_1h_input_tokens":100},
            "output_tokens_details":{"thinking_tokens":60}}}"#,
        "input 21, cache_read 18000, cache_write_5m 300, cache_write_1h 100, output 33, \
         reasoning 60",
    ),
    (
        "bedrock.converse",
        r#"{"usage":{"inputTokens":120,"outputTokens":60,"totalTokens":5180,
            "cacheReadInputTokens":4000,"cacheWriteInputTokens":1000,"cacheDetails":
            [{"ttl":"1h","inputTokens":600},{"ttl":"5m","inputTokens":400}]}}"#,
        "input 120, cache_read 4000, cache_write_5m 400, cache_write_1h 600, output 60",
    ),
    (
        "anthropic.total",
        r#"{"usage":{"input_tokens":20000,"output_tokens":393,"total_tokens":20393,
            "cache_read_input_tokens":18000}}"#,
        "input 2000, cache_read 18000, output 393",
    ),
    (
        "langchain",
        r#"{"usage_metadata":{"input_tokens":420,"output_tokens":260,"total_tokens":680,
            "input_token_details":{"audio":20,"cache_creation":0,"cache_read":200,
            "ephemeral_1h_input_tokens":50},"output_token_details":{"reasoning":180}}}"#,
        "input 150, cache_read 200, cache_write_1h 50, output 80, reasoning 180, audio_input 20",
    ),
    (
        "vercel.6",
        r#"{"inputTokens":1000,"inputTokenDetails":{"noCacheTokens":200,"cacheReadTokens":800},
            "outputTokens":400,"outputTokenDetails":{"textTokens":300,"reasoningTokens":100},
            "totalTokens":1400}"#,
        "input 200, cache_read 800, output 300, reasoning 100",
    ),
    (
        "vercel.5",
        r#"{"usage":{"inputTokens":100,"outputTokens":40,"totalTokens":200,"reasoningTokens":60,
            "cachedInputTokens":30}}"#,
        "input 70, cache_read 30, output 40, reasoning 60",
    ),
    (
        "openai.realtime",
        r#"{"type":"response.done","response":{"usage":{"total_tokens":1000,"input_tokens":700,
            "output_tokens":300,"input_token_details":{"text_tokens":200,"audio_tokens":500,
            "cached_tokens":250,"cached_tokens_details":{"text_tokens":100,"audio_tokens":150}},
            "output_token_details":{"text_tokens":60,"audio_tokens":240}}}}"#,
        "input 100, cache_read 250, output 60, audio_input 350, audio_output 240",
    ),
    (
        "pydantic_ai",
        r#"{"input_tokens":1000,"cache_read_tokens":800,"output_tokens":50,"requests":1,
            "details":{"reasoning_tokens":20}}"#,
        "input 200, cache_read 800, output 30, reasoning 20",
    ),
    (
        "openai.images",
        r#"{"created":1,"data":[{"b64_json":"x"}],"usage":{"input_tokens":60,"output_tokens":4160,
            "input_tokens_details":{"image_tokens":10,"text_tokens":50},"total_tokens":4220}}"#,
        "input 50, image_input 10, image_output 4160",
    ),
    (
        "openai.responses",
        r#"{"response":{"object":"response","usage":{"input_tokens":9000,"input_tokens_details":
            {"cached_tokens":2048,"cache_write_tokens":5120,"cache_write_tokens_details":
            {"ttl_30m_tokens":4096,"ttl_12h_tokens":1024}},"output_tokens":20,
            "output_tokens_details":{"reasoning_tokens":5},"total_tokens":9020}}}"#,
        "input 1832, cache_read 2048, cache_write_5m 4096, cache_write_1h 1024, output 15, \
         reasoning 5",
    ),
    (
        "ollama",
        r#"{"model":"llama3.2","done":true,"context":[1,2],"prompt_eval_count":26,
            "eval_count":298}"#,
        "input 26, output 298",
    ),
    (
        "total",
        r#"{"object":"list","data":[{"embedding":[0.1,0.2]}],"model":"voyage-3",
            "usage":{"total_tokens":10}}"#,
        "input 10",
    ),
    ("openai.chat", r#"{"usage":{"total_tokens":0}}"#, ""),
    ("seconds", r#"{"text":"Hi","usage":{"type":"duration","seconds":12.3}}"#, ""),
    ("pages", r#"{"pages":[{"index":0}],"usage_info":{"pages_processed":3}}"#, ""),
    ("images", r#"{"created":1,"data":[{"url":"a"},{"url":"b"}]}"#, ""),
];

#[test]
fn each_shape_is_recognised_and_its_tokens_are_disjoint() {
    for (index, (shape, json, expected)) in CASES.iter().enumerate() {
        let reading = reading(json);
        assert_eq!(reading.shape, *shape, "{json}");
        assert_eq!(tokens(&reading.usage), *expected, "{json}");
        assert!(reading.flags.is_empty(), "{:?}: {json}", reading.flags);
        assert_eq!(SHAPES[index].name, *shape, "cases are in the order of the table");
    }
    assert_eq!(CASES.len(), SHAPES.len(), "a case for each shape");
}

#[test]
fn usage_is_found_wherever_it_is() {
    let usage = r#"{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}"#;
    for answer in [
        "@",
        r#"{"usage":@}"#,
        r#"[{"usage":@}]"#,
        r#"[{"usage":null},{"usage":@}]"#,
        r#"{"usage":null,"x_groq":{"id":"req_1","usage":@}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"usage":@}]}"#,
        r#"{"response":{"status_code":200,"body":{"usage":@}},"custom_id":"r1"}"#,
        r#"{"response":"Hi","usage":@}"#,
        r#"{"result":{"response":"Hi","usage":@},"success":true}"#,
        r#"{"data":{"choices":[],"usage":@},"code":0}"#,
        r#"{"llm_output":{"token_usage":@,"model_name":"m"}}"#,
        r#"{"response_metadata":{"tokenUsage":@}}"#,
        r#"{"lc":1,"type":"constructor","kwargs":{"content":"Hi","response_metadata":
            {"token_usage":@}}}"#,
        r#"{"meta":{"usage":@}}"#,
        r#"{"metadata":{"usage":@}}"#,
        r#"{"Metadata":{"Usage":{"PromptTokens":8,"CompletionTokens":2}}}"#,
        r#"{"usage":{"promptTokens":8,"completionTokens":2,"totalTokens":10}}"#,
        r#"{"usage":{"prompt_tokens":"8","completion_tokens":2.0,"total_tokens":1e1}}"#,
        r#"{"usage":@,"usage_metadata":null}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":@}}"#,
    ] {
        let json = answer.replace('@', usage);
        assert_eq!(tokens(&reading(&json).usage), "input 8, output 2", "{json}");
    }
}

#[test]
fn the_total_of_several_steps_comes_before_the_last_step() {
    let json = r#"{"usage":{"inputTokens":5,"outputTokens":1},"totalUsage":{"inputTokens":50,
        "outputTokens":10},"response":{"id":"r","modelId":"gpt-5"},"steps":[{"usage":{}}]}"#;
    let reading = reading(json);
    assert_eq!(tokens(&reading.usage), "input 50, output 10");
    assert_eq!(reading.model.as_deref(), Some("gpt-5"));
}

#[test]
fn units_are_counted() {
    for (json, kind, count) in [
        (r#"{"usage":{"type":"duration","seconds":12.3}}"#, UnitKind::Second, 13),
        (r#"{"task":"transcribe","duration":8.0,"segments":[{"id":0}]}"#, UnitKind::Second, 8),
        (r#"{"object":"video","model":"sora-2","seconds":"8"}"#, UnitKind::Second, 8),
        (r#"{"usage_info":{"pages_processed":3}}"#, UnitKind::Page, 3),
        (r#"{"created":1,"data":[{"b64_json":"x"},{"b64_json":"y"}]}"#, UnitKind::Image, 2),
        (r#"{"data":[{}],"usage":{"cost_in_usd_ticks":200000000}}"#, UnitKind::Image, 1),
        (r#"{"meta":{"billed_units":{"search_units":2}}}"#, UnitKind::Request, 2),
        (r#"{"meta":{"billed_units":{"images":4}}}"#, UnitKind::Image, 4),
        (
            r#"{"predictions":[{"embeddings":{"statistics":{"token_count":6}}}],
                "metadata":{"billableCharacterCount":30}}"#,
            UnitKind::Character,
            30,
        ),
        (
            r#"{"usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_audio_seconds":3}}"#,
            UnitKind::Second,
            3,
        ),
        (
            r#"{"usage":{"input_tokens":9,"output_tokens":1,"server_side_tool_usage_details":
                {"web_search_calls":2,"x_search_calls":3,"mcp_calls":1}}}"#,
            UnitKind::WebSearch,
            5,
        ),
        (
            r#"{"object":"response","output":[{"type":"web_search_call","action":{"type":"search"}},
                {"type":"web_search_call","action":{"type":"open_page"}},{"type":"message"},
                {"type":"web_search_call"}],"usage":{"input_tokens":9,"output_tokens":1}}"#,
            UnitKind::WebSearch,
            2,
        ),
        (
            r#"{"usage":{"prompt_tokens":9,"connector_tokens":5,"total_tokens":14,
                "connectors":{"web_search":2}}}"#,
            UnitKind::WebSearch,
            2,
        ),
        (
            r#"{"output":[{"type":"file_search_call"}],"usage":{"input_tokens":9}}"#,
            UnitKind::ToolCall,
            1,
        ),
        (
            r#"{"usage":{"total_input_tokens":9,"total_output_tokens":1,"grounding_tool_count":
                [{"type":"google_search","count":2,"search_query_count":3}]}}"#,
            UnitKind::WebSearch,
            3,
        ),
    ] {
        let reading = reading(json);
        assert_eq!(reading.unit(kind), count, "{json}");
        assert_eq!(reading.units.len(), 1, "{json}");
    }
}

/// Gemini 3 bills each search, older models each answer that was grounded.
#[test]
fn searches_that_ground_an_answer_are_counted_as_they_are_billed() {
    let answer = |model: &str| {
        let json = r#"{"candidates":[{"groundingMetadata":{"webSearchQueries":["a","b"]}}],
            "usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"@"}"#;
        reading(&json.replace('@', model)).unit(UnitKind::WebSearch)
    };
    assert_eq!(answer("gemini-3-flash"), 2);
    assert_eq!(answer("gemini-2.5-flash"), 1);
}

//! A usage record as JSON of protobuf, as the queue files of all languages have it.
//!
//! Written by hand because the stubs know no JSON, and this one message is all that needs it.

use std::collections::HashMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::v1::{
    Attribution, Money, Outcome, ProviderAnswer, RecordUsageRequest, ServiceTier, UnitKind, Usage,
    UsageSource, UsageUnit,
};

type Fields = Map<String, Value>;

type Word = fn(&mut Attribution) -> &mut String;
type Count = fn(&mut Usage) -> &mut i64;

/// The texts of an attribution, by their names in JSON.
const ATTRIBUTION: [(&str, Word); 9] = [
    ("userId", |who| &mut who.user_id),
    ("departmentId", |who| &mut who.department_id),
    ("apiKeyId", |who| &mut who.api_key_id),
    ("assistantId", |who| &mut who.assistant_id),
    ("workflowId", |who| &mut who.workflow_id),
    ("featureId", |who| &mut who.feature_id),
    ("projectId", |who| &mut who.project_id),
    ("investigationId", |who| &mut who.investigation_id),
    ("sessionId", |who| &mut who.session_id),
];

/// The counts of a usage, by their names in JSON.
const USAGE: [(&str, Count); 10] = [
    ("inputTokenCount", |usage| &mut usage.input_token_count),
    ("cacheReadTokenCount", |usage| &mut usage.cache_read_token_count),
    ("cacheWrite5mTokenCount", |usage| &mut usage.cache_write_5m_token_count),
    ("cacheWrite1hTokenCount", |usage| &mut usage.cache_write_1h_token_count),
    ("outputTokenCount", |usage| &mut usage.output_token_count),
    ("reasoningTokenCount", |usage| &mut usage.reasoning_token_count),
    ("audioInputTokenCount", |usage| &mut usage.audio_input_token_count),
    ("audioOutputTokenCount", |usage| &mut usage.audio_output_token_count),
    ("imageInputTokenCount", |usage| &mut usage.image_input_token_count),
    ("imageOutputTokenCount", |usage| &mut usage.image_output_token_count),
];

/// What of a line is not a record.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("{0}")]
    Json(String),
    #[error("{0} is not what it should be")]
    Field(&'static str),
}

/// Writes one line, without its end.
pub(crate) fn write(record: &RecordUsageRequest) -> String {
    let mut fields = Fields::new();
    put_text(&mut fields, "workspaceId", &record.workspace_id);
    put_text(&mut fields, "requestId", &record.request_id);
    if record.attempt != 0 {
        fields.insert("attempt".into(), record.attempt.into());
    }
    put_text(&mut fields, "modelId", &record.model_id);
    let tier = ServiceTier::try_from(record.service_tier).map(|tier| tier.as_str_name());
    put_enum(&mut fields, "serviceTier", record.service_tier, tier.ok());
    if let Some(mut usage) = record.usage.clone() {
        let mut counts = Fields::new();
        for (name, count) in USAGE {
            // 64 bits are a text in JSON of protobuf.
            let count = *count(&mut usage);
            put_text(
                &mut counts,
                name,
                &if count == 0 { String::new() } else { count.to_string() },
            );
        }
        if !usage.units.is_empty() {
            counts.insert("units".into(), usage.units.iter().map(unit_to_json).collect());
        }
        fields.insert("usage".into(), counts.into());
    }
    let outcome = Outcome::try_from(record.outcome).map(|outcome| outcome.as_str_name());
    put_enum(&mut fields, "outcome", record.outcome, outcome.ok());
    let source = UsageSource::try_from(record.usage_source).map(|source| source.as_str_name());
    put_enum(&mut fields, "usageSource", record.usage_source, source.ok());
    if let Some(time) = record.start_time {
        fields.insert("startTime".into(), time.to_string().into());
    }
    if let Some(span) = record.latency {
        fields.insert("latency".into(), span.to_string().into());
    }
    if let Some(mut who) = record.attribution.clone() {
        let mut words = Fields::new();
        for (name, text) in ATTRIBUTION {
            put_text(&mut words, name, text(&mut who));
        }
        if !who.tags.is_empty() {
            let tags = who.tags.into_iter().map(|(key, value)| (key, value.into()));
            words.insert("tags".into(), Value::Object(tags.collect()));
        }
        fields.insert("attribution".into(), words.into());
    }
    if !record.factors.is_empty() {
        fields.insert("factors".into(), record.factors.clone().into());
    }
    if let Some(answer) = &record.provider_answer {
        let mut parts = Fields::new();
        put_text(&mut parts, "provider", &answer.provider);
        if !answer.json.is_empty() {
            parts.insert("json".into(), answer.json.clone().into());
        }
        fields.insert("providerAnswer".into(), parts.into());
    }
    if let Some(reported) = &record.reported_cost {
        let mut money = Fields::new();
        put_text(&mut money, "currencyCode", &reported.currency_code);
        put_text(&mut money, "amount", &reported.amount);
        fields.insert("reportedCost".into(), money.into());
    }
    put_text(&mut fields, "contextId", &record.context_id);
    if record.accept_unread {
        fields.insert("acceptUnread".into(), true.into());
    }
    Value::Object(fields).to_string()
}

fn unit_to_json(unit: &UsageUnit) -> Value {
    let mut fields = Fields::new();
    let kind = UnitKind::try_from(unit.kind).map(|kind| kind.as_str_name());
    put_enum(&mut fields, "kind", unit.kind, kind.ok());
    if unit.count != 0 {
        put_text(&mut fields, "count", &unit.count.to_string());
    }
    fields.into()
}

fn put_text(fields: &mut Fields, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.into(), text.into());
    }
}

fn put_enum(fields: &mut Fields, name: &str, value: i32, known: Option<&str>) {
    if value != 0 {
        fields.insert(name.into(), known.map_or_else(|| value.into(), Value::from));
    }
}

/// Reads one line, in the names of JSON or of the protos; fields that are not known are ignored.
pub(crate) fn parse(line: &[u8]) -> Result<RecordUsageRequest, ParseError> {
    let record: Value =
        serde_json::from_slice(line).map_err(|error| ParseError::Json(error.to_string()))?;
    if !record.is_object() {
        return Err(ParseError::Field("the line"));
    }
    let usage = field(&record, "usage").map(parse_usage).transpose()?;
    let attribution = field(&record, "attribution").map(parse_attribution).transpose()?;
    let attempt = integer(&record, "attempt")?;
    let tier = |name: &str| ServiceTier::from_str_name(name).map(i32::from);
    let outcome = |name: &str| Outcome::from_str_name(name).map(i32::from);
    let source = |name: &str| UsageSource::from_str_name(name).map(i32::from);
    Ok(RecordUsageRequest {
        workspace_id: text(&record, "workspaceId")?,
        request_id: text(&record, "requestId")?,
        attempt: i32::try_from(attempt).map_err(|_| ParseError::Field("attempt"))?,
        model_id: text(&record, "modelId")?,
        service_tier: enumeration(&record, "serviceTier", tier)?,
        usage,
        outcome: enumeration(&record, "outcome", outcome)?,
        usage_source: enumeration(&record, "usageSource", source)?,
        start_time: parsed(&record, "startTime")?,
        latency: parsed(&record, "latency")?,
        attribution,
        factors: texts(&record, "factors")?,
        provider_answer: field(&record, "providerAnswer").map(parse_answer).transpose()?,
        accept_unread: match field(&record, "acceptUnread") {
            None => false,
            Some(value) => value.as_bool().ok_or(ParseError::Field("acceptUnread"))?,
        },
        reported_cost: field(&record, "reportedCost").map(parse_money).transpose()?,
        context_id: text(&record, "contextId")?,
    })
}

fn parse_money(money: &Value) -> Result<Money, ParseError> {
    Ok(Money { currency_code: text(money, "currencyCode")?, amount: text(money, "amount")? })
}

fn parse_answer(parts: &Value) -> Result<ProviderAnswer, ParseError> {
    Ok(ProviderAnswer { provider: text(parts, "provider")?, json: texts(parts, "json")? })
}

/// A list of texts; a missing one is empty.
fn texts(fields: &Value, name: &'static str) -> Result<Vec<String>, ParseError> {
    let texts = list(fields, name)?.iter();
    texts.map(|text| text.as_str().map(str::to_owned).ok_or(ParseError::Field(name))).collect()
}

/// A list; a missing one is empty.
fn list<'a>(fields: &'a Value, name: &'static str) -> Result<&'a [Value], ParseError> {
    let Some(list) = field(fields, name) else { return Ok(&[]) };
    list.as_array().map(Vec::as_slice).ok_or(ParseError::Field(name))
}

fn parse_unit(unit: &Value) -> Result<UsageUnit, ParseError> {
    let kind = |name: &str| UnitKind::from_str_name(name).map(i32::from);
    Ok(UsageUnit { kind: enumeration(unit, "kind", kind)?, count: integer(unit, "count")? })
}

fn parse_usage(counts: &Value) -> Result<Usage, ParseError> {
    let mut usage = Usage::default();
    for (name, count) in USAGE {
        *count(&mut usage) = integer(counts, name)?;
    }
    usage.units = list(counts, "units")?.iter().map(parse_unit).collect::<Result<_, _>>()?;
    Ok(usage)
}

fn parse_attribution(words: &Value) -> Result<Attribution, ParseError> {
    let mut who = Attribution::default();
    for (name, word) in ATTRIBUTION {
        *word(&mut who) = text(words, name)?;
    }
    if let Some(tags) = field(words, "tags") {
        let tags = tags.as_object().ok_or(ParseError::Field("tags"))?;
        let pairs = tags.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        who.tags = pairs.collect::<Option<HashMap<_, _>>>().ok_or(ParseError::Field("tags"))?;
    }
    Ok(who)
}

/// Finds a field by its name in JSON or in the protos; null is as good as missing.
fn field<'a>(fields: &'a Value, name: &str) -> Option<&'a Value> {
    let mut snake = String::new();
    for letter in name.chars() {
        // The protos write `write_5m`, JSON `Write5m`: before a digit, too, is an underscore.
        if letter.is_ascii_uppercase() || letter.is_ascii_digit() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    fields.get(name).or_else(|| fields.get(&snake)).filter(|value| !value.is_null())
}

fn text(fields: &Value, name: &'static str) -> Result<String, ParseError> {
    match field(fields, name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(ParseError::Field(name)),
    }
}

fn integer(fields: &Value, name: &'static str) -> Result<i64, ParseError> {
    let number = match field(fields, name) {
        None => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_i64(),
    };
    number.ok_or(ParseError::Field(name))
}

fn enumeration(
    fields: &Value,
    name: &'static str,
    known: impl Fn(&str) -> Option<i32>,
) -> Result<i32, ParseError> {
    let value = match field(fields, name) {
        None => Some(0),
        Some(Value::String(text)) => known(text),
        Some(value) => value.as_i64().and_then(|value| i32::try_from(value).ok()),
    };
    value.ok_or(ParseError::Field(name))
}

fn parsed<T: FromStr>(fields: &Value, name: &'static str) -> Result<Option<T>, ParseError> {
    if field(fields, name).is_none() {
        return Ok(None);
    }
    text(fields, name)?.parse().map(Some).map_err(|_| ParseError::Field(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What protobuf's own library for Python writes for the record below.
    const WRITTEN_BY_PYTHON: &str = include_str!("../tests/record.json");

    fn record() -> RecordUsageRequest {
        let mut usage = Usage::default();
        for (index, (_, count)) in USAGE.iter().enumerate() {
            *count(&mut usage) = i64::try_from(index).unwrap() + 1;
        }
        usage.input_token_count = i64::MAX;
        let mut who = Attribution::default();
        for (name, word) in ATTRIBUTION {
            *word(&mut who) = format!("the {name}");
        }
        who.tags.insert("Straße".into(), "\"quoted\"\n\u{1f600}".into());
        RecordUsageRequest {
            workspace_id: "acme".into(),
            request_id: "r-1".into(),
            attempt: 3,
            model_id: "gpt-4.1".into(),
            service_tier: ServiceTier::Flex.into(),
            usage: Some(usage),
            outcome: Outcome::Cancelled.into(),
            usage_source: UsageSource::Estimated.into(),
            start_time: Some("2026-11-21T12:00:00.123456789Z".parse().unwrap()),
            latency: Some("1.5s".parse().unwrap()),
            attribution: Some(who),
            factors: Vec::new(),
            provider_answer: None,
            reported_cost: None,
            context_id: String::new(),
            accept_unread: false,
        }
    }

    #[test]
    fn a_provider_answer_comes_back() {
        let json = vec![r#"{"usage":{"prompt_tokens":1}}"#.to_owned(), "{}".to_owned()];
        let answer = ProviderAnswer { provider: "openai".into(), json };
        let record = RecordUsageRequest {
            provider_answer: Some(answer),
            accept_unread: true,
            ..Default::default()
        };
        let line = write(&record);
        assert!(line.contains(r#""acceptUnread":true"#), "{line}");
        assert_eq!(parse(line.as_bytes()).unwrap(), record);
        let other = br#"{"provider_answer": {"json": ["{}"]}, "accept_unread": true}"#;
        let answer = parse(other).unwrap().provider_answer.unwrap();
        assert_eq!(answer.json, ["{}"]);
        for line in [r#"{"providerAnswer": {"json": [{}]}}"#, r#"{"acceptUnread": 1}"#] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn units_and_factors_come_back() {
        let unit = |kind: UnitKind, count| UsageUnit { kind: kind.into(), count };
        let units = vec![unit(UnitKind::WebSearch, 3), unit(UnitKind::Second, i64::MAX)];
        let usage = Usage { units, ..Default::default() };
        let factors = vec!["fast".to_owned(), "us".to_owned()];
        let record = RecordUsageRequest { usage: Some(usage), factors, ..Default::default() };
        let line = write(&record);
        assert!(line.contains(r#""kind":"UNIT_KIND_WEB_SEARCH""#), "{line}");
        assert_eq!(parse(line.as_bytes()).unwrap(), record);
        assert!(parse(br#"{"factors": "us"}"#).is_err());
        assert!(parse(br#"{"usage": {"units": [{"kind": "UNIT_KIND_WHAT"}]}}"#).is_err());
    }

    #[test]
    fn what_another_language_wrote_is_read_and_written_alike() {
        assert_eq!(parse(WRITTEN_BY_PYTHON.as_bytes()).unwrap(), record());
        let theirs: Value = serde_json::from_str(WRITTEN_BY_PYTHON).unwrap();
        let ours: Value = serde_json::from_str(&write(&record())).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        assert_eq!(write(&RecordUsageRequest::default()), "{}");
        assert_eq!(parse(b"{}").unwrap(), RecordUsageRequest::default());
        let empty = RecordUsageRequest {
            usage: Some(Usage::default()),
            attribution: Some(Attribution::default()),
            ..Default::default()
        };
        assert_eq!(write(&empty), r#"{"attribution":{},"usage":{}}"#);
        assert_eq!(parse(write(&empty).as_bytes()).unwrap(), empty);
    }

    #[test]
    fn other_spellings_are_read_too() {
        let line = br#"{"workspace_id": "acme", "service_tier": 3, "outcome": "OUTCOME_ERROR",
            "usage": {"cache_write_5m_token_count": 7, "outputTokenCount": 8}, "newer": [1],
            "attempt": "2", "latency": null, "start_time": "2026-11-21T13:00:00+01:00"}"#;
        let record = parse(line).unwrap();
        assert_eq!((record.workspace_id.as_str(), record.attempt), ("acme", 2));
        assert_eq!((record.service_tier, record.outcome), (3, Outcome::Error.into()));
        let usage = record.usage.unwrap();
        assert_eq!((usage.cache_write_5m_token_count, usage.output_token_count), (7, 8));
        assert_eq!(record.start_time.unwrap().to_string(), "2026-11-21T12:00:00Z");
        let newer = RecordUsageRequest { outcome: 99, ..Default::default() };
        assert_eq!(write(&newer), r#"{"outcome":99}"#);
        assert_eq!(parse(write(&newer).as_bytes()).unwrap(), newer);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for line in [
            "",
            "{\"workspaceId\": \"ac",
            "[]",
            r#"{"workspaceId": 5}"#,
            r#"{"outcome": "OUTCOME_WHATEVER"}"#,
            r#"{"startTime": "yesterday"}"#,
            r#"{"usage": {"inputTokenCount": "many"}}"#,
            r#"{"attribution": {"tags": ["a"]}}"#,
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}

//! 919 recorded usages against the extraction of another project.
//!
//! Where the two differ, the body itself must say why: each reason is a property of the body, with
//! the figure that follows from it, and no row is named.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate::answers::{Flag, Reading, read};
use tollgate::domain::usage::{TokenClass, UnitKind};

/// A difference that is right on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The rounds of an advisor are billed, but not part of the usage above them.
    Advisor,
    /// The total exceeds prompt and completion: Gemini leaves thoughts out of what is compatible
    /// with OpenAI.
    HiddenThoughts,
    /// Documents are ordinary input: no price list has a rate of their own for them.
    Documents,
    /// The other project knows no cache read under `num_cached_tokens` or `cached_tokens`.
    CacheReadUnnamed,
    /// Cohere bills what `billed_units` says. What it has counted, and found in a cache, is more;
    /// the other project offers both.
    BilledUnits,
}

const REASONS: [Reason; 5] = [
    Reason::Advisor,
    Reason::HiddenThoughts,
    Reason::Documents,
    Reason::CacheReadUnnamed,
    Reason::BilledUnits,
];

/// What is compared. Cached audio and images are cache reads on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Figures {
    input: i64,
    cache_read: i64,
    cache_write: i64,
    output: i64,
    reasoning: i64,
    audio_input: i64,
    image_input: i64,
    web_searches: i64,
}

impl Figures {
    fn ours(reading: &Reading) -> Figures {
        let usage = &reading.usage;
        let get = |class| usage.get(class);
        Figures {
            input: usage.total_input(),
            cache_read: get(TokenClass::CacheRead),
            cache_write: get(TokenClass::CacheWrite5m) + get(TokenClass::CacheWrite1h),
            output: usage.total_output(),
            reasoning: get(TokenClass::Reasoning),
            audio_input: get(TokenClass::AudioInput),
            image_input: get(TokenClass::ImageInput),
            web_searches: reading.unit(UnitKind::WebSearch),
        }
    }

    /// Its input includes caches; audio and images include what of them is cached.
    fn theirs(usage: &Value) -> Figures {
        let get = |name: &str| usage.get(name).and_then(Value::as_i64).unwrap_or(0);
        Figures {
            input: get("input_tokens"),
            cache_read: get("cache_read_tokens"),
            cache_write: get("cache_write_tokens"),
            output: get("output_tokens"),
            reasoning: get("output_reasoning_tokens"),
            audio_input: get("input_audio_tokens") - get("cache_audio_read_tokens"),
            image_input: get("input_image_tokens") - get("cache_image_read_tokens"),
            web_searches: get("web_searches"),
        }
    }
}

/// Whether ours has every class that one of theirs has: not equal to one of them by being blind.
fn is_full(ours: &Figures, theirs: &[Figures]) -> bool {
    let parts = |figures: &Figures| {
        let Figures { cache_read, cache_write, reasoning, audio_input, image_input, .. } = *figures;
        [cache_read, cache_write, reasoning, audio_input, image_input, figures.web_searches]
    };
    let has = |figures: &Figures, index: usize| parts(figures)[index] > 0;
    let any = |index| theirs.iter().any(|figures| has(figures, index));
    (0..parts(ours).len()).all(|index| has(ours, index) || !any(index))
}

/// Why ours may differ from theirs, and what theirs then has to be.
fn explain(body: &Value, reading: &Reading, theirs: &[Figures]) -> Option<Vec<Reason>> {
    let mut ours = Figures::ours(reading);
    let mut reasons = Vec::new();
    let usage = body.get("usage").or(body.get("usageMetadata")).unwrap_or(&Value::Null);
    let get = |name: &str| usage.get(name).and_then(Value::as_i64).unwrap_or(0);
    if !reading.others.is_empty() {
        reasons.push(Reason::Advisor);
    }
    if reading.flags.contains(&Flag::RestCounted) {
        let rest = get("total_tokens") - get("prompt_tokens") - get("completion_tokens");
        assert_eq!(ours.reasoning, rest, "{body}");
        ours.reasoning = 0;
        ours.output -= rest;
        reasons.push(Reason::HiddenThoughts);
    }
    let documents =
        documents(usage, "promptTokensDetails") - documents(usage, "cacheTokensDetails");
    if documents > 0 {
        ours.image_input += documents;
        reasons.push(Reason::Documents);
    }
    if get("num_cached_tokens") + get("cached_tokens") > 0 && usage.get("billed_units").is_none() {
        assert_eq!(ours.cache_read, get("num_cached_tokens") + get("cached_tokens"), "{body}");
        ours.cache_read = 0;
        reasons.push(Reason::CacheReadUnnamed);
    }
    if usage.get("billed_units").is_some() && get("cached_tokens") > 0 {
        assert_eq!(ours.input, usage["billed_units"]["input_tokens"], "{body}");
        reasons.push(Reason::BilledUnits);
    }
    (!reasons.is_empty() && theirs.contains(&ours)).then_some(reasons)
}

fn documents(usage: &Value, list: &str) -> i64 {
    let of_document = |entry: &&Value| entry["modality"] == "DOCUMENT";
    let entries = usage.get(list).and_then(Value::as_array).into_iter().flatten();
    entries.filter(of_document).filter_map(|entry| entry["tokenCount"].as_i64()).sum()
}

#[test]
fn every_recorded_usage_is_read_as_others_read_it_or_the_body_says_why() {
    let Some(rows) = super::recorded("provider_usages.jsonl") else { return };
    let mut equal = 0;
    let mut explained: BTreeMap<Vec<Reason>, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let body = &row["body"];
        let reading = match read(&[body.to_string()], "") {
            Ok(reading) => reading,
            Err(error) => {
                wrong.push(format!("{error}: {body}"));
                continue;
            }
        };
        let variants = row["oracle"].as_array().unwrap();
        let theirs: Vec<Figures> =
            variants.iter().map(|variant| Figures::theirs(&variant["usage"])).collect();
        let ours = Figures::ours(&reading);
        let is_equal = theirs.contains(&ours) && is_full(&ours, &theirs);
        if is_equal && reading.others.is_empty() {
            equal += 1;
        } else if let Some(reasons) = explain(body, &reading, &theirs) {
            *explained.entry(reasons).or_default() += 1;
        } else {
            wrong.push(format!("{body}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    println!("{} usages: {equal} equal, explained {explained:?}", rows.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows.len() >= 919, "only {} usages", rows.len());
    for reason in REASONS {
        assert!(explained.keys().flatten().any(|used| *used == reason), "{reason:?} explains none");
    }
}

//! What several services say: tiers, usage, attribution.

use std::collections::BTreeMap;

use super::text::{
    self, ATTRIBUTION_CHARS_MAX, CAPABILITY_CHARS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX,
};
use super::{Path, Violations, number};
use crate::domain::attribution::{Attribution, PackedAttribution};
use crate::domain::check::BudgetState;
use crate::domain::usage::{ServiceTier, TOKENS_MAX, TokenClass, Usage};
use crate::proto::v1;

/// Most tags of one attribution.
pub const TAGS_MAX: usize = 16;

pub fn tier(value: i32, path: Path<'_>, violations: &mut Violations) -> ServiceTier {
    match v1::ServiceTier::try_from(value) {
        Ok(v1::ServiceTier::Unspecified | v1::ServiceTier::Standard) => ServiceTier::Standard,
        Ok(v1::ServiceTier::Batch) => ServiceTier::Batch,
        Ok(v1::ServiceTier::Flex) => ServiceTier::Flex,
        Ok(v1::ServiceTier::Priority) => ServiceTier::Priority,
        Err(_) => {
            violations.add(path, "expected a ServiceTier that is known");
            ServiceTier::Standard
        }
    }
}

pub fn tier_to_proto(tier: ServiceTier) -> v1::ServiceTier {
    match tier {
        ServiceTier::Standard => v1::ServiceTier::Standard,
        ServiceTier::Batch => v1::ServiceTier::Batch,
        ServiceTier::Flex => v1::ServiceTier::Flex,
        ServiceTier::Priority => v1::ServiceTier::Priority,
    }
}

pub fn state_to_proto(state: BudgetState) -> v1::BudgetState {
    match state {
        BudgetState::WithinPlan => v1::BudgetState::WithinPlan,
        BudgetState::InOverage => v1::BudgetState::InOverage,
        BudgetState::Exhausted => v1::BudgetState::Exhausted,
    }
}

/// A number of tokens of one class.
pub fn tokens(count: i64, path: Path<'_>, violations: &mut Violations) -> i64 {
    number(count, 0..=TOKENS_MAX, path, violations)
}

pub fn usage(usage: v1::Usage, path: Path<'_>, violations: &mut Violations) -> Usage {
    use TokenClass::{
        AudioInput, AudioOutput, CacheRead, CacheWrite1h, CacheWrite5m, ImageInput, ImageOutput,
        Input, Output, Reasoning,
    };
    let mut read = Usage::default();
    let mut total = 0;
    for (class, count, field) in [
        (Input, usage.input_token_count, "input_token_count"),
        (CacheRead, usage.cache_read_token_count, "cache_read_token_count"),
        (CacheWrite5m, usage.cache_write_5m_token_count, "cache_write_5m_token_count"),
        (CacheWrite1h, usage.cache_write_1h_token_count, "cache_write_1h_token_count"),
        (Output, usage.output_token_count, "output_token_count"),
        (Reasoning, usage.reasoning_token_count, "reasoning_token_count"),
        (AudioInput, usage.audio_input_token_count, "audio_input_token_count"),
        (AudioOutput, usage.audio_output_token_count, "audio_output_token_count"),
        (ImageInput, usage.image_input_token_count, "image_input_token_count"),
        (ImageOutput, usage.image_output_token_count, "image_output_token_count"),
    ] {
        let count = tokens(count, path.field(field), violations);
        read.set(class, count);
        total += count;
    }
    if total > TOKENS_MAX {
        violations
            .add(path, format!("expected at most {TOKENS_MAX} tokens in all classes together"));
    }
    read
}

pub fn usage_to_proto(usage: &Usage) -> v1::Usage {
    v1::Usage {
        input_token_count: usage.get(TokenClass::Input),
        cache_read_token_count: usage.get(TokenClass::CacheRead),
        cache_write_5m_token_count: usage.get(TokenClass::CacheWrite5m),
        cache_write_1h_token_count: usage.get(TokenClass::CacheWrite1h),
        output_token_count: usage.get(TokenClass::Output),
        reasoning_token_count: usage.get(TokenClass::Reasoning),
        audio_input_token_count: usage.get(TokenClass::AudioInput),
        audio_output_token_count: usage.get(TokenClass::AudioOutput),
        image_input_token_count: usage.get(TokenClass::ImageInput),
        image_output_token_count: usage.get(TokenClass::ImageOutput),
    }
}

/// An attribution that says nothing is as good as none.
pub fn attribution(
    attribution: Option<v1::Attribution>,
    violations: &mut Violations,
) -> Option<Box<Attribution>> {
    let attribution = attribution?;
    check_attribution(&attribution, violations);
    let read = Attribution {
        user_id: attribution.user_id,
        department_id: attribution.department_id,
        api_key_id: attribution.api_key_id,
        assistant_id: attribution.assistant_id,
        workflow_id: attribution.workflow_id,
        feature_id: attribution.feature_id,
        project_id: attribution.project_id,
        investigation_id: attribution.investigation_id,
        session_id: attribution.session_id,
        tags: attribution.tags.into_iter().collect(),
    };
    (!read.is_empty()).then(|| Box::new(read))
}

/// The same as a hold keeps it.
pub fn packed_attribution(
    attribution: Option<&v1::Attribution>,
    violations: &mut Violations,
) -> Option<PackedAttribution> {
    let attribution = attribution?;
    if !check_attribution(attribution, violations) {
        return None;
    }
    let fields = fields_of(attribution).map(|(text, _)| text);
    let tags: BTreeMap<&str, &str> = if attribution.tags.is_empty() {
        BTreeMap::new()
    } else {
        attribution.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    };
    PackedAttribution::pack(fields, tags.into_iter())
}

/// The texts of an attribution, in the order in which they are packed, with their names.
fn fields_of(attribution: &v1::Attribution) -> [(&str, &'static str); 9] {
    [
        (&attribution.user_id, "user_id"),
        (&attribution.department_id, "department_id"),
        (&attribution.api_key_id, "api_key_id"),
        (&attribution.assistant_id, "assistant_id"),
        (&attribution.workflow_id, "workflow_id"),
        (&attribution.feature_id, "feature_id"),
        (&attribution.project_id, "project_id"),
        (&attribution.investigation_id, "investigation_id"),
        (&attribution.session_id, "session_id"),
    ]
}

/// Whether every text is within its bounds.
fn check_attribution(attribution: &v1::Attribution, violations: &mut Violations) -> bool {
    let before = violations.count();
    let path = Path::Request.field("attribution");
    for (value, field) in fields_of(attribution) {
        text::check(value, 0..=ATTRIBUTION_CHARS_MAX, path.field(field), violations);
    }
    let path = path.field("tags");
    if attribution.tags.len() > TAGS_MAX {
        violations.add(path, format!("expected at most {TAGS_MAX}"));
    } else {
        for (key, value) in &attribution.tags {
            text::check(key, 1..=TAG_KEY_CHARS_MAX, path.field("key"), violations);
            text::check(value, 0..=TAG_VALUE_CHARS_MAX, path.field("value"), violations);
        }
    }
    violations.count() == before
}

pub fn attribution_to_proto(attribution: Attribution) -> Option<v1::Attribution> {
    if attribution.is_empty() {
        return None;
    }
    Some(v1::Attribution {
        user_id: attribution.user_id,
        department_id: attribution.department_id,
        api_key_id: attribution.api_key_id,
        assistant_id: attribution.assistant_id,
        workflow_id: attribution.workflow_id,
        feature_id: attribution.feature_id,
        project_id: attribution.project_id,
        investigation_id: attribution.investigation_id,
        session_id: attribution.session_id,
        tags: attribution.tags.into_iter().collect(),
    })
}

/// Sorted and without repeats.
pub fn capabilities(
    mut capabilities: Vec<String>,
    max: usize,
    path: Path<'_>,
    violations: &mut Violations,
) -> Vec<String> {
    if capabilities.len() > max {
        violations.add(path, format!("expected at most {max}"));
        return Vec::new();
    }
    for (index, capability) in capabilities.iter().enumerate() {
        text::check(capability, 1..=CAPABILITY_CHARS_MAX, path.item(index), violations);
    }
    capabilities.sort_unstable();
    capabilities.dedup();
    capabilities
}

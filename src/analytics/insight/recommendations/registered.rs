//! API keys and assistants that are registered, with when they were used last.

use std::sync::Arc;

use super::Sources;
use crate::analytics::Result;
use crate::domain::Time;
use crate::domain::api_key::ApiKey;
use crate::domain::attribution::{Dimension, EntryKind, SubjectKind};
use crate::domain::workspace::recommendation::{RecommendationReason, RecommendationTopic};
use crate::insight::recommendation::idle::Registered;
use crate::storage::directory::{EntryFilter, EntryState};

/// Most keys, and most assistants, that are looked at, by id.
const REGISTERED_MAX: usize = 10_000;
/// Of one read.
const PAGE: usize = 1_000;

/// Those that may be used.
///
/// # Errors
/// If storage fails.
pub async fn read(sources: &Sources<'_>) -> Result<Vec<Registered>> {
    let mut registered = keys(sources).await?;
    registered.extend(assistants(sources).await?);
    Ok(registered)
}

async fn keys(sources: &Sources<'_>) -> Result<Vec<Registered>> {
    let Sources { scope, store } = sources;
    let workspace_id = &scope.workspace.id;
    let mut registered = Vec::new();
    let mut after = String::new();
    for _ in 0..REGISTERED_MAX / PAGE {
        let keys = store.api_keys(workspace_id, None, &after, PAGE).await?;
        let Some(last) = keys.last() else { break };
        after = last.id.to_string();
        let ids: Vec<String> = keys.iter().map(|key| key.id.to_string()).collect();
        let seen = store.seen(workspace_id, Dimension::ApiKey, &ids).await?;
        for key in keys.iter().filter(|key| is_usable(key, scope.now)) {
            let last_use = seen.get(&*key.id).map(|seen| seen.last_time);
            let topic = topic(RecommendationReason::KeyUnused, SubjectKind::ApiKey, &key.id);
            registered.push(Registered { topic, create_time: key.create_time, last_use });
        }
    }
    Ok(registered)
}

fn is_usable(key: &ApiKey, now: Time) -> bool {
    !key.disabled && key.expire_time.is_none_or(|expire_time| expire_time > now)
}

async fn assistants(sources: &Sources<'_>) -> Result<Vec<Registered>> {
    let Sources { scope, store } = sources;
    let filter = EntryFilter::of(EntryKind::Assistant, EntryState::Active);
    let mut registered = Vec::new();
    let mut after = String::new();
    for _ in 0..REGISTERED_MAX / PAGE {
        let page = store.list_entries(&scope.workspace.id, &filter, &after, PAGE).await?;
        let Some(last) = page.entries.last() else { break };
        after.clone_from(&last.id);
        for listed in page.entries {
            let Some(entry) = listed.entry else { continue };
            let last_use = listed.seen.map(|seen| seen.last_time);
            let id: Arc<str> = listed.id.into();
            let topic = topic(RecommendationReason::AssistantUnused, SubjectKind::Assistant, &id);
            registered.push(Registered { topic, create_time: entry.create_time, last_use });
        }
    }
    Ok(registered)
}

fn topic(
    reason: RecommendationReason,
    subject_kind: SubjectKind,
    id: &Arc<str>,
) -> RecommendationTopic {
    let none: Arc<str> = Arc::from("");
    RecommendationTopic {
        reason,
        subject_kind,
        subject_id: id.clone(),
        model_id: none.clone(),
        target: none,
    }
}

//! What `AuditService` is asked and answers.

use super::super::actor::ACTOR_CHARS_MAX;
use super::super::page::Page;
use super::text::{self, WORKSPACE_ID_CHARS_MAX};
use super::time::{instant, to_timestamp};
use super::{Path, Violations};
use crate::domain::Time;
use crate::proto::v1;
use crate::storage::policy::{AuditEvent, AuditFilter};

const RESOURCE_TYPE_CHARS_MAX: usize = 64;
/// No id of anything is longer: that of an imported price has the id of its model in it.
const ID_CHARS_MAX: usize = 512;

/// Which entries are asked for.
pub fn filter(request: v1::ListAuditEventsRequest, violations: &mut Violations) -> AuditFilter {
    let path = |field| Path::Request.field(field);
    for (value, field, max) in [
        (&request.workspace_id, "workspace_id", WORKSPACE_ID_CHARS_MAX),
        (&request.resource_type, "resource_type", RESOURCE_TYPE_CHARS_MAX),
        (&request.resource_id, "resource_id", ID_CHARS_MAX),
        (&request.actor, "actor", ACTOR_CHARS_MAX),
    ] {
        text::check(value, 0..=max, path(field), violations);
    }
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    AuditFilter {
        workspace_id: request.workspace_id,
        resource_type: given(request.resource_type),
        resource_id: given(request.resource_id),
        actor: given(request.actor),
        from: request.start_time.map(|time| instant(time, path("start_time"), violations)),
        to: request.end_time.map(|time| instant(time, path("end_time"), violations)),
    }
}

pub fn page(size: i32, token: &str, filter: &AuditFilter, violations: &mut Violations) -> Page {
    let time = |time: Option<Time>| time.map_or_else(String::new, |time| time.micros().to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = [
        "audit_events".to_owned(),
        filter.workspace_id.clone(),
        text(&filter.resource_type),
        text(&filter.resource_id),
        text(&filter.actor),
        time(filter.from),
        time(filter.to),
    ];
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Page::read(&parts, size, token, violations)
}

pub fn event_to_proto(event: AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        audit_event_id: event.id,
        time: Some(to_timestamp(event.time)),
        actor: event.actor,
        action: event.action,
        workspace_id: event.workspace_id,
        resource_type: event.resource_type,
        resource_id: event.resource_id,
        before_json: event.before.unwrap_or_default(),
        after_json: event.after.unwrap_or_default(),
    }
}

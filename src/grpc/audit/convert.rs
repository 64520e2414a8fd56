//! Requests of `AuditService`, and audit events as protos.

use crate::domain::Time;
use crate::grpc::shared::actor::ACTOR_CHARS_MAX;
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::page::{Page, TimePosition, parse_time_position};
use crate::grpc::shared::text::{WORKSPACE_ID_CHARS_MAX, non_empty};
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;
use crate::storage::audit::{AuditEvent, AuditFilter};

const RESOURCE_TYPE_CHARS_MAX: usize = 64;
/// No id of a resource is longer: that of an imported price contains the id of its model.
const ID_CHARS_MAX: usize = 512;

/// Which entries, which page of them, and after which one it begins.
pub fn list(
    request: v1::ListAuditEventsRequest,
) -> Decoded<(AuditFilter, Page, Option<TimePosition>)> {
    decode(|at| {
        for (text, field, max) in [
            (&request.workspace_id, "workspace_id", WORKSPACE_ID_CHARS_MAX),
            (&request.resource_type, "resource_type", RESOURCE_TYPE_CHARS_MAX),
            (&request.resource_id, "resource_id", ID_CHARS_MAX),
            (&request.actor, "actor", ACTOR_CHARS_MAX),
        ] {
            at.field(field).text(text, 0..=max);
        }
        let from = request.start_time.and_then(|time| at.field("start_time").instant(time));
        let to = request.end_time.and_then(|time| at.field("end_time").instant(time));
        let micros = |time: Option<Time>| time.map(|time| time.micros().to_string());
        let page = at.page(
            &[
                "audit_events",
                &request.workspace_id,
                &request.resource_type,
                &request.resource_id,
                &request.actor,
                &micros(from).unwrap_or_default(),
                &micros(to).unwrap_or_default(),
            ],
            request.page_size,
            &request.page_token,
        );
        let after = page.after_parsed(at, parse_time_position);
        let filter = AuditFilter {
            workspace_id: request.workspace_id,
            resource_type: non_empty(request.resource_type),
            resource_id: non_empty(request.resource_id),
            actor: non_empty(request.actor),
            from,
            to,
        };
        Some((filter, page, after))
    })
}

pub fn event_to_proto(event: AuditEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        audit_event_id: event.id,
        time: Some(to_timestamp(event.time)),
        actor: event.actor,
        on_behalf_of: event.on_behalf_of,
        action: event.action,
        workspace_id: event.workspace_id,
        resource_type: event.resource_type,
        resource_id: event.resource_id,
        before_json: event.before.unwrap_or_default(),
        after_json: event.after.unwrap_or_default(),
    }
}

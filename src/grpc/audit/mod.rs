//! `AuditService`: the audit log.

mod convert;

use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::authorize;
use super::shared::page::time_position;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::audit_service_server::AuditService;
use crate::storage::audit::AuditEvent;

/// Most bytes of JSON on one page: the response stays far below the size of a message.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

pub struct Audit {
    engine: Engine,
}

impl Audit {
    pub fn new(context: &ServiceContext) -> Audit {
        Audit { engine: context.engine.clone() }
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        let (filter, page, after) = convert::list(authorize(request)?)?;
        let mut events = self.engine.audit_events(&filter, after, page.fetch()).await?;
        let next_page_token = page.cut_to_bytes(PAGE_BYTES_MAX, json_bytes, &mut events, |last| {
            time_position(last.time, &last.id)
        });
        let audit_events = events.into_iter().map(convert::event_to_proto).collect();
        Ok(Response::new(v1::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}

/// Of the fields that may be long.
fn json_bytes(event: &AuditEvent) -> usize {
    let length = |json: &Option<String>| json.as_ref().map_or(0, String::len);
    length(&event.before) + length(&event.after)
}

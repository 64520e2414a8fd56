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
        let events = self.engine.audit_events(&filter, after, page.fetch()).await?;
        let position = |last: &AuditEvent| time_position(last.time, &last.id);
        let (audit_events, next_page_token) = page.cut(events, position, convert::event_to_proto);
        Ok(Response::new(v1::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}

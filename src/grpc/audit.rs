//! `AuditService`: decode, call, encode.

use tonic::{Request, Response, Status};

use super::convert::{Violations, audit as convert};
use crate::domain::Time;
use crate::engine::Engine;
use crate::proto::v1;
use crate::proto::v1::audit_service_server::AuditService;
use crate::storage::policy::AuditEvent;

/// Most bytes of JSON on one page: the answer stays far below what a message may be.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

pub struct Audit {
    engine: Engine,
}

impl Audit {
    pub fn new(engine: Engine) -> Audit {
        Audit { engine }
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        let request = request.into_inner();
        let (size, token) = (request.page_size, request.page_token.clone());
        let mut violations = Violations::default();
        let filter = convert::filter(request, &mut violations);
        let page = convert::page(size, &token, &filter, &mut violations);
        let after = page.after_parsed(position, &mut violations);
        violations.accept(())?;
        let mut events = self.engine.audit_events(&filter, after, page.fetch()).await?;
        let next_page_token = page.cut_to_bytes(PAGE_BYTES_MAX, bytes, &mut events, |last| {
            format!("{}.{}", last.time.micros(), last.id)
        });
        let audit_events = events.into_iter().map(convert::event_to_proto).collect();
        Ok(Response::new(v1::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}

/// Of what may be long; the rest is short.
fn bytes(event: &AuditEvent) -> usize {
    let length = |json: &Option<String>| json.as_ref().map_or(0, String::len);
    length(&event.before) + length(&event.after)
}

fn position(text: &str) -> Option<(Time, String)> {
    let (micros, id) = text.split_once('.')?;
    Some((Time::from_micros(micros.parse().ok()?), id.to_owned()))
}

//! `ListRefusals`: its request, and refusals as protos.

use super::explanation::explain;
use super::verdict::{add_near, reason_number, verdict_to_proto};
use crate::domain::Currency;
use crate::domain::check::{Answer, REQUEST_ID_CHARS_MAX};
use crate::engine::{Engine, Refusal, RefusalFilter};
use crate::grpc::shared::attribution;
use crate::grpc::shared::decode::{Decoded, decode};
use crate::grpc::shared::page::Page;
use crate::grpc::shared::text::non_empty;
use crate::grpc::shared::time::to_timestamp;
use crate::proto::v1;

pub fn list(request: &v1::ListRefusalsRequest) -> Decoded<(RefusalFilter, Page, Option<u64>)> {
    let v1::ListRefusalsRequest { workspace_id, user_id, api_key_id, .. } = request;
    let v1::ListRefusalsRequest { model_id, request_id, .. } = request;
    decode(|at| {
        at.workspace_id(workspace_id);
        let is_blocked = match v1::Decision::try_from(request.decision) {
            Ok(v1::Decision::Unspecified) => None,
            Ok(v1::Decision::Blocked) => Some(true),
            Ok(v1::Decision::Routed) => Some(false),
            Ok(v1::Decision::Allowed) | Err(_) => {
                at.field("decision").refuse("expected DECISION_BLOCKED or DECISION_ROUTED");
                None
            }
        };
        at.field("user_id").optional_attribution_id(user_id);
        at.field("api_key_id").optional_attribution_id(api_key_id);
        at.field("model_id").optional_model_id(model_id);
        at.field("request_id").text(request_id, 0..=REQUEST_ID_CHARS_MAX);
        let from = request.start_time.and_then(|time| at.field("start_time").instant(time));
        let to = request.end_time.and_then(|time| at.field("end_time").instant(time));
        let times =
            [from, to].map(|time| time.map_or_else(String::new, |t| t.micros().to_string()));
        let decision = request.decision.to_string();
        let filter = [
            "refusals",
            workspace_id,
            &decision,
            user_id,
            api_key_id,
            model_id,
            request_id,
            &times[0],
            &times[1],
        ];
        let page = at.page(&filter, request.page_size, &request.page_token);
        let before = page.after_parsed(at, |text| text.parse().ok());
        let filter = RefusalFilter {
            is_blocked,
            user_id: non_empty(user_id.clone()),
            api_key_id: non_empty(api_key_id.clone()),
            model_ids: non_empty(model_id.clone()).into_iter().collect(),
            request_id: non_empty(request_id.clone()),
            from,
            to,
        };
        Some((filter, page, before))
    })
}

pub fn to_proto(
    engine: &Engine,
    workspace_id: &str,
    currency: Currency,
    refusal: &Refusal,
) -> v1::Refusal {
    let (decision, model_id) = match &refusal.answer {
        Answer::Routed(model_id) => (v1::Decision::Routed, model_id.to_string()),
        Answer::Blocked | Answer::Allowed => (v1::Decision::Blocked, String::new()),
    };
    let verdicts = refusal.verdicts.iter();
    let mut verdicts: Vec<v1::Verdict> =
        verdicts.map(|verdict| verdict_to_proto(currency, verdict.clone())).collect();
    add_near(&mut verdicts, engine);
    verdicts.iter_mut().for_each(|verdict| explain(verdict, workspace_id));
    v1::Refusal {
        time: Some(to_timestamp(refusal.time)),
        request_id: refusal.request_id.to_string(),
        decision: decision.into(),
        reason: reason_number(refusal.reason),
        requested_model_id: refusal.requested_model_id.clone(),
        model_id,
        attribution: attribution::to_proto(refusal.attribution()),
        verdicts,
    }
}

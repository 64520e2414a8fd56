//! `UsageService`: checks, usage records and holds.

mod answer;
mod convert;
mod credits;
mod explanation;
mod records;
mod refusals;
mod stream;
mod verdict;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::ServiceContext;
use super::access::table::MethodRequest;
use super::access::{Stop, authorize, by, caller};
use super::shared::page::{time_position, to_count};
use super::shared::status::Failure;
use super::shared::stream::BoxStream;
use super::shared::{money, time};
use crate::domain::record::Record;
use crate::engine::{Engine, HoldView, InCurrency, Refusal};
use crate::proto::v1;
use crate::proto::v1::usage_service_server::UsageService;

#[derive(Clone)]
pub struct Usage {
    engine: Engine,
    /// Ends streams.
    stopping: CancellationToken,
    /// Entries of the log that one list looks at.
    looked_at_max: usize,
}

impl Usage {
    pub fn new(context: &ServiceContext) -> Usage {
        Usage {
            engine: context.engine.clone(),
            stopping: context.stopping.clone(),
            looked_at_max: context.limits.records_looked_at_max,
        }
    }

    async fn record(
        &self,
        request: v1::RecordUsageRequest,
    ) -> Result<v1::RecordUsageResponse, Failure> {
        let (workspace_id, report) = convert::record(request)?;
        let attempt = report.attempt;
        let recorded = self.engine.record(&workspace_id, report).await;
        let recorded = recorded.map_err(|error| Failure::Record(error, attempt))?;
        Ok(convert::record_response(recorded))
    }
}

#[tonic::async_trait]
impl UsageService for Usage {
    async fn check_and_route(
        &self,
        request: Request<v1::CheckAndRouteRequest>,
    ) -> Result<Response<v1::CheckAndRouteResponse>, Status> {
        let mut call = convert::check(authorize(request)?)?;
        let answer = self.engine.decide(&call.workspace_id, &mut call.check).await?;
        let mut response = convert::check_response(answer, call.request_id, call.check);
        verdict::explain_all(&mut response, &self.engine, &call.workspace_id);
        Ok(Response::new(response))
    }

    type CheckAndRouteStreamStream = BoxStream<v1::CheckAndRouteStreamResponse>;

    async fn check_and_route_stream(
        &self,
        request: Request<Streaming<v1::CheckAndRouteStreamRequest>>,
    ) -> Result<Response<Self::CheckAndRouteStreamStream>, Status> {
        let caller = caller(&request)?.clone();
        caller.require_role(&v1::CheckAndRouteStreamRequest::METHOD)?;
        let stop = Stop::of(&self.stopping, &request)?;
        let answers = stream::answers(self.engine.clone(), caller, request.into_inner(), stop);
        Ok(Response::new(Box::pin(answers)))
    }

    async fn record_usage(
        &self,
        request: Request<v1::RecordUsageRequest>,
    ) -> Result<Response<v1::RecordUsageResponse>, Status> {
        Ok(Response::new(self.record(authorize(request)?).await?))
    }

    async fn record_usage_batch(
        &self,
        request: Request<v1::RecordUsageBatchRequest>,
    ) -> Result<Response<v1::RecordUsageBatchResponse>, Status> {
        use v1::record_usage_result::Result as Outcome;
        let caller = caller(&request)?.clone();
        let records = authorize(request)?.records;
        convert::batch(&records)?;
        let record = async |record| {
            caller.require_scope(&record)?;
            self.record(record).await
        };
        // All are handed to the writer before the first is answered: they share its groups.
        let outcomes = join_all(records.into_iter().map(record)).await;
        let results = outcomes.into_iter().map(|outcome| v1::RecordUsageResult {
            result: Some(match outcome {
                Ok(response) => Outcome::Record(response),
                Err(failure) => Outcome::Error(failure.into()),
            }),
        });
        Ok(Response::new(v1::RecordUsageBatchResponse { results: results.collect() }))
    }

    async fn release_hold(
        &self,
        request: Request<v1::ReleaseHoldRequest>,
    ) -> Result<Response<v1::ReleaseHoldResponse>, Status> {
        let request = authorize(request)?;
        convert::release(&request)?;
        let released = self.engine.release(&request.workspace_id, &request.request_id).await?;
        let InCurrency { currency, value } = released;
        let released = Some(money::to_proto(currency, value));
        Ok(Response::new(v1::ReleaseHoldResponse { released }))
    }

    async fn extend_hold(
        &self,
        request: Request<v1::ExtendHoldRequest>,
    ) -> Result<Response<v1::ExtendHoldResponse>, Status> {
        let request = authorize(request)?;
        let duration = convert::extend(&request)?;
        let expire_time =
            self.engine.extend(&request.workspace_id, &request.request_id, duration).await?;
        let expire_time = Some(time::to_timestamp(expire_time));
        Ok(Response::new(v1::ExtendHoldResponse { expire_time }))
    }

    async fn list_holds(
        &self,
        request: Request<v1::ListHoldsRequest>,
    ) -> Result<Response<v1::ListHoldsResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page) = convert::list_holds(&request)?;
        let listed = self.engine.holds(&request.workspace_id, &filter, page.fetch()).await?;
        let InCurrency { currency, value: (views, expired_count) } = listed;
        let total_count = to_count(views.total_count);
        let position = |last: &HoldView| time_position(last.hold.check_time, &last.hold.request_id);
        let (holds, next_page_token) =
            page.cut(views.entries, position, |view| records::hold_to_proto(currency, view));
        let answer = v1::ListHoldsResponse { holds, next_page_token, expired_count, total_count };
        Ok(Response::new(answer))
    }

    async fn list_refusals(
        &self,
        request: Request<v1::ListRefusalsRequest>,
    ) -> Result<Response<v1::ListRefusalsResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page, before) = refusals::list(&request)?;
        let id = &request.workspace_id;
        let InCurrency { currency, value: found } =
            self.engine.refusals(id, filter, before, page.fetch()).await?;
        let to_proto =
            |refusal: Arc<Refusal>| refusals::to_proto(&self.engine, id, currency, &refusal);
        let (refusals, next_page_token) =
            page.cut(found.refusals, |last| last.number.to_string(), to_proto);
        Ok(Response::new(v1::ListRefusalsResponse {
            refusals,
            next_page_token,
            total_count: to_count(found.total_count),
            kept_from_time: Some(time::to_timestamp(found.kept_from)),
        }))
    }

    async fn list_usage_records(
        &self,
        request: Request<v1::ListUsageRecordsRequest>,
    ) -> Result<Response<v1::ListUsageRecordsResponse>, Status> {
        let request = authorize(request)?;
        let (filter, page, after) = convert::list_records(&request)?;
        let bounds = (page.fetch(), self.looked_at_max);
        let InCurrency { currency, value: found } =
            self.engine.records(&filter, after, bounds).await?;
        let catalog = self.engine.catalog();
        let position = |last: &Record| time_position(last.charge_time, &last.seq.to_string());
        let to_proto = |record| records::record_to_proto(currency, &catalog, record);
        let (records, mut next_page_token) = page.cut(found.records, position, to_proto);
        if let Some(end) = found.go_on
            && next_page_token.is_empty()
        {
            next_page_token = page.token(&time_position(end.charge_time, &end.seq.to_string()));
        }
        Ok(Response::new(v1::ListUsageRecordsResponse { records, next_page_token }))
    }

    async fn record_credit(
        &self,
        request: Request<v1::RecordCreditRequest>,
    ) -> Result<Response<v1::RecordCreditResponse>, Status> {
        let by = by(&request)?;
        let now = self.engine.now();
        let (workspace_id, currency, report) = credits::record(authorize(request)?, now)?;
        let credited = self.engine.record_credit(by, &workspace_id, currency, report).await?;
        Ok(Response::new(credits::record_response(&credited)))
    }

    async fn void_usage(
        &self,
        request: Request<v1::VoidUsageRequest>,
    ) -> Result<Response<v1::VoidUsageResponse>, Status> {
        let by = by(&request)?;
        let request = credits::void(authorize(request)?)?;
        let voided = self.engine.void_usage(by, request).await?;
        Ok(Response::new(credits::void_response(&voided)))
    }

    async fn reprice_usage(
        &self,
        request: Request<v1::RepriceUsageRequest>,
    ) -> Result<Response<v1::RepriceUsageResponse>, Status> {
        let request = convert::reprice(authorize(request)?)?;
        let repriced = self.engine.reprice(request).await?;
        Ok(Response::new(convert::reprice_response(repriced)))
    }
}

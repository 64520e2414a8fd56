//! `AnalyticsService`: reports, live metrics and exports.

pub(in crate::grpc) mod convert;
pub mod download;
mod export;
mod export_request;
mod places;
mod query;
mod reports;
mod watch;
mod workspace_page;

pub use places::{Place, Reports};

use std::time::Duration;

use prost_types::Timestamp;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use self::download::Downloads;
use self::watch::{LiveWatch, live_metrics};
use self::workspace_page::{Pace, WorkspacePage};
use super::ServiceContext;
use super::access::{Stop, authorize};
use super::shared::page::time_position;
use super::shared::stream::{BoxStream, stream};
use super::shared::text;
use super::shared::time::to_timestamp;
use crate::analytics::Scope;
use crate::analytics::query::usage;
use crate::analytics::reports::ranking::{Ranked, RankingQuery, ranking};
use crate::analytics::reports::{active_users, dashboard, first_value, overview, teams};
use crate::engine::{Engine, ReportBasis};
use crate::proto::v1;
use crate::proto::v1::analytics_service_server::AnalyticsService;
use crate::storage::reports::{OrderBy, SignUp};

pub struct Analytics {
    engine: Engine,
    /// Ends streams.
    stopping: CancellationToken,
    downloads: Downloads,
    reports: Reports,
    watch_silence_max: Duration,
}

impl Analytics {
    pub fn new(context: &ServiceContext) -> Analytics {
        Analytics {
            engine: context.engine.clone(),
            stopping: context.stopping.clone(),
            downloads: context.downloads.clone(),
            reports: context.reports.clone(),
            watch_silence_max: context.limits.watch_silence_max,
        }
    }
}

#[tonic::async_trait]
impl AnalyticsService for Analytics {
    async fn get_dashboard(
        &self,
        request: Request<v1::GetDashboardRequest>,
    ) -> Result<Response<v1::GetDashboardResponse>, Status> {
        let (call, rankings) = convert::dashboard(authorize(request)?)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found = dashboard::dashboard(&scope, call.range, &call.restrictions, rankings).await?;
        let currency = basis.workspace.currency;
        let answer = reports::dashboard_to_proto(found, basis.as_of, &scope.calendar(), currency);
        Ok(Response::new(answer))
    }

    async fn get_overview(
        &self,
        request: Request<v1::GetOverviewRequest>,
    ) -> Result<Response<v1::GetOverviewResponse>, Status> {
        let v1::GetOverviewRequest { workspace_id, range, filters } = authorize(request)?;
        let call = convert::report(workspace_id, range.as_ref(), filters)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found = overview::overview(&scope, call.range, &call.restrictions).await?;
        Ok(Response::new(v1::GetOverviewResponse {
            period: Some(reports::period_to_proto(&found.period, &scope.calendar())),
            as_of_time: Some(to_timestamp(basis.as_of)),
            overview: Some(reports::overview_to_proto(&found.overview, basis.workspace.currency)),
        }))
    }

    async fn get_active_users(
        &self,
        request: Request<v1::GetActiveUsersRequest>,
    ) -> Result<Response<v1::GetActiveUsersResponse>, Status> {
        let (call, granularity) = convert::active_users(authorize(request)?)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found =
            active_users::active_users(&scope, call.range, &call.restrictions, granularity).await?;
        Ok(Response::new(v1::GetActiveUsersResponse {
            period: Some(reports::period_to_proto(&found.period, &scope.calendar())),
            as_of_time: Some(to_timestamp(basis.as_of)),
            points: found.points.iter().map(reports::active_users_to_proto).collect(),
            total: found.total,
        }))
    }

    async fn get_token_usage_by_team(
        &self,
        request: Request<v1::GetTokenUsageByTeamRequest>,
    ) -> Result<Response<v1::GetTokenUsageByTeamResponse>, Status> {
        let v1::GetTokenUsageByTeamRequest { workspace_id, range, filters } = authorize(request)?;
        let call = convert::report(workspace_id, range.as_ref(), filters)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found = teams::teams(&scope, call.range, &call.restrictions).await?;
        let currency = basis.workspace.currency;
        let teams = found.teams.into_iter().map(|team| reports::team_to_proto(team, currency));
        Ok(Response::new(v1::GetTokenUsageByTeamResponse {
            period: Some(reports::period_to_proto(&found.period, &scope.calendar())),
            as_of_time: Some(to_timestamp(basis.as_of)),
            teams: teams.collect(),
        }))
    }

    async fn get_top_workflows(
        &self,
        request: Request<v1::GetTopWorkflowsRequest>,
    ) -> Result<Response<v1::GetTopWorkflowsResponse>, Status> {
        let v1::GetTopWorkflowsRequest { workspace_id, range, filters, top, order_by } =
            authorize(request)?;
        let (call, order_by, top) =
            convert::ranking(workspace_id, range.as_ref(), filters, (order_by, top))?;
        let ranked = Ranked::Workflows;
        let (period, as_of_time, workflows) = self.ranked(call, ranked, (order_by, top)).await?;
        Ok(Response::new(v1::GetTopWorkflowsResponse { period, as_of_time, workflows }))
    }

    async fn get_top_assistants(
        &self,
        request: Request<v1::GetTopAssistantsRequest>,
    ) -> Result<Response<v1::GetTopAssistantsResponse>, Status> {
        let v1::GetTopAssistantsRequest { workspace_id, range, filters, top, order_by } =
            authorize(request)?;
        let (call, order_by, top) =
            convert::ranking(workspace_id, range.as_ref(), filters, (order_by, top))?;
        let ranked = Ranked::Assistants;
        let (period, as_of_time, assistants) = self.ranked(call, ranked, (order_by, top)).await?;
        Ok(Response::new(v1::GetTopAssistantsResponse { period, as_of_time, assistants }))
    }

    async fn get_time_to_first_value(
        &self,
        request: Request<v1::GetTimeToFirstValueRequest>,
    ) -> Result<Response<v1::GetTimeToFirstValueResponse>, Status> {
        let call = convert::first_value(authorize(request)?)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found =
            first_value::time_to_first_value(&scope, call.range, call.department_id).await?;
        Ok(Response::new(v1::GetTimeToFirstValueResponse {
            period: Some(reports::period_to_proto(&found.period, &scope.calendar())),
            as_of_time: Some(to_timestamp(basis.as_of)),
            time_to_first_value: Some(reports::first_value_to_proto(&found.first_value)),
        }))
    }

    async fn list_never_active_users(
        &self,
        request: Request<v1::ListNeverActiveUsersRequest>,
    ) -> Result<Response<v1::ListNeverActiveUsersResponse>, Status> {
        let (call, after, page) = convert::never_active(authorize(request)?)?;
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let (department_id, limit) = (call.department_id, page.fetch());
        let users =
            first_value::never_active(&scope, call.range, department_id, after.as_ref(), limit);
        let position = |last: &SignUp| time_position(last.sign_up_time, &last.user_id);
        let (users, next_page_token) =
            page.cut(users.await?, position, reports::never_active_to_proto);
        Ok(Response::new(v1::ListNeverActiveUsersResponse { users, next_page_token }))
    }

    async fn get_live_metrics(
        &self,
        request: Request<v1::GetLiveMetricsRequest>,
    ) -> Result<Response<v1::GetLiveMetricsResponse>, Status> {
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let _place = self.reports.place(&id).await?;
        let metrics = Some(live_metrics(&self.engine, &id).await?);
        Ok(Response::new(v1::GetLiveMetricsResponse { metrics }))
    }

    type WatchLiveMetricsStream = BoxStream<v1::WatchLiveMetricsResponse>;

    async fn watch_live_metrics(
        &self,
        request: Request<v1::WatchLiveMetricsRequest>,
    ) -> Result<Response<Self::WatchLiveMetricsStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let (id, interval) = convert::watch(authorize(request)?)?;
        let changes = self.engine.watch(&id).await?;
        let (engine, reports) = (self.engine.clone(), self.reports.clone());
        let watch = LiveWatch { engine, reports, id, interval, changes, last: None };
        Ok(Response::new(stream(watch, stop)))
    }

    type WatchWorkspaceStream = BoxStream<v1::WatchWorkspaceResponse>;

    async fn watch_workspace(
        &self,
        request: Request<v1::WatchWorkspaceRequest>,
    ) -> Result<Response<Self::WatchWorkspaceStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let (id, interval) = convert::watch_workspace(authorize(request)?)?;
        let changes = self.engine.watch_workspace(&id).await?;
        let (engine, reports) = (self.engine.clone(), self.reports.clone());
        let pace = Pace { interval, silence_max: self.watch_silence_max };
        let page = WorkspacePage::new(engine, reports, id, changes, pace);
        Ok(Response::new(stream(page, stop)))
    }

    async fn query_usage(
        &self,
        request: Request<v1::QueryUsageRequest>,
    ) -> Result<Response<v1::QueryUsageResponse>, Status> {
        let (workspace_id, query) = query::query(authorize(request)?)?;
        let _place = self.reports.place(&workspace_id).await?;
        let basis = self.engine.report_basis(&workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let found = usage(&scope, &query).await?;
        let calendar = scope.calendar();
        let currency = basis.workspace.currency;
        Ok(Response::new(query::to_proto(found, basis.as_of, &calendar, currency)))
    }

    type ExportUsageStream = BoxStream<v1::ExportUsageResponse>;

    async fn export_usage(
        &self,
        request: Request<v1::ExportUsageRequest>,
    ) -> Result<Response<Self::ExportUsageStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let request = authorize(request)?;
        let exports = &self.downloads.exports;
        Ok(Response::new(exports.begin(self.engine.clone(), stop, request).await?))
    }

    async fn create_export_link(
        &self,
        request: Request<v1::CreateExportLinkRequest>,
    ) -> Result<Response<v1::CreateExportLinkResponse>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let export = convert::export_link(authorize(request)?)?;
        // That it is there is told now, not when the link is followed.
        self.engine.get_workspace(&export.workspace_id).await?;
        let (path, expire_time) = self.downloads.link(self.engine.now(), stop, export)?;
        let expire_time = Some(to_timestamp(expire_time));
        Ok(Response::new(v1::CreateExportLinkResponse { path, expire_time }))
    }
}

impl Analytics {
    /// Period, time of the data, and places of a ranking.
    async fn ranked(
        &self,
        call: convert::ReportCall,
        ranked: Ranked,
        (order_by, top): (OrderBy, usize),
    ) -> Result<(Option<v1::ReportPeriod>, Option<Timestamp>, Vec<v1::RankedUsage>), Status> {
        let _place = self.reports.place(&call.workspace_id).await?;
        let basis = self.engine.report_basis(&call.workspace_id).await?;
        let scope = scope(&self.engine, &basis);
        let convert::ReportCall { range, restrictions, .. } = call;
        let found =
            ranking(&scope, &RankingQuery { range, restrictions, ranked, order_by, top }).await?;
        let period = reports::period_to_proto(&found.period, &scope.calendar());
        let places = reports::ranked_to_proto(found.places, basis.workspace.currency);
        Ok((Some(period), Some(to_timestamp(basis.as_of)), places))
    }
}

/// What a report is about.
pub(in crate::grpc) fn scope<'a>(engine: &'a Engine, basis: &'a ReportBasis) -> Scope<'a> {
    Scope {
        store: &**engine.store(),
        workspace: &basis.workspace,
        catalog: &basis.catalog,
        now: basis.now,
    }
}

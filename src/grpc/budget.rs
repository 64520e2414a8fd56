//! `BudgetService`: decode, call, encode.

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::BoxStream;
use super::actor::by;
use super::convert::budget::{self as convert, workspace_to_proto};
use super::convert::{Violations, boost, text};
use super::page::Page;
use super::status::stopping;
use crate::domain::boost::Boost;
use crate::engine::{BoostsOf, Engine, InCurrency, SpendWatch};
use crate::proto::v1;
use crate::proto::v1::budget_service_server::BudgetService;
use crate::storage::policy::BoostFilter;

pub struct Budget {
    engine: Engine,
    /// Ends streams.
    stopping: CancellationToken,
}

impl Budget {
    pub fn new(engine: Engine, stopping: CancellationToken) -> Budget {
        Budget { engine, stopping }
    }
}

#[tonic::async_trait]
impl BudgetService for Budget {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let by = by(request.metadata(), "CreateWorkspace")?;
        let new = convert::create(request.into_inner())?;
        let workspace = Some(workspace_to_proto(self.engine.create_workspace(by, new).await?));
        Ok(Response::new(v1::CreateWorkspaceResponse { workspace }))
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::GetWorkspaceResponse>, Status> {
        let id = request.into_inner().workspace_id;
        convert::workspace_id(&id)?;
        let workspace = Some(workspace_to_proto(self.engine.get_workspace(&id).await?));
        Ok(Response::new(v1::GetWorkspaceResponse { workspace }))
    }

    async fn list_workspaces(
        &self,
        request: Request<v1::ListWorkspacesRequest>,
    ) -> Result<Response<v1::ListWorkspacesResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        let filter = ["workspaces"];
        let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
        violations.accept(())?;
        let after = page.after().unwrap_or_default();
        let mut workspaces = self.engine.list_workspaces(after, page.fetch()).await?;
        let next_page_token = page.cut(&mut workspaces, |last| last.id.to_string());
        let workspaces = workspaces.into_iter().map(workspace_to_proto).collect();
        Ok(Response::new(v1::ListWorkspacesResponse { workspaces, next_page_token }))
    }

    async fn update_workspace(
        &self,
        request: Request<v1::UpdateWorkspaceRequest>,
    ) -> Result<Response<v1::UpdateWorkspaceResponse>, Status> {
        let by = by(request.metadata(), "UpdateWorkspace")?;
        let (id, change) = convert::update(request.into_inner())?;
        let workspace = self.engine.update_workspace(by, &id, change).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::UpdateWorkspaceResponse { workspace }))
    }

    async fn set_plan(
        &self,
        request: Request<v1::SetPlanRequest>,
    ) -> Result<Response<v1::SetPlanResponse>, Status> {
        let by = by(request.metadata(), "SetPlan")?;
        let request = request.into_inner();
        let plan = convert::plan(&request)?;
        let workspace = self.engine.set_plan(by, &request.workspace_id, plan).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::SetPlanResponse { workspace }))
    }

    async fn set_automatic_fallback(
        &self,
        request: Request<v1::SetAutomaticFallbackRequest>,
    ) -> Result<Response<v1::SetAutomaticFallbackResponse>, Status> {
        let by = by(request.metadata(), "SetAutomaticFallback")?;
        let v1::SetAutomaticFallbackRequest { workspace_id, enabled } = request.into_inner();
        convert::workspace_id(&workspace_id)?;
        let workspace = self.engine.set_automatic_fallback(by, &workspace_id, enabled).await?;
        let workspace = Some(workspace_to_proto(workspace));
        Ok(Response::new(v1::SetAutomaticFallbackResponse { workspace }))
    }

    async fn get_budget(
        &self,
        request: Request<v1::GetBudgetRequest>,
    ) -> Result<Response<v1::GetBudgetResponse>, Status> {
        let id = request.into_inner().workspace_id;
        convert::workspace_id(&id)?;
        let budget = self.engine.budget(&id).await?;
        let budget = Some(convert::budget_to_proto(id, budget));
        Ok(Response::new(v1::GetBudgetResponse { budget }))
    }

    type WatchSpendStream = BoxStream<v1::WatchSpendResponse>;

    async fn watch_spend(
        &self,
        request: Request<v1::WatchSpendRequest>,
    ) -> Result<Response<Self::WatchSpendStream>, Status> {
        let id = request.into_inner().workspace_id;
        convert::workspace_id(&id)?;
        let watch = self.engine.watch(&id).await?;
        Ok(Response::new(Box::pin(updates(id, watch, self.stopping.clone()))))
    }

    async fn create_budget_boost(
        &self,
        request: Request<v1::CreateBudgetBoostRequest>,
    ) -> Result<Response<v1::CreateBudgetBoostResponse>, Status> {
        let by = by(request.metadata(), "CreateBudgetBoost")?;
        let (workspace_id, new) = boost::of_budget(request.into_inner())?;
        let made = self.engine.create::<Boost>(by, &workspace_id, new).await?;
        let boost = Some(boost::to_proto(made));
        Ok(Response::new(v1::CreateBudgetBoostResponse { boost }))
    }

    async fn list_budget_boosts(
        &self,
        request: Request<v1::ListBudgetBoostsRequest>,
    ) -> Result<Response<v1::ListBudgetBoostsResponse>, Status> {
        let request = request.into_inner();
        let mut violations = Violations::default();
        text::check_workspace_id(&request.workspace_id, &mut violations);
        let filter = ["budget_boosts", &request.workspace_id];
        let page = Page::read(&filter, request.page_size, &request.page_token, &mut violations);
        let after = page.after_parsed(boost::read_position, &mut violations);
        violations.accept(())?;
        let filter = BoostFilter::Envelope;
        let InCurrency { currency, value: mut boosts } =
            self.engine.boosts(&request.workspace_id, &filter, after, page.fetch()).await?;
        let next_page_token = page.cut(&mut boosts, boost::position);
        let boosts = boosts.into_iter();
        let boosts = boosts.map(|value| boost::to_proto(InCurrency { currency, value })).collect();
        Ok(Response::new(v1::ListBudgetBoostsResponse { boosts, next_page_token }))
    }

    async fn cancel_budget_boost(
        &self,
        request: Request<v1::CancelBudgetBoostRequest>,
    ) -> Result<Response<v1::CancelBudgetBoostResponse>, Status> {
        let by = by(request.metadata(), "CancelBudgetBoost")?;
        let v1::CancelBudgetBoostRequest { workspace_id, boost_id } = request.into_inner();
        boost::check_ids(&workspace_id, &boost_id)?;
        let envelope = BoostsOf::Envelope;
        let ended = self.engine.cancel_boost(by, &workspace_id, envelope, &boost_id).await?;
        let boost = Some(boost::to_proto(ended));
        Ok(Response::new(v1::CancelBudgetBoostResponse { boost }))
    }
}

/// Pulled by the reader: one that is slow gets the newest state. Ends when the server stops.
fn updates(
    workspace_id: String,
    watch: SpendWatch,
    stop: CancellationToken,
) -> impl Stream<Item = Result<v1::WatchSpendResponse, Status>> {
    unfold(Some(watch), move |watch| {
        let (workspace_id, stop) = (workspace_id.clone(), stop.clone());
        async move {
            let mut watch = watch?;
            let Some(budget) = stop.run_until_cancelled(watch.next()).await else {
                return Some((Err(stopping()), None));
            };
            let sequence = budget.value.revision;
            let budget = Some(convert::budget_to_proto(workspace_id, budget));
            Some((Ok(v1::WatchSpendResponse { budget, sequence }), Some(watch)))
        }
    })
}

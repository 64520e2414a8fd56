//! Tollgate and the echo as running programs, the set-up of the workspace, and the generator.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tollgate::proto::v1;
use tollgate::proto::v1::budget_service_client::BudgetServiceClient;
use tollgate::proto::v1::catalog_service_client::CatalogServiceClient;
use tollgate::proto::v1::model_limit_service_client::ModelLimitServiceClient;
use tollgate::proto::v1::quota_service_client::QuotaServiceClient;
use tollgate::proto::v1::usage_service_client::UsageServiceClient;
use tollgate::proto::v1::workspace_service_client::WorkspaceServiceClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::{Process, free_address, resident_bytes};
use crate::load::{LoadResult, Options};
use crate::messages::{CURRENCY, MODEL, WORKSPACE, money};
use crate::{Error, Result};

/// Over which quotas count.
const PERIODS: [v1::LimitPeriod; 4] =
    [v1::LimitPeriod::Day, v1::LimitPeriod::Week, v1::LimitPeriod::Month, v1::LimitPeriod::Cycle];

/// How long a server may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const START_POLL: Duration = Duration::from_millis(2);

/// Far more than any run spends.
const LIMIT: &str = "1000000000";

/// Where the programs are and where they write their logs.
#[derive(Clone, Debug)]
pub struct Programs {
    pub tollgate: PathBuf,
    pub echo: PathBuf,
    pub load: PathBuf,
    pub count: PathBuf,
    pub logs: PathBuf,
}

impl Programs {
    /// The programs beside this one.
    pub fn find(tollgate: Option<PathBuf>, logs: PathBuf) -> Result<Programs> {
        let here = std::env::current_exe()?;
        let here = here.parent().ok_or("this program has no folder")?;
        let programs = Programs {
            tollgate: tollgate.unwrap_or_else(|| here.join("tollgate")),
            echo: here.join("gate-echo"),
            load: here.join("gate-load"),
            count: here.join("gate-count"),
            logs,
        };
        let all = [&programs.tollgate, &programs.echo, &programs.load, &programs.count];
        for path in all {
            if !path.exists() {
                return Err(format!("{} is missing: run `make bench`", path.display()).into());
            }
        }
        Ok(programs)
    }
}

/// A server under load: Tollgate or the echo.
pub struct Server {
    process: Process,
    pub address: String,
    pub log: PathBuf,
    load: PathBuf,
    bearer: Bearer,
}

/// A connection whose calls have the token of the server's operator, where it asks for one.
pub type AuthorizedChannel = InterceptedService<Channel, Bearer>;

/// Sends a token, where there is one, with every call.
#[derive(Clone, Debug)]
pub struct Bearer(Option<AsciiMetadataValue>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

/// What is sent of a token.
fn bearer(token: &str) -> Result<AsciiMetadataValue> {
    Ok(AsciiMetadataValue::try_from(format!("Bearer {token}"))?)
}

impl Server {
    /// Starts the echo.
    pub async fn echo(programs: &Programs) -> Result<Server> {
        let address = free_address()?;
        let mut command = Command::new(&programs.echo);
        command.arg(&address);
        let mut server = Server::start(programs, command, "echo", address)?;
        server.wait_connectable().await?;
        Ok(server)
    }

    /// Starts Tollgate on `database` and waits until it answers.
    pub async fn tollgate(programs: &Programs, database: &str, name: &str) -> Result<Server> {
        let mut server = Server::tollgate_unready(programs, database, name)?;
        server.wait_answering().await?;
        Ok(server)
    }

    /// The same with callers that need a token, of which `operator` is one.
    pub async fn tollgate_with_auth(
        programs: &Programs,
        database: &str,
        name: &str,
        operator: &str,
    ) -> Result<Server> {
        let address = free_address()?;
        let mut command = Server::serve(programs, &address, database);
        command.args(["--auth", "required"]);
        let mut server = Server::start(programs, command, name, address)?;
        server.bearer = Bearer(Some(bearer(operator)?));
        server.wait_answering().await?;
        Ok(server)
    }

    /// Makes a token for a role in the workspace of the benchmarks, and gives its secret.
    pub async fn make_token(programs: &Programs, database: &str, role: &str) -> Result<String> {
        let mut command = Command::new(&programs.tollgate);
        command.args(["token", "create", "--role", role, "--database", database]);
        command.env("TOLLGATE_CREATE", "true");
        if role != "operator" {
            command.args(["--workspace", WORKSPACE]);
        }
        let output = command.current_dir(&programs.logs).output().await?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts Tollgate and does not wait.
    pub fn tollgate_unready(programs: &Programs, database: &str, name: &str) -> Result<Server> {
        let address = free_address()?;
        let command = Server::serve(programs, &address, database);
        Server::start(programs, command, name, address)
    }

    fn serve(programs: &Programs, address: &str, database: &str) -> Command {
        let mut command = Command::new(&programs.tollgate);
        command.args(["serve", "--listen", address, "--database", database, "--create"]);
        command.current_dir(&programs.logs);
        command
    }

    fn start(programs: &Programs, command: Command, name: &str, address: String) -> Result<Server> {
        let log = programs.logs.join(format!("{name}.log"));
        let process = Process::start(command, name, &log)?;
        Ok(Server { process, address, log, load: programs.load.clone(), bearer: Bearer(None) })
    }

    async fn wait_connectable(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while tokio::net::TcpStream::connect(&self.address).await.is_err() {
            self.wait_more(deadline).await?;
        }
        Ok(())
    }

    async fn wait_answering(&mut self) -> Result<()> {
        self.wait_connectable().await?;
        let deadline = Instant::now() + START_TIMEOUT;
        let mut workspaces = WorkspaceServiceClient::new(self.channel().await?);
        while workspaces.list_workspaces(v1::ListWorkspacesRequest::default()).await.is_err() {
            self.wait_more(deadline).await?;
        }
        Ok(())
    }

    async fn wait_more(&mut self, deadline: Instant) -> Result<()> {
        let log = self.log.display().to_string();
        self.process.check_running().map_err(|error| format!("{error}; see {log}"))?;
        if Instant::now() > deadline {
            return Err(format!("{} does not answer; see {log}", self.address).into());
        }
        tokio::time::sleep(START_POLL).await;
        Ok(())
    }

    /// Tries a check again and again until one is answered with ALLOWED.
    pub async fn wait_first_check(&mut self) -> Result<()> {
        self.wait_connectable().await?;
        let deadline = Instant::now() + START_TIMEOUT;
        let mut usage = UsageServiceClient::new(self.channel().await?);
        loop {
            let request = v1::CheckAndRouteRequest {
                workspace_id: WORKSPACE.into(),
                model_id: MODEL.into(),
                input_token_count: 1,
                max_output_token_count: Some(1),
                ..Default::default()
            };
            match usage.check_and_route(request).await {
                Ok(answer) if answer.get_ref().decision == v1::Decision::Allowed as i32 => {
                    return Ok(());
                }
                Ok(answer) => {
                    return Err(format!("the check is refused: {:?}", answer.get_ref()).into());
                }
                Err(_) => self.wait_more(deadline).await?,
            }
        }
    }

    pub async fn channel(&self) -> Result<AuthorizedChannel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        let channel = endpoint.tcp_nodelay(true).connect().await?;
        Ok(InterceptedService::new(channel, self.bearer.clone()))
    }

    /// Makes the workspace with a plan, and a model with a price and a cap: two limits.
    pub async fn set_up(&self) -> Result<()> {
        let mut workspaces = WorkspaceServiceClient::new(self.channel().await?);
        let workspace = v1::Workspace {
            workspace_id: WORKSPACE.into(),
            display_name: "Benchmark".into(),
            currency_code: CURRENCY.into(),
            time_zone: "UTC".into(),
            ..Default::default()
        };
        let request = v1::CreateWorkspaceRequest { workspace: Some(workspace) };
        workspaces.create_workspace(request).await.map_err(in_call("CreateWorkspace"))?;
        let plan = v1::Plan {
            budget: Some(money(LIMIT)),
            overage_limit: None,
            start_date: "2026-01-01".into(),
        };
        let request = v1::SetPlanRequest { workspace_id: WORKSPACE.into(), plan: Some(plan) };
        let mut budgets = BudgetServiceClient::new(self.channel().await?);
        budgets.set_plan(request).await.map_err(in_call("SetPlan"))?;
        self.set_up_model().await
    }

    async fn set_up_model(&self) -> Result<()> {
        let mut catalog = CatalogServiceClient::new(self.channel().await?);
        let model = v1::Model {
            model_id: MODEL.into(),
            provider: "bench".into(),
            context_window_token_count: 1_000_000,
            max_output_token_count: 100_000,
            ..Default::default()
        };
        let request = v1::UpsertModelRequest { model: Some(model) };
        catalog.upsert_model(request).await.map_err(in_call("UpsertModel"))?;
        let price = v1::Price {
            currency_code: CURRENCY.into(),
            input_per_million: "2.5".into(),
            cache_read_per_million: "1.25".into(),
            output_per_million: "10".into(),
            effective_time: Some(prost_types::Timestamp { seconds: 1_600_000_000, nanos: 0 }),
            ..Default::default()
        };
        let request = v1::SetModelPriceRequest {
            model_id: MODEL.into(),
            price: Some(price),
            workspace_id: String::new(),
        };
        catalog.set_model_price(request).await.map_err(in_call("SetModelPrice"))?;
        let request =
            v1::EnableModelRequest { workspace_id: WORKSPACE.into(), model_id: MODEL.into() };
        let mut models = ModelLimitServiceClient::new(self.channel().await?);
        models.enable_model(request).await.map_err(in_call("EnableModel"))?;
        let request = v1::SetModelLimitRequest {
            workspace_id: WORKSPACE.into(),
            model_id: MODEL.into(),
            limit: Some(money(LIMIT)),
            limit_enabled: Some(true),
            fallback_model_ids: Vec::new(),
        };
        models.set_model_limit(request).await.map_err(in_call("SetModelLimit"))?;
        Ok(())
    }

    /// Adds fourteen quotas that apply to every check, beside the envelope and the model's cap.
    pub async fn set_up_quotas(&self) -> Result<()> {
        let mut quotas = QuotaServiceClient::new(self.channel().await?);
        for subject in [
            v1::SubjectType::Workspace,
            v1::SubjectType::Department,
            v1::SubjectType::User,
            v1::SubjectType::Assistant,
        ] {
            let periods = match subject {
                // Two more than the others: fourteen together.
                v1::SubjectType::User | v1::SubjectType::Department => &PERIODS[..],
                _ => &PERIODS[..3],
            };
            for period in periods {
                let quota = v1::Quota {
                    subject: Some(v1::Subject { r#type: subject.into(), id: String::new() }),
                    each_subject: subject != v1::SubjectType::Workspace,
                    unit: v1::LimitUnit::Money.into(),
                    limit: Some(money(LIMIT)),
                    period: (*period).into(),
                    ..Default::default()
                };
                let request =
                    v1::CreateQuotaRequest { workspace_id: WORKSPACE.into(), quota: Some(quota) };
                quotas.create_quota(request).await.map_err(in_call("CreateQuota"))?;
            }
        }
        Ok(())
    }

    /// Runs the generator against this server and returns what it found.
    ///
    /// # Errors
    /// If it fails, or any call failed or was refused: such a run measures nothing.
    pub async fn load(&self, options: &Options) -> Result<LoadResult> {
        let mut options = options.clone();
        options.target.clone_from(&self.address);
        options.server_pid = Some(self.process.pid());
        let mut command = Command::new(&self.load);
        command.args(options.arguments()).kill_on_drop(true);
        let output = command.output().await?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the generator failed: {reason}").into());
        }
        let result: LoadResult = serde_json::from_slice(&output.stdout)?;
        if let Some(error) = &result.first_error {
            return Err(format!("{} calls failed, first: {error}", result.errors).into());
        }
        if result.not_allowed > 0 {
            return Err(format!("{} checks were not allowed", result.not_allowed).into());
        }
        Ok(result)
    }

    pub fn resident_bytes(&self) -> Result<u64> {
        resident_bytes(self.process.pid())
    }

    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }
}

fn in_call(name: &'static str) -> impl Fn(tonic::Status) -> Error {
    move |status| format!("{name}: {:?}: {}", status.code(), status.message()).into()
}

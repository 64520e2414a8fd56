//! What is done every day, as verbs: each calls the API as anyone may, and shows the answer as a
//! table, or as the server sent it.

mod freezes;
mod keys;
mod limits;
mod reports;
mod values;
mod watch;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{CallError, Client, Output, Target, print_json, run};
use crate::cli::{Failure, print};

/// Entries that a page of a list has at most.
const PAGE_SIZE: usize = 1_000;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show where a workspace stands: budget, spend by model, quotas that run out.
    Status(reports::Status),
    /// Say what would happen to a request, and which limit is in the way. Nothing is held.
    Why(reports::Why),
    /// Show who or what uses most.
    Top(reports::Top),
    /// Show each change of the spend, until it is interrupted.
    Watch(watch::Watch),
    /// Models that a workspace may use.
    #[command(subcommand)]
    Models(limits::Models),
    /// Caps of models.
    #[command(subcommand)]
    Limit(limits::Limit),
    /// Quotas: caps of users, departments, keys and other subjects.
    #[command(subcommand)]
    Quota(limits::Quota),
    /// Emergency stop: block checks of a workspace, or of one subject, from the next one on.
    Freeze(freezes::Freeze),
    /// Take a freeze back.
    Unfreeze(freezes::Unfreeze),
    /// API keys.
    #[command(subcommand)]
    Key(keys::Key),
}

pub fn run_verb(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Status(status) => run(status.target.output, status.perform()),
        Verb::Why(why) => run(why.target.output, why.perform()),
        Verb::Top(top) => run(top.target.output, top.perform()),
        Verb::Watch(watch) => run(watch.target.output, watch.perform()),
        Verb::Models(models) => run(models.target().output, models.perform()),
        Verb::Limit(limit) => run(limit.target().output, limit.perform()),
        Verb::Quota(quota) => run(quota.target().output, quota.perform()),
        Verb::Freeze(freeze) => run(freeze.target.output, freeze.perform()),
        Verb::Unfreeze(unfreeze) => run(unfreeze.target.output, unfreeze.perform()),
        Verb::Key(key) => run(key.target().output, key.perform()),
    }
}

/// A connected client, with the workspace that the command is about.
struct Session {
    client: Client,
    workspace: String,
    output: Output,
}

impl Session {
    async fn start(target: &Target) -> Result<Session, CallError> {
        let workspace = target.workspace()?;
        let client = target.connect().await?;
        Ok(Session { client, workspace, output: target.output })
    }

    /// Calls a method about the workspace.
    async fn call(&self, method: &str, mut request: Value) -> Result<Value, CallError> {
        request["workspace_id"] = json!(self.workspace);
        self.client.call(method, request).await
    }

    /// Every entry of a list, page by page.
    async fn list(&self, method: &str, field: &str, request: Value) -> Result<Value, CallError> {
        let mut entries = Vec::new();
        let mut token = String::new();
        loop {
            let mut page = request.clone();
            page["page_size"] = json!(PAGE_SIZE);
            page["page_token"] = json!(token);
            let mut answer = self.call(method, page).await?;
            if let Some(Value::Array(found)) = answer.get_mut(field).map(Value::take) {
                entries.extend(found);
            }
            token = values::text(&answer, "next_page_token");
            if token.is_empty() {
                return Ok(json!({ field: entries }));
            }
        }
    }

    /// The currency of the workspace.
    async fn currency(&self) -> Result<String, CallError> {
        let answer = self.call("WorkspaceService/GetWorkspace", json!({})).await?;
        Ok(values::text(&answer, "workspace.currency_code"))
    }

    /// Shows an answer in the form that was asked for.
    fn show(
        &self,
        answer: &Value,
        text: impl FnOnce() -> Result<String, Failure>,
    ) -> Result<(), CallError> {
        match self.output {
            Output::Json => print_json(answer),
            Output::Table => Ok(print(text()?)?),
        }
    }
}

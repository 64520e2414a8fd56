//! `tollgate watch`: the spend of a workspace, each time that it changes.

use clap::Args;
use serde_json::{Value, json};

use super::values::{amount, at, percent, text, word};
use super::{Output, Session, Target};
use crate::cli::client::{CallError, descriptors};
use crate::cli::print_next;

#[derive(Debug, Args)]
pub struct Watch {
    /// End after so many states.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    pub target: Target,
}

impl Watch {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let request = json!({ "workspace_id": session.workspace });
        let mut states = session.client.watch("BudgetService/WatchSpend", request).await?;
        let mut seen = 0;
        while self.count.is_none_or(|count| seen < count) {
            let Some(state) = states.message().await? else { return Ok(()) };
            let state = descriptors::json(&state)?;
            let is_read = match session.output {
                Output::Json => print_next(format_args!("{state}\n"))?,
                Output::Table => print_next(line(at(&state, "budget")))?,
            };
            if !is_read {
                return Ok(());
            }
            seen += 1;
        }
        Ok(())
    }
}

fn line(budget: &Value) -> String {
    let currency = text(budget, "spent.currency_code");
    format!(
        "{}  spent {} {currency} ({})  held {}  remaining {}  {}\n",
        text(budget, "as_of_time"),
        amount(budget, "spent"),
        percent(budget, "used_share"),
        amount(budget, "held"),
        amount(budget, "remaining"),
        word(budget, "state", "BUDGET_STATE_"),
    )
}

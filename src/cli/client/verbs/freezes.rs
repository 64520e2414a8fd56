//! `tollgate freeze` and `tollgate unfreeze`: the emergency stop.

use chrono::{SecondsFormat, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::values::{Subject, list, subject, subject_text, text};
use super::{Session, Target};
use crate::cli::client::CallError;
use crate::cli::client::table::Table;

const MINUTES_MAX: i64 = 366 * 24 * 60;

#[derive(Debug, Args)]
pub struct Freeze {
    /// What is stopped: workspace, or for example user:ada or key:build. Without it what is frozen
    /// is listed.
    #[arg(value_parser = subject, requires = "reason")]
    subject: Option<Subject>,
    /// Why.
    #[arg(long, value_name = "TEXT", requires = "subject")]
    reason: Option<String>,
    /// Minutes after which it ends by itself; without it it lasts until unfreeze.
    #[arg(long, value_name = "N", requires = "subject",
          value_parser = clap::value_parser!(i64).range(1..=MINUTES_MAX))]
    minutes: Option<i64>,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
pub struct Unfreeze {
    /// What goes on: workspace, or for example user:ada or key:build.
    #[arg(value_parser = subject)]
    subject: Subject,
    #[command(flatten)]
    pub target: Target,
}

impl Freeze {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let Some(subject) = &self.subject else {
            let method = "WorkspaceService/ListFreezes";
            let answer = session.list(method, "freezes", json!({})).await?;
            return session.show(&answer, || Ok(table(list(&answer, "freezes")).to_string()));
        };
        let mut request = json!({ "subject": subject.to_json(), "reason": self.reason });
        if let Some(minutes) = self.minutes {
            let end = Utc::now() + TimeDelta::minutes(minutes);
            request["end_time"] = json!(end.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
        let answer = session.call("WorkspaceService/Freeze", request).await?;
        session.show(&answer, || Ok(table([&answer["freeze"]]).to_string()))
    }
}

impl Unfreeze {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let request = json!({ "subject": self.subject.to_json() });
        let answer = session.call("WorkspaceService/Unfreeze", request).await?;
        session.show(&answer, || {
            Ok(match answer.get("freeze") {
                Some(freeze) => format!("{} goes on\n", subject_text(freeze, "subject", false)),
                None => "nothing was frozen\n".to_owned(),
            })
        })
    }
}

fn table<'a>(freezes: impl IntoIterator<Item = &'a Value>) -> Table {
    let mut table = Table::new(&["FROZEN", "SINCE", "UNTIL", "BY", "REASON"]);
    for freeze in freezes {
        let end = text(freeze, "end_time");
        table.row([
            subject_text(freeze, "subject", false),
            text(freeze, "create_time"),
            if end.is_empty() { "unfreeze".to_owned() } else { end },
            text(freeze, "actor"),
            text(freeze, "reason"),
        ]);
    }
    table
}

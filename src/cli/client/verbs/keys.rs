//! `tollgate key`: API keys, by their ids. Secrets of keys are never given to Tollgate.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::values::{flag, list, text};
use super::{Session, Target};
use crate::cli::client::CallError;
use crate::cli::client::table::Table;

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Register a key.
    Add(Add),
    /// List keys.
    List(List),
    /// Block checks with a key.
    Disable(Named),
    /// Let checks with a key pass again.
    Enable(Named),
    /// Delete a key: from then on it is not known.
    Delete(Named),
}

#[derive(Debug, Args)]
pub struct Add {
    /// Id of the key, as callers send it; never its secret.
    id: String,
    /// Name for people.
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Group that it is in, which must be there.
    #[arg(long, value_name = "ID", default_value = "")]
    group: String,
    /// Model that it may use, once for each; every enabled one without it.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// When it expires, for example 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires: Option<DateTime<Utc>>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub struct List {
    /// Only keys of this group.
    #[arg(long, value_name = "ID", default_value = "")]
    group: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Id of the key.
    id: String,
    #[command(flatten)]
    target: Target,
}

impl Key {
    pub fn target(&self) -> &Target {
        match self {
            Key::Add(add) => &add.target,
            Key::List(list) => &list.target,
            Key::Disable(named) | Key::Enable(named) | Key::Delete(named) => &named.target,
        }
    }

    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(self.target()).await?;
        match self {
            Key::Add(add) => add.perform(&session).await,
            Key::List(List { group, .. }) => {
                let filter = json!({ "key_group_id": group });
                let answer = session.list("ApiKeyService/ListApiKeys", "api_keys", filter).await?;
                session.show(&answer, || Ok(table(list(&answer, "api_keys")).to_string()))
            }
            Key::Disable(named) => disable(&session, &named.id, true).await,
            Key::Enable(named) => disable(&session, &named.id, false).await,
            Key::Delete(named) => {
                let request = json!({ "api_key_id": named.id });
                let answer = session.call("ApiKeyService/DeleteApiKey", request).await?;
                session.show(&answer, || Ok(format!("key {} is deleted\n", named.id)))
            }
        }
    }
}

impl Add {
    async fn perform(&self, session: &Session) -> Result<(), CallError> {
        let mut key = json!({
            "api_key_id": self.id,
            "display_name": self.name,
            "key_group_id": self.group,
            "allowed_model_ids": self.models,
        });
        if let Some(time) = self.expires {
            key["expire_time"] = json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        let request = json!({ "api_key": key });
        let answer = session.call("ApiKeyService/RegisterApiKey", request).await?;
        session.show(&answer, || Ok(table([&answer["api_key"]]).to_string()))
    }
}

async fn disable(session: &Session, id: &str, disabled: bool) -> Result<(), CallError> {
    let key = json!({ "api_key_id": id, "disabled": disabled });
    let request = json!({ "api_key": key, "update_mask": "disabled" });
    let answer = session.call("ApiKeyService/UpdateApiKey", request).await?;
    session.show(&answer, || Ok(table([&answer["api_key"]]).to_string()))
}

fn table<'a>(keys: impl IntoIterator<Item = &'a Value>) -> Table {
    let mut table = Table::new(&["KEY", "NAME", "GROUP", "STATE", "EXPIRES", "MODELS"]);
    for key in keys {
        let models: Vec<&str> =
            list(key, "allowed_model_ids").iter().filter_map(Value::as_str).collect();
        table.row([
            text(key, "api_key_id"),
            text(key, "display_name"),
            text(key, "key_group_id"),
            if flag(key, "disabled") { "disabled" } else { "enabled" }.to_owned(),
            text(key, "expire_time"),
            if models.is_empty() { "all enabled".to_owned() } else { models.join(", ") },
        ]);
    }
    table
}

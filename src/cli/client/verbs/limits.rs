//! `tollgate models`, `limit` and `quota`: what a workspace and its subjects may use.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::values::{Subject, amount, at, flag, list, subject, text};
use super::{Session, Target, reports};
use crate::cli::client::CallError;
use crate::cli::client::table::Table;

#[derive(Debug, Subcommand)]
pub enum Models {
    /// List models that are enabled, capped or have spend.
    List(Plain),
    /// Let a workspace use models.
    Enable(Named),
    /// Let a workspace use models no longer: checks on them are blocked.
    Disable(Named),
}

#[derive(Debug, Args)]
pub struct Plain {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Models of the catalog.
    #[arg(required = true)]
    models: Vec<String>,
    #[command(flatten)]
    target: Target,
}

impl Models {
    pub fn target(&self) -> &Target {
        match self {
            Models::List(plain) => &plain.target,
            Models::Enable(named) | Models::Disable(named) => &named.target,
        }
    }

    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(self.target()).await?;
        let (method, models) = match self {
            Models::List(_) => return show_models(&session).await,
            Models::Enable(named) => ("ModelLimitService/EnableModel", &named.models),
            Models::Disable(named) => ("ModelLimitService/DisableModel", &named.models),
        };
        let mut changed = Vec::new();
        for model in models {
            let mut answer = session.call(method, json!({ "model_id": model })).await?;
            changed.push(answer["model_limit"].take());
        }
        show_limits(&session, &json!({ "model_limits": changed }))
    }
}

async fn show_models(session: &Session) -> Result<(), CallError> {
    let method = "ModelLimitService/ListModelLimits";
    let answer = session.list(method, "model_limits", json!({})).await?;
    show_limits(session, &answer)
}

fn show_limits(session: &Session, answer: &Value) -> Result<(), CallError> {
    session.show(answer, || {
        let mut table = Table::new(&["MODEL", "ENABLED", "SPENT", "HELD", "LIMIT", "FALLBACK"])
            .right(&[2, 3, 4]);
        for limit in list(answer, "model_limits") {
            let is_enabled = flag(limit, "model_enabled");
            let is_off = !at(limit, "limit").is_null() && !flag(limit, "limit_enabled");
            let chain: Vec<&str> =
                list(limit, "fallback_model_ids").iter().filter_map(Value::as_str).collect();
            table.row([
                text(limit, "model_id"),
                if is_enabled { "yes" } else { "no" }.to_owned(),
                amount(limit, "spent"),
                amount(limit, "held"),
                amount(limit, "limit") + if is_off { " (off)" } else { "" },
                chain.join(", "),
            ]);
        }
        Ok(table.to_string())
    })
}

#[derive(Debug, Subcommand)]
pub enum Limit {
    /// Cap what a model may cost in a cycle. The next check sees it.
    Set(SetLimit),
    /// Remove the cap of a model.
    Clear(ClearLimit),
    /// List models with their caps.
    List(Plain),
}

#[derive(Debug, Args)]
pub struct SetLimit {
    /// Model of the catalog.
    model: String,
    /// Cap in each cycle, in the workspace's currency.
    amount: String,
    /// Models to route to once the cap is reached, in this order; every cheaper one without it.
    #[arg(long, value_name = "MODEL")]
    fallback: Vec<String>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub struct ClearLimit {
    /// Model of the catalog.
    model: String,
    #[command(flatten)]
    target: Target,
}

impl Limit {
    pub fn target(&self) -> &Target {
        match self {
            Limit::Set(set) => &set.target,
            Limit::Clear(clear) => &clear.target,
            Limit::List(plain) => &plain.target,
        }
    }

    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(self.target()).await?;
        let request = match self {
            Limit::List(_) => return show_models(&session).await,
            Limit::Clear(clear) => json!({ "model_id": clear.model }),
            Limit::Set(set) => {
                let currency = session.currency().await?;
                json!({
                    "model_id": set.model,
                    "limit": { "currency_code": currency, "amount": set.amount },
                    "fallback_model_ids": set.fallback,
                })
            }
        };
        let mut answer = session.call("ModelLimitService/SetModelLimit", request).await?;
        show_limits(&session, &json!({ "model_limits": [answer["model_limit"].take()] }))
    }
}

#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Set a quota: create it, or change the one of the same subject, unit, period and model.
    Set(SetQuota),
    /// List the usage of quotas, highest utilization first.
    List(Plain),
    /// Delete a quota.
    Delete(DeleteQuota),
}

/// Period over which a quota counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Period {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Cycle,
    UntilReset,
    InFlight,
    Request,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    Money,
    Tokens,
    Requests,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Enforcement {
    Hard,
    Soft,
    Downgrade,
    Shadow,
}

#[derive(Debug, Args)]
pub struct SetQuota {
    /// Who is limited, for example user:ada, department:sales or workspace; without an id, as user,
    /// each of them.
    #[arg(value_parser = subject)]
    subject: Subject,
    /// The limit, in the unit.
    amount: String,
    /// Period over which it counts.
    #[arg(long, value_enum, default_value = "month")]
    per: Period,
    /// What is counted; money in the workspace's currency.
    #[arg(long, value_enum, default_value = "money")]
    unit: Unit,
    /// Model that is counted; all without it.
    #[arg(long, value_name = "MODEL", default_value = "")]
    model: String,
    /// What happens to a request that exceeds it; hard for a new quota.
    #[arg(long, value_enum)]
    enforcement: Option<Enforcement>,
    /// Id of a new quota; made by the server without it.
    #[arg(long, value_name = "ID", default_value = "")]
    id: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub struct DeleteQuota {
    /// Its id.
    id: String,
    #[command(flatten)]
    target: Target,
}

impl Quota {
    pub fn target(&self) -> &Target {
        match self {
            Quota::Set(set) => &set.target,
            Quota::List(plain) => &plain.target,
            Quota::Delete(delete) => &delete.target,
        }
    }

    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(self.target()).await?;
        match self {
            Quota::List(_) => {
                let method = "QuotaService/ListQuotaUsage";
                let answer = session.list(method, "usages", json!({})).await?;
                let usages = list(&answer, "usages");
                session.show(&answer, || Ok(reports::usage_table(usages).to_string()))
            }
            Quota::Delete(delete) => {
                let request = json!({ "quota_id": delete.id });
                let answer = session.call("QuotaService/DeleteQuota", request).await?;
                session.show(&answer, || Ok(format!("quota {} is deleted\n", delete.id)))
            }
            Quota::Set(set) => set.perform(&session).await,
        }
    }
}

impl SetQuota {
    async fn perform(&self, session: &Session) -> Result<(), CallError> {
        let found = self.find(session).await?;
        let limit = match self.unit {
            Unit::Money => {
                let currency = session.currency().await?;
                ("limit", json!({ "currency_code": currency, "amount": self.amount }))
            }
            Unit::Tokens | Unit::Requests => ("limit_count", json!(self.amount)),
        };
        let mut quota = json!({ limit.0: limit.1 });
        if let Some(enforcement) = self.enforcement {
            quota["enforcement"] = json!(value_name("ENFORCEMENT_", enforcement));
        }
        let answer = match found {
            Some(id) => {
                quota["quota_id"] = json!(id);
                let enforcement = self.enforcement.map_or("", |_| ",enforcement");
                let mask = format!("{}{enforcement}", camel_case(limit.0));
                let request = json!({ "quota": quota, "update_mask": mask });
                session.call("QuotaService/UpdateQuota", request).await?
            }
            None => {
                let identity = json!({
                    "quota_id": self.id,
                    "subject": self.subject.to_json(),
                    "each_subject": self.subject.is_each(),
                    "model_id": self.model,
                    "unit": value_name("LIMIT_UNIT_", self.unit),
                    "period": value_name("LIMIT_PERIOD_", self.per),
                });
                for (name, value) in identity.as_object().into_iter().flatten() {
                    quota[name] = value.clone();
                }
                session.call("QuotaService/CreateQuota", json!({ "quota": quota })).await?
            }
        };
        session.show(&answer, || Ok(format!("quota {} is set\n", text(&answer, "quota.quota_id"))))
    }

    /// Id of the quota of the same subject, unit, period and model.
    async fn find(&self, session: &Session) -> Result<Option<String>, CallError> {
        let subject = self.subject.to_json();
        let filter = json!({ "subject": subject, "model_id": self.model });
        let quotas = session.list("QuotaService/ListQuotas", "quotas", filter).await?;
        let is_same = |quota: &&Value| {
            flag(quota, "each_subject") == self.subject.is_each()
                && text(quota, "model_id") == self.model
                && text(quota, "unit") == value_name("LIMIT_UNIT_", self.unit)
                && text(quota, "period") == value_name("LIMIT_PERIOD_", self.per)
        };
        let found = list(&quotas, "quotas").iter().find(is_same);
        Ok(found.map(|quota| text(quota, "quota_id")))
    }
}

/// The value of an enum of the protos that a word of the command line stands for.
fn value_name(prefix: &str, value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    let word = value.map(|value| value.get_name().to_uppercase()).unwrap_or_default();
    format!("{prefix}{}", word.replace('-', "_"))
}

/// A field as masks in JSON have it.
fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}

#[cfg(test)]
mod tests {
    use tollgate::proto::v1;

    use super::*;

    /// Every word of the command line is a value of the protos.
    #[test]
    fn words_are_values_of_the_protos() {
        for period in Period::value_variants() {
            let name = value_name("LIMIT_PERIOD_", *period);
            assert!(v1::LimitPeriod::from_str_name(&name).is_some(), "{name}");
        }
        for unit in Unit::value_variants() {
            let name = value_name("LIMIT_UNIT_", *unit);
            assert!(v1::LimitUnit::from_str_name(&name).is_some(), "{name}");
        }
        for enforcement in Enforcement::value_variants() {
            let name = value_name("ENFORCEMENT_", *enforcement);
            assert!(v1::Enforcement::from_str_name(&name).is_some(), "{name}");
        }
        assert_eq!(camel_case("limit_count"), "limitCount");
    }
}

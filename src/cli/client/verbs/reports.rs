//! `tollgate status`, `why` and `top`: where a workspace stands, and why.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::values::{amount, at, count, flag, list, percent, subject_text, text, word};
use super::{Session, Target};
use crate::cli::Failure;
use crate::cli::client::CallError;
use crate::cli::client::table::Table;

/// Quotas from this share on run out.
const NEARLY_USED_UP: f64 = 0.8;
/// Most quotas that a status shows.
const QUOTAS_SHOWN: usize = 10;
const TOKENS_MAX: i64 = 100_000_000;

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub target: Target,
}

impl Status {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let workspace = session.call("WorkspaceService/GetWorkspace", json!({})).await?;
        let budget = session.call("BudgetService/GetBudget", json!({})).await?;
        let top = json!({ "page_size": QUOTAS_SHOWN });
        let quotas = session.call("QuotaService/ListQuotaUsage", top).await?;
        let answer = json!({
            "workspace": at(&workspace, "workspace"),
            "budget": at(&budget, "budget"),
            "usages": list(&quotas, "usages"),
        });
        session.show(&answer, || status_text(&answer))
    }
}

fn status_text(answer: &Value) -> Result<String, Failure> {
    let (workspace, budget) = (at(answer, "workspace"), at(answer, "budget"));
    let currency = text(workspace, "currency_code");
    let mut facts = Table::new(&[
        "workspace",
        &format!("{} ({})", text(workspace, "workspace_id"), text(workspace, "display_name")),
    ]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("state", word(budget, "state", "BUDGET_STATE_"));
    let envelope = format!(
        "plan {} + overage {} + boosts {} {currency}",
        amount(budget, "plan_budget"),
        amount(budget, "overage_limit"),
        amount(budget, "boost")
    );
    fact("envelope", envelope);
    let used = percent(budget, "used_share");
    fact("spent", format!("{} {currency} ({used})", amount(budget, "spent")));
    fact("held", format!("{} {currency}", amount(budget, "held")));
    fact("remaining", format!("{} {currency}", amount(budget, "remaining")));
    let end = text(budget, "cycle_end_time");
    fact("cycle ends", format!("{end}, {} days left", count(budget, "days_left")));
    let mut shown = facts.to_string();
    let models = list(budget, "spend_by_model");
    if !models.is_empty() {
        let mut table = Table::new(&["MODEL", "SPENT", "SHARE"]).right(&[1, 2]);
        for model in models {
            let share = percent(model, "share");
            table.row([text(model, "model_id"), amount(model, "spent"), share]);
        }
        shown.push_str(&format!("\n{table}"));
    }
    let is_nearly_used_up =
        |usage: &&Value| at(usage, "utilization").as_f64().unwrap_or_default() >= NEARLY_USED_UP;
    let running_out: Vec<&Value> =
        list(answer, "usages").iter().filter(is_nearly_used_up).collect();
    if !running_out.is_empty() {
        shown.push_str(&format!("\n{}", usage_table(running_out)));
    }
    Ok(shown)
}

/// Usage of quotas in their running windows.
pub fn usage_table<'a>(usages: impl IntoIterator<Item = &'a Value>) -> Table {
    let mut table = Table::new(&["SUBJECT", "QUOTA", "PERIOD", "UNIT", "USED", "LIMIT", "SHARE"])
        .right(&[4, 5, 6]);
    for usage in usages {
        let unit = word(usage, "unit", "LIMIT_UNIT_");
        let (used, limit) = match unit.as_str() {
            "money" => (amount(usage, "spent"), amount(usage, "limit")),
            _ => {
                let number = |path| count(usage, path).to_string();
                (number("spent_count"), number("limit_count"))
            }
        };
        table.row([
            subject_text(usage, "subject", false),
            text(usage, "quota_id"),
            word(usage, "period", "LIMIT_PERIOD_"),
            unit,
            used,
            limit,
            percent(usage, "utilization"),
        ]);
    }
    table
}

#[derive(Debug, Args)]
pub struct Why {
    /// Model that is requested.
    #[arg(long, short, value_name = "MODEL")]
    model: String,
    /// User on whose behalf it runs.
    #[arg(long, value_name = "ID", default_value = "")]
    user: String,
    /// Department; that of the directory without it.
    #[arg(long, value_name = "ID", default_value = "")]
    department: String,
    /// API key.
    #[arg(long, value_name = "ID", default_value = "")]
    key: String,
    /// Project.
    #[arg(long, value_name = "ID", default_value = "")]
    project: String,
    /// Assistant.
    #[arg(long, value_name = "ID", default_value = "")]
    assistant: String,
    /// Input tokens.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(i64).range(0..=TOKENS_MAX))]
    input_tokens: i64,
    /// Most output tokens.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(i64).range(0..=TOKENS_MAX))]
    max_output_tokens: i64,
    #[command(flatten)]
    pub target: Target,
}

impl Why {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let request = json!({
            "model_id": self.model,
            "input_token_count": self.input_tokens,
            "max_output_token_count": self.max_output_tokens,
            "dry_run": true,
            "explain": true,
            "attribution": {
                "user_id": self.user,
                "department_id": self.department,
                "api_key_id": self.key,
                "project_id": self.project,
                "assistant_id": self.assistant,
            },
        });
        let answer = session.call("UsageService/CheckAndRoute", request).await?;
        session.show(&answer, || Ok(why_text(&answer)))
    }
}

fn why_text(answer: &Value) -> String {
    let decision = text(answer, "decision").replace("DECISION_", "");
    let mut shown = match &*text(answer, "model_id") {
        "" => decision,
        model => format!("{decision} on {model}"),
    };
    let reason = word(answer, "reason", "REASON_");
    if !reason.is_empty() {
        shown.push_str(&format!(": {reason}"));
    }
    match &*text(answer, "retry_after") {
        "" => {}
        wait => shown.push_str(&format!("; a retry can pass after {wait}")),
    }
    shown.push('\n');
    // Verdicts first: what is in the way. Then every limit that applies.
    let messages = list(answer, "verdicts").iter().map(|verdict| text(verdict, "message"));
    for message in messages.filter(|message| !message.is_empty()) {
        shown.push_str(&format!("{message}\n"));
    }
    for verdicts in ["verdicts", "limits"] {
        let verdicts = list(answer, verdicts);
        if !verdicts.is_empty() {
            shown.push_str(&format!("\n{}", verdict_table(verdicts)));
        }
    }
    shown
}

fn verdict_table(verdicts: &[Value]) -> Table {
    let heads = ["SUBJECT", "LIMIT", "PERIOD", "SPENT", "HELD", "NEED", "OF", "SAYS"];
    let mut table = Table::new(&heads).right(&[3, 4, 5, 6]);
    for verdict in verdicts {
        let is_counted = at(verdict, "limit").is_null();
        let is_rule = text(verdict, "limit_kind").is_empty();
        let figure = |money: &str| match (is_rule, is_counted) {
            (true, _) => String::new(),
            (false, true) => count(verdict, &format!("{money}_count")).to_string(),
            (false, false) => amount(verdict, money),
        };
        let says = match (&*word(verdict, "reason", "REASON_"), flag(verdict, "blocking")) {
            ("", _) => "passes".to_owned(),
            (reason, true) => reason.to_owned(),
            (reason, false) => format!("{reason} (does not block)"),
        };
        let limit = match &*text(verdict, "limit_id") {
            "" => word(verdict, "limit_kind", "LIMIT_KIND_"),
            id => id.to_owned(),
        };
        table.row([
            subject_text(verdict, "subject", false),
            limit,
            word(verdict, "period", "LIMIT_PERIOD_"),
            figure("spent"),
            figure("held"),
            figure("need"),
            figure("limit"),
            says,
        ]);
    }
    table
}

/// What usage is ranked by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dimension {
    User,
    Model,
    Provider,
    Department,
    Key,
    KeyGroup,
    Assistant,
    Workflow,
    Feature,
    Project,
}

/// Days that are looked at.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Range {
    Today,
    Yesterday,
    #[value(name = "last-7-days")]
    Last7Days,
    #[value(name = "last-30-days")]
    Last30Days,
    #[value(name = "last-90-days")]
    Last90Days,
    ThisMonth,
    LastMonth,
    ThisCycle,
    LastCycle,
}

#[derive(Debug, Args)]
pub struct Top {
    /// What is ranked.
    #[arg(long, value_enum, default_value = "user")]
    by: Dimension,
    /// Days that are looked at.
    #[arg(long, value_enum, default_value = "this-cycle")]
    range: Range,
    /// Most places.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u16).range(1..=1_000))]
    count: u16,
    #[command(flatten)]
    pub target: Target,
}

impl Top {
    pub async fn perform(&self) -> Result<(), CallError> {
        let session = Session::start(&self.target).await?;
        let request = json!({
            "range": { "preset": self.range.preset() },
            "metrics": ["USAGE_METRIC_COST", "USAGE_METRIC_REQUESTS", "USAGE_METRIC_TOKENS"],
            "group_by": [{ "dimension": self.by.name() }],
            "top": self.count,
        });
        let answer = session.call("AnalyticsService/QueryUsage", request).await?;
        session.show(&answer, || Ok(top_text(&answer)))
    }
}

impl Dimension {
    fn name(self) -> &'static str {
        match self {
            Dimension::User => "USAGE_DIMENSION_USER",
            Dimension::Model => "USAGE_DIMENSION_MODEL",
            Dimension::Provider => "USAGE_DIMENSION_PROVIDER",
            Dimension::Department => "USAGE_DIMENSION_DEPARTMENT",
            Dimension::Key => "USAGE_DIMENSION_API_KEY",
            Dimension::KeyGroup => "USAGE_DIMENSION_KEY_GROUP",
            Dimension::Assistant => "USAGE_DIMENSION_ASSISTANT",
            Dimension::Workflow => "USAGE_DIMENSION_WORKFLOW",
            Dimension::Feature => "USAGE_DIMENSION_FEATURE",
            Dimension::Project => "USAGE_DIMENSION_PROJECT",
        }
    }
}

impl Range {
    fn preset(self) -> &'static str {
        match self {
            Range::Today => "REPORT_PRESET_TODAY",
            Range::Yesterday => "REPORT_PRESET_YESTERDAY",
            Range::Last7Days => "REPORT_PRESET_LAST_7_DAYS",
            Range::Last30Days => "REPORT_PRESET_LAST_30_DAYS",
            Range::Last90Days => "REPORT_PRESET_LAST_90_DAYS",
            Range::ThisMonth => "REPORT_PRESET_THIS_MONTH",
            Range::LastMonth => "REPORT_PRESET_LAST_MONTH",
            Range::ThisCycle => "REPORT_PRESET_THIS_CYCLE",
            Range::LastCycle => "REPORT_PRESET_LAST_CYCLE",
        }
    }
}

fn top_text(answer: &Value) -> String {
    let currency = text(answer, "total.values.cost.currency_code");
    let heads = ["", "NAME", "ID", &format!("COST {currency}"), "SHARE", "REQUESTS", "TOKENS"];
    let mut table = Table::new(&heads).right(&[0, 3, 4, 5, 6]);
    let mut place = 0;
    for group in list(answer, "groups").iter().chain([at(answer, "total")]) {
        let key = list(group, "keys").first();
        let id = key.map(|key| text(key, "value")).unwrap_or_default();
        let name = key.map(|key| text(key, "display_name")).unwrap_or_default();
        let (number, name) = match (key, flag(group, "others")) {
            (_, true) => (String::new(), "all others".to_owned()),
            (None, false) => (String::new(), "total".to_owned()),
            (Some(_), false) => {
                place += 1;
                (place.to_string(), if id.is_empty() { "none".to_owned() } else { name })
            }
        };
        let share = at(group, "share_percent").as_f64();
        table.row([
            number,
            name,
            id,
            amount(group, "values.cost"),
            share.map(|percent| format!("{percent:.1} %")).unwrap_or_default(),
            count(group, "values.request_count").to_string(),
            count(group, "values.token_count").to_string(),
        ]);
    }
    let period = at(answer, "period");
    format!("{} to {}\n{table}", text(period, "first_date"), text(period, "last_date"))
}

//! What an administrator has set in the demo workspace: a plan in the middle of its cycle, caps,
//! quotas, rate limits, keys and a boost, by what was really spent; and a user who is blocked.

use std::str::FromStr;

use chrono::{DateTime, Days, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::WORKSPACE;
use crate::cli::client::{CallError, Client};

/// How long ago the running cycle began, so that there is something in it on any day.
const CYCLE_AGE: Days = Days::new(17);
/// What a limit is, of what was spent: used to four fifths, and used up.
const SPACIOUS: Decimal = Decimal::from_parts(125, 0, 0, false, 2);
const USED_UP: Decimal = Decimal::from_parts(9, 0, 0, false, 1);
/// The plan, of what was spent: more than half of the cycle is over.
const PLAN: Decimal = Decimal::from_parts(145, 0, 0, false, 2);
/// Digits of an amount that somebody has chosen.
const DIGITS: u32 = 2;
/// Departments whose keys are in the key group.
const GROUPED: [&str; 3] = ["engineering", "research", "sales"];
const KEY_GROUP: &str = "product";
const MODEL_OF_FIRST_CALL: &str = "gpt-4.1-mini";

/// What the demo has, for its introduction and its traffic.
pub struct Demo {
    pub first_call: String,
    pub first_answer: Value,
    pub blocked_user: String,
    /// Its cap is reached.
    pub capped_model: String,
    /// Users, each with the department.
    pub users: Vec<(String, String)>,
    pub models: Vec<String>,
}

/// Calls about the workspace.
struct Admin<'a>(&'a Client);

impl Admin<'_> {
    async fn call(&self, method: &str, mut request: Value) -> Result<Value, CallError> {
        request["workspace_id"] = json!(WORKSPACE);
        self.0.call(method, request).await
    }
}

pub async fn set_up(client: &Client, time_zone: Tz) -> Result<Demo, CallError> {
    let admin = Admin(client);
    let now = Utc::now();
    set_plan(&admin, now, time_zone).await?;
    let (capped_model, models) = set_model_limits(&admin).await?;
    register_keys(&admin, now).await?;
    let (blocked_user, other_user) = set_quotas(&admin).await?;
    let users = users(&admin).await?;
    // As a person would write it: a value of JSON has its fields in no such order.
    let first_call = format!(
        "{{\"workspace_id\": \"{WORKSPACE}\", \"request_id\": \"first\", \
         \"model_id\": \"{MODEL_OF_FIRST_CALL}\", \"input_token_count\": 1200, \
         \"max_output_token_count\": 800, \"attribution\": {{\"user_id\": \"{other_user}\"}}}}"
    );
    let first: Value = serde_json::from_str(&first_call).map_err(|cause| cause.to_string())?;
    let first_answer = client.call("UsageService/CheckAndRoute", first).await?;
    // So that refusals are to be seen: of the blocked user, and of the model that is used up.
    for user in [&blocked_user, &other_user] {
        let check = json!({
            "model_id": capped_model,
            "input_token_count": 2_000,
            "max_output_token_count": 1_000,
            "attribution": { "user_id": user },
        });
        admin.call("UsageService/CheckAndRoute", check).await?;
    }
    Ok(Demo { first_call, first_answer, blocked_user, capped_model, users, models })
}

async fn set_plan(admin: &Admin<'_>, now: DateTime<Utc>, time_zone: Tz) -> Result<(), CallError> {
    let start = now.with_timezone(&time_zone).date_naive() - CYCLE_AGE;
    let plan = |budget: Decimal| {
        json!({
            "plan": {
                "budget": money(budget),
                "overage_limit": money(round(budget / Decimal::TEN)),
                "start_date": start.to_string(),
            }
        })
    };
    // With the cycle of the plan, what was spent in it is known.
    admin.call("BudgetService/SetPlan", plan(Decimal::ONE_HUNDRED)).await?;
    let budget = admin.call("BudgetService/GetBudget", json!({})).await?;
    let budget = round(amount(&budget["budget"]["spent"]) * PLAN);
    admin.call("BudgetService/SetPlan", plan(budget)).await?;
    let boost = json!({
        "boost_id": "launch-week",
        "amount": money(round(budget / Decimal::TEN)),
        "end_time": time(now + TimeDelta::days(5)),
        "reason": "launch week of the support assistant",
    });
    admin.call("BudgetService/CreateBudgetBoost", boost).await?;
    let policy = json!({
        "alert_policy": {
            "envelope_threshold_percents": [50, 80, 100],
            "model_limit_threshold_percents": [80, 100],
            "large_record_cost": money(Decimal::ONE),
        }
    });
    admin.call("AlertService/SetAlertPolicy", policy).await?;
    Ok(())
}

/// Caps the two models that cost most, the first one at less than it has cost. Returns that, and
/// all models.
async fn set_model_limits(admin: &Admin<'_>) -> Result<(String, Vec<String>), CallError> {
    let answer = admin.call("ModelLimitService/ListModelLimits", json!({})).await?;
    let mut models: Vec<(Decimal, String)> = list(&answer, "model_limits")
        .iter()
        .map(|model| (amount(&model["spent"]), text(&model["model_id"])))
        .filter(|(_, id)| id != MODEL_OF_FIRST_CALL)
        .collect();
    models.sort_by(|a, b| b.cmp(a));
    for ((spent, id), share) in models.iter().zip([USED_UP, SPACIOUS]) {
        let limit = json!({ "model_id": id, "limit": money(round(*spent * share)) });
        admin.call("ModelLimitService/SetModelLimit", limit).await?;
    }
    let capped = models.first().map(|(_, id)| id.clone()).unwrap_or_default();
    let ids = models.into_iter().map(|(_, id)| id).chain([MODEL_OF_FIRST_CALL.to_owned()]);
    Ok((capped, ids.collect()))
}

async fn register_keys(admin: &Admin<'_>, now: DateTime<Utc>) -> Result<(), CallError> {
    let group = json!({
        "key_group": { "key_group_id": KEY_GROUP, "display_name": "Product and research" }
    });
    admin.call("ApiKeyService/CreateKeyGroup", group).await?;
    let departments = json!({ "kind": "DIRECTORY_KIND_DEPARTMENT", "page_size": 1_000 });
    let departments = admin.call("DirectoryService/ListEntries", departments).await?;
    for department in list(&departments, "entries") {
        let (id, name) = (text(&department["id"]), text(&department["display_name"]));
        let group = if GROUPED.contains(&&*id) { KEY_GROUP } else { "" };
        let key = json!({
            "api_key_id": format!("key-{id}"),
            "display_name": format!("{name}, gateway"),
            "key_group_id": group,
        });
        admin.call("ApiKeyService/RegisterApiKey", json!({ "api_key": key })).await?;
    }
    for key in [
        json!({ "api_key_id": "key-old-importer", "display_name": "Importer of 2025",
                "disabled": true }),
        json!({ "api_key_id": "key-partner", "display_name": "Partner trial",
                "expire_time": time(now + TimeDelta::days(14)),
                "allowed_model_ids": [MODEL_OF_FIRST_CALL] }),
    ] {
        admin.call("ApiKeyService/RegisterApiKey", json!({ "api_key": key })).await?;
    }
    Ok(())
}

/// Quotas and rate limits. Returns the user that one of them blocks, and one who may go on.
async fn set_quotas(admin: &Admin<'_>) -> Result<(String, String), CallError> {
    let each = |id: &str, name: &str, kind: &str, enforcement: &str| {
        json!({
            "quota_id": id,
            "display_name": name,
            "subject": { "type": format!("SUBJECT_TYPE_{kind}") },
            "each_subject": true,
            "unit": "LIMIT_UNIT_MONEY",
            "period": "LIMIT_PERIOD_CYCLE",
            "enforcement": format!("ENFORCEMENT_{enforcement}"),
        })
    };
    let users = spacious(admin, each("each-user", "Each user", "USER", "HARD")).await?;
    spacious(admin, each("each-department", "Each department", "DEPARTMENT", "SOFT")).await?;
    spacious(admin, each("each-key-group", "Each key group", "KEY_GROUP", "DOWNGRADE")).await?;
    let tokens = json!({
        "quota_id": "tokens-a-day",
        "display_name": "Tokens a day, to be told of",
        "subject": { "type": "SUBJECT_TYPE_WORKSPACE" },
        "unit": "LIMIT_UNIT_TOKENS",
        "limit_count": 5_000_000,
        "period": "LIMIT_PERIOD_DAY",
        "enforcement": "ENFORCEMENT_SOFT",
    });
    admin.call("QuotaService/CreateQuota", json!({ "quota": tokens })).await?;
    let rate = json!({
        "rate_limit_id": "each-key",
        "display_name": "Each key",
        "subject": { "type": "SUBJECT_TYPE_API_KEY" },
        "each_subject": true,
        "bounds": [
            { "unit": "LIMIT_UNIT_REQUESTS", "period": "LIMIT_PERIOD_SLIDING_MINUTE",
              "amount": 120 },
            { "unit": "LIMIT_UNIT_TOKENS", "period": "LIMIT_PERIOD_SLIDING_MINUTE",
              "amount": 400_000 },
        ],
    });
    admin.call("QuotaService/CreateRateLimit", json!({ "rate_limit": rate })).await?;
    let [first, second, ..] = &users[..] else {
        return Err("the history has too few users".to_owned().into());
    };
    let quota = json!({
        "quota_id": "one-user",
        "display_name": "Agreed with the team lead",
        "subject": { "type": "SUBJECT_TYPE_USER", "id": second.1 },
        "unit": "LIMIT_UNIT_MONEY",
        "limit": money(round(second.0 * USED_UP)),
        "period": "LIMIT_PERIOD_CYCLE",
    });
    admin.call("QuotaService/CreateQuota", json!({ "quota": quota })).await?;
    Ok((second.1.clone(), first.1.clone()))
}

/// Creates a quota of money for each subject of a type, that is used to four fifths by the one who
/// has spent most. Returns the subjects with what they have spent, most first.
async fn spacious(admin: &Admin<'_>, quota: Value) -> Result<Vec<(Decimal, String)>, CallError> {
    let id = quota["quota_id"].clone();
    let mut created = quota;
    created["limit"] = money(Decimal::ONE_THOUSAND);
    admin.call("QuotaService/CreateQuota", json!({ "quota": created })).await?;
    let usage = json!({ "quota_id": id, "page_size": 1_000 });
    let usage = admin.call("QuotaService/ListQuotaUsage", usage).await?;
    let of = |usage: &Value| (amount(&usage["spent"]), text(&usage["subject"]["id"]));
    let subjects: Vec<_> = list(&usage, "usages").iter().map(of).collect();
    if let Some((most, _)) = subjects.first() {
        let quota = json!({ "quota_id": id, "limit": money(round(*most * SPACIOUS)) });
        let change = json!({ "quota": quota, "update_mask": "limit" });
        admin.call("QuotaService/UpdateQuota", change).await?;
    }
    Ok(subjects)
}

/// Users of the directory with their departments.
async fn users(admin: &Admin<'_>) -> Result<Vec<(String, String)>, CallError> {
    let filter = json!({ "kind": "DIRECTORY_KIND_USER", "page_size": 1_000 });
    let answer = admin.call("DirectoryService/ListEntries", filter).await?;
    let entries = list(&answer, "entries").iter();
    Ok(entries.map(|user| (text(&user["id"]), text(&user["department_id"]))).collect())
}

fn list<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer[field].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn amount(money: &Value) -> Decimal {
    Decimal::from_str(money["amount"].as_str().unwrap_or_default()).unwrap_or_default()
}

fn money(amount: Decimal) -> Value {
    json!({ "currency_code": "USD", "amount": amount.normalize().to_string() })
}

fn time(time: DateTime<Utc>) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// As people choose amounts: two digits, and never nothing.
fn round(amount: Decimal) -> Decimal {
    let strategy = RoundingStrategy::AwayFromZero;
    let least = Decimal::new(1, DIGITS);
    let rounded = amount.round_sf_with_strategy(DIGITS, strategy).unwrap_or(amount);
    rounded.round_dp_with_strategy(DIGITS, strategy).max(least)
}

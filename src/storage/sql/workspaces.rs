//! Workspaces, their plans, and their models.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, time, to_json};
use super::read::limit_value;
use super::session::Write;
use super::table::Table;
use crate::domain::Amount;
use crate::domain::alert::AlertPolicy;
use crate::domain::workspace::{Plan, Workspace, WorkspaceModel};
use crate::storage::{Error, Result};

const WORKSPACES: Table = Table {
    name: "workspaces",
    columns: "id, display_name, currency, time_zone, automatic_fallback, unpriced_models, \
              hold_expiry, unknown_keys, alert_policy, may_have_expiry_charges, \
              usage_retention_days, plan_budget_nanos, plan_overage_nanos, plan_start_date, \
              create_time, update_time",
    key: 1,
};

const WORKSPACE_MODELS: Table = Table {
    name: "workspace_models",
    columns: "workspace_id, model_id, enabled, limit_nanos, limit_enabled, fallback_model_ids",
    key: 2,
};

/// JSON of an [`AlertPolicy`]: percent of the envelope, percent of model limits.
type AlertForm = (Vec<u16>, Vec<u16>);

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_workspace(&self, id: &str) -> Result<Option<Workspace>> {
        let sql = format!("SELECT {} FROM workspaces WHERE id = $1", WORKSPACES.columns);
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &[Value::Text(id)]).await?;
        rows.first().map(workspace::<DB>).transpose()
    }

    pub(super) async fn list_workspaces(
        &self,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Workspace>> {
        let columns = WORKSPACES.columns;
        let sql = format!("SELECT {columns} FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2");
        let values = [Value::Text(after_id), limit_value(limit)];
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        rows.iter().map(workspace::<DB>).collect()
    }

    pub(super) async fn read_workspace_models(
        &self,
        workspace_id: &str,
    ) -> Result<Vec<WorkspaceModel>> {
        let rows = self.select(WORKSPACE_MODELS.of(workspace_id).all("model_id")).await?;
        rows.iter().map(workspace_model::<DB>).collect()
    }
}

pub(super) async fn put_workspace<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace: &Workspace,
) -> Result<()> {
    let start_date = workspace.plan.map(|plan| plan.start_date.to_string());
    let alerts: AlertForm =
        (workspace.alerts.envelope.clone(), workspace.alerts.model_limits.clone());
    let alerts = to_json(&alerts);
    let values = [
        Value::Shared(&workspace.id),
        Value::Text(&workspace.display_name),
        Value::Text(workspace.currency.as_str()),
        Value::Text(workspace.time_zone.name()),
        Value::Flag(workspace.automatic_fallback),
        code(workspace.unpriced_models),
        code(workspace.hold_expiry),
        code(workspace.unknown_keys),
        Value::Text(&alerts),
        Value::Flag(workspace.may_have_expiry_charges),
        Value::OptionalInt(workspace.usage_retention_days),
        Value::OptionalInt(workspace.plan.map(|plan| plan.budget.nanos())),
        Value::OptionalInt(workspace.plan.map(|plan| plan.overage.nanos())),
        Value::OptionalText(start_date.as_deref()),
        time(workspace.create_time),
        time(workspace.update_time),
    ];
    WORKSPACES.put(write, &values).await
}

pub(super) async fn put_workspace_model<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    model: &WorkspaceModel,
) -> Result<()> {
    let fallback: Vec<&str> = model.fallback_model_ids.iter().map(AsRef::as_ref).collect();
    let fallback = to_json(&fallback);
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&model.model_id),
        Value::Flag(model.enabled),
        Value::OptionalInt(model.limit.map(Amount::nanos)),
        Value::Flag(model.limit_enabled),
        Value::Text(&fallback),
    ];
    WORKSPACE_MODELS.put(write, &values).await
}

fn workspace<DB: Backend>(row: &DB::Row) -> Result<Workspace> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Workspace {
        id: reader.shared()?,
        display_name: reader.string()?,
        currency: reader.currency()?,
        time_zone: reader.parsed("time zone")?,
        automatic_fallback: reader.flag()?,
        unpriced_models: reader.code()?,
        hold_expiry: reader.code()?,
        unknown_keys: reader.code()?,
        alerts: {
            let (envelope, model_limits): AlertForm = reader.json()?;
            AlertPolicy { envelope, model_limits }
        },
        may_have_expiry_charges: reader.flag()?,
        usage_retention_days: reader.optional_int()?,
        plan: plan(&mut reader)?,
        create_time: reader.time()?,
        update_time: reader.time()?,
    })
}

fn plan<DB: Backend>(reader: &mut Reader<'_, DB>) -> Result<Option<Plan>> {
    let budget = reader.optional_int()?;
    let overage = reader.optional_int()?;
    let start_date = reader.optional_text()?;
    match (budget, overage, start_date) {
        (None, None, None) => Ok(None),
        (Some(budget), Some(overage), Some(date)) => Ok(Some(Plan {
            budget: Amount::from_nanos(budget),
            overage: Amount::from_nanos(overage),
            start_date: date
                .parse()
                .map_err(|_| Error::Corrupt(format!("\"{date}\" is no date")))?,
        })),
        _ => Err(Error::Corrupt("half a plan".to_owned())),
    }
}

fn workspace_model<DB: Backend>(row: &DB::Row) -> Result<WorkspaceModel> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(WorkspaceModel {
        model_id: reader.shared()?,
        enabled: reader.flag()?,
        limit: reader.optional_int()?.map(Amount::from_nanos),
        limit_enabled: reader.flag()?,
        fallback_model_ids: {
            let ids: Vec<String> = reader.json()?;
            ids.into_iter().map(Into::into).collect()
        },
    })
}

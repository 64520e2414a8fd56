//! Workspaces, their plans, and their models.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, code, time, to_json};
use super::read::limit_value;
use crate::ledger::Amount;
use crate::ledger::workspace::{Plan, Workspace, WorkspaceModel};
use crate::storage::{Error, Result};

/// As [`workspace`] reads them.
const COLUMNS: &str = "id, display_name, currency, time_zone, automatic_fallback, unpriced_models, \
    hold_expiry, may_have_expiry_charges, plan_budget_nanos, plan_overage_nanos, \
    plan_start_date, create_time, update_time";

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_workspace(&self, id: &str) -> Result<Option<Workspace>> {
        let sql = format!("SELECT {COLUMNS} FROM workspaces WHERE id = $1");
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &[Value::Text(id)]).await?;
        rows.first().map(workspace::<DB>).transpose()
    }

    pub(super) async fn list_workspaces(
        &self,
        after_id: &str,
        limit: usize,
    ) -> Result<Vec<Workspace>> {
        let sql = format!("SELECT {COLUMNS} FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2");
        let values = [Value::Text(after_id), limit_value(limit)];
        let rows = self.read(AssertSqlSafe(sql).into_sql_str(), &values).await?;
        rows.iter().map(workspace::<DB>).collect()
    }

    pub(super) async fn write_workspace(&self, workspace: &Workspace) -> Result<()> {
        let sql = "INSERT INTO workspaces (id, display_name, currency, time_zone, \
                   automatic_fallback, unpriced_models, hold_expiry, \
                   may_have_expiry_charges, plan_budget_nanos, plan_overage_nanos, \
                   plan_start_date, create_time, update_time) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                   ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, \
                   currency = excluded.currency, time_zone = excluded.time_zone, \
                   automatic_fallback = excluded.automatic_fallback, \
                   unpriced_models = excluded.unpriced_models, \
                   hold_expiry = excluded.hold_expiry, \
                   may_have_expiry_charges = excluded.may_have_expiry_charges, \
                   plan_budget_nanos = excluded.plan_budget_nanos, \
                   plan_overage_nanos = excluded.plan_overage_nanos, \
                   plan_start_date = excluded.plan_start_date, \
                   create_time = excluded.create_time, update_time = excluded.update_time";
        let start_date = workspace.plan.map(|plan| plan.start_date.to_string());
        let values = [
            Value::Shared(&workspace.id),
            Value::Text(&workspace.display_name),
            Value::Text(workspace.currency.as_str()),
            Value::Text(workspace.time_zone.name()),
            Value::Flag(workspace.automatic_fallback),
            code(workspace.unpriced_models),
            code(workspace.hold_expiry),
            Value::Flag(workspace.may_have_expiry_charges),
            Value::OptionalInt(workspace.plan.map(|plan| plan.budget.nanos())),
            Value::OptionalInt(workspace.plan.map(|plan| plan.overage.nanos())),
            Value::OptionalText(start_date.as_deref()),
            time(workspace.create_time),
            time(workspace.update_time),
        ];
        self.write_one(sql, &values).await
    }

    pub(super) async fn read_workspace_models(
        &self,
        workspace_id: &str,
    ) -> Result<Vec<WorkspaceModel>> {
        let sql = "SELECT model_id, enabled, limit_nanos, limit_enabled, fallback_model_ids \
                   FROM workspace_models WHERE workspace_id = $1 ORDER BY model_id";
        let rows = self.read(sql.into_sql_str(), &[Value::Text(workspace_id)]).await?;
        rows.iter().map(workspace_model::<DB>).collect()
    }

    pub(super) async fn write_workspace_model(
        &self,
        workspace_id: &str,
        model: &WorkspaceModel,
    ) -> Result<()> {
        let sql = "INSERT INTO workspace_models (workspace_id, model_id, enabled, limit_nanos, \
                   limit_enabled, fallback_model_ids) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (workspace_id, model_id) DO UPDATE SET \
                   enabled = excluded.enabled, limit_nanos = excluded.limit_nanos, \
                   limit_enabled = excluded.limit_enabled, \
                   fallback_model_ids = excluded.fallback_model_ids";
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
        self.write_one(sql, &values).await
    }
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
        may_have_expiry_charges: reader.flag()?,
        unknown_keys: crate::ledger::workspace::UnknownKeyPolicy::Accept,
        alerts: crate::ledger::alert::AlertPolicy::default(),
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

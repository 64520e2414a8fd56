//! Workspaces, their plans, their models, and what is frozen in them.

use crate::domain::alert::AlertPolicy;
use crate::domain::workspace::freeze::{Freeze, FrozenSubject};
use crate::domain::workspace::{
    ModelAlias, OutagePolicy, Plan, ReportedCostPolicy, Workspace, WorkspaceModel,
};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{
    Cell, Columns, FromRow, Kind, Reader, Value, code, columns, from_json, optional, row, to_json,
};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static WORKSPACES: Table<Workspace> = Table::new("workspaces", &["id"]);
pub static WORKSPACE_MODELS: Table<WorkspaceModel> =
    Table::owned("workspace_models", &["workspace_id", "model_id"]);

row! {
    Workspace {
        id,
        display_name,
        currency,
        time_zone,
        automatic_fallback,
        unpriced_models,
        hold_expiry,
        hold_durability,
        outage,
        unknown_keys,
        required_fields,
        week_start,
        reported_cost,
        alerts,
        may_have_expiry_charges,
        usage_retention_days,
        price_max_age_days,
        plan,
        archive_time,
        create_time,
        update_time,
    }
}

pub static MODEL_ALIASES: Table<ModelAlias> =
    Table::owned("model_aliases", &["workspace_id", "id"]);

row! {
    ModelAlias {
        id,
        model_id,
        update_time,
    }
}

row! {
    WorkspaceModel {
        model_id,
        enabled,
        limit = "limit_nanos",
        limit_enabled,
        fallback_model_ids,
    }
}

impl Columns for Option<Plan> {
    columns! { plan_budget_nanos: Int, plan_overage_nanos: Int, plan_start_date: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let plan = self.as_ref();
        values.extend([
            optional(plan.map(|plan| &plan.budget)),
            optional(plan.map(|plan| &plan.overage)),
            optional(plan.map(|plan| &plan.start_date)),
        ]);
    }
}

impl FromRow for Option<Plan> {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<Plan>> {
        match (reader.get()?, reader.get()?, reader.get()?) {
            (Some(budget), Some(overage), Some(start_date)) => {
                Ok(Some(Plan { budget, overage, start_date }))
            }
            (None, None, None) => Ok(None),
            _ => Err(Error::Corrupt("half a plan".to_owned())),
        }
    }
}

row! {
    OutagePolicy {
        duration = "outage_duration_micros",
        held_limit = "outage_held_limit_nanos",
    }
}

/// JSON: percent of the envelope, percent of model limits.
type ThresholdsForm = (Vec<u16>, Vec<u16>);

impl Columns for AlertPolicy {
    columns! { alert_policy: Text, large_record_cost_nanos: Int }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let thresholds = to_json(&(&self.envelope, &self.model_limits));
        values.extend([Value::Owned(thresholds), optional(self.large_record_cost.as_ref())]);
    }
}

impl FromRow for AlertPolicy {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<AlertPolicy> {
        let (envelope, model_limits): ThresholdsForm = from_json(reader.str()?)?;
        Ok(AlertPolicy { envelope, model_limits, large_record_cost: reader.get()? })
    }
}

/// JSON: the providers, and the percent.
impl Cell for ReportedCostPolicy {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Owned(to_json(&(&self.charged_providers, self.alert_percent)))
    }

    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Option<ReportedCostPolicy>> {
        let Some(text) = reader.text()? else { return Ok(None) };
        let (charged_providers, alert_percent): (Vec<String>, u16) = from_json(text)?;
        Ok(Some(ReportedCostPolicy { charged_providers, alert_percent }))
    }
}

pub static FREEZES: Table<Freeze> =
    Table::owned("freezes", &["workspace_id", "subject_kind", "subject_id"]);

row! { Freeze { subject, reason, end_time, actor, create_time, update_time } }

row! { FrozenSubject { kind = "subject_kind", id = "subject_id" } }

const DELETE: &str =
    "DELETE FROM freezes WHERE workspace_id = $1 AND subject_kind = $2 AND subject_id = $3";

pub async fn delete_freeze<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    subject: &FrozenSubject,
) -> Result<()> {
    let key = [Value::Text(workspace_id), code(subject.kind), Value::Text(&subject.id)];
    write.execute(DELETE, &key).await.map(drop)
}

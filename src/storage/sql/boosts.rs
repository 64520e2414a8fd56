//! Boosts of the envelope and of quotas.

use super::SqlStore;
use super::backend::{Backend, Value};
use super::codec::{Reader, optional_shared, optional_time, time};
use super::session::Write;
use super::table::Table;
use crate::domain::Time;
use crate::domain::boost::{Boost, BoostTarget};
use crate::storage::policy::BoostFilter;
use crate::storage::{Error, Result};

pub(super) const BOOSTS: Table = Table {
    name: "boosts",
    columns: "workspace_id, id, quota_id, subject_id, amount, start_time, end_time, reason, actor, \
              create_time, cancel_time",
    key: 2,
};

impl<DB: Backend> SqlStore<DB> {
    pub(super) async fn read_boost(&self, workspace_id: &str, id: &str) -> Result<Option<Boost>> {
        let select = BOOSTS.of(workspace_id).with("id =", Value::Text(id));
        self.select(select).await?.first().map(boost::<DB>).transpose()
    }

    pub(super) async fn list_boosts(
        &self,
        workspace_id: &str,
        filter: &BoostFilter,
        after: Option<&(Time, String)>,
        limit: usize,
    ) -> Result<Vec<Boost>> {
        let all = BOOSTS.of(workspace_id);
        let select = match filter {
            BoostFilter::Envelope => all.only("quota_id IS NULL"),
            BoostFilter::Quotas => all.only("quota_id IS NOT NULL"),
            BoostFilter::Quota(id) => all.with("quota_id =", Value::Text(id)),
        };
        let rows = self.select(select.latest("start_time", after, limit)).await?;
        rows.iter().map(boost::<DB>).collect()
    }
}

pub(super) async fn put_boost<DB: Backend>(
    write: &mut Write<'_, DB>,
    workspace_id: &str,
    boost: &Boost,
) -> Result<()> {
    let (quota_id, subject_id) = match &boost.target {
        BoostTarget::Envelope => (Value::OptionalText(None), Value::OptionalText(None)),
        BoostTarget::Quota { quota_id, subject_id } => {
            (Value::Shared(quota_id), optional_shared(subject_id))
        }
    };
    let values = [
        Value::Text(workspace_id),
        Value::Shared(&boost.id),
        quota_id,
        subject_id,
        Value::Int(boost.amount),
        time(boost.start_time),
        time(boost.end_time),
        Value::Text(&boost.reason),
        Value::Text(&boost.actor),
        time(boost.create_time),
        optional_time(boost.cancel_time),
    ];
    BOOSTS.put(write, &values).await
}

pub(super) fn boost<DB: Backend>(row: &DB::Row) -> Result<Boost> {
    let mut reader = Reader::<DB>::new(row);
    let _workspace_id = reader.text()?;
    Ok(Boost {
        id: reader.shared()?,
        target: match (reader.optional_shared()?, reader.optional_shared()?) {
            (Some(quota_id), subject_id) => BoostTarget::Quota { quota_id, subject_id },
            (None, None) => BoostTarget::Envelope,
            (None, Some(subject_id)) => {
                return Err(Error::Corrupt(format!("a boost of the envelope for {subject_id}")));
            }
        },
        amount: reader.int()?,
        start_time: reader.time()?,
        end_time: reader.time()?,
        reason: reader.string()?,
        actor: reader.string()?,
        create_time: reader.time()?,
        cancel_time: reader.optional_time()?,
    })
}

//! Boosts of the envelope and of quotas.

use crate::domain::boost::{Boost, BoostTarget};
use crate::storage::sql::row::{Columns, FromRow, Reader, Value, columns, optional, row};
use crate::storage::sql::table::Table;
use crate::storage::{Error, Result};

pub static BOOSTS: Table<Boost> = Table::owned("boosts", &["workspace_id", "id"]);

row! {
    Boost {
        id,
        target,
        amount,
        start_time,
        end_time,
        reason,
        actor,
        create_time,
        cancel_time,
    }
}

impl Columns for BoostTarget {
    columns! { quota_id: Text, subject_id: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let (quota_id, subject_id) = match self {
            BoostTarget::Envelope => (None, None),
            BoostTarget::Quota { quota_id, subject_id } => (Some(quota_id), subject_id.as_ref()),
        };
        values.extend([optional(quota_id), optional(subject_id)]);
    }
}

impl FromRow for BoostTarget {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<BoostTarget> {
        match (reader.get()?, reader.shared()?) {
            (Some(quota_id), subject_id) => Ok(BoostTarget::Quota { quota_id, subject_id }),
            (None, None) => Ok(BoostTarget::Envelope),
            (None, Some(subject_id)) => {
                Err(Error::Corrupt(format!("a boost of the envelope for {subject_id}")))
            }
        }
    }
}

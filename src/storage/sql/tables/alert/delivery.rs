//! Deliveries of alerts to receivers.

use std::sync::LazyLock;

use sqlx::AssertSqlSafe;

use crate::domain::{Coded, coded_enum};
use crate::storage::Result;
use crate::storage::alerts::{Delivery, DeliveryState, Receiver};
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::connection::session::Write;
use crate::storage::sql::row::{Columns, FromRow, Reader, Value, code, columns, row};
use crate::storage::sql::table::Table;

pub static DELIVERIES: Table<Delivery> = Table::new("deliveries", &["id"]);

row! {
    Delivery {
        id,
        workspace_id,
        alert_seq,
        receiver,
        state,
        attempts,
        next_attempt_time,
        last_error,
        create_time,
        finish_time,
    }
}

coded_enum! {
    /// What kind of receiver a [`Receiver`] is.
    pub enum ReceiverKind {
        Webhook = 0,
        Email = 1,
    }
}

/// Of each receiver the one that is longest due. The state is written out, so that databases know
/// that the index `deliveries_due` has them all.
pub static DUE: LazyLock<String> = LazyLock::new(|| {
    let (columns, pending) = (DELIVERIES.list(), DeliveryState::Pending.code());
    format!(
        "SELECT {columns} FROM (SELECT deliveries.*, ROW_NUMBER() OVER ( \
            PARTITION BY workspace_id, receiver_kind, receiver_id \
            ORDER BY next_attempt_time, id) AS place \
          FROM deliveries WHERE state = {pending} AND next_attempt_time <= $1) AS due \
        WHERE place = 1 ORDER BY next_attempt_time, id LIMIT $2"
    )
});

/// Adds the delivery if its alert is there, and the delivery is not.
pub async fn add<DB: Backend>(write: &mut Write<'_, DB>, delivery: &Delivery) -> Result<()> {
    let mut values = vec![Value::Shared(&delivery.workspace_id), Value::Int(delivery.alert_seq)];
    delivery.write(&mut values);
    let placeholders: Vec<String> = (3..=values.len()).map(|number| format!("${number}")).collect();
    let sql = format!(
        "INSERT INTO deliveries ({}) SELECT {} \
         WHERE EXISTS (SELECT 1 FROM alerts WHERE workspace_id = $1 AND seq = $2) \
         ON CONFLICT (id) DO NOTHING",
        DELIVERIES.list(),
        placeholders.join(", ")
    );
    write.execute(AssertSqlSafe(sql), &values).await.map(drop)
}

/// Replaces the delivery if it is there.
pub async fn replace<DB: Backend>(write: &mut Write<'_, DB>, delivery: &Delivery) -> Result<()> {
    let mut values = vec![Value::Shared(&delivery.id)];
    delivery.write(&mut values);
    let set: Vec<String> = (2..)
        .zip(DELIVERIES.columns())
        .map(|(number, column)| format!("{} = ${number}", column.name))
        .collect();
    let sql = format!("UPDATE deliveries SET {} WHERE id = $1", set.join(", "));
    write.execute(AssertSqlSafe(sql), &values).await.map(drop)
}

impl Columns for Receiver {
    columns! { receiver_kind: Int, receiver_id: Text }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        let (kind, id) = match self {
            Receiver::Webhook(id) => (ReceiverKind::Webhook, id),
            Receiver::Email(id) => (ReceiverKind::Email, id),
        };
        values.extend([code(kind), Value::Shared(id)]);
    }
}

impl FromRow for Receiver {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Receiver> {
        let (kind, id) = reader.get()?;
        Ok(match kind {
            ReceiverKind::Webhook => Receiver::Webhook(id),
            ReceiverKind::Email => Receiver::Email(id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sql::tests::Planner;

    #[tokio::test]
    async fn what_is_due_is_found_without_what_is_finished() {
        let steps = Planner::new().await.plan(&DUE).await;
        let expected = "SCAN deliveries USING INDEX deliveries_due";
        assert!(steps.iter().any(|step| step == expected), "{steps:?}");
    }
}

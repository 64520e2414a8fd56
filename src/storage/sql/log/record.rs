//! Records of the usage log as rows.

use crate::domain::record::Record;
use crate::domain::usage::{TokenClass, Usage};
use crate::storage::Result;
use crate::storage::sql::row::{Column, Columns, FromRow, Kind, OrEmpty, Reader, Value, row};
use crate::storage::sql::table::Table;

pub static RECORDS: Table<Record> = Table::new("usage_records", &["seq"]);

row! {
    Record {
        seq,
        workspace_id,
        request_id,
        attempt,
        revision,
        kind,
        model_id,
        metered_model_id,
        tier,
        usage,
        outcome,
        source,
        cost = "cost_nanos",
        unpriced,
        price_id as OrEmpty,
        exchange_rate = "exchange_rate_nanos",
        charge_time,
        hour,
        start_time,
        record_time,
        latency,
        fingerprint,
        attribution,
        key_group_id,
        day,
        start_time_adjusted,
    }
}

row! { Usage { tokens } }

/// The columns of token counts, of a record as of a bucket, in the order of [`TokenClass`].
pub const TOKEN_COLUMNS: [&str; TokenClass::COUNT] = [
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
];

/// Tokens of all classes together.
pub fn all_tokens() -> String {
    TOKEN_COLUMNS.join(" + ")
}

impl FromRow for [i64; TokenClass::COUNT] {
    fn read<'r>(reader: &mut impl Reader<'r>) -> Result<Self> {
        let mut tokens = [0; TokenClass::COUNT];
        for count in &mut tokens {
            *count = reader.get()?;
        }
        Ok(tokens)
    }
}

impl Columns for [i64; TokenClass::COUNT] {
    fn columns(_name: &'static str, columns: &mut Vec<Column>) {
        columns.extend(TOKEN_COLUMNS.map(|name| Column { name, kind: Kind::Int }));
    }

    fn write<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.extend(self.map(Value::Int));
    }
}

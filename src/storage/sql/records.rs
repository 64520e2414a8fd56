//! Records of the log as rows: which columns, in which order.

use super::backend::{Backend, Value};
use super::codec::{Reader, amount, attribution_values, code, time};
use crate::domain::record::Record;
use crate::domain::usage::{TokenClass, Usage};
use crate::storage::Result;

/// Number of [`COLUMNS`].
pub const COLUMN_COUNT: usize = 43;

/// The columns of `usage_records` as [`values`] writes and [`read`] reads them.
pub const COLUMNS: &str = "seq, workspace_id, request_id, attempt, revision, kind, model_id, \
    metered_model_id, tier, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, \
    audio_input, audio_output, image_input, image_output, outcome, source, cost_nanos, unpriced, \
    price_id, exchange_rate_nanos, charge_time, hour, start_time, record_time, latency, \
    fingerprint, user_id, department_id, api_key_id, assistant_id, workflow_id, feature_id, \
    project_id, investigation_id, session_id, tags, key_group_id, \
    day";

/// `tags` is the JSON of the record's tags.
pub fn values<'a>(record: &'a Record, tags: &'a str, values: &mut Vec<Value<'a>>) {
    let before = values.len();
    values.extend([
        Value::Int(record.seq),
        Value::Shared(&record.workspace_id),
        Value::Shared(&record.request_id),
        Value::Int(i64::from(record.attempt)),
        Value::Int(i64::from(record.revision)),
        code(record.kind),
        Value::Shared(&record.model_id),
        Value::Shared(&record.metered_model_id),
        code(record.tier),
    ]);
    values.extend(record.usage.tokens.map(Value::Int));
    values.extend([
        code(record.outcome),
        code(record.source),
        amount(record.cost),
        Value::Flag(record.unpriced),
        record.price_id.as_ref().map_or(Value::Text(""), Value::Shared),
        Value::Int(record.exchange_rate.nanos()),
        time(record.charge_time),
        time(record.hour),
        time(record.start_time),
        time(record.record_time),
        Value::Int(record.latency),
        Value::Int(record.fingerprint),
    ]);
    values.extend(attribution_values(&record.attribution, tags));
    values.extend([Value::Shared(&record.key_group_id), time(record.day)]);
    assert_eq!(values.len() - before, COLUMN_COUNT, "a value for each column");
}

pub fn read<DB: Backend>(row: &DB::Row) -> Result<Record> {
    let mut reader = Reader::<DB>::new(row);
    Ok(Record {
        seq: reader.int()?,
        workspace_id: reader.shared()?,
        request_id: reader.shared()?,
        attempt: reader.small_int()?,
        revision: reader.small_int()?,
        kind: reader.code()?,
        model_id: reader.shared()?,
        metered_model_id: reader.shared()?,
        tier: reader.code()?,
        usage: read_usage(&mut reader)?,
        outcome: reader.code()?,
        source: reader.code()?,
        cost: reader.amount()?,
        unpriced: reader.flag()?,
        price_id: reader.shared_unless_empty()?,
        exchange_rate: reader.rate()?,
        charge_time: reader.time()?,
        hour: reader.time()?,
        start_time: reader.time()?,
        record_time: reader.time()?,
        latency: reader.int()?,
        fingerprint: reader.int()?,
        attribution: reader.attribution()?,
        key_group_id: reader.shared()?,
        day: reader.time()?,
    })
}

pub fn read_all<DB: Backend>(rows: &[DB::Row]) -> Result<Vec<Record>> {
    rows.iter().map(read::<DB>).collect()
}

fn read_usage<DB: Backend>(reader: &mut Reader<'_, DB>) -> Result<Usage> {
    let mut usage = Usage::default();
    for class in TokenClass::ALL {
        usage.set(class, reader.int()?);
    }
    Ok(usage)
}

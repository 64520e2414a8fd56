//! All columns of the table: those of FOCUS by name, then the `x_` columns by name.
//!
//! Each attribution field but the department, which FOCUS has, is an `x_` column, also a new one.

use std::sync::LazyLock;

use super::row::{FOCUS_COLUMNS, Row};
use crate::domain::attribution::AttributionField;
use crate::export::error::Result;
use crate::export::log_pages::LogScope;
use crate::export::row_writer::RowWriter;
use crate::export::sink::{AMOUNT, Column, Kind};

/// An `x_` column.
struct CustomColumn {
    column: Column,
    value: Value,
}

#[derive(Clone, Copy)]
enum Value {
    Attribution(AttributionField),
    Other(WriteCell),
}

type WriteCell = fn(&Row<'_>, &mut RowWriter);

static CUSTOM_COLUMNS: LazyLock<Vec<CustomColumn>> = LazyLock::new(|| {
    let fields = AttributionField::ALL.into_iter();
    let fields = fields.filter(|field| *field != AttributionField::Department);
    let fields = fields.map(|field| CustomColumn {
        column: Column::named(custom_name(field), Kind::Text),
        value: Value::Attribution(field),
    });
    let mut columns: Vec<CustomColumn> = fields.chain(other_columns()).collect();
    columns.sort_by(|a, b| a.column.name.cmp(&b.column.name));
    columns
});

/// All columns of the table.
pub fn columns() -> Vec<Column> {
    let custom = CUSTOM_COLUMNS.iter().map(|custom| custom.column.clone());
    FOCUS_COLUMNS.into_iter().chain(custom).collect()
}

/// Writes a row of the table.
///
/// # Errors
/// If a cost overflows an amount.
pub fn write(row: &Row<'_>, scope: &LogScope, out: &mut RowWriter) -> Result<()> {
    row.write_focus(scope, out)?;
    for custom in CUSTOM_COLUMNS.iter() {
        match custom.value {
            Value::Attribution(field) => out.optional_text(row.attribution.get(field)),
            Value::Other(write) => write(row, out),
        }
    }
    out.end_row();
    Ok(())
}

/// `x_ApiKeyId` for `api_key_id`.
fn custom_name(field: AttributionField) -> String {
    let mut name = "x_".to_owned();
    for word in field.name().split('_') {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

fn other_columns() -> [CustomColumn; 14] {
    [
        optional("x_Attempt", Kind::Integer, |row, out| {
            out.optional_integer(row.record.map(|record| record.attempt.into()));
        }),
        optional("x_ChargeTime", Kind::Time, |row, out| {
            out.optional_time(row.record.map(|record| record.charge_time));
        }),
        required("x_EntryCount", Kind::Integer, |row, out| out.integer(row.record_count)),
        required("x_EntryKind", Kind::Text, |row, out| out.text(row.kind.as_str())),
        optional("x_ExchangeRate", AMOUNT, |row, out| {
            out.optional_decimal(row.prices.map(|prices| prices.rate.nanos()));
        }),
        optional("x_KeyGroupId", Kind::Text, |row, out| {
            out.optional_text(row.record.map_or("", |record| &record.key_group_id));
        }),
        required("x_LocalDate", Kind::Date, |row, out| out.date(row.date)),
        optional("x_ModelId", Kind::Text, |row, out| {
            out.optional_text(row.record.map_or("", |record| &record.model_id));
        }),
        optional("x_Outcome", Kind::Text, |row, out| {
            out.optional_text(row.record.map_or("", |record| record.outcome.as_str()));
        }),
        optional("x_PriceId", Kind::Text, |row, out| {
            out.optional_text(row.prices.map_or("", |prices| &prices.id));
        }),
        optional("x_RequestId", Kind::Text, |row, out| match row.record {
            Some(record) => out.text(&record.request_id),
            None => out.absent(),
        }),
        optional("x_Sequence", Kind::Integer, |row, out| {
            out.optional_integer(row.record.map(|record| record.seq));
        }),
        required("x_ServiceTier", Kind::Text, |row, out| out.text(row.tier.as_str())),
        optional("x_TokenClass", Kind::Text, |row, out| {
            out.optional_text(row.part.class.map_or("", |class| class.as_str()));
        }),
    ]
}

fn required(name: &'static str, kind: Kind, write: WriteCell) -> CustomColumn {
    CustomColumn { column: Column::new(name, kind), value: Value::Other(write) }
}

fn optional(name: &'static str, kind: Kind, write: WriteCell) -> CustomColumn {
    CustomColumn { column: Column::optional(name, kind), value: Value::Other(write) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribution_field_has_a_column() {
        let columns = columns();
        for field in AttributionField::ALL {
            let name = match field {
                AttributionField::Department => "SubAccountId".to_owned(),
                field => custom_name(field),
            };
            assert!(columns.iter().any(|column| column.name == name), "{name}");
        }
        assert_eq!(custom_name(AttributionField::ApiKey), "x_ApiKeyId");
    }
}

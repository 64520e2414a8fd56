//! All columns of the table with their cells: those of FOCUS by name, then the `x_` columns by
//! name.
//!
//! Each attribution field but the department, which FOCUS has, is an `x_` column, also a new one.

use std::sync::LazyLock;

use super::charge::Meter;
use super::row::{Row, factors_text, meter_name, pricing_unit, unit_name};
use crate::domain::attribution::AttributionField;
use crate::domain::record::RecordKind;
use crate::export::row_writer::RowWriter;
use crate::export::sink::{AMOUNT, Column, Kind};

/// A column of the table.
struct FocusColumn {
    column: Column,
    cell: Cell,
}

#[derive(Clone, Copy)]
enum Cell {
    Attribution(AttributionField),
    Other(WriteCell),
}

type WriteCell = fn(&Row<'_>, &mut RowWriter);

static COLUMNS: LazyLock<Vec<FocusColumn>> = LazyLock::new(|| {
    let fields = AttributionField::ALL.into_iter();
    let fields = fields.filter(|field| *field != AttributionField::Department);
    let fields = fields.map(|field| FocusColumn {
        column: Column::named(custom_name(field), Kind::Text),
        cell: Cell::Attribution(field),
    });
    let mut custom: Vec<FocusColumn> = fields.chain(custom_columns()).collect();
    custom.sort_by(|a, b| a.column.name.cmp(&b.column.name));
    let focus = [charge_columns(), price_columns(), resource_columns()];
    focus.into_iter().flatten().chain(custom).collect()
});

/// All columns, in order.
pub fn columns() -> Vec<Column> {
    COLUMNS.iter().map(|column| column.column.clone()).collect()
}

/// Writes a row.
pub fn write(row: &Row<'_>, out: &mut RowWriter) {
    for column in COLUMNS.iter() {
        match column.cell {
            Cell::Attribution(field) => out.optional_text(row.attribution.get(field)),
            Cell::Other(write) => write(row, out),
        }
    }
    out.end_row();
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

fn required(name: &'static str, kind: Kind, write: WriteCell) -> FocusColumn {
    FocusColumn { column: Column::new(name, kind), cell: Cell::Other(write) }
}

fn optional(name: &'static str, kind: Kind, write: WriteCell) -> FocusColumn {
    FocusColumn { column: Column::optional(name, kind), cell: Cell::Other(write) }
}

fn text(name: &'static str, write: WriteCell) -> FocusColumn {
    required(name, Kind::Text, write)
}

fn optional_text(name: &'static str, write: WriteCell) -> FocusColumn {
    optional(name, Kind::Text, write)
}

/// Millions of tokens, exact to one token; or thousands of units.
const MILLIONS: Kind = Kind::Decimal(6);
/// Tokens or units; a decimal in FOCUS.
const WHOLE: Kind = Kind::Decimal(0);

/// From `BilledCost` to `ConsumedUnit`.
fn charge_columns() -> Vec<FocusColumn> {
    vec![
        required("BilledCost", AMOUNT, |row, out| out.amount(row.part.cost)),
        text("BillingAccountId", |row, out| out.text(&row.workspace.id)),
        optional_text("BillingAccountName", |row, out| {
            out.optional_text(&row.workspace.display_name);
        }),
        text("BillingAccountType", |_, out| out.text("Workspace")),
        text("BillingCurrency", |row, out| out.text(row.workspace.currency.as_str())),
        required("BillingPeriodEnd", Kind::Second, |row, out| out.time(row.billing_period.end)),
        required("BillingPeriodStart", Kind::Second, |row, out| {
            out.time(row.billing_period.start);
        }),
        text("ChargeCategory", |row, out| {
            let is_usage = row.part.meter.is_some() || row.is_late;
            out.text(match row.kind {
                RecordKind::Credit => "Credit",
                _ if is_usage => "Usage",
                _ => "Adjustment",
            });
        }),
        optional_text("ChargeClass", |row, out| {
            out.optional_text(if row.is_late { "Correction" } else { "" });
        }),
        text("ChargeDescription", |row, out| out.text(&row.description())),
        text("ChargeFrequency", |row, out| {
            out.text(or(row.if_usage("Usage-Based"), "One-Time"));
        }),
        required("ChargePeriodEnd", Kind::Second, |row, out| out.time(row.charge_period.end)),
        required("ChargePeriodStart", Kind::Second, |row, out| out.time(row.charge_period.start)),
        optional("ConsumedQuantity", WHOLE, |row, out| out.optional_decimal(row.count())),
        optional_text("ConsumedUnit", |row, out| {
            out.optional_text(row.part.meter.map_or("", unit_name));
        }),
    ]
}

/// From `ContractedCost` to `PublisherName`.
fn price_columns() -> Vec<FocusColumn> {
    vec![
        required("ContractedCost", AMOUNT, |row, out| out.amount(row.part.cost)),
        optional("ContractedUnitPrice", AMOUNT, |row, out| {
            out.optional_decimal(row.unit_price(|prices| &prices.billed));
        }),
        required("EffectiveCost", AMOUNT, |row, out| out.amount(row.part.cost)),
        optional_text("InvoiceId", |_, out| out.absent()),
        text("InvoiceIssuerName", |row, out| out.text(provider(row))),
        required("ListCost", AMOUNT, |row, out| out.amount(row.part.list_cost)),
        optional("ListUnitPrice", AMOUNT, |row, out| {
            out.optional_decimal(row.unit_price(|prices| &prices.list));
        }),
        optional_text("PricingCategory", |row, out| out.optional_text(row.if_usage("Standard"))),
        optional_text("PricingCurrency", |row, out| {
            out.optional_text(row.pricing().map_or("", |(prices, _)| prices.currency.as_str()));
        }),
        optional("PricingCurrencyContractedUnitPrice", AMOUNT, |row, out| {
            let price = row.pricing().map(|(prices, meter)| prices.billed[meter.place()]);
            out.optional_decimal(price);
        }),
        optional("PricingCurrencyEffectiveCost", AMOUNT, |row, out| {
            out.optional_decimal(row.pricing().map(|_| row.pricing_nanos));
        }),
        optional("PricingCurrencyListUnitPrice", AMOUNT, |row, out| {
            let price = row.pricing().map(|(prices, meter)| prices.list[meter.place()]);
            out.optional_decimal(price);
        }),
        optional("PricingQuantity", MILLIONS, |row, out| {
            out.optional_decimal(row.pricing_quantity());
        }),
        optional_text("PricingUnit", |row, out| {
            out.optional_text(row.part.meter.map_or("", pricing_unit));
        }),
        text("ProviderName", |row, out| out.text(provider(row))),
        text("PublisherName", |row, out| out.text(provider(row))),
    ]
}

/// From `ResourceId` to `Tags`.
fn resource_columns() -> Vec<FocusColumn> {
    vec![
        text("ResourceId", |row, out| out.text(row.model_id)),
        text("ResourceName", |row, out| out.text(or(row.model_name, row.model_id))),
        text("ResourceType", |_, out| out.text("Model")),
        text("ServiceCategory", |_, out| out.text("AI and Machine Learning")),
        text("ServiceName", |_, out| out.text("Model API")),
        text("ServiceSubcategory", |_, out| out.text("Generative AI")),
        optional_text("SkuId", |row, out| out.optional_text(&row.sku())),
        optional_text("SkuMeter", |row, out| {
            out.optional_text(row.part.meter.map_or("", meter_name));
        }),
        optional_text("SkuPriceDetails", |row, out| out.optional_text(&row.sku_price_details())),
        optional_text("SkuPriceId", |row, out| out.optional_text(&row.sku_price_id())),
        optional_text("SubAccountId", |row, out| {
            out.optional_text(&row.attribution.department_id);
        }),
        optional_text("SubAccountName", |row, out| {
            out.optional_text(&row.attribution.department_id);
        }),
        optional_text("SubAccountType", |row, out| {
            let is_absent = row.attribution.department_id.is_empty();
            out.optional_text(if is_absent { "" } else { "Department" });
        }),
        optional_text("Tags", |row, out| out.tags(&row.attribution.tags)),
    ]
}

/// The `x_` columns except those of attribution fields.
fn custom_columns() -> Vec<FocusColumn> {
    vec![
        optional("x_Attempt", Kind::Integer, |row, out| {
            out.optional_integer(row.record.map(|record| record.attempt.into()));
        }),
        optional("x_ChargeTime", Kind::Time, |row, out| {
            out.optional_time(row.record.map(|record| record.charge_time));
        }),
        required("x_EntryCount", Kind::Integer, |row, out| out.integer(row.record_count)),
        text("x_EntryKind", |row, out| out.text(row.kind.as_str())),
        optional("x_ExchangeRate", AMOUNT, |row, out| {
            out.optional_decimal(row.prices.map(|prices| prices.rate.nanos()));
        }),
        optional_text("x_Factors", |row, out| {
            out.optional_text(&row.prices.map_or_else(String::new, factors_text));
        }),
        optional_text("x_KeyGroupId", |row, out| {
            out.optional_text(row.record.map_or("", |record| &record.key_group_id));
        }),
        required("x_LocalDate", Kind::Date, |row, out| out.date(row.date)),
        optional_text("x_ModelId", |row, out| {
            out.optional_text(row.record.map_or("", |record| &record.model_id));
        }),
        optional_text("x_Outcome", |row, out| {
            out.optional_text(row.record.map_or("", |record| record.outcome.as_str()));
        }),
        optional_text("x_PriceId", |row, out| {
            out.optional_text(row.prices.map_or("", |prices| &prices.id));
        }),
        optional_text("x_RequestId", |row, out| match row.record {
            Some(record) => out.text(&record.request_id),
            None => out.absent(),
        }),
        optional("x_Sequence", Kind::Integer, |row, out| {
            out.optional_integer(row.record.map(|record| record.seq));
        }),
        text("x_ServiceTier", |row, out| out.text(row.tier.as_str())),
        optional_text("x_TokenClass", |row, out| {
            out.optional_text(match row.part.meter {
                Some(Meter::Tokens(class)) => class.as_str(),
                _ => "",
            });
        }),
        optional_text("x_UnitKind", |row, out| {
            out.optional_text(match row.part.meter {
                Some(Meter::Units(kind)) => kind.as_str(),
                _ => "",
            });
        }),
    ]
}

fn provider<'a>(row: &Row<'a>) -> &'a str {
    or(row.provider, "Unknown")
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribution_field_has_a_column() {
        for field in AttributionField::ALL {
            let name = match field {
                AttributionField::Department => "SubAccountId".to_owned(),
                field => custom_name(field),
            };
            assert!(COLUMNS.iter().any(|column| column.column.name == name), "{name}");
        }
        assert_eq!(custom_name(AttributionField::ApiKey), "x_ApiKeyId");
    }
}

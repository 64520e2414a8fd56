//! The usage log as a table: one row for each record, with all of its fields.
//!
//! The order of the columns is part of the API: new ones come last.

use std::sync::Arc;

use async_trait::async_trait;

use super::error::Result;
use super::log_pages::{LogScope, Pages};
use super::row_writer::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::domain::Currency;
use crate::domain::attribution::AttributionField;
use crate::domain::catalog::price::RateCard;
use crate::domain::record::Record;
use crate::domain::usage::{TokenClass, UnitKind};

/// A record, and what its columns need besides.
struct RecordRow<'a> {
    record: &'a Record,
    currency: Currency,
    /// Of the metered model, in the current catalog; empty if it has none.
    provider: &'a str,
    /// The price that it was billed at.
    card: Option<&'a RateCard>,
}

type ColumnOf = (Column, fn(&RecordRow<'_>, &mut RowWriter));

/// The columns before those of the attribution.
static COLUMNS: [ColumnOf; 34] = [
    (Column::new("sequence", Kind::Integer), |row, out| out.integer(row.record.seq)),
    (Column::new("workspace_id", Kind::Text), |row, out| out.text(&row.record.workspace_id)),
    (Column::new("request_id", Kind::Text), |row, out| out.text(&row.record.request_id)),
    (Column::new("attempt", Kind::Integer), |row, out| out.integer(row.record.attempt.into())),
    (Column::new("revision", Kind::Integer), |row, out| out.integer(row.record.revision.into())),
    (Column::new("kind", Kind::Text), |row, out| out.text(row.record.kind.as_str())),
    (Column::new("charge_time", Kind::Time), |row, out| out.time(row.record.charge_time)),
    (Column::new("start_time", Kind::Time), |row, out| out.time(row.record.start_time)),
    (Column::new("record_time", Kind::Time), |row, out| out.time(row.record.record_time)),
    (Column::new("model_id", Kind::Text), |row, out| out.text(&row.record.model_id)),
    (Column::new("metered_model_id", Kind::Text), |row, out| {
        out.text(&row.record.metered_model_id);
    }),
    (Column::optional("provider", Kind::Text), |row, out| out.optional_text(row.provider)),
    (Column::new("service_tier", Kind::Text), |row, out| out.text(row.record.tier.as_str())),
    (Column::new("outcome", Kind::Text), |row, out| out.text(row.record.outcome.as_str())),
    (Column::new("usage_source", Kind::Text), |row, out| out.text(row.record.source.as_str())),
    (Column::new("latency_seconds", SECONDS), |row, out| out.decimal(row.record.latency)),
    (Column::new("input_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::Input, out);
    }),
    (Column::new("cache_read_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::CacheRead, out);
    }),
    (Column::new("cache_write_5m_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::CacheWrite5m, out);
    }),
    (Column::new("cache_write_1h_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::CacheWrite1h, out);
    }),
    (Column::new("output_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::Output, out);
    }),
    (Column::new("reasoning_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::Reasoning, out);
    }),
    (Column::new("audio_input_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::AudioInput, out);
    }),
    (Column::new("audio_output_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::AudioOutput, out);
    }),
    (Column::new("image_input_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::ImageInput, out);
    }),
    (Column::new("image_output_token_count", Kind::Integer), |row, out| {
        row.tokens(TokenClass::ImageOutput, out);
    }),
    (Column::new("token_count", Kind::Integer), |row, out| {
        out.integer(row.record.usage.tokens.iter().sum());
    }),
    (Column::new("currency_code", Kind::Text), |row, out| out.text(row.currency.as_str())),
    (Column::new("cost", AMOUNT), |row, out| out.amount(row.record.cost)),
    (Column::new("unpriced", Kind::Boolean), |row, out| out.boolean(row.record.unpriced)),
    (Column::optional("price_id", Kind::Text), |row, out| match &row.record.price_id {
        Some(price_id) => out.text(price_id),
        None => out.absent(),
    }),
    (Column::optional("price_currency_code", Kind::Text), |row, out| {
        out.optional_text(row.card.map_or("", |card| card.price().currency.as_str()));
    }),
    (Column::optional("priced_model_id", Kind::Text), |row, out| {
        match (&row.record.price_id, row.card) {
            (None, _) => out.absent(),
            (Some(_), Some(card)) => out.text(&card.price().model_id),
            (Some(_), None) => out.text(&row.record.metered_model_id),
        }
    }),
    (Column::optional("exchange_rate", AMOUNT), |row, out| {
        let is_priced = row.record.price_id.is_some();
        out.optional_decimal(is_priced.then_some(row.record.exchange_rate.nanos()));
    }),
];

/// A column about the attribution of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AttributionColumn {
    Field(AttributionField),
    KeyGroup,
    Tags,
}

/// Columns about attribution in their published order.
const ATTRIBUTION: [AttributionColumn; 11] = [
    AttributionColumn::Field(AttributionField::Department),
    AttributionColumn::Field(AttributionField::User),
    AttributionColumn::Field(AttributionField::ApiKey),
    AttributionColumn::KeyGroup,
    AttributionColumn::Field(AttributionField::Assistant),
    AttributionColumn::Field(AttributionField::Workflow),
    AttributionColumn::Field(AttributionField::Feature),
    AttributionColumn::Field(AttributionField::Project),
    AttributionColumn::Field(AttributionField::Investigation),
    AttributionColumn::Field(AttributionField::Session),
    AttributionColumn::Tags,
];

/// All of them; those of later fields come last.
fn attribution_columns() -> impl Iterator<Item = AttributionColumn> {
    let fields = AttributionField::ALL.into_iter().map(AttributionColumn::Field);
    ATTRIBUTION.into_iter().chain(fields.filter(|column| !ATTRIBUTION.contains(column)))
}

/// The columns behind those of the attribution: a column for each kind of units, then the rest.
fn extra_columns() -> impl Iterator<Item = Column> {
    let units = UnitKind::ALL.into_iter();
    let units = units.map(|kind| Column::named(format!("{}_count", kind.as_str()), Kind::Integer));
    let texts = ["factors", "reason", "reference"];
    let reported = [
        Column::optional("reported_cost", AMOUNT),
        Column::optional("reported_currency_code", Kind::Text),
        Column::optional("computed_cost", AMOUNT),
        Column::optional("reported_cost_charged", Kind::Boolean),
    ];
    let texts = texts.map(|name| Column::optional(name, Kind::Text));
    units.chain(texts).chain(reported).chain([Column::new("large", Kind::Boolean)])
}

fn write_extras(record: &Record, out: &mut RowWriter) {
    let extras = record.extras.as_deref();
    for kind in UnitKind::ALL {
        out.optional_integer(extras.map(|extras| extras.get(kind)).filter(|count| *count != 0));
    }
    out.optional_text(&extras.map_or_else(String::new, |extras| extras.factors.join(",")));
    let note = extras.and_then(|extras| extras.note.as_ref());
    out.optional_text(note.map_or("", |note| &note.reason));
    out.optional_text(note.map_or("", |note| &note.reference));
    match extras.and_then(|extras| extras.reported.as_ref()) {
        Some(reported) => {
            out.amount(reported.amount);
            out.text(reported.currency.as_str());
            out.amount(reported.computed);
            out.boolean(reported.is_charged);
        }
        None => (0..4).for_each(|_| out.absent()),
    }
    out.boolean(record.large_above.is_some());
}

/// A row for each record of the log.
pub struct Records {
    scope: LogScope,
    pages: Pages,
    attribution: Vec<AttributionColumn>,
    /// The price of the previous record: most have the same.
    card: Option<(Arc<str>, Option<Arc<RateCard>>)>,
}

impl Records {
    pub fn new(scope: LogScope) -> Records {
        let pages = Pages::new(&scope, scope.window);
        Records { scope, pages, attribution: attribution_columns().collect(), card: None }
    }

    fn write(&mut self, record: &Record, out: &mut RowWriter) {
        self.load_card(record);
        let model = self.scope.catalog.by_id_or_alias(&record.metered_model_id);
        let card = self.card.as_ref().filter(|_| record.price_id.is_some());
        let row = RecordRow {
            record,
            currency: self.scope.workspace.currency,
            provider: model.map_or("", |entry| &entry.model().provider),
            card: card.and_then(|(_, card)| card.as_deref()),
        };
        COLUMNS.iter().for_each(|(_, write)| write(&row, out));
        self.attribution.iter().for_each(|column| column.write(record, out));
        write_extras(record, out);
        out.end_row();
    }

    /// Finds the price of a record.
    fn load_card(&mut self, record: &Record) {
        let Some(price_id) = &record.price_id else { return };
        if self.card.as_ref().is_none_or(|(id, _)| id != price_id) {
            let found = self.scope.catalog.price_by_id(price_id).cloned();
            self.card = Some((Arc::clone(price_id), found));
        }
    }
}

impl RecordRow<'_> {
    fn tokens(&self, class: TokenClass, out: &mut RowWriter) {
        out.integer(self.record.usage.get(class));
    }
}

impl AttributionColumn {
    fn column(self) -> Column {
        match self {
            AttributionColumn::Field(field) => Column::optional(field.name(), Kind::Text),
            AttributionColumn::KeyGroup => Column::optional("key_group_id", Kind::Text),
            AttributionColumn::Tags => Column::optional("tags", Kind::Text),
        }
    }

    fn write(self, record: &Record, out: &mut RowWriter) {
        match self {
            AttributionColumn::Field(field) => out.optional_text(record.attribution.get(field)),
            AttributionColumn::KeyGroup => out.optional_text(&record.key_group_id),
            AttributionColumn::Tags => out.tags(&record.attribution.tags),
        }
    }
}

#[async_trait]
impl RowSource for Records {
    fn columns(&self) -> Vec<Column> {
        let attribution = self.attribution.iter().copied().map(AttributionColumn::column);
        let columns = COLUMNS.iter().map(|(column, _)| column.clone());
        columns.chain(attribution).chain(extra_columns()).collect()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let Some(page) = self.pages.next().await? else { return Ok(false) };
        for record in &page {
            self.write(record, out);
        }
        Ok(true)
    }
}

//! The usage log as a table: one row for each record, with all of its fields.
//!
//! The order of the columns is part of the API: new ones come last.

use std::sync::Arc;

use async_trait::async_trait;

use super::error::Result;
use super::log_pages::{LogScope, Pages};
use super::row_writer::{RowSource, RowWriter};
use super::sink::{AMOUNT, Column, Kind, SECONDS};
use crate::domain::attribution::AttributionField;
use crate::domain::catalog::price::RateCard;
use crate::domain::record::Record;
use crate::domain::usage::TokenClass;

const COLUMNS: [Column; 34] = [
    Column::new("sequence", Kind::Integer),
    Column::new("workspace_id", Kind::Text),
    Column::new("request_id", Kind::Text),
    Column::new("attempt", Kind::Integer),
    Column::new("revision", Kind::Integer),
    Column::new("kind", Kind::Text),
    Column::new("charge_time", Kind::Time),
    Column::new("start_time", Kind::Time),
    Column::new("record_time", Kind::Time),
    Column::new("model_id", Kind::Text),
    Column::new("metered_model_id", Kind::Text),
    Column::optional("provider", Kind::Text),
    Column::new("service_tier", Kind::Text),
    Column::new("outcome", Kind::Text),
    Column::new("usage_source", Kind::Text),
    Column::new("latency_seconds", SECONDS),
    Column::new("input_token_count", Kind::Integer),
    Column::new("cache_read_token_count", Kind::Integer),
    Column::new("cache_write_5m_token_count", Kind::Integer),
    Column::new("cache_write_1h_token_count", Kind::Integer),
    Column::new("output_token_count", Kind::Integer),
    Column::new("reasoning_token_count", Kind::Integer),
    Column::new("audio_input_token_count", Kind::Integer),
    Column::new("audio_output_token_count", Kind::Integer),
    Column::new("image_input_token_count", Kind::Integer),
    Column::new("image_output_token_count", Kind::Integer),
    Column::new("token_count", Kind::Integer),
    Column::new("currency_code", Kind::Text),
    Column::new("cost", AMOUNT),
    Column::new("unpriced", Kind::Boolean),
    Column::optional("price_id", Kind::Text),
    Column::optional("price_currency_code", Kind::Text),
    Column::optional("priced_model_id", Kind::Text),
    Column::optional("exchange_rate", AMOUNT),
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

    fn card(&mut self, price_id: &Arc<str>) -> Option<&Arc<RateCard>> {
        if self.card.as_ref().is_none_or(|(id, _)| id != price_id) {
            let found = self.scope.catalogue.price_by_id(price_id).cloned();
            self.card = Some((Arc::clone(price_id), found));
        }
        self.card.as_ref().and_then(|(_, card)| card.as_ref())
    }

    fn write(&mut self, record: &Record, out: &mut RowWriter) {
        out.integer(record.seq);
        out.text(&record.workspace_id);
        out.text(&record.request_id);
        out.integer(record.attempt.into());
        out.integer(record.revision.into());
        out.text(record.kind.as_str());
        out.time(record.charge_time);
        out.time(record.start_time);
        out.time(record.record_time);
        out.text(&record.model_id);
        out.text(&record.metered_model_id);
        let model = self.scope.catalogue.model(&record.metered_model_id);
        out.optional_text(model.map_or("", |entry| &entry.model().provider));
        out.text(record.tier.as_str());
        out.text(record.outcome.as_str());
        out.text(record.source.as_str());
        out.decimal(record.latency);
        for class in TokenClass::ALL {
            out.integer(record.usage.get(class));
        }
        out.integer(record.usage.tokens.iter().sum());
        out.text(self.scope.workspace.currency.as_str());
        out.amount(record.cost);
        out.boolean(record.unpriced);
        self.write_price(record, out);
        self.attribution.iter().for_each(|column| column.write(record, out));
        out.end_row();
    }

    fn write_price(&mut self, record: &Record, out: &mut RowWriter) {
        let Some(price_id) = &record.price_id else {
            for _ in 0..4 {
                out.absent();
            }
            return;
        };
        out.text(price_id);
        match self.card(price_id) {
            Some(card) => {
                out.text(card.price().currency.as_str());
                out.text(&card.price().model_id);
            }
            None => {
                out.absent();
                out.text(&record.metered_model_id);
            }
        }
        out.decimal(record.exchange_rate.nanos());
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
        COLUMNS.into_iter().chain(attribution).collect()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        let Some(page) = self.pages.next().await? else { return Ok(false) };
        for record in &page {
            self.write(record, out);
        }
        Ok(true)
    }
}

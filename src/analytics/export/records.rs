//! The usage log as a table: one row for each entry, with everything that it says.
//!
//! The order of the columns is part of what is promised; new ones come last.

use std::sync::Arc;

use async_trait::async_trait;

use super::log::{Pages, kind_name, outcome_name, source_name, tags_json, tier_name};
use super::table::{AMOUNT, Column, File, Kind, SECONDS};
use super::{LogScope, Result, Source};
use crate::domain::catalog::price::RateCard;
use crate::domain::record::Record;
use crate::domain::usage::TokenClass;

const COLUMNS: [Column; 45] = [
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
    Column::optional("department_id", Kind::Text),
    Column::optional("user_id", Kind::Text),
    Column::optional("api_key_id", Kind::Text),
    Column::optional("key_group_id", Kind::Text),
    Column::optional("assistant_id", Kind::Text),
    Column::optional("workflow_id", Kind::Text),
    Column::optional("feature_id", Kind::Text),
    Column::optional("project_id", Kind::Text),
    Column::optional("investigation_id", Kind::Text),
    Column::optional("session_id", Kind::Text),
    Column::optional("tags", Kind::Text),
];

/// The log as it is: a row for each entry.
pub struct Records {
    scope: LogScope,
    pages: Pages,
    /// The price of the entry before: most have the same.
    card: Option<(Arc<str>, Option<Arc<RateCard>>)>,
}

impl Records {
    pub fn new(scope: LogScope) -> Records {
        let pages = Pages::new(&scope, scope.window);
        Records { scope, pages, card: None }
    }

    fn card(&mut self, price_id: &Arc<str>) -> Option<&Arc<RateCard>> {
        if self.card.as_ref().is_none_or(|(id, _)| id != price_id) {
            let found = self.scope.catalogue.price_by_id(price_id).cloned();
            self.card = Some((Arc::clone(price_id), found));
        }
        self.card.as_ref().and_then(|(_, card)| card.as_ref())
    }

    fn add(&mut self, record: &Record, file: &mut File) {
        file.integer(record.seq);
        file.text(&record.workspace_id);
        file.text(&record.request_id);
        file.integer(record.attempt.into());
        file.integer(record.revision.into());
        file.text(kind_name(record.kind));
        file.time(record.charge_time);
        file.time(record.start_time);
        file.time(record.record_time);
        file.text(&record.model_id);
        file.text(&record.metered_model_id);
        let model = self.scope.catalogue.model(&record.metered_model_id);
        file.text_if_any(model.map_or("", |entry| &entry.model().provider));
        file.text(tier_name(record.tier));
        file.text(outcome_name(record.outcome));
        file.text(source_name(record.source));
        file.decimal(record.latency);
        for class in TokenClass::ALL {
            file.integer(record.usage.get(class));
        }
        file.integer(record.usage.tokens.iter().sum());
        file.text(self.scope.workspace.currency.as_str());
        file.amount(record.cost);
        file.boolean(record.unpriced);
        self.add_price(record, file);
        add_attribution(record, file);
        file.end_row();
    }

    fn add_price(&mut self, record: &Record, file: &mut File) {
        let Some(price_id) = &record.price_id else {
            for _ in 0..4 {
                file.absent();
            }
            return;
        };
        file.text(price_id);
        match self.card(price_id) {
            Some(card) => {
                file.text(card.price().currency.as_str());
                file.text(&card.price().model_id);
            }
            None => {
                file.absent();
                file.text(&record.metered_model_id);
            }
        }
        file.decimal(record.exchange_rate.nanos());
    }
}

fn add_attribution(record: &Record, file: &mut File) {
    let of = &record.attribution;
    file.text_if_any(&of.department_id);
    file.text_if_any(&of.user_id);
    file.text_if_any(&of.api_key_id);
    file.text_if_any(&record.key_group_id);
    file.text_if_any(&of.assistant_id);
    file.text_if_any(&of.workflow_id);
    file.text_if_any(&of.feature_id);
    file.text_if_any(&of.project_id);
    file.text_if_any(&of.investigation_id);
    file.text_if_any(&of.session_id);
    match tags_json(record) {
        Some(tags) => file.text(&tags),
        None => file.absent(),
    }
}

#[async_trait]
impl Source for Records {
    fn columns(&self) -> Vec<Column> {
        COLUMNS.to_vec()
    }

    async fn add_rows(&mut self, file: &mut File) -> Result<bool> {
        let Some(page) = self.pages.next().await? else { return Ok(false) };
        for record in &page {
            self.add(record, file);
        }
        Ok(true)
    }
}

//! A row for each token class of each entry.

use async_trait::async_trait;

use super::super::log::Pages;
use super::super::table::{Column, File};
use super::super::{LogScope, Result, Source};
use super::charge::{Prices, parts};
use super::moments::Moments;
use super::row::{COLUMNS, Row};
use crate::domain::Time;
use crate::domain::calendar::Window;
use crate::domain::record::{Record, RecordKind};
use crate::domain::time::MICROS_PER_SECOND;

/// The log in the columns of FOCUS: a row for each token class of each entry.
pub struct Entries {
    scope: LogScope,
    pages: Pages,
    moments: Moments,
}

impl Entries {
    pub fn new(scope: LogScope) -> Entries {
        let pages = Pages::new(&scope, scope.window);
        let moments = Moments::new(&scope.workspace);
        Entries { scope, pages, moments }
    }

    fn add(&mut self, record: &Record, file: &mut File) -> Result<()> {
        let billing_period = self.moments.billing_period(record.charge_time);
        let prices = Prices::of(record, &self.scope.catalogue);
        let model = self.scope.catalogue.model(&record.metered_model_id);
        let model = model.map(|entry| entry.model());
        let of = &record.attribution;
        for part in parts(record, prices.as_ref())? {
            let row = Row {
                billing_period,
                charge_period: second(record.charge_time),
                date: self.moments.date(record.charge_time),
                kind: record.kind,
                corrects_past: corrects_past(record, billing_period),
                model_id: &record.metered_model_id,
                provider: model.map_or("", |model| &model.provider),
                model_name: model.map_or("", |model| &model.display_name),
                tier: record.tier,
                prices: prices.as_ref(),
                part,
                entry_count: 1,
                department_id: &of.department_id,
                department_name: "",
                project_id: &of.project_id,
                api_key_id: &of.api_key_id,
                user_id: &of.user_id,
                entry: Some(record),
            };
            row.write(&self.scope, file)?;
        }
        Ok(())
    }
}

/// Whether an entry corrects one of a billing period that was over.
pub fn corrects_past(record: &Record, billing_period: Window) -> bool {
    record.kind == RecordKind::Correction && record.record_time >= billing_period.end
}

/// The second that a time lies in: periods begin and end on seconds, and have a length.
fn second(time: Time) -> Window {
    let start = Time::from_micros(time.micros() - time.micros().rem_euclid(MICROS_PER_SECOND));
    Window { start, end: start + MICROS_PER_SECOND }
}

#[async_trait]
impl Source for Entries {
    fn columns(&self) -> Vec<Column> {
        COLUMNS.to_vec()
    }

    async fn add_rows(&mut self, file: &mut File) -> Result<bool> {
        let Some(page) = self.pages.next().await? else { return Ok(false) };
        for record in &page {
            self.add(record, file)?;
        }
        Ok(true)
    }
}

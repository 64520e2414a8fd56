//! FOCUS by record: a row for each meter of each record; late ones first.

use async_trait::async_trait;

use super::cached_calendar::CachedCalendar;
use super::charge::{Prices, parts, pricing_nanos};
use super::columns;
use super::row::Row;
use crate::domain::Time;
use crate::domain::record::Record;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::time::calendar::Window;
use crate::export::error::Result;
use crate::export::log_pages::{LogScope, Pages};
use crate::export::row_writer::{RowSource, RowWriter};
use crate::export::sink::Column;

/// A row for each meter of each record.
pub struct ByRecord {
    scope: LogScope,
    /// Until they are read: records that are charged before the window and billed in it.
    late: Option<Pages>,
    pages: Pages,
    calendar: CachedCalendar,
}

impl ByRecord {
    pub fn new(scope: LogScope) -> ByRecord {
        let pages = Pages::new(&scope, scope.window);
        let late = Some(Pages::charged_before(&scope, scope.window));
        let calendar = CachedCalendar::new(&scope.workspace);
        ByRecord { scope, late, pages, calendar }
    }

    fn write(&mut self, record: &Record, out: &mut RowWriter) -> Result<()> {
        let (billing_time, is_late) = self.calendar.billing_time(record);
        if !self.scope.window.contains(billing_time) {
            return Ok(());
        }
        let billing_period = self.calendar.billing_period(billing_time);
        let prices = Prices::of(record, &self.scope.catalog);
        let model = self.scope.catalog.by_id_or_alias(&record.metered_model_id);
        let model = model.map(|entry| entry.model());
        for part in parts(record, prices.as_ref())? {
            let row = Row {
                workspace: &self.scope.workspace,
                billing_period,
                charge_period: second(record.charge_time),
                date: self.calendar.day(record.charge_time).date,
                kind: record.kind,
                is_late,
                model_id: &record.metered_model_id,
                provider: model.map_or("", |model| &model.provider),
                model_name: model.map_or("", |model| &model.display_name),
                tier: record.tier,
                prices: prices.as_ref(),
                part,
                pricing_nanos: pricing_nanos(part.pricing_cost)?,
                record_count: 1,
                attribution: &record.attribution,
                record: Some(record),
            };
            columns::write(&row, out);
        }
        Ok(())
    }
}

/// The second of a time: charge periods begin and end on seconds, and are not empty.
fn second(time: Time) -> Window {
    let start = Time::from_micros(time.micros() - time.micros().rem_euclid(MICROS_PER_SECOND));
    Window { start, end: start + MICROS_PER_SECOND }
}

#[async_trait]
impl RowSource for ByRecord {
    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    async fn write_rows(&mut self, out: &mut RowWriter) -> Result<bool> {
        if let Some(late) = &mut self.late {
            match late.next().await? {
                Some(page) => {
                    for record in &page {
                        self.write(record, out)?;
                    }
                }
                None => self.late = None,
            }
            return Ok(true);
        }
        let Some(page) = self.pages.next().await? else { return Ok(false) };
        for record in &page {
            self.write(record, out)?;
        }
        Ok(true)
    }
}

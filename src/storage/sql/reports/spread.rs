//! Latency distributions of groups: histograms of buckets by day, and latencies of records.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::Report;
use super::buckets::{Buckets, LatenciesOf};
use super::entries::{Entries, Measure};
use super::shape::{Place, Shape};
use crate::storage::Result;
use crate::storage::latency::Latencies;
use crate::storage::reports::SumsRow;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::WindowColumn;
use crate::storage::sql::row::Reader;
use crate::storage::sql::statement::Values;

const MICROS_PER_MILLISECOND: i64 = 1_000;

/// Latencies of the groups of an answer, and of no others.
struct Spread {
    places: HashMap<(usize, Vec<String>), usize>,
    latencies: Vec<Latencies>,
}

impl Spread {
    fn of(rows: &[SumsRow]) -> Spread {
        let mut places = HashMap::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            places.insert((row.window, row.values.clone()), place);
        }
        Spread { places, latencies: vec![Latencies::default(); rows.len()] }
    }

    fn get(&mut self, window: usize, values: Vec<String>) -> Option<&mut Latencies> {
        let place = self.places.get(&(window, values))?;
        Some(&mut self.latencies[*place])
    }
}

impl<DB: Backend> Report<'_, DB> {
    pub async fn add_latencies(
        &mut self,
        shape: Option<&Shape>,
        entries: &Entries<'_>,
        rows: &mut [SumsRow],
    ) -> Result<()> {
        let mut spread = Spread::of(rows);
        if let Some(shape) = shape {
            for of in [LatenciesOf::Values, LatenciesOf::All, LatenciesOf::Tagged] {
                self.add_histograms(shape, entries, of, &mut spread).await?;
            }
        }
        self.add_entry_latencies(entries, &mut spread).await?;
        for (row, latencies) in rows.iter_mut().zip(spread.latencies) {
            row.latencies = Some(latencies);
        }
        Ok(())
    }

    async fn add_histograms(
        &mut self,
        shape: &Shape,
        entries: &Entries<'_>,
        of: LatenciesOf,
        spread: &mut Spread,
    ) -> Result<()> {
        let cut = entries.cut;
        let mut values = Values::default();
        let window = WindowColumn::Key;
        let buckets = Buckets { workspace_id: self.workspace_id, shape, cut, window: &window };
        let Some(sql) = buckets.latencies(of, &mut values) else { return Ok(()) };
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let (day, text) = (reader.get()?, reader.str()?);
                let Some(window) = cut.window_of_key(day) else { return Ok(true) };
                let value = match of {
                    LatenciesOf::Values => shape.value(text),
                    LatenciesOf::All | LatenciesOf::Tagged => "",
                };
                let is_grouped = shape.groups.contains(&Place::Value);
                let values = if is_grouped { vec![value.to_owned()] } else { Vec::new() };
                if let Some(latencies) = spread.get(window, values) {
                    let histogram: Latencies = reader.get()?;
                    match of {
                        LatenciesOf::Values | LatenciesOf::All => latencies.merge(&histogram),
                        LatenciesOf::Tagged => latencies.subtract(&histogram),
                    }
                }
                Ok(true)
            })
            .await
    }

    async fn add_entry_latencies(
        &mut self,
        entries: &Entries<'_>,
        spread: &mut Spread,
    ) -> Result<()> {
        for span in &entries.cut.spans {
            let mut values = Values::default();
            let measure = Measure::Milliseconds;
            let sql = entries.statement(self.workspace_id, span, measure, &mut values);
            self.snapshot
                .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                    if let Some(group) = entries.group(&mut reader)?
                        && let Some(latencies) = spread.get(group.window, group.values)
                    {
                        let (milliseconds, count): (i64, usize) = reader.get()?;
                        latencies.add_times(milliseconds * MICROS_PER_MILLISECOND, count as u64);
                    }
                    Ok(true)
                })
                .await?;
        }
        Ok(())
    }
}

//! Latency distributions of groups: histograms of buckets by day, and latencies of records.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::Report;
use super::buckets::{Buckets, LatenciesOf};
use super::records::{Measure, Records};
use super::selection::{BucketColumn, Selection};
use crate::storage::Result;
use crate::storage::reports::SumsRow;
use crate::storage::rollup::latency::Latencies;
use crate::storage::sql::connection::backend::Backend;
use crate::storage::sql::rollups::cut::WindowColumn;
use crate::storage::sql::row::Reader;
use crate::storage::sql::statement::Values;

const MICROS_PER_MILLISECOND: i64 = 1_000;

/// Latencies of the groups of a result, and of no others.
struct LatencyGroups {
    places: HashMap<(usize, Vec<String>), usize>,
    latencies: Vec<Latencies>,
}

impl LatencyGroups {
    fn of(rows: &[SumsRow]) -> LatencyGroups {
        let mut places = HashMap::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            places.insert((row.window, row.values.clone()), place);
        }
        LatencyGroups { places, latencies: vec![Latencies::default(); rows.len()] }
    }

    fn get(&mut self, window: usize, values: Vec<String>) -> Option<&mut Latencies> {
        let place = self.places.get(&(window, values))?;
        Some(&mut self.latencies[*place])
    }
}

impl<DB: Backend> Report<'_, DB> {
    pub async fn add_latencies(
        &mut self,
        selection: Option<&Selection>,
        records: &Records<'_>,
        rows: &mut [SumsRow],
    ) -> Result<()> {
        let mut groups = LatencyGroups::of(rows);
        if let Some(selection) = selection {
            for of in [LatenciesOf::Values, LatenciesOf::All, LatenciesOf::Tagged] {
                self.add_histograms(selection, records, of, &mut groups).await?;
            }
        }
        self.add_record_latencies(records, &mut groups).await?;
        for (row, latencies) in rows.iter_mut().zip(groups.latencies) {
            row.latencies = Some(latencies);
        }
        Ok(())
    }

    async fn add_histograms(
        &mut self,
        selection: &Selection,
        records: &Records<'_>,
        of: LatenciesOf,
        groups: &mut LatencyGroups,
    ) -> Result<()> {
        let cut = records.cut;
        let mut values = Values::default();
        let window = WindowColumn::Key;
        let buckets = Buckets { workspace_id: self.workspace_id, selection, cut, window: &window };
        let Some(sql) = buckets.latencies(of, &mut values) else { return Ok(()) };
        self.snapshot
            .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                let (day, text) = (reader.get()?, reader.str()?);
                let Some(window) = cut.window_of_key(day) else { return Ok(true) };
                let value = match of {
                    LatenciesOf::Values => selection.value(text),
                    LatenciesOf::All | LatenciesOf::Tagged => "",
                };
                let is_grouped = selection.groups.contains(&BucketColumn::Value);
                let values = if is_grouped { vec![value.to_owned()] } else { Vec::new() };
                if let Some(latencies) = groups.get(window, values) {
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

    async fn add_record_latencies(
        &mut self,
        records: &Records<'_>,
        groups: &mut LatencyGroups,
    ) -> Result<()> {
        for span in &records.cut.spans {
            let mut values = Values::default();
            let measure = Measure::Milliseconds;
            let sql = records.statement(self.workspace_id, span, measure, &mut values);
            self.snapshot
                .each(AssertSqlSafe(sql), values.as_slice(), &mut |mut reader| {
                    if let Some(group) = records.group(&mut reader)?
                        && let Some(latencies) = groups.get(group.window, group.values)
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

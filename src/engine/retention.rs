//! Retention: drops records that are older than their workspace keeps them. Rollups stay: no report
//! changes.

use chrono::Days;

use super::Engine;
use super::error::Result;
use crate::domain::Time;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::time::calendar::Calendar;
use crate::domain::workspace::Workspace;
use crate::storage::log::RECORDS_KEPT_MIN;

/// Most records dropped in one transaction, so that none holds the writer up for long.
pub const DROP_RECORDS_MAX: usize = 2_000;
/// Workspaces read at once.
const WORKSPACES_PAGE: usize = 1_000;

/// Records of a workspace whose retention period is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    pub workspace_id: String,
    /// Those of local days that begin before.
    pub before: Time,
}

impl Engine {
    /// The records to drop now, of all workspaces with a retention period. A clock that is far
    /// ahead of the log is not believed: it would drop what cannot be had again.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn expired_records(&self) -> Result<Vec<Expired>> {
        let Some(last) = self.store().last_record_time().await? else { return Ok(Vec::new()) };
        let now = self.now().min(last + MICROS_PER_DAY);
        let mut expired = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.store().workspaces(&after, WORKSPACES_PAGE).await?;
            let Some(last) = page.last() else { return Ok(expired) };
            after = last.id.to_string();
            expired.extend(page.iter().filter_map(|workspace| {
                let before = kept_from(workspace, now)?;
                Some(Expired { workspace_id: workspace.id.to_string(), before })
            }));
        }
    }

    /// Drops some of them, in order with other writes. Returns whether there may be more.
    ///
    /// # Errors
    /// If storage fails; what was dropped stays so.
    pub async fn drop_records(&self, expired: &Expired) -> Result<bool> {
        let Expired { workspace_id, before } = expired.clone();
        let dropped = self
            .in_writer(move |shared| async move {
                let drop = || shared.store.drop_records(&workspace_id, before, DROP_RECORDS_MAX);
                Ok(shared.until_known(drop).await?)
            })
            .await?;
        Ok(dropped == DROP_RECORDS_MAX)
    }
}

/// Start of the first local day whose records are kept; none if all are.
fn kept_from(workspace: &Workspace, now: Time) -> Option<Time> {
    let days = u64::try_from(workspace.usage_retention_days?).ok()?;
    let calendar = Calendar::new(workspace.time_zone, None);
    let date = calendar.date(now).checked_sub_days(Days::new(days))?;
    let start = calendar.day_start(date);
    // A day of 23 hours between may make it an hour less than storage asks for.
    let is_too_late = now - start < RECORDS_KEPT_MIN;
    Some(if is_too_late { calendar.day_start(date.pred_opt()?) } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workspace::tests::workspace;

    fn check(zone: &str, now: &str, days: Option<i64>, expected: Option<&str>) {
        let at = |text: &str| {
            let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
            Time::from_utc(time.to_utc())
        };
        let (time_zone, usage_retention_days) = (zone.parse().unwrap(), days);
        let workspace = Workspace { time_zone, usage_retention_days, ..workspace("w") };
        assert_eq!(kept_from(&workspace, at(now)), expected.map(at), "{zone} {now} {days:?}");
    }

    #[test]
    fn local_days_are_kept_whole() {
        check("UTC", "2026-03-15T12:00:00Z", None, None);
        check("UTC", "2026-03-15T12:00:00Z", Some(62), Some("2026-01-12T00:00:00Z"));
        check("Asia/Tokyo", "2026-03-15T15:00:00Z", Some(365), Some("2025-03-15T15:00:00Z"));
        check("Asia/Tokyo", "2026-03-15T14:59:59Z", Some(365), Some("2025-03-14T15:00:00Z"));
        // The clocks went forward on the 29th of March.
        let (midnight, one) = ("2026-04-30T00:00:00+02:00", "2026-04-30T01:00:00+02:00");
        check("Europe/Berlin", midnight, Some(62), Some("2026-02-26T00:00:00+01:00"));
        check("Europe/Berlin", one, Some(62), Some("2026-02-27T00:00:00+01:00"));
        check("Europe/Berlin", midnight, Some(63), Some("2026-02-26T00:00:00+01:00"));
    }
}

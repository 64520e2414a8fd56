//! Reads the usage log page by page, as it was when the export began, and names what its entries
//! say.

use super::{Error, LogScope, Result};
use crate::ledger::calendar::{Calendar, Window};
use crate::ledger::record::{Record, RecordKind};
use crate::ledger::usage::{Outcome, ServiceTier, TokenClass, UsageSource};
use crate::storage::RecordPosition;

/// Entries that are read at once.
pub const PAGE_RECORDS: usize = 1_000;

/// Entries of a window, by the time they are charged to.
pub struct Pages {
    window: Window,
    last_seq: i64,
    after: Option<RecordPosition>,
    ended: bool,
}

impl Pages {
    pub fn new(scope: &LogScope, window: Window) -> Pages {
        Pages { window, last_seq: scope.last_seq, after: None, ended: false }
    }

    /// The next entries; a page may be empty. None at the end.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn next(&mut self, scope: &LogScope) -> Result<Option<Vec<Record>>> {
        if self.ended {
            return Ok(None);
        }
        let id = &scope.workspace.id;
        let page = scope.store.export_records(id, self.window, self.after, PAGE_RECORDS);
        let mut page = page.await?;
        self.ended = page.len() < PAGE_RECORDS;
        if self.ended {
            // Entries may have been dropped meanwhile.
            check_kept(scope, self.window).await?;
        }
        if let Some(last) = page.last() {
            self.after = Some(RecordPosition { charge_time: last.charge_time, seq: last.seq });
        }
        page.retain(|record| record.seq <= self.last_seq);
        Ok(Some(page))
    }
}

/// Refuses a window that begins before the log does: what is left of it would look like all.
///
/// # Errors
/// If it does, or storage fails.
pub async fn check_kept(scope: &LogScope, window: Window) -> Result<()> {
    let workspace = &scope.workspace;
    let dropped_before = scope.store.dropped_before(&workspace.id).await?;
    match dropped_before.filter(|kept_from| window.start < *kept_from) {
        None => Ok(()),
        Some(kept_from) => {
            let calendar = Calendar::new(workspace.time_zone, None);
            Err(Error::Dropped { kept_from: calendar.date(kept_from) })
        }
    }
}

pub fn kind_name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Usage => "usage",
        RecordKind::Correction => "correction",
        RecordKind::ExpiryCharge => "expiry_charge",
    }
}

pub fn tier_name(tier: ServiceTier) -> &'static str {
    match tier {
        ServiceTier::Standard => "standard",
        ServiceTier::Batch => "batch",
        ServiceTier::Flex => "flex",
        ServiceTier::Priority => "priority",
    }
}

pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Error => "error",
        Outcome::Cancelled => "cancelled",
    }
}

pub fn source_name(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Provider => "provider",
        UsageSource::Estimated => "estimated",
    }
}

pub fn class_name(class: TokenClass) -> &'static str {
    match class {
        TokenClass::Input => "input",
        TokenClass::CacheRead => "cache_read",
        TokenClass::CacheWrite5m => "cache_write_5m",
        TokenClass::CacheWrite1h => "cache_write_1h",
        TokenClass::Output => "output",
        TokenClass::Reasoning => "reasoning",
        TokenClass::AudioInput => "audio_input",
        TokenClass::AudioOutput => "audio_output",
        TokenClass::ImageInput => "image_input",
        TokenClass::ImageOutput => "image_output",
    }
}

/// Tags as JSON, with keys in order; none if there are none.
pub fn tags_json(record: &Record) -> Option<String> {
    let tags = &record.attribution.tags;
    let json = || serde_json::to_string(tags).expect("texts by text are JSON");
    (!tags.is_empty()).then(json)
}

//! Reads the usage log page by page, as it was when the export began, and names what its entries
//! say.

use tokio::sync::mpsc;

use super::{Error, LogScope, Result};
use crate::domain::calendar::{Calendar, Window};
use crate::domain::record::{Record, RecordKind};
use crate::domain::usage::{Outcome, ServiceTier, TokenClass, UsageSource};
use crate::storage::RecordPosition;

/// Entries that are read at once.
pub const PAGE_RECORDS: usize = 1_000;

/// Pages that are read ahead of the one that is written, so that reading and writing go on at once.
const PAGES_AHEAD: usize = 1;

/// Entries of a window, by the time they are charged to.
pub struct Pages {
    pages: mpsc::Receiver<Result<Page>>,
    ended: bool,
}

struct Page {
    records: Vec<Record>,
    is_last: bool,
}

impl Pages {
    /// Begins to read. The reading ends when this is dropped.
    pub fn new(scope: &LogScope, window: Window) -> Pages {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(read(scope.clone(), window, sender));
        Pages { pages, ended: false }
    }

    /// The next entries; a page may be empty. None at the end.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>> {
        if self.ended {
            return Ok(None);
        }
        // Without its last page the log has not ended: what is there must not look like all.
        let interrupted = || Error::Internal("the reading of the log broke off".to_owned());
        let page = self.pages.recv().await.ok_or_else(interrupted)??;
        self.ended = page.is_last;
        Ok(Some(page.records))
    }
}

async fn read(scope: LogScope, window: Window, pages: mpsc::Sender<Result<Page>>) {
    let mut after = None;
    loop {
        let page = read_page(&scope, window, &mut after).await;
        let is_end = page.as_ref().map_or(true, |page| page.is_last);
        if pages.send(page).await.is_err() || is_end {
            return;
        }
    }
}

/// The entries after a position, which moves on.
async fn read_page(
    scope: &LogScope,
    window: Window,
    after: &mut Option<RecordPosition>,
) -> Result<Page> {
    let id = &scope.workspace.id;
    let mut records = scope.store.export_records(id, window, *after, PAGE_RECORDS).await?;
    let is_last = records.len() < PAGE_RECORDS;
    if is_last {
        // Entries may have been dropped meanwhile.
        check_kept(scope, window).await?;
    }
    if let Some(last) = records.last() {
        *after = Some(RecordPosition { charge_time: last.charge_time, seq: last.seq });
    }
    records.retain(|record| record.seq <= scope.last_seq);
    Ok(Page { records, is_last })
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

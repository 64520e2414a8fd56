//! Reads the usage log page by page, as it was when the export began.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::{Error, Result};
use crate::domain::calendar::{Calendar, Window};
use crate::domain::catalog::Catalog;
use crate::domain::record::Record;
use crate::domain::workspace::Workspace;
use crate::storage::Store;
use crate::storage::log::RecordPosition;

/// Records of a page.
const PAGE_RECORDS: usize = 1_000;

/// Pages that are prefetched, so that reading overlaps with writing.
const PAGES_AHEAD: usize = 1;

/// The part of the log to export, and what is needed to read it.
#[derive(Clone)]
pub struct LogScope {
    pub store: Arc<dyn Store>,
    pub workspace: Arc<Workspace>,
    pub catalog: Arc<Catalog>,
    /// Records charged in it.
    pub window: Window,
    /// The last record to export: later ones came after the export began.
    pub last_seq: i64,
}

/// Records of a window, in the order of their charge time.
pub struct Pages {
    pages: mpsc::Receiver<Result<Page>>,
    ended: bool,
}

struct Page {
    records: Vec<Record>,
    is_last: bool,
}

impl Pages {
    /// Starts a task that reads; it ends when this is dropped.
    pub fn new(scope: &LogScope, window: Window) -> Pages {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(read(scope.clone(), window, sender));
        Pages { pages, ended: false }
    }

    /// The next page, which may be empty; none at the end.
    ///
    /// # Errors
    /// If storage fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>> {
        if self.ended {
            return Ok(None);
        }
        // The task ended without the last page: what was read must not look complete.
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

/// The page after a position, which is advanced.
async fn read_page(
    scope: &LogScope,
    window: Window,
    after: &mut Option<RecordPosition>,
) -> Result<Page> {
    let id = &scope.workspace.id;
    let mut records = scope.store.export_records(id, window, *after, PAGE_RECORDS).await?;
    let is_last = records.len() < PAGE_RECORDS;
    if is_last {
        // Records may have been dropped meanwhile.
        check_kept(scope, window).await?;
    }
    if let Some(last) = records.last() {
        *after = Some(RecordPosition { charge_time: last.charge_time, seq: last.seq });
    }
    records.retain(|record| record.seq <= scope.last_seq);
    Ok(Page { records, is_last })
}

/// Refuses a window that begins before the retained part of the log: the rest would look complete.
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

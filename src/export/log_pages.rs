//! Reads the usage log page by page, as it was when the export began.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::{Error, Result};
use crate::domain::catalog::Catalog;
use crate::domain::record::Record;
use crate::domain::time::calendar::{Calendar, Window};
use crate::domain::workspace::Workspace;
use crate::storage::Store;
use crate::storage::log::{LATE_MIN, RecordPosition};

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

/// Which records to read.
#[derive(Clone, Copy)]
enum Selection {
    /// Charged in this window.
    Charged(Window),
    /// Written in this window, and charged [`LATE_MIN`] before it or earlier.
    Late(Window),
}

impl Pages {
    /// Records that are charged in a window.
    pub fn new(scope: &LogScope, window: Window) -> Pages {
        Pages::start(scope, window, vec![Selection::Charged(window)])
    }

    /// Records that are charged before a window, and may have been written in it.
    pub fn charged_before(scope: &LogScope, window: Window) -> Pages {
        let day_before = Window { start: window.start - LATE_MIN, end: window.start };
        let selections = vec![Selection::Late(window), Selection::Charged(day_before)];
        Pages::start(scope, window, selections)
    }

    /// Starts a task that reads; it ends when this is dropped.
    fn start(scope: &LogScope, window: Window, selections: Vec<Selection>) -> Pages {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        tokio::spawn(read(scope.clone(), window, selections, sender));
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

async fn read(
    scope: LogScope,
    window: Window,
    selections: Vec<Selection>,
    pages: mpsc::Sender<Result<Page>>,
) {
    let count = selections.len();
    for (index, selection) in selections.into_iter().enumerate() {
        let is_last = index + 1 == count;
        let mut after = None;
        loop {
            let page = read_page(&scope, window, selection, &mut after).await;
            let is_end = page.as_ref().map_or(true, |page| page.is_last);
            let has_failed = page.is_err();
            let page = page.map(|page| Page { is_last: page.is_last && is_last, ..page });
            if pages.send(page).await.is_err() || has_failed {
                return;
            }
            if is_end {
                break;
            }
        }
    }
}

/// The page after a position, which is advanced.
async fn read_page(
    scope: &LogScope,
    window: Window,
    selection: Selection,
    after: &mut Option<RecordPosition>,
) -> Result<Page> {
    let id = &scope.workspace.id;
    let mut records = match selection {
        Selection::Charged(window) => {
            scope.store.export_records(id, window, *after, PAGE_RECORDS).await?
        }
        Selection::Late(written) => {
            let before = written.start - LATE_MIN;
            scope.store.late_records(id, written, before, *after, PAGE_RECORDS).await?
        }
    };
    let is_last = records.len() < PAGE_RECORDS;
    if is_last {
        // Records may have been dropped meanwhile.
        check_kept(scope, window).await?;
    }
    if let Some(last) = records.last() {
        *after = Some(RecordPosition::of(last));
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

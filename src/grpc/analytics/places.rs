//! Places for reports: so many at once of a workspace and in all, so that whoever reads much holds
//! up neither other workspaces nor other reads. What comes beyond waits briefly, or is refused at
//! once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::grpc::shared::status::Failure;
use crate::limits::{REPORT_WAIT, REPORTS_MAX, REPORTS_WAITING_MAX};

#[derive(Clone)]
pub struct Reports {
    inner: Arc<Inner>,
}

struct Inner {
    per_workspace_max: usize,
    all: Arc<Semaphore>,
    /// Those with reports that are made or wait.
    workspaces: Mutex<HashMap<String, Workspace>>,
}

struct Workspace {
    places: Arc<Semaphore>,
    /// Reports that are made or wait.
    count: usize,
}

/// Free again when it is dropped.
pub struct Place {
    _permits: [OwnedSemaphorePermit; 2],
    _entry: Entry,
}

/// One report of a workspace that is made or waits.
struct Entry {
    inner: Arc<Inner>,
    workspace_id: String,
}

impl Reports {
    pub fn new(per_workspace_max: usize) -> Reports {
        let all = Arc::new(Semaphore::new(REPORTS_MAX));
        Reports { inner: Arc::new(Inner { per_workspace_max, all, workspaces: Mutex::default() }) }
    }

    /// The place of a report.
    ///
    /// # Errors
    /// If too many others wait, or it has waited for too long.
    pub async fn place(&self, workspace_id: &str) -> Result<Place, Failure> {
        let (entry, places) = self.enter(workspace_id, REPORTS_WAITING_MAX)?;
        let place = timeout(REPORT_WAIT, self.take(entry, places)).await;
        place.map_err(|_| Failure::TooManyCalls)
    }

    /// The same of one that is made again and again: it waits for as long as it takes.
    pub async fn next_place(&self, workspace_id: &str) -> Result<Place, Failure> {
        let (entry, places) = self.enter(workspace_id, usize::MAX / 2)?;
        Ok(self.take(entry, places).await)
    }

    fn enter(
        &self,
        workspace_id: &str,
        waiting_max: usize,
    ) -> Result<(Entry, Arc<Semaphore>), Failure> {
        let per_workspace_max = self.inner.per_workspace_max;
        let mut workspaces = self.inner.lock();
        let workspace = workspaces.entry(workspace_id.to_owned()).or_insert_with(|| Workspace {
            places: Arc::new(Semaphore::new(per_workspace_max)),
            count: 0,
        });
        if workspace.count >= per_workspace_max + waiting_max {
            return Err(Failure::TooManyCalls);
        }
        workspace.count += 1;
        let entry = Entry { inner: self.inner.clone(), workspace_id: workspace_id.to_owned() };
        Ok((entry, workspace.places.clone()))
    }

    async fn take(&self, entry: Entry, places: Arc<Semaphore>) -> Place {
        let acquire = async |places: &Arc<Semaphore>| {
            places.clone().acquire_owned().await.expect("it is never closed")
        };
        let permits = [acquire(&places).await, acquire(&self.inner.all).await];
        Place { _permits: permits, _entry: entry }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Workspace>> {
        self.workspaces.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut workspaces = self.inner.lock();
        if let Some(workspace) = workspaces.get_mut(&self.workspace_id) {
            workspace.count -= 1;
            if workspace.count == 0 {
                workspaces.remove(&self.workspace_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_beyond_those_that_wait_is_refused_at_once() {
        let reports = Reports::new(2);
        let held = [reports.place("a").await.unwrap(), reports.place("a").await.unwrap()];
        let started = Instant::now();
        let calls = (0..REPORTS_WAITING_MAX + 10).map(|_| async {
            let outcome = reports.place("a").await;
            (outcome.is_ok(), started.elapsed())
        });
        let outcomes = join_all(calls).await;
        let at_once = outcomes.iter().filter(|(_, after)| after.is_zero()).count();
        assert_eq!(at_once, 10);
        assert!(outcomes.iter().all(|(is_ok, after)| !is_ok && *after <= REPORT_WAIT));
        drop(held);
        reports.place("a").await.unwrap();
        assert!(reports.inner.lock().is_empty(), "nothing is kept of workspaces without reports");
    }

    #[tokio::test(start_paused = true)]
    async fn one_workspace_leaves_places_to_others() {
        let reports = Reports::new(4);
        let _first = join_all((0..4).map(|_| reports.place("a"))).await;
        assert!(reports.place("a").await.is_err());
        let started = Instant::now();
        let _second = [reports.place("b").await.unwrap(), reports.place("b").await.unwrap()];
        assert_eq!(started.elapsed(), std::time::Duration::ZERO);
        assert!(reports.place("b").await.is_err(), "there are {REPORTS_MAX} in all");
    }
}

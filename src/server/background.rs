//! Background tasks of a server, supervised: none may end while the server runs.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Error;
use crate::telemetry;

/// Background tasks by name, and the token that stops them.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Tasks {
    pub fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = self.set.spawn(task(self.stop.clone())).id();
        self.names.insert(id, name);
        telemetry::TASKS.set_count(self.set.len());
    }

    /// Waits for a task that ends, by a panic or by returning. What it did is not done any more,
    /// so the server must not go on.
    pub async fn ended(&mut self) -> Error {
        match self.set.join_next_with_id().await {
            Some(ended) => {
                telemetry::TASKS.set_count(self.set.len());
                telemetry::TASKS_ENDED.inc();
                self.describe(ended)
            }
            None => std::future::pending().await,
        }
    }

    /// Stops all that are left, and waits for them.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.set.join_next_with_id().await {
            if ended.is_err() {
                error!("{} while the server stopped", self.describe(ended));
            }
        }
    }

    fn describe(&self, ended: Result<(Id, ()), JoinError>) -> Error {
        let (id, cause) = match ended {
            Ok((id, ())) => (id, "it returned".to_owned()),
            Err(failed) => (failed.id(), failed.to_string()),
        };
        Error::TaskEnded { task: self.names.get(&id).copied().unwrap_or("unknown"), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn first_to_end<F>(task: impl FnOnce(CancellationToken) -> F) -> String
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = Tasks::default();
        tasks.spawn("patient", |stop| async move { stop.cancelled().await });
        tasks.spawn("broken", task);
        let error = tasks.ended().await;
        tasks.stop().await;
        error.to_string()
    }

    #[tokio::test]
    async fn a_task_that_ends_is_named() {
        let returned = first_to_end(|_| async {}).await;
        assert!(returned.contains("broken") && returned.contains("it returned"), "{returned}");
        let panicked = first_to_end(|_| async { panic!("a defect") }).await;
        assert!(panicked.contains("broken") && panicked.contains("a defect"), "{panicked}");
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_run_are_not_named() {
        let mut tasks = Tasks::default();
        let hour = std::time::Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, tasks.ended()).await.is_err(), "there is none");
        tasks.spawn("patient", |stop| async move { stop.cancelled().await });
        assert!(tokio::time::timeout(hour, tasks.ended()).await.is_err(), "it runs");
        tasks.stop().await;
    }
}

//! The queue of what is to be recorded, and the one task that delivers it.
//!
//! It never blocks who puts something in for longer than a line takes to write, and never fails.
//! What it delivers counts exactly once, because a record is sent again under the same request id.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::Code;

use crate::breaker::Breaker;
use crate::errors::{is_unauthorized, is_unreached};
use crate::queue_file::QueueFile;
use crate::transport::Transport;
use crate::v1::record_usage_result::Result as Recorded;
use crate::v1::usage_service_client::UsageServiceClient;
use crate::v1::{
    ExtendHoldRequest, RecordUsageBatchRequest, RecordUsageRequest, ReleaseHoldRequest,
};

const BATCH_MAX: usize = 100;
/// A batch with more bytes than gRPC takes would never be delivered.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// While the server does not accept the credentials: it answers one such call a second.
const DENIED_BACKOFF_MIN: Duration = Duration::from_secs(1);
const DENIED_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long closing waits for a batch that is under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// What waits to be sent.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Record(Box<RecordUsageRequest>),
    Release(ReleaseHoldRequest),
    Extend(ExtendHoldRequest),
}

/// Counts of usage records since the client was made, those of guards that wait included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Stats {
    /// Wait now, in memory, in the file, or on their way.
    pub queued: usize,
    /// Are durable at the server.
    pub delivered: u64,
    /// Found no room.
    pub dropped: u64,
    /// Were wrong, and are given up; the log says why.
    pub refused: u64,
}

/// A bounded queue with one sender in the background, begun by the first record.
pub(crate) struct Delivery {
    // Never held across an await.
    state: Mutex<State>,
    /// Told of every change of the state.
    changed: watch::Sender<()>,
    usage: UsageServiceClient<Transport>,
    /// Is told that the server answers.
    breaker: Arc<Breaker>,
    runtime: Handle,
    queue_max: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Item>,
    file: Option<QueueFile>,
    sender: Option<JoinHandle<()>>,
    /// Nothing is sent any more.
    stopped: bool,
    /// The client is gone: the sender ends once all is delivered.
    abandoned: bool,
    flushing: usize,
    delivered: u64,
    dropped: u64,
    refused: u64,
    trouble: Trouble,
}

/// What has gone wrong.
#[derive(Default)]
struct Trouble {
    drop_logged: bool,
    /// Of the last try.
    denied: bool,
}

impl State {
    fn left(&self) -> usize {
        self.waiting.len() + self.file.as_ref().map_or(0, |file| file.beyond)
    }

    fn drop_one(&mut self, why: &str) {
        self.dropped += 1;
        if !self.trouble.drop_logged {
            self.trouble.drop_logged = true;
            tracing::error!("tollgate: a usage record is dropped: {why} (logged once)");
        }
    }

    fn refuse(&mut self, record: &RecordUsageRequest, why: &str) {
        self.refused += 1;
        let id = &record.request_id;
        tracing::error!("tollgate: the usage record {id} is refused: {why}");
    }

    /// Is said once for each try.
    fn deny(&mut self, code: Code, why: &str) {
        self.trouble.denied = true;
        tracing::error!("tollgate: a delivery is denied and will be tried again: {code:?}: {why}");
    }

    /// How long to wait before the next try: at least, even while somebody flushes, and at most.
    fn backoff_bounds(&self) -> (Duration, Duration) {
        if self.trouble.denied {
            (DENIED_BACKOFF_MIN, DENIED_BACKOFF_MAX)
        } else {
            (BACKOFF_MIN / 2, BACKOFF_MAX)
        }
    }

    /// Takes out of the file what is delivered, and into memory what has been waiting there.
    fn tidy_file(&mut self, queue_max: usize) {
        let Some(file) = &mut self.file else { return };
        if !file.wants_removal(self.waiting.len()) {
            return;
        }
        let kept: Vec<_> = self.waiting.iter().filter_map(record_of).collect();
        let read = file.remove(&kept, queue_max - self.waiting.len().min(queue_max));
        self.waiting.extend(read.into_iter().map(Item::from));
    }
}

impl Delivery {
    /// Takes up what an earlier process has left in the file.
    pub(crate) fn new(
        (usage, breaker): (UsageServiceClient<Transport>, Arc<Breaker>),
        runtime: Handle,
        queue_max: usize,
        queue_path: Option<&Path>,
    ) -> std::io::Result<Arc<Self>> {
        let mut state = State::default();
        if let Some(path) = queue_path {
            let mut file = QueueFile::open(path)?;
            state.waiting = file.load(queue_max)?.into_iter().map(Item::from).collect();
            state.file = Some(file);
        }
        let changed = watch::Sender::new(());
        let delivery = Arc::new(Self {
            state: Mutex::new(state),
            changed,
            usage,
            breaker,
            runtime,
            queue_max,
        });
        if delivery.lock().left() > 0 {
            delivery.start(&mut delivery.lock());
        }
        Ok(delivery)
    }

    /// Queues a record or a release and returns at once.
    pub(crate) fn put(self: &Arc<Self>, item: Item) {
        let mut state = self.lock();
        if state.stopped {
            return state.drop_one("the client is closed");
        }
        let beyond = state.file.as_ref().is_some_and(|file| file.beyond > 0);
        let room = state.waiting.len() < self.queue_max && !beyond;
        match (&item, &mut state.file) {
            (Item::Record(record), Some(file)) => {
                if !file.append(record, room) {
                    return state.drop_one("the queue file is full or cannot be written");
                }
            }
            _ if room => {}
            _ => return state.drop_one(&format!("{} are waiting already", self.queue_max)),
        }
        if room {
            state.waiting.push_back(item);
        }
        self.start(&mut state);
        drop(state);
        self.changed.send_replace(());
    }

    /// Counts a record that was delivered at once.
    pub(crate) fn count_delivered(&self) {
        self.lock().delivered += 1;
    }

    /// Counts a record that is wrong.
    pub(crate) fn count_refused(&self) {
        self.lock().refused += 1;
    }

    /// Waits until all is delivered, at most so long; says how much is left.
    pub(crate) async fn flush(&self, timeout: Duration) -> usize {
        let _flushing = Flushing::new(self);
        let done = self.until(|state| state.stopped || state.left() == 0);
        // What is left is told below.
        let _ = tokio::time::timeout(timeout, done).await;
        self.lock().left()
    }

    /// Delivers what it can within the time, and stops; says how much is left.
    pub(crate) async fn close(&self, timeout: Duration) -> usize {
        if self.lock().stopped {
            return self.lock().left();
        }
        self.flush(timeout).await;
        let sender = {
            let mut state = self.lock();
            state.stopped = true;
            state.sender.take()
        };
        self.changed.send_replace(());
        if let Some(mut sender) = sender
            && tokio::time::timeout(STOP_TIMEOUT, &mut sender).await.is_err()
        {
            sender.abort();
        }
        let state = self.lock();
        let left = state.left();
        match &state.file {
            Some(file) => {
                file.unlock();
                if left > 0 {
                    tracing::warn!("tollgate: {left} usage records wait in the queue file");
                }
            }
            None if left > 0 => {
                tracing::error!("tollgate: {left} usage records were not delivered and are lost");
            }
            None => {}
        }
        left
    }

    /// Lets the sender end once all is delivered.
    pub(crate) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.send_replace(());
    }

    /// Where the sender runs.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        let State { delivered, dropped, refused, .. } = *state;
        Stats { queued: state.left(), delivered, dropped, refused }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        let mut changes = self.changed.subscribe();
        while !condition(&self.lock()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        if state.sender.is_none() {
            state.sender = Some(self.runtime.spawn(Arc::clone(self).run()));
        }
    }

    async fn run(self: Arc<Self>) {
        let mut backoff = BACKOFF_MIN;
        loop {
            self.until(|state| state.stopped || state.abandoned || state.left() > 0).await;
            let batch: Vec<Item> = {
                let state = self.lock();
                if state.stopped || state.left() == 0 {
                    return;
                }
                state.waiting.iter().take(batch_size(&state.waiting)).cloned().collect()
            };
            let again = self.send(&batch).await;
            let through = !batch.is_empty() && again.is_empty();
            {
                let mut state = self.lock();
                state.waiting.drain(..batch.len());
                for item in again.into_iter().rev() {
                    state.waiting.push_front(item);
                }
                state.tidy_file(self.queue_max);
            }
            self.changed.send_replace(());
            if through {
                backoff = BACKOFF_MIN;
                continue;
            }
            let (least, most) = self.lock().backoff_bounds();
            backoff = backoff.max(least);
            // A flush cuts the wait short, but does not make it spin.
            let end = Instant::now() + backoff.mul_f64(0.5 + fastrand::f64() / 2.0);
            let stopped = self.until(|state| state.stopped);
            let _ = tokio::time::timeout(least, stopped).await;
            let hurried = self.until(|state| state.stopped || state.flushing > 0);
            let _ = tokio::time::timeout_at(end, hurried).await;
            backoff = (backoff * 2).min(most);
        }
    }

    /// Sends once and gives back what has to be tried again.
    async fn send(&self, batch: &[Item]) -> Vec<Item> {
        let mut again = Vec::new();
        self.lock().trouble.denied = false;
        let records: Vec<_> = batch.iter().filter_map(record_of).cloned().collect();
        if !records.is_empty() {
            again.extend(self.send_records(records).await.into_iter().map(Item::from));
        }
        // Where one is not answered, or not let in, the others would only wait for nothing.
        let mut reached = again.is_empty();
        for item in batch {
            if record_of(item).is_some() {
                continue;
            }
            reached = reached && self.send_hold(item).await;
            if !reached {
                again.push(item.clone());
            }
        }
        again
    }

    async fn send_records(&self, records: Vec<RecordUsageRequest>) -> Vec<RecordUsageRequest> {
        let request = RecordUsageBatchRequest { records: records.clone() };
        let answer = self.usage.clone().record_usage_batch(request).await;
        let mut state = self.lock();
        let results = match answer {
            Ok(answer) => {
                self.breaker.reached();
                answer.into_inner().results
            }
            Err(status) if is_unreached(status.code()) || state.stopped => return records,
            Err(status) if is_unauthorized(status.code()) => {
                state.deny(status.code(), status.message());
                return records;
            }
            Err(status) => {
                let why = format!("{:?}: {}", status.code(), status.message());
                for record in &records {
                    state.refuse(record, &why);
                }
                return Vec::new();
            }
        };
        let mut results = results.into_iter();
        let mut again = Vec::new();
        for record in records {
            match results.next().and_then(|result| result.result) {
                Some(Recorded::Record(_)) => state.delivered += 1,
                Some(Recorded::Error(error)) if is_unreached(Code::from_i32(error.code)) => {
                    again.push(record);
                }
                Some(Recorded::Error(error)) => state.refuse(&record, &error.message),
                None => state.refuse(&record, "the server said nothing of it"),
            }
        }
        again
    }

    /// Gives a hold back, or extends it; one that has ended already is as good. Says if that is
    /// settled.
    async fn send_hold(&self, item: &Item) -> bool {
        let mut usage = self.usage.clone();
        let (id, sent) = match item {
            Item::Record(_) => return true,
            Item::Release(release) => {
                (&release.request_id, usage.release_hold(release.clone()).await.map(|_| ()))
            }
            Item::Extend(extend) => {
                (&extend.request_id, usage.extend_hold(extend.clone()).await.map(|_| ()))
            }
        };
        match sent {
            Err(status) if is_unreached(status.code()) => return false,
            Err(status) if is_unauthorized(status.code()) => {
                self.lock().deny(status.code(), status.message());
                return false;
            }
            Err(status) if status.code() != Code::NotFound => {
                tracing::warn!("tollgate: the hold {id} stays as it is: {}", status.message());
            }
            _ => {}
        }
        true
    }
}

/// How many of those that wait are sent at once.
fn batch_size(waiting: &VecDeque<Item>) -> usize {
    let mut size = 0;
    for (count, item) in waiting.iter().enumerate().take(BATCH_MAX) {
        size += record_of(item).map_or(0, prost::Message::encoded_len);
        if count > 0 && size > BATCH_BYTES_MAX {
            return count;
        }
    }
    waiting.len().min(BATCH_MAX)
}

/// Somebody waits for the queue to become empty.
struct Flushing<'a>(&'a Delivery);

impl<'a> Flushing<'a> {
    fn new(delivery: &'a Delivery) -> Self {
        delivery.lock().flushing += 1;
        delivery.changed.send_replace(());
        Self(delivery)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.lock().flushing -= 1;
    }
}

impl From<RecordUsageRequest> for Item {
    fn from(record: RecordUsageRequest) -> Self {
        Self::Record(Box::new(record))
    }
}

fn record_of(item: &Item) -> Option<&RecordUsageRequest> {
    match item {
        Item::Record(record) => Some(record),
        Item::Release(_) | Item::Extend(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::ProviderAnswer;

    #[test]
    fn a_batch_fits_into_one_message() {
        let item = |size: usize| {
            let json = vec!["1".repeat(size)];
            let answer = ProviderAnswer { json, ..Default::default() };
            Item::from(RecordUsageRequest { provider_answer: Some(answer), ..Default::default() })
        };
        for (size, count) in [(1, 100), (60_000, 34), (3 << 20, 1)] {
            let waiting: VecDeque<_> = (0..150).map(|_| item(size)).collect();
            assert_eq!(batch_size(&waiting), count, "{size}");
        }
        assert_eq!(batch_size(&[item(1), item(1)].into()), 2);
        assert_eq!(batch_size(&VecDeque::new()), 0);
    }
}

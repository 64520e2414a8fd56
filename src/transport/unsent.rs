//! Room for an answer in the memory of a connection, from before it is made until it is sent.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::state::State;

/// Unit of the budgets.
pub(super) const KIB: usize = 1024;

/// Room for an answer, or for what is left of it.
pub struct Reserve {
    state: Arc<State>,
    own: OwnedSemaphorePermit,
    shared: OwnedSemaphorePermit,
}

impl Reserve {
    pub(super) fn new(
        state: Arc<State>,
        own: OwnedSemaphorePermit,
        shared: OwnedSemaphorePermit,
    ) -> Reserve {
        Reserve { state, own, shared }
    }

    /// The same bytes, which keep their room until they are sent, or thrown away with the call;
    /// what is reserved beyond them is free. None where they need more than is reserved or free.
    pub fn hand_over(mut self, bytes: Bytes) -> Option<Bytes> {
        let kib = bytes.len().div_ceil(KIB);
        if let Some(missing) = kib.checked_sub(self.own.num_permits()).filter(|kib| *kib > 0) {
            let (own, shared) = self.state.try_acquire(missing)?;
            self.own.merge(own);
            self.shared.merge(shared);
        }
        let room = (self.own.split(kib)?, self.shared.split(kib)?);
        let number = self.state.hand_over();
        Some(Bytes::from_owner(Unsent { bytes, number, state: self.state, _room: room }))
    }
}

/// Bytes that are handed to HTTP.
struct Unsent {
    bytes: Bytes,
    number: u64,
    state: Arc<State>,
    _room: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.state.sent(self.number);
    }
}

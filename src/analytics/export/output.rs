//! Bytes of a file that are ready and not taken yet.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// A handle on the bytes: one is held by whoever writes the format, one by whoever takes them.
#[derive(Clone, Default)]
pub struct Output {
    // Both are the same task; a lock only because a writer of a format may move between threads.
    buffer: Arc<Mutex<Buffer>>,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
}

impl Output {
    pub fn len(&self) -> usize {
        let buffer = self.lock();
        buffer.bytes.len() - buffer.taken
    }

    /// The next bytes; all that are ready, up to `bytes_max`.
    pub fn take(&self, bytes_max: usize) -> Vec<u8> {
        let mut buffer = self.lock();
        let end = buffer.bytes.len().min(buffer.taken + bytes_max);
        let part = buffer.bytes[buffer.taken..end].to_vec();
        buffer.taken = end;
        if buffer.taken == buffer.bytes.len() {
            buffer.bytes.clear();
            buffer.taken = 0;
        }
        part
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

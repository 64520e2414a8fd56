//! Buffer of encoded bytes between the writer of a format and the reader of the export.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// Handle on a shared buffer: the writer of a format has one, the export another.
#[derive(Clone, Default)]
pub struct Buffer {
    // Never contended: one task uses both. A lock only because the writer may move between threads.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// Length of the prefix that was taken.
    taken: usize,
}

impl State {
    /// Cheap: the rest is less than a chunk, and is moved once for many writes.
    fn drop_taken(&mut self) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

impl Buffer {
    pub fn len(&self) -> usize {
        let state = self.lock();
        state.bytes.len() - state.taken
    }

    /// Takes the next bytes, at most `bytes_max`.
    pub fn take(&self, bytes_max: usize) -> Vec<u8> {
        let mut state = self.lock();
        let end = state.bytes.len().min(state.taken.saturating_add(bytes_max));
        let chunk = state.bytes[state.taken..end].to_vec();
        state.taken = end;
        if state.taken == state.bytes.len() {
            state.bytes.clear();
            state.taken = 0;
        }
        chunk
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        state.drop_taken();
        state.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn taken_bytes_are_freed() {
        let mut buffer = Buffer::default();
        let mut next = 0_u8;
        for _ in 0..1_000 {
            for _ in 0..10 {
                buffer.write_all(&[next; 7]).unwrap();
                next = next.wrapping_add(1);
            }
            while buffer.len() >= 64 {
                assert_eq!(buffer.take(64).len(), 64);
            }
        }
        assert!(buffer.len() < 64);
        assert!(buffer.lock().bytes.capacity() < 512, "no more than was buffered at once");
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut buffer = Buffer::default();
        let mut taken = Vec::new();
        for byte in 0..=255_u8 {
            buffer.write_all(&[byte; 3]).unwrap();
            taken.extend(buffer.take(2));
        }
        taken.extend(buffer.take(usize::MAX));
        let expected: Vec<u8> = (0..=255).flat_map(|byte| [byte; 3]).collect();
        assert_eq!(taken, expected);
        assert_eq!(buffer.len(), 0);
    }
}

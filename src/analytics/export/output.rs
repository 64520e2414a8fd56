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

impl Buffer {
    /// What is left is less than a part, and moves seldom: once for many writes.
    fn forget_taken(&mut self) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

impl Output {
    pub fn len(&self) -> usize {
        let buffer = self.lock();
        buffer.bytes.len() - buffer.taken
    }

    /// The next bytes; all that are ready, up to `bytes_max`.
    pub fn take(&self, bytes_max: usize) -> Vec<u8> {
        let mut buffer = self.lock();
        let end = buffer.bytes.len().min(buffer.taken.saturating_add(bytes_max));
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
        let mut buffer = self.lock();
        buffer.forget_taken();
        buffer.bytes.extend_from_slice(bytes);
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
    fn what_was_taken_takes_no_room() {
        let mut output = Output::default();
        let mut next = 0_u8;
        for _ in 0..1_000 {
            for _ in 0..10 {
                output.write_all(&[next; 7]).unwrap();
                next = next.wrapping_add(1);
            }
            while output.len() >= 64 {
                assert_eq!(output.take(64).len(), 64);
            }
        }
        assert!(output.len() < 64);
        assert!(output.lock().bytes.capacity() < 512, "as much as was ever there at once");
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut output = Output::default();
        let mut taken = Vec::new();
        for byte in 0..=255_u8 {
            output.write_all(&[byte; 3]).unwrap();
            taken.extend(output.take(2));
        }
        taken.extend(output.take(usize::MAX));
        let expected: Vec<u8> = (0..=255).flat_map(|byte| [byte; 3]).collect();
        assert_eq!(taken, expected);
        assert_eq!(output.len(), 0);
    }
}

//! The file behind a queue: records that wait survive the process.
//!
//! JSON lines, appended when a record is queued and taken out once it is delivered; the clients of
//! all languages write the same. A record that a crash leaves in the file although it was
//! delivered is sent again under the same request id and counted once. It is written for the end
//! of the process, not of the machine: nothing is forced to the disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::record_json;
use crate::v1::RecordUsageRequest;

const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One file with a lock of its own; the caller serialises the calls.
#[derive(Debug)]
pub(crate) struct QueueFile {
    path: PathBuf,
    /// Locked as long as it is open.
    lock: File,
    file: File,
    size: u64,
    /// Lines of records that wait in memory, some of them delivered by now.
    in_memory: usize,
    /// Where the lines begin that found no room in memory.
    beyond_at: u64,
    /// How many these are.
    pub(crate) beyond: usize,
}

impl QueueFile {
    /// Opens the file. Fails if it cannot be used or another client has it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let lock = append_to(&with_ending(&path, ".lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another client uses it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, lock, file, size, in_memory: 0, beyond_at: 0, beyond: 0 })
    }

    /// Reads what an earlier process has left: at most `count`, the others stay beyond.
    pub(crate) fn load(&mut self, count: usize) -> io::Result<Vec<RecordUsageRequest>> {
        if self.size == 0 {
            return Ok(Vec::new());
        }
        let mut reader = BufReader::new(File::open(&self.path)?);
        let mut line = Vec::new();
        let mut whole = true;
        while reader.read_until(b'\n', &mut line)? > 0 {
            self.beyond += 1;
            whole = line.ends_with(b"\n");
            line.clear();
        }
        if !whole {
            // A process was killed while it wrote; what follows must be on a line of its own.
            self.file.write_all(b"\n")?;
        }
        Ok(self.remove(&[], count))
    }

    /// Writes one line, for a record that waits in memory too or only here; says if it could.
    pub(crate) fn append(&mut self, record: &RecordUsageRequest, in_memory: bool) -> bool {
        let line = line_of(record);
        let length = line.len() as u64;
        if self.size + length > FILE_BYTES_MAX {
            return false;
        }
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            tracing::error!(path = %self.path.display(), %error, "tollgate: cannot write");
            return false;
        }
        self.size += length;
        if in_memory {
            self.beyond_at = self.size;
            self.in_memory += 1;
        } else {
            self.beyond += 1;
        }
        true
    }

    /// Says whether at least half of the lines in memory are done, and the rest can move up.
    ///
    /// The file is rewritten only then, so that a record costs the same however long the queue is.
    pub(crate) fn wants_removal(&self, waiting: usize) -> bool {
        if waiting > 0 && self.beyond > 0 {
            return false;
        }
        (self.beyond > 0 || self.in_memory > 0) && self.in_memory >= 2 * waiting
    }

    /// Forgets all but what waits in memory and what is beyond; reads up to `room` of that.
    pub(crate) fn remove(
        &mut self,
        kept: &[&RecordUsageRequest],
        room: usize,
    ) -> Vec<RecordUsageRequest> {
        loop {
            match self.rewrite(kept, room) {
                // Nothing of what was read is a record: there may be some behind it.
                Ok(read) if read.is_empty() && self.beyond > 0 => {}
                Ok(read) => return read,
                Err(error) => {
                    let path = self.path.display();
                    tracing::error!(%path, %error, "tollgate: cannot rewrite");
                    return Vec::new();
                }
            }
        }
    }

    /// Lets another client have the file; nothing is written to it by this one any more.
    pub(crate) fn unlock(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "tollgate: cannot unlock");
        }
    }

    fn rewrite(
        &mut self,
        kept: &[&RecordUsageRequest],
        room: usize,
    ) -> io::Result<Vec<RecordUsageRequest>> {
        if kept.is_empty() && self.beyond == 0 {
            self.file.set_len(0)?;
            (self.size, self.beyond_at, self.in_memory) = (0, 0, 0);
            return Ok(Vec::new());
        }
        let mut old = BufReader::new(File::open(&self.path)?);
        old.seek(SeekFrom::Start(self.beyond_at))?;
        let new_path = with_ending(&self.path, ".new");
        let mut new = BufWriter::new(File::create(&new_path)?);
        for record in kept {
            new.write_all(line_of(record).as_bytes())?;
        }
        let mut read = Vec::new();
        let mut taken = 0;
        let mut line = Vec::new();
        while taken < room.min(self.beyond) && old.read_until(b'\n', &mut line)? > 0 {
            taken += 1;
            match record_json::parse(&line) {
                Ok(record) => {
                    new.write_all(line_of(&record).as_bytes())?;
                    read.push(record);
                }
                Err(error) => {
                    tracing::error!(%error, "tollgate: a line of the queue file is not a record");
                }
            }
            line.clear();
        }
        let beyond_at = new.stream_position()?;
        io::copy(&mut old.by_ref(), &mut new)?;
        new.flush()?;
        drop(old);
        std::fs::rename(&new_path, &self.path)?;
        self.file = append_to(&self.path)?;
        self.size = self.file.metadata()?.len();
        self.beyond_at = beyond_at;
        self.in_memory = kept.len() + read.len();
        self.beyond = if taken > 0 { self.beyond - taken } else { 0 };
        Ok(read)
    }
}

fn line_of(record: &RecordUsageRequest) -> String {
    record_json::write(record) + "\n"
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

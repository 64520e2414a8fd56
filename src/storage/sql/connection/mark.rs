//! The mark beside a SQLite file: how far the database had come when it was last served. A start
//! compares, and so notices a file that is an older copy, or has lost its write-ahead log.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Of the name of the database.
const SUFFIX: &str = ".mark";
/// Mode of the file.
const PRIVATE: u32 = 0o600;

/// How far a database has come. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the last claim.
    pub epoch: i64,
    /// Position of the last entry of the log.
    pub seq: i64,
}

impl Mark {
    /// Whether a database at `other` has lost something that one at this mark had.
    pub fn is_beyond(self, other: Mark) -> bool {
        self.epoch > other.epoch || self.seq > other.seq
    }

    /// That of a database; none where there is none that can be read.
    pub fn read(database: &Path) -> Option<Mark> {
        let text = std::fs::read_to_string(path(database)).ok()?;
        let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
        let mark = Mark { epoch: numbers.next()??, seq: numbers.next()?? };
        numbers.next().is_none().then_some(mark)
    }

    /// Replaces that of a database.
    ///
    /// # Errors
    /// If the folder cannot be written: the one before stays.
    pub fn write(self, database: &Path) -> io::Result<()> {
        let (path, mut part) = (path(database), path(database).into_os_string());
        part.push(".part");
        let mut options = File::options();
        let mut file = options.create(true).write(true).truncate(true).mode(PRIVATE).open(&part)?;
        writeln!(file, "{} {}", self.epoch, self.seq)?;
        std::fs::rename(&part, path)
    }
}

/// The file of the mark.
pub fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("t.db");
        assert_eq!(Mark::read(&database), None);
        for mark in [Mark { epoch: 1, seq: 0 }, Mark { epoch: 7, seq: i64::MAX }] {
            mark.write(&database).unwrap();
            assert_eq!(Mark::read(&database), Some(mark));
        }
        for text in ["", "1", "1 x", "1 2 3"] {
            std::fs::write(path(&database), text).unwrap();
            assert_eq!(Mark::read(&database), None, "{text:?}");
        }
    }

    #[test]
    fn a_database_that_went_back_has_lost_something() {
        let mark = |epoch, seq| Mark { epoch, seq };
        assert!(mark(2, 5).is_beyond(mark(1, 5)) && mark(2, 5).is_beyond(mark(2, 4)));
        assert!(!mark(2, 5).is_beyond(mark(2, 5)) && !mark(2, 5).is_beyond(mark(3, 9)));
    }
}

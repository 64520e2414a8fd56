//! Reports and the usage log as files: streamed part by part, constant in memory.
//!
//! A [`Source`] puts rows into a [`table::File`] a few at a time; [`Export`] hands out its bytes as
//! fast as they are taken, and no faster. Knows no transport and opens no file.

pub mod content;
mod csv;
pub mod focus;
mod log;
mod output;
mod parquet;
mod query;
pub mod records;
mod reports;
pub mod table;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;

use crate::analytics;
use crate::domain::calendar::Window;
use crate::domain::catalog::Catalogue;
use crate::domain::workspace::Workspace;
use crate::storage::{self, Store};
use table::{Column, File};

/// Most bytes of one part of a file.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Formats of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Parquet,
}

/// Why a file cannot be written, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "usage of the day {date} falls into more than {max} groups: export the entries of the \
         log instead"
    )]
    TooManyGroups { date: NaiveDate, max: usize },
    #[error(
        "entries of the usage log before {kept_from} are no longer kept: begin the range there, or \
         export a query, which sums answer"
    )]
    Dropped { kept_from: NaiveDate },
    #[error(
        "an amount of a billion or more does not fit into DECIMAL(18, 9) of Parquet: export CSV"
    )]
    DecimalTooLarge,
    #[error("the sum of a column is out of range: narrow the range")]
    SumTooLarge,
    #[error(transparent)]
    Report(#[from] analytics::Error),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Rows of a table, in order.
#[async_trait]
pub trait Source: Send {
    fn columns(&self) -> Vec<Column>;

    /// Puts the next rows in, of bounded number. False once there are no more.
    ///
    /// # Errors
    /// If storage fails, or a bound is reached.
    async fn add_rows(&mut self, file: &mut File) -> Result<bool>;
}

/// What entries of the log are exported, and what is needed to read them.
#[derive(Clone)]
pub struct LogScope {
    pub store: Arc<dyn Store>,
    pub workspace: Arc<Workspace>,
    pub catalogue: Arc<Catalogue>,
    /// Entries charged in it.
    pub window: Window,
    /// The last entry that counts: later ones came after the export began.
    pub last_seq: i64,
}

/// A file that is being exported.
pub struct Export {
    source: Box<dyn Source>,
    /// Absent while rows are turned into bytes elsewhere; for ever if that failed.
    file: Option<File>,
    format: Format,
    name: String,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Rows,
    /// All bytes are ready.
    Finished,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl Export {
    /// Exports the table of a source. `name` is that of the file, without extension.
    ///
    /// # Errors
    /// If the format cannot have such columns.
    pub fn new(name: &str, format: Format, source: Box<dyn Source>) -> Result<Export> {
        let file = Some(File::new(format, source.columns())?);
        let name = format!("{name}.{}", format.extension());
        Ok(Export { source, file, format, name, state: State::Rows })
    }

    pub fn file_name(&self) -> &str {
        &self.name
    }

    pub fn media_type(&self) -> &'static str {
        self.format.media_type()
    }

    /// The next part, at most [`CHUNK_BYTES_MAX`] bytes; none at the end of the file.
    ///
    /// # Errors
    /// As [`Source::add_rows`]. What was handed out then is no whole file.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let file = self.file.as_mut().ok_or_else(gone)?;
            if file.ready() >= CHUNK_BYTES_MAX || self.state == State::Finished {
                let chunk = file.take(CHUNK_BYTES_MAX);
                return Ok((!chunk.is_empty()).then_some(chunk));
            }
            let more = self.source.add_rows(file).await;
            if more.is_err() {
                // What is in it is no whole file, and never becomes one.
                self.file = None;
            }
            let more = more?;
            let file = self.file.as_mut().ok_or_else(gone)?;
            if !more {
                self.state = State::Finished;
            }
            if !more || file.is_full() {
                self.settle(!more).await?;
            }
        }
    }

    /// Turns rows into bytes: not here, where it would keep others waiting.
    async fn settle(&mut self, finish: bool) -> Result<()> {
        let mut file = self.file.take().ok_or_else(gone)?;
        if self.format == Format::Csv {
            file.finish()?;
            self.file = Some(file);
            return Ok(());
        }
        let settled = tokio::task::spawn_blocking(move || {
            let done = if finish { file.finish() } else { file.settle() };
            done.map(|()| file)
        });
        let settled = settled.await.map_err(|cause| Error::Internal(cause.to_string()))?;
        self.file = Some(settled?);
        Ok(())
    }
}

fn gone() -> Error {
    Error::Internal("an export that failed was asked to go on".to_owned())
}

#[cfg(test)]
mod tests;

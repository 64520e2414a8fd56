//! Exports of reports and of the usage log as files, streamed in chunks with constant memory.
//!
//! A [`row_writer::RowSource`] writes a few rows at a time, a [`sink::Sink`] encodes them, and
//! [`Export`] hands out the bytes as fast as they are read, and no faster. Knows no transport, and
//! opens no file.

mod buffer;
pub mod content;
mod csv;
mod error;
pub mod focus;
mod log_pages;
mod parquet;
mod query_rows;
pub mod records;
mod report_rows;
pub mod row_writer;
pub mod sink;
#[cfg(test)]
mod tests;

use csv::CsvSink;
use parquet::ParquetSink;
use row_writer::{RowSource, RowWriter};
use sink::{Column, Sink};

pub use error::{Error, Result};
pub use log_pages::LogScope;

/// Most bytes of one chunk.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Parquet,
}

/// A file that is being exported.
pub struct Export {
    source: Box<dyn RowSource>,
    /// Absent while rows are encoded on another thread, and for good after a failure.
    writer: Option<RowWriter>,
    format: Format,
    name: String,
    /// Whether all bytes are encoded.
    is_finished: bool,
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

    /// Begins a file with these columns.
    ///
    /// # Errors
    /// If the format cannot have such columns.
    fn writer(self, columns: Vec<Column>) -> Result<RowWriter> {
        let sink: Box<dyn Sink> = match self {
            Format::Csv => Box::new(CsvSink::new(&columns)),
            Format::Parquet => Box::new(ParquetSink::new(&columns)?),
        };
        Ok(RowWriter::new(sink, columns))
    }
}

impl Export {
    /// Exports a table into a file; `name` is without the extension.
    ///
    /// # Errors
    /// If the format cannot have such columns.
    pub fn new(name: &str, format: Format, source: Box<dyn RowSource>) -> Result<Export> {
        let writer = Some(format.writer(source.columns())?);
        let name = format!("{name}.{}", format.extension());
        Ok(Export { source, writer, format, name, is_finished: false })
    }

    pub fn file_name(&self) -> &str {
        &self.name
    }

    pub fn media_type(&self) -> &'static str {
        self.format.media_type()
    }

    /// The next chunk, at most [`CHUNK_BYTES_MAX`] bytes; none at the end of the file.
    ///
    /// # Errors
    /// As [`RowSource::write_rows`]. The chunks before the error are no complete file.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let writer = self.writer.as_mut().ok_or_else(failed_before)?;
            if writer.ready() >= CHUNK_BYTES_MAX || self.is_finished {
                let chunk = writer.take(CHUNK_BYTES_MAX);
                return Ok((!chunk.is_empty()).then_some(chunk));
            }
            let has_more = match self.source.write_rows(writer).await {
                Ok(has_more) => has_more,
                Err(error) => {
                    // What is written is incomplete for good.
                    self.writer = None;
                    return Err(error);
                }
            };
            let is_full = writer.is_full();
            if !has_more {
                self.is_finished = true;
            }
            if !has_more || is_full {
                self.encode(!has_more).await?;
            }
        }
    }

    /// Encodes the buffered rows, off the threads of the runtime where that takes long.
    async fn encode(&mut self, is_end: bool) -> Result<()> {
        let mut writer = self.writer.take().ok_or_else(failed_before)?;
        if self.format == Format::Csv {
            writer.finish()?;
            self.writer = Some(writer);
            return Ok(());
        }
        let encoded = tokio::task::spawn_blocking(move || {
            let done = if is_end { writer.finish() } else { writer.flush() };
            done.map(|()| writer)
        });
        let encoded = encoded.await.map_err(|cause| Error::Internal(cause.to_string()))?;
        self.writer = Some(encoded?);
        Ok(())
    }
}

fn failed_before() -> Error {
    Error::Internal("an export that failed was asked to go on".to_owned())
}

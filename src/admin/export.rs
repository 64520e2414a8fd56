//! `tollgate export`: exports from a database to a file or a stream. A server may be running on it.
//!
//! Writes a temporary file and renames it, so that an incomplete file never has the final name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::domain::catalog::Catalog;
use crate::engine::Clock;
use crate::export::content::{Basis, Content};
use crate::export::{self, Export, Format};
use crate::prices::builtin;
use crate::storage::{Store, sql};

/// Mode of new files: usage says who did what.
const PRIVATE: u32 = 0o600;

/// An export from a database.
pub struct Request {
    pub database: String,
    pub workspace_id: String,
    pub content: Content,
    pub format: Format,
}

/// The outcome of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Whether a report lacks the end of the log, which the server has not folded yet.
    pub is_behind: bool,
}

/// Exports to a file. An existing file is replaced only with `replace`.
///
/// # Errors
/// If the database does not open, the workspace does not exist, a report cannot be made, or the
/// file cannot be written. The incomplete file is removed.
pub async fn to_file(
    request: Request,
    path: &Path,
    replace: bool,
    clock: &dyn Clock,
) -> Result<Exported, Error> {
    let mut part = PartFile::create(path, replace)?;
    let exported = to_writer(request, &mut part, clock).await?;
    part.finish()?;
    Ok(exported)
}

/// Exports to a stream.
///
/// # Errors
/// As [`to_file`]. What was written is incomplete then.
pub async fn to_writer(
    request: Request,
    writer: &mut (dyn Write + Send),
    clock: &dyn Clock,
) -> Result<Exported, Error> {
    let store = sql::open_read_only(&request.database).await?;
    let result = run(&store, request, writer, clock).await;
    store.close().await;
    result
}

async fn run(
    store: &Arc<dyn Store>,
    request: Request,
    writer: &mut (dyn Write + Send),
    clock: &dyn Clock,
) -> Result<Exported, Error> {
    let workspace = store.workspace(&request.workspace_id).await?;
    let workspace = workspace.ok_or(Error::WorkspaceNotFound(request.workspace_id))?;
    let last_seq = store.last_seq().await?;
    // Read after the end of the log: prices are stored before the records that they bill.
    let rows = store.catalog().await?;
    let builtin = builtin::catalog();
    let catalog = Catalog::over(builtin, rows.models, rows.prices, rows.exchange_rates);
    let catalog = Arc::new(catalog);
    let is_report = matches!(request.content, Content::Query(_) | Content::Report(_));
    let is_behind = is_report && store.fold_cursor().await?.seq < last_seq;
    let store = Arc::clone(store);
    let reports = Arc::clone(&store);
    let basis = Basis { store, workspace, catalog, now: clock.now(), last_seq };
    let mut export = Export::begin(basis, &*reports, request.content, request.format).await?;
    while let Some(chunk) = export.next_chunk().await? {
        writer.write_all(&chunk).map_err(Error::Output)?;
    }
    writer.flush().map_err(Error::Output)?;
    Ok(Exported { is_behind })
}

impl From<export::Error> for Error {
    fn from(error: export::Error) -> Error {
        match error {
            export::Error::Storage(error) => Error::Storage(error),
            other => Error::Export(other),
        }
    }
}

/// A temporary file, renamed when complete and removed otherwise.
struct PartFile {
    file: File,
    part: PathBuf,
    path: PathBuf,
    replace: bool,
    finished: bool,
}

impl PartFile {
    fn create(path: &Path, replace: bool) -> Result<PartFile, Error> {
        let failed = |cause| Error::File { path: path.display().to_string(), cause };
        refuse_existing(path, replace)?;
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        // In the same directory, so that renaming is atomic.
        let part = format!(".{}.{:016x}.part", name.to_string_lossy(), rand::random::<u64>());
        let part = path.with_file_name(part);
        let mut options = OpenOptions::new();
        // Nothing that is there is opened, and no link followed: others may write in the directory.
        options.write(true).create_new(true).mode(PRIVATE);
        let file = options.open(&part);
        let file = file.map_err(failed)?;
        Ok(PartFile { file, part, path: path.to_owned(), replace, finished: false })
    }

    fn finish(mut self) -> Result<(), Error> {
        let failed = |cause| Error::File { path: self.path.display().to_string(), cause };
        self.file.sync_all().map_err(failed)?;
        refuse_existing(&self.path, self.replace)?;
        fs::rename(&self.part, &self.path).map_err(failed)?;
        self.finished = true;
        Ok(())
    }
}

fn refuse_existing(path: &Path, replace: bool) -> Result<(), Error> {
    if !replace && path.exists() {
        return Err(Error::FileExists(path.display().to_string()));
    }
    Ok(())
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.finished {
            // The export has failed already; a leftover file is harmless.
            drop(fs::remove_file(&self.part));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_lies_in_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, path) = (folder.path().join("victim"), folder.path().join("usage.csv"));
        fs::write(&victim, "precious").unwrap();
        // The name that could be foreseen.
        let foreseen = format!(".usage.csv.{}.part", std::process::id());
        std::os::unix::fs::symlink(&victim, folder.path().join(foreseen)).unwrap();
        let mut part = PartFile::create(&path, false).unwrap();
        part.write_all(b"exported").unwrap();
        let again = OpenOptions::new().write(true).create_new(true).open(&part.part);
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        part.finish().unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&path).unwrap(), "exported");
        // Two at once do not meet.
        let one = PartFile::create(&path, true).unwrap();
        let other = PartFile::create(&path, true).unwrap();
        assert_ne!(one.part, other.part);
        drop((one, other));
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 3, "the link, what it leads to, and the export");
    }
}

//! Backups of a SQLite database, also while a server uses it: one state of all rows, in a file of
//! its own.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::{Connection, Sqlite, SqliteConnection};

use super::connection::backend::{Access, Dialect};
use super::connection::{schema, session};
use super::{OpenError, is_postgres};
use crate::storage;

pub use super::connection::mark::Mark;

/// Mode of the file.
const PRIVATE: u32 = 0o600;

/// Why there is no backup. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("Postgres has tools of its own for this: pg_basebackup with archived logs, or pg_dump")]
    NotSqlite,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{path}: {cause}")]
    File { path: String, cause: io::Error },
    #[error("the database could not be copied: {0}")]
    Copy(#[from] sqlx::Error),
    #[error("the copy cannot be read: {0}")]
    Read(#[from] storage::Error),
    /// With what SQLite found.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
}

/// Writes a backup to a file, which must not be there yet. Returns how far the database had come.
///
/// # Errors
/// If the database does not open, or the file cannot be written.
pub async fn back_up(url: &str, file: &Path) -> Result<Mark, BackupError> {
    if is_postgres(url) {
        return Err(BackupError::NotSqlite);
    }
    let at = |path: &Path, cause| BackupError::File { path: path.display().to_string(), cause };
    if file.exists() {
        return Err(at(file, io::ErrorKind::AlreadyExists.into()));
    }
    let target = Sqlite::parse(url)?;
    let mut connection = Sqlite::connect(&target, Access::ReadOnly).await?;
    schema::check::<Sqlite>(&mut connection).await?;
    let part = Part::create(file).map_err(|cause| at(file, cause))?;
    let mark = part.fill(&mut connection).await?;
    connection.close().await?;
    part.publish(file).map_err(|cause| at(file, cause))?;
    Ok(mark)
}

/// The file under another name, until it is whole. Removed when it is dropped.
struct Part(PathBuf);

impl Part {
    fn create(file: &Path) -> io::Result<Part> {
        let mut name = file.as_os_str().to_owned();
        name.push(".part");
        let part = Part(PathBuf::from(name));
        File::options().write(true).create_new(true).mode(PRIVATE).open(&part.0)?;
        Ok(part)
    }

    async fn fill(&self, connection: &mut SqliteConnection) -> Result<Mark, BackupError> {
        // The copy is what is written to; the database is only read.
        sqlx::query("PRAGMA query_only = OFF").execute(&mut *connection).await?;
        let path = self.0.to_string_lossy();
        sqlx::query("VACUUM INTO ?").bind(&*path).execute(connection).await?;
        let mut copy = SqliteConnection::connect(&format!("sqlite:{path}?mode=ro")).await?;
        let found: String =
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut copy).await?;
        if found != "ok" {
            return Err(BackupError::Damaged(found));
        }
        let mark = session::mark::<Sqlite>(&mut copy).await?;
        copy.close().await?;
        Ok(mark)
    }

    /// Gives the file its name, once it is on the disk.
    fn publish(self, file: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        // Unlike a renaming it replaces nothing.
        std::fs::hard_link(&self.0, file)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

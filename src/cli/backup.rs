//! `tollgate backup`: copies a SQLite database while a server uses it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tollgate::storage::sql;

use super::{Database, Failure, failure, print, runtime};

#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    database: Database,
    /// Where the backup goes. It must not be there yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(backup: Backup) -> Result<ExitCode, Failure> {
    let url = backup.database.url()?;
    let written = runtime(None)?.block_on(sql::back_up(&url, &backup.file));
    let mark = written.map_err(failure)?;
    let file = backup.file.display();
    print(format_args!(
        "{file} has the database of start {} up to record {}\n",
        mark.epoch, mark.seq
    ))?;
    Ok(ExitCode::SUCCESS)
}

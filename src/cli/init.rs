//! `tollgate init`: creates the database.

use std::process::ExitCode;

use tollgate::storage::sql;

use super::{Database, Failure, failure, print, runtime};

pub fn run(database: Database) -> Result<ExitCode, Failure> {
    let url = database.url()?;
    let created = runtime(None)?.block_on(sql::create(&url)).map_err(failure)?;
    print(match created {
        true => "the database is created\n",
        false => "the database is there already\n",
    })?;
    Ok(ExitCode::SUCCESS)
}

//! `tollgate verify`: compares everything derived from the usage log with the log.

use std::process::ExitCode;

use tollgate::admin;

use super::{Database, Failure, failure, print, runtime};

pub fn run(database: Database) -> Result<ExitCode, Failure> {
    let url = database.url()?;
    let verified = runtime(None)?.block_on(admin::verify::run(&url)).map_err(failure)?;
    print(&verified)?;
    Ok(if verified.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

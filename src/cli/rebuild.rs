//! `tollgate rebuild`: rewrites everything that is derived from the usage log.

use std::process::ExitCode;

use tollgate::admin;

use super::{Database, Failure, failure, print, runtime};

pub fn run(database: Database) -> Result<ExitCode, Failure> {
    let url = database.url()?;
    runtime(None)?.block_on(admin::rebuild(&url)).map_err(failure)?;
    print("rebuilt from the usage log\n")?;
    Ok(ExitCode::SUCCESS)
}

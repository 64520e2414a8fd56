//! `tollgate prices`: models and prices of the catalog.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tollgate::admin;
use tollgate::engine::SystemClock;

use super::{Database, Failure, failure, runtime};

#[derive(Debug, Subcommand)]
pub enum Prices {
    /// Read a price list in the LiteLLM format into the catalog. No server may be running.
    ///
    /// What an operator set stays; what is there already is left alone. Reports what was taken,
    /// what was skipped, and why.
    Import(Import),
}

#[derive(Debug, Args)]
pub struct Import {
    /// The list: a JSON object with an entry for each model.
    file: PathBuf,
    #[command(flatten)]
    database: Database,
}

pub fn run(prices: Prices) -> Result<ExitCode, Failure> {
    let Prices::Import(arguments) = prices;
    let url = arguments.database.url()?;
    let import = admin::import_prices(&url, &arguments.file, &SystemClock);
    let report = runtime(None)?.block_on(import).map_err(failure)?;
    println!("{report}");
    Ok(ExitCode::SUCCESS)
}

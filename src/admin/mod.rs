//! What an operator runs beside the server: verify, rebuild, import prices, export.
//!
//! Works on a database, prints nothing.

pub mod export;
pub mod tokens;
pub mod verify;

use std::path::Path;
use std::sync::Arc;

use crate::domain::Time;
use crate::domain::catalog::Catalog;
use crate::engine::{self, Actor, Clock};
use crate::prices::{Format, InvalidList, Jumps, Moment, Report, builtin};
use crate::storage::sql::{self, OpenError};
use crate::storage::{self, Store};

/// Who changes things by a command, as the audit log says.
pub(crate) const ACTOR: &str = "command line";
const IMPORT: &str = "prices import";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error("{path}: {cause}")]
    File { path: String, cause: std::io::Error },
    #[error("--output: {0} is there already: choose another name, or replace it with --force")]
    FileExists(String),
    #[error("the output cannot be written: {0}")]
    Output(#[source] std::io::Error),
    #[error("--workspace: there is no workspace \"{0}\"")]
    WorkspaceNotFound(String),
    #[error(transparent)]
    Export(crate::export::Error),
    #[error("{path}: {cause}")]
    InvalidList { path: String, cause: InvalidList },
    #[error("--id: there is a token \"{0}\" already")]
    TokenExists(String),
    #[error(transparent)]
    Token(engine::Error),
    #[error(
        "operator_token_file: {0}: expected the secret of a token: tg_ and 49 letters and digits"
    )]
    NotASecret(String),
    #[error("there is no token \"{0}\"")]
    TokenNotFound(String),
    #[error("the price list contradicts itself or the catalog: {0}")]
    Contradiction(String),
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Error {
        match error {
            engine::Error::ResourceExists { id, .. } => Error::TokenExists(id),
            error => Error::Token(error),
        }
    }
}

/// How a price list is to be imported.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    pub format: Format,
    /// From when on its prices count; absent for now.
    pub effective_time: Option<Time>,
    pub jumps: Jumps,
    /// Computes the report and changes nothing.
    pub dry_run: bool,
}

/// Reads a price list into the catalog. Operators' entries stay; what is there already is left
/// alone, so that the same list again changes nothing. No server may be running on the database.
///
/// # Errors
/// If the file cannot be read or is no price list (nothing has changed then), or storage fails
/// (import again: what was taken stays).
pub async fn import_prices(
    database: &str,
    file: &Path,
    options: ImportOptions,
    clock: &dyn Clock,
) -> Result<Report, Error> {
    let path = || file.display().to_string();
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|cause| Error::File { path: path(), cause })?;
    let store = sql::open_existing(database).await?;
    let result = import(&*store, (&text, file), options, clock).await;
    store.close().await;
    result
}

async fn import(
    store: &dyn Store,
    (text, file): (&str, &Path),
    options: ImportOptions,
    clock: &dyn Clock,
) -> Result<Report, Error> {
    store.claim().await?;
    let catalog = engine::load_catalog(store, builtin::catalog()).await;
    let catalog: Catalog = catalog.map_err(|error| Error::Contradiction(error.to_string()))?;
    let now = clock.now();
    let moment = Moment { effective_time: options.effective_time.unwrap_or(now), now };
    let list = options
        .format
        .read(text, moment, &catalog)
        .map_err(|cause| Error::InvalidList { path: file.display().to_string(), cause })?;
    let mut import = list.against_with(&catalog, options.jumps);
    let changed = catalog.with_models_and_prices(import.models.clone(), import.prices.clone());
    changed.map_err(|refusal| Error::Contradiction(refusal.to_string()))?;
    if options.dry_run {
        return Ok(import.report);
    }
    let report = std::mem::take(&mut import.report);
    let by = Actor::new(ACTOR, IMPORT);
    let (changes, events) = engine::import_list_changes(&by, now, options.format, &catalog, import);
    store.change("", &changes, &events).await?;
    Ok(report)
}

/// Rewrites everything that is derived from the usage log. No server may be running on the
/// database.
///
/// # Errors
/// If storage fails: nothing has changed then.
pub async fn rebuild(database: &str) -> Result<(), Error> {
    let store: Arc<dyn Store> = sql::open_existing(database).await?;
    let result = async {
        store.claim().await?;
        store.rebuild_rollups().await
    };
    let result = result.await;
    store.close().await;
    Ok(result?)
}

//! `tollgate context`: servers that are called often, by name, in one file for its owner.
//!
//! The file names where a token is; it has no secret itself.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::connection::url_of;
use super::table::Table;
use crate::cli::{Failure, print};

const FILE_NAME: &str = "contexts.toml";
const NAME_CHARS_MAX: usize = 64;
/// Its owner alone reads and writes the file, and sees what is in its folder.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

#[derive(Debug, Subcommand)]
pub enum ContextCommand {
    /// Add a context, or change what is given of it. The first one is in use at once.
    Set(Set),
    /// Use a context from now on.
    Use(Named),
    /// List all contexts; the one in use is marked.
    List,
    /// Delete a context.
    Delete(Named),
}

#[derive(Debug, Args)]
pub struct Set {
    /// Name of the context.
    #[arg(value_parser = name)]
    name: String,
    /// Address of the server.
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// File with the secret of an access token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Workspace of commands that name none.
    #[arg(long, short, value_name = "ID")]
    workspace: Option<String>,
    /// Authorities of the server's certificate, in PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Name of the context.
    name: String,
}

/// A server, who calls it, and about what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// All contexts, as they are in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_use: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

pub fn run(command: ContextCommand) -> Result<ExitCode, Failure> {
    let mut contexts = Contexts::load()?;
    match command {
        ContextCommand::List => {
            print(contexts.table())?;
            return Ok(ExitCode::SUCCESS);
        }
        ContextCommand::Set(set) => {
            let context = set.onto(contexts.contexts.get(&set.name).cloned())?;
            contexts.set(&set.name, context);
        }
        ContextCommand::Use(Named { name }) => contexts.take(&name)?,
        ContextCommand::Delete(Named { name }) => contexts.delete(&name)?,
    }
    contexts.store()?;
    Ok(ExitCode::SUCCESS)
}

impl Set {
    fn onto(&self, before: Option<Context>) -> Result<Context, Failure> {
        let before = before.unwrap_or_default();
        if let Some(server) = &self.server {
            url_of(server)?;
        }
        Ok(Context {
            server: self.server.clone().or(before.server),
            token_file: absolute(self.token_file.as_deref())?.or(before.token_file),
            workspace: self.workspace.clone().or(before.workspace),
            ca: absolute(self.ca.as_deref())?.or(before.ca),
        })
    }
}

/// Commands are called from other folders later.
fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let found = fs::canonicalize(path);
    found.map(Some).map_err(|cause| format!("{}: {cause}", path.display()))
}

fn name(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_name = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(is_plain);
    is_name.then(|| text.to_owned()).ok_or_else(|| {
        format!("expected 1 to {NAME_CHARS_MAX} letters, digits, dashes, underscores and dots")
    })
}

impl Contexts {
    /// None if there is no file.
    pub fn load() -> Result<Contexts, Failure> {
        let Some(path) = path() else { return Ok(Contexts::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Default::default());
            }
            Err(cause) => return Err(format!("{}: {cause}", path.display())),
        };
        toml::from_str(&text).map_err(|cause| format!("{}: {}", path.display(), cause.message()))
    }

    /// Replaces the file at once, so that no reader sees a part of it.
    fn store(&self) -> Result<(), Failure> {
        let path = path().ok_or("no folder for contexts: set HOME or XDG_CONFIG_HOME")?;
        let written = self.write(&path);
        written.map_err(|cause| format!("{}: {cause}", path.display()))
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = toml::to_string(self).map_err(std::io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// # Errors
    /// If there is none of this name.
    pub fn get(&self, name: &str) -> Result<&Context, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
            match names.is_empty() {
                true => format!("there is no context {name}: make one with `tollgate context set`"),
                false => format!("there is no context {name}: expected {}", names.join(", ")),
            }
        })
    }

    pub fn in_use(&self) -> Option<&Context> {
        self.contexts.get(self.in_use.as_deref()?)
    }

    pub fn set(&mut self, name: &str, context: Context) {
        self.contexts.insert(name.to_owned(), context);
        self.in_use.get_or_insert_with(|| name.to_owned());
    }

    /// # Errors
    /// If there is none of this name.
    pub fn take(&mut self, name: &str) -> Result<(), Failure> {
        self.get(name)?;
        self.in_use = Some(name.to_owned());
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), Failure> {
        self.get(name)?;
        self.contexts.remove(name);
        self.in_use = self.in_use.take().filter(|in_use| in_use != name);
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["", "NAME", "SERVER", "WORKSPACE", "TOKEN FILE"]);
        for (name, context) in &self.contexts {
            let mark = if self.in_use.as_deref() == Some(name) { "*" } else { "" };
            let file = context.token_file.as_ref().map(|path| path.display().to_string());
            table.row([
                mark.to_owned(),
                name.clone(),
                context.server.clone().unwrap_or_default(),
                context.workspace.clone().unwrap_or_default(),
                file.unwrap_or_default(),
            ]);
        }
        table
    }
}

/// The file: in the folder for the configuration of this user.
fn path() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config")));
    Some(folder?.join("tollgate").join(FILE_NAME))
}

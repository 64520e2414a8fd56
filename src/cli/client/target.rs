//! What every command that calls a server is told: the server, the workspace, and the form of the
//! result.

use std::time::Duration;

use clap::Args;

use super::connection::Connection;
use super::{CallError, Client, Output};
use crate::cli::Failure;

const TIMEOUT_SECONDS_MAX: u64 = 3_600;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct Target {
    #[command(flatten)]
    connection: Connection,
    /// Workspace [env: TOLLGATE_WORKSPACE].
    #[arg(long, short, value_name = "ID")]
    workspace: Option<String>,
    /// Longest time until the server answers.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=TIMEOUT_SECONDS_MAX))]
    timeout: u64,
    /// Form of the result.
    #[arg(long, short, value_enum, value_name = "FORM", default_value = "table")]
    pub output: Output,
}

impl Target {
    /// A client of the server, connected.
    ///
    /// # Errors
    /// If what is given contradicts itself, or no server answers.
    pub async fn connect(&self) -> Result<Client, CallError> {
        Ok(Client::new(self.connection.open().await?, Duration::from_secs(self.timeout)))
    }

    /// The workspace that the command is about.
    ///
    /// # Errors
    /// If none is given.
    pub fn workspace(&self) -> Result<String, Failure> {
        self.workspace_or_none()?.ok_or_else(|| {
            "no workspace: name one with --workspace, TOLLGATE_WORKSPACE or a context".to_owned()
        })
    }

    pub fn workspace_or_none(&self) -> Result<Option<String>, Failure> {
        match &self.workspace {
            Some(flag) => Ok(Some(flag.clone())),
            None => self.connection.workspace(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        target: Target,
    }

    #[test]
    fn a_flag_names_the_workspace_before_all_else() {
        let command = Command::parse_from(["tollgate", "--workspace", "x"]);
        assert_eq!(command.target.workspace().unwrap(), "x");
    }
}

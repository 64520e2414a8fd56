//! `tollgate completion` and `tollgate man`: what the command line says about itself, for shells
//! and for `man`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::{Failure, print};

const NAME: &str = "tollgate";

/// Shells that completions are made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub struct Completion {
    /// The shell.
    #[arg(value_enum)]
    shell: KnownShell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Folder to write one page for each command into; without it the page of tollgate is printed.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub fn completion(completion: Completion, mut command: Command) -> Result<ExitCode, Failure> {
    let shell = match completion.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut script);
    print(String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

pub fn man(man: Man, command: Command) -> Result<ExitCode, Failure> {
    let Some(folder) = man.folder else {
        let mut page = Vec::new();
        let rendered = Page::new(command).render(&mut page);
        rendered.map_err(|cause| format!("the page could not be made: {cause}"))?;
        print(String::from_utf8_lossy(&page))?;
        return Ok(ExitCode::SUCCESS);
    };
    let written = fs::create_dir_all(&folder)
        .and_then(|()| clap_mangen::generate_to(command.disable_help_subcommand(true), &folder));
    written.map_err(|cause| format!("{}: {cause}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

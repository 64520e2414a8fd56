//! The command line from outside: the real binary, its output, its files and its exit codes.

mod call;
mod contexts;
mod dev;
#[path = "../support/process.rs"]
mod process;
mod shell;
mod verbs;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Variables of who runs the tests.
const VARIABLES: [&str; 4] =
    ["TOLLGATE_ADDRESS", "TOLLGATE_TOKEN", "TOLLGATE_WORKSPACE", "XDG_CONFIG_HOME"];

/// The binary, with contexts in a folder of its own.
fn tollgate(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(process::binary());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.env("HOME", home).args(arguments);
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    tollgate(home, arguments).output().unwrap()
}

/// What it prints, with success.
fn printed(home: &Path, arguments: &[&str]) -> String {
    let output = run(home, arguments);
    let told = text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}: {told}", output.status);
    text(&output.stdout)
}

fn printed_json(home: &Path, arguments: &[&str]) -> Value {
    let printed = printed(home, arguments);
    serde_json::from_str(&printed).unwrap_or_else(|cause| panic!("{cause}: {printed}"))
}

/// Its exit code, and what it tells of.
fn refused(home: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(home, arguments);
    (output.status.code().unwrap(), text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

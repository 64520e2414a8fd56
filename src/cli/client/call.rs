//! `tollgate call`: any method of the API, with messages in JSON.

use std::io::Read;
use std::process::ExitCode;

use clap::Args;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::{CallError, Target, descriptors, run};
use crate::cli::{Failure, print, print_next};

const WORKSPACE_FIELD: &str = "workspace_id";
/// Longest text that is read.
const TEXT_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Args)]
pub struct Call {
    /// The method, for example BudgetService/GetBudget.
    #[arg(required_unless_present = "list")]
    method: Option<String>,
    /// The request: protobuf's JSON, @FILE, or @- for standard input. A method that takes a stream
    /// takes several, one after the other. Its workspace_id may be left out where one is given
    /// otherwise.
    #[arg(default_value = "{}")]
    request: String,
    /// List all methods.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    target: Target,
}

pub fn run_call(call: Call) -> Result<ExitCode, Failure> {
    if call.list {
        for method in descriptors::methods() {
            print(format_args!("{}\n", descriptors::short_name(&method)))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    run(call.target.output, call.perform())
}

impl Call {
    async fn perform(&self) -> Result<(), CallError> {
        let method = descriptors::method(self.method.as_deref().unwrap_or_default())?;
        let messages = self.messages(&method)?;
        let client = self.target.connect().await?;
        let mut answers = client.start(&method, messages).await?;
        while let Some(answer) = answers.message().await? {
            let answer = descriptors::json(&answer)?;
            let is_read = match method.is_server_streaming() {
                // One on a line, for programs that read lines.
                true => print_next(format_args!("{answer}\n"))?,
                false => print_next(format_args!("{answer:#}\n"))?,
            };
            if !is_read {
                return Ok(());
            }
        }
        Ok(())
    }

    fn messages(&self, method: &MethodDescriptor) -> Result<Vec<DynamicMessage>, Failure> {
        let mut messages = descriptors::messages(method, &text(&self.request)?)?;
        if messages.len() != 1 && !method.is_client_streaming() {
            let count = messages.len();
            return Err(format!("{} takes one request: found {count}", method.name()));
        }
        if method.input().get_field_by_name(WORKSPACE_FIELD).is_some()
            && let Some(workspace) = self.target.workspace_or_none()?
        {
            for message in &mut messages {
                if !message.has_field_by_name(WORKSPACE_FIELD) {
                    message.set_field_by_name(WORKSPACE_FIELD, Value::String(workspace.clone()));
                }
            }
        }
        Ok(messages)
    }
}

/// A text that is given, or in a file.
fn text(given: &str) -> Result<String, Failure> {
    let Some(file) = given.strip_prefix('@') else { return Ok(given.to_owned()) };
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().take(TEXT_BYTES_MAX).read_to_string(&mut text),
        file => std::fs::File::open(file)
            .and_then(|opened| opened.take(TEXT_BYTES_MAX).read_to_string(&mut text)),
    };
    read.map_err(|cause| format!("{file}: {cause}"))?;
    match (text.len() as u64) < TEXT_BYTES_MAX {
        true => Ok(text),
        false => Err(format!("{file}: expected less than {TEXT_BYTES_MAX} bytes")),
    }
}

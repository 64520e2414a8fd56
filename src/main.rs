//! The binary `tollgate`: see `cli`.

#![forbid(unsafe_code)]
// These macros panic where nothing can be written.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

// Handling a call is mostly small allocations; benches/ shows what this allocator is worth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}

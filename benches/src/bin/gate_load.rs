//! The load generator: one process, one thread, one JSON line of results. The work is done in
//! `tollgate_bench::load`.

use clap::Parser;
use tollgate_bench::{Result, load};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let options = load::Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = tokio::task::LocalSet::new().block_on(&runtime, load::run(options))?;
    println!("{}", serde_json::to_string(&result)?);
    Ok(())
}

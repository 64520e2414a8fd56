//! Compiles the protos into the module `v1`, with a compiler written in Rust so that no `protoc` is
//! needed.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    // `proto` links to the protos of the repository, and a package has copies. Where links are
    // checked out as plain files, as Git does on Windows, the second place is that of the protos.
    let root = ["proto", "../../proto"]
        .into_iter()
        .find(|root| Path::new(root).is_dir())
        .ok_or("neither proto nor ../../proto is a folder")?;
    println!("cargo:rerun-if-changed={root}");

    let mut protos = Vec::new();
    for entry in std::fs::read_dir(Path::new(root).join("tollgate/v1"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            protos.push(path);
        }
    }
    protos.sort();
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        .compile_fds(protox::compile(protos, [root])?)?;
    Ok(())
}

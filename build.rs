//! Compiles `proto/` into Rust, with a compiler written in Rust so that no `protoc` is needed.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // They are compiled in (`src/storage/sql/connection/schema.rs`).
    println!("cargo:rerun-if-changed=migrations");
    let descriptors = protox::compile(protos()?, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), prost_bytes(&descriptors)?)?;
    tonic_prost_build::configure().codec_path("crate::proto::Codec").compile_fds(descriptors)?;
    Ok(())
}

/// Every proto of the package, in a fixed order, so that builds are reproducible.
fn protos() -> std::io::Result<Vec<PathBuf>> {
    let mut protos = Vec::new();
    for entry in std::fs::read_dir("proto/tollgate/v1")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            protos.push(path);
        }
    }
    protos.sort();
    Ok(protos)
}

fn prost_bytes(set: &impl prost::Message) -> Result<Vec<u8>, prost::EncodeError> {
    let mut bytes = Vec::with_capacity(set.encoded_len());
    set.encode(&mut bytes)?;
    Ok(bytes)
}

//! Compiles `proto/` into Rust, with a compiler written in Rust so that no `protoc` is needed.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = [
        "proto/tollgate/v1/common.proto",
        "proto/tollgate/v1/error_reason.proto",
        "proto/tollgate/v1/alert_service.proto",
        "proto/tollgate/v1/analytics_service.proto",
        "proto/tollgate/v1/audit_service.proto",
        "proto/tollgate/v1/budget_service.proto",
        "proto/tollgate/v1/directory_service.proto",
        "proto/tollgate/v1/model_limit_service.proto",
        "proto/tollgate/v1/quota_service.proto",
        "proto/tollgate/v1/usage_service.proto",
    ];
    println!("cargo:rerun-if-changed=proto");
    // They are compiled in (`src/storage/sql/connection/schema.rs`).
    println!("cargo:rerun-if-changed=migrations");
    let descriptors = protox::compile(protos, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), prost_bytes(&descriptors)?)?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}

fn prost_bytes(set: &impl prost::Message) -> Result<Vec<u8>, prost::EncodeError> {
    let mut bytes = Vec::with_capacity(set.encoded_len());
    set.encode(&mut bytes)?;
    Ok(bytes)
}

//! Compiles `proto/` into Rust, with a compiler written in Rust so that no `protoc` is needed, and
//! makes a table of the files of the panel, which are part of the tree so that no Node is needed.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const PANEL: &str = "clients/panel/dist";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // They are compiled in (`src/storage/sql/connection/schema.rs`).
    println!("cargo:rerun-if-changed=migrations");
    let descriptors = protox::compile(protos()?, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), prost_bytes(&descriptors)?)?;
    tonic_prost_build::configure().codec_path("crate::proto::Codec").compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed={PANEL}");
    write_panel(&out)?;
    Ok(())
}

/// Compresses the files of the panel, and writes a table of them (`src/grpc/router/panel.rs`).
fn write_panel(out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = files_below(Path::new(PANEL))?;
    paths.sort_by_key(|path| path.display().to_string());
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (index, path) in paths.iter().enumerate() {
        let bytes = std::fs::read(path)?;
        let compressed = out.join(format!("panel_{index}.gz"));
        let mut encoder = GzEncoder::new(std::fs::File::create(&compressed)?, Compression::best());
        encoder.write_all(&bytes)?;
        encoder.finish()?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let name = path.strip_prefix(PANEL)?.to_str().ok_or("a name that is no UTF-8")?;
        let (name, media_type) = (format!("/{name}"), media_type(path)?);
        let entry = format!("path: {name:?}, media_type: {media_type:?}, etag: {etag:?}");
        writeln!(table, "File {{ {entry}, gzip: include_bytes!({compressed:?}) }},")?;
    }
    table.push_str("];\n");
    std::fs::write(out.join("panel_files.rs"), table)?;
    Ok(())
}

fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn media_type(path: &Path) -> Result<&'static str, String> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => Ok("text/html; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        Some("woff2") => Ok("font/woff2"),
        _ => Err(format!("{}: no media type is known for it", path.display())),
    }
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

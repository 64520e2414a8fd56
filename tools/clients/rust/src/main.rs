//! A plugin of buf: a `CodeGeneratorRequest` on stdin, the Rust stubs in a
//! `CodeGeneratorResponse` on stdout. Made by tonic-prost-build, as the server's own are.
//!
//! Servers are generated behind the feature `server` of the crate, for fakes in tests.

use std::error::Error;
use std::io::{Read, Write};

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let request = CodeGeneratorRequest::decode(input.as_slice())?;

    let folder = std::env::temp_dir().join(format!("tollgate-rust-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let generated = generate(request.proto_file, &folder);
    std::fs::remove_dir_all(&folder)?;

    let response = CodeGeneratorResponse {
        file: generated?,
        supported_features: Some(Feature::Proto3Optional as u64),
        ..Default::default()
    };
    std::io::stdout().write_all(&response.encode_to_vec())?;
    Ok(())
}

fn generate(
    files: Vec<prost_types::FileDescriptorProto>,
    folder: &std::path::Path,
) -> Result<Vec<File>, Box<dyn Error>> {
    tonic_prost_build::configure()
        .out_dir(folder)
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        .compile_fds(FileDescriptorSet { file: files })?;
    let mut generated = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("tollgate.") {
            generated.push(File {
                name: Some(name),
                content: Some(std::fs::read_to_string(entry.path())?),
                ..Default::default()
            });
        }
    }
    generated.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(generated)
}

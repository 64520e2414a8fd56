//! Compiles the protos into the module `v1`, with a compiler written in Rust so that no `protoc` is
//! needed, and writes which of their calls have pages.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use prost_types::FileDescriptorSet;

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
    let compiled = protox::compile(protos, [root])?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("lists.rs"), lists(&compiled)?)?;
    tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        .compile_fds(compiled)?;
    Ok(())
}

/// What makes a list of each call whose request has a `page_token`, and whose response has the next.
fn lists(protos: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let has = |message: &str, field: &str| {
        let name = message.rsplit('.').next();
        let mut messages = protos.file.iter().flat_map(|file| &file.message_type);
        let found = messages.find(|message| message.name.as_deref() == name);
        found.is_some_and(|found| found.field.iter().any(|one| one.name() == field))
    };
    let mut text = String::new();
    let services = protos.file.iter().flat_map(|file| &file.service);
    for (service, method) in services.flat_map(|service| {
        service.method.iter().map(move |method| (snake_case(service.name()), method))
    }) {
        if has(method.input_type(), "page_token") && has(method.output_type(), "next_page_token") {
            let (request, page) = (bare(method.input_type()), bare(method.output_type()));
            let client = format!("{service}_client::{}Client", upper_camel_case(&service));
            let method = snake_case(method.name());
            writeln!(text, "list!({request}, {page}, {client}, {method});")?;
        }
    }
    Ok(text)
}

fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn upper_camel_case(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

//! Provider answers that were recorded: read, and compared with what others read in them.

mod field_cases;
mod fuzz;
mod second_opinion;
mod vectors;

use std::path::PathBuf;

use serde_json::Value;

/// The lines of a data file, as JSON. These files are not part of the repository: without them
/// there is nothing to compare with, which only a build server must not accept.
fn data(name: &str) -> Option<Vec<Value>> {
    let folder = std::env::var_os("TOLLGATE_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(error) => {
            let message = format!("{}: {error}", path.display());
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
            eprintln!("not run: {message}");
            None
        }
    }
}

/// The files of `clients/conformance/usage`, by name.
fn conformance() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/conformance/usage");
    let mut vectors: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    vectors.sort_by(|a, b| a.0.cmp(&b.0));
    vectors
}

/// Each element of a list as a part; anything else is one part.
fn parts(answer: &Value) -> Vec<String> {
    match answer {
        Value::Array(events) => events.iter().map(Value::to_string).collect(),
        whole => vec![whole.to_string()],
    }
}

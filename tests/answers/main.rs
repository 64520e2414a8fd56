//! Provider answers that were recorded: read, and compared with what others read in them.

#[path = "../support/data.rs"]
mod data;
mod field_cases;
mod fuzz;
mod properties;
mod second_opinion;
mod vectors;

use std::path::PathBuf;

use serde_json::Value;

/// The lines of a file of the test data, as JSON.
fn recorded(name: &str) -> Option<Vec<Value>> {
    let text = data::read(name)?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
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

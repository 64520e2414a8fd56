//! Test data that is too large for this repository: files of `../shared/data`, or of the folder in
//! `TOLLGATE_TEST_DATA`.

#[path = "not_run.rs"]
mod report;

use std::path::PathBuf;

use report::{not_run, was_run};

/// The text of a file. `None` where it is absent, which is reported as not run, and in CI fails.
pub fn read(name: &str) -> Option<String> {
    let folder = std::env::var_os("TOLLGATE_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    let what = format!("the tests of {} that need {name}", env!("CARGO_CRATE_NAME"));
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            was_run(&what);
            Some(text)
        }
        Err(error) => {
            let why = format!("{}: {error}", path.display());
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
            not_run(&what, &why);
            None
        }
    }
}

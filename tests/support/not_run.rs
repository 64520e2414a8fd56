//! Saying that part of a suite was not run.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Says that part of a suite was not run. The line goes past the capture of the test harness, and
/// into a file of `target/tmp/not-run/`, so that whoever runs all suites can list them at the end.
pub fn not_run(what: &str, why: &str) {
    let line = format!("NOT RUN: {what}: {why}\n");
    // Past the capture: the macros that print are captured, the stream itself is not.
    std::io::stderr().write_all(line.as_bytes()).expect("stderr is open");
    let file = not_run_file(what);
    fs::create_dir_all(file.parent().expect("it has a folder")).expect("target/tmp is writable");
    fs::write(file, line).expect("target/tmp is writable");
}

/// Takes back what an earlier run said with [`not_run`].
pub fn was_run(what: &str) {
    // Mostly there is nothing to take back.
    drop(fs::remove_file(not_run_file(what)));
}

fn not_run_file(what: &str) -> PathBuf {
    let name = what.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("not-run").join(name)
}

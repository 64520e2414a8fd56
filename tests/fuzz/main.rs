//! What fuzzing found out, once more: each target with the inputs that are kept of it.
//!
//! `tools/fuzz` feeds the same targets with what libFuzzer makes up, see CONTRIBUTING.md.

#[path = "../answers/properties.rs"]
mod answer_properties;
#[path = "../ledger_properties/machine/mod.rs"]
mod machine;
#[path = "../oracle/mod.rs"]
mod oracle;
#[allow(dead_code, reason = "the simulation uses what the targets do not")]
#[path = "../simulation/store/mod.rs"]
mod store;
mod targets;
#[path = "../support/wire.rs"]
mod wire;
#[path = "../world/mod.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// Inputs that are kept, by target.
const CORPUS: &str = "tools/fuzz/corpus";
/// Most bytes of all of them.
const CORPUS_BYTES_MAX: usize = 200 * 1024;

fn inputs(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(CORPUS).join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The name of an input that fails is above its failure.
fn replay(name: &str) {
    let target = targets::find(name).unwrap();
    let inputs = inputs(target);
    assert!(inputs.len() >= 10, "{name}: only {} inputs are kept", inputs.len());
    for (path, bytes) in inputs {
        println!("{}", path.display());
        (target.run)(&bytes);
    }
}

macro_rules! replays {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
        }
    };
}

replays!(requests credentials identities page_tokens prices answers config ledger);

#[test]
fn what_is_kept_is_small() {
    let all = TARGETS.iter().flat_map(inputs);
    let bytes: usize = all.map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes: minimise with tools/fuzz/run --keep");
}

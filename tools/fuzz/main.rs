//! Runs one target of `tests/fuzz` under libFuzzer: the one that the variable
//! `TOLLGATE_FUZZ_TARGET` names. See `run`, which builds this with the instrumentation.
#![no_main]

#[path = "../../tests/answers/properties.rs"]
mod answer_properties;
#[path = "../../tests/ledger_properties/machine/mod.rs"]
mod machine;
#[path = "../../tests/oracle/mod.rs"]
mod oracle;
#[allow(dead_code, reason = "the simulation uses what the targets do not")]
#[path = "../../tests/simulation/store/mod.rs"]
mod store;
#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;
#[path = "../../tests/support/wire.rs"]
mod wire;
#[path = "../../tests/world/mod.rs"]
mod world;

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use targets::Target;

const VARIABLE: &str = "TOLLGATE_FUZZ_TARGET";

fuzz_target!(|bytes: &[u8]| -> Corpus {
    (target().run)(bytes);
    Corpus::Keep
});

fn target() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        targets::find(&name).unwrap_or_else(|| {
            let names: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
            panic!("{VARIABLE}: expected one of {}", names.join(", "))
        })
    })
}

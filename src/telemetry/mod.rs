//! Telemetry: what a server counts and measures of itself, exported in the text format of
//! Prometheus; and which call a line of the log is about.
//!
//! Every metric is named once, in `table.rs`. Where something happens is one call of a metric's own
//! handle: a relaxed atomic operation at a fixed address, without a lookup, lock or allocation.
//! They belong to the process: several servers in one process, as in tests, share them.

pub mod calls;
mod decisions;
pub mod ids;
pub mod listener;
mod process;
mod rpc;
mod table;
pub mod traces;
mod values;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

pub use decisions::decided;
pub use rpc::code_name;
pub use table::*;
pub use values::{Exported, Kind};

const COUNTER_SUFFIX: &str = "_total";

/// All metrics in the text format of Prometheus, as they are now.
///
/// # Errors
/// Never: a text takes everything.
pub fn render() -> Result<String, fmt::Error> {
    process::refresh();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Table));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Table;

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in TABLE {
            // The encoder adds it.
            let name = metric.name();
            let name = name.strip_suffix(COUNTER_SUFFIX).unwrap_or(name);
            let kind = metric.kind().into();
            metric.encode(encoder.encode_descriptor(name, metric.help(), None, kind)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_and_are_there_once() {
        let mut names = BTreeSet::new();
        for metric in TABLE {
            let name = metric.name();
            assert!(names.insert(name), "{name} is there twice");
            let is_counter = metric.kind() == Kind::Counter;
            assert_eq!(name.ends_with(COUNTER_SUFFIX), is_counter, "{name}");
            let namespaces = ["tollgate_", "process_", "rpc_server_"];
            assert!(namespaces.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            assert!(metric.help().ends_with('.'), "{name}: {}", metric.help());
        }
    }

    #[test]
    fn each_metric_of_the_table_is_rendered() {
        let text = render().unwrap();
        for metric in TABLE {
            let kind = metric.kind().as_str();
            let line = format!("# TYPE {} {kind}\n", metric.name());
            assert!(text.contains(&line), "{line} in {text}");
        }
        let version = env!("CARGO_PKG_VERSION");
        assert!(text.contains(&format!("tollgate_build_info{{version=\"{version}\"}} 1\n")));
    }
}

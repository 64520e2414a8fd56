//! Exports of the usage log: every column of the records, and conformance with FOCUS 1.2 by the
//! specification's list of columns.

#[path = "export/fixtures.rs"]
mod fixtures;
#[path = "export/focus.rs"]
mod focus;
#[path = "export/records.rs"]
mod records;

//! The usage log as files: every column of the records, and the rules of FOCUS 1.2, each against
//! the specification's list of columns.

#[path = "export/fixtures.rs"]
mod fixtures;
#[path = "export/focus.rs"]
mod focus;
#[path = "export/records.rs"]
mod records;

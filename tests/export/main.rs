//! Exports of the usage log: every column of the records, and conformance with FOCUS 1.2 by the
//! specification's list of columns.

mod fixtures;
mod focus;
mod records;

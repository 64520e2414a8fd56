//! The check of a request: it is decided whether it may run, and on which model, and its worst-case
//! cost is held.

pub mod prepared;
mod estimate;
mod verdict;
mod route;
mod decide;

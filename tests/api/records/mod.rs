//! What is kept about usage and about its subjects: the audit log, the directory, files, retention.

pub mod audit;
pub mod bill;
pub mod directory;
pub mod erasure;
pub mod export;
mod export_link;
pub mod generate;
pub mod provider_answer;
pub mod reported;
pub mod retention;

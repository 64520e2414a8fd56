//! What the services share: decoding with its violations, conversions of common types, pages,
//! statuses.

pub mod actor;
pub mod attribution;
pub mod boost;
pub mod decode;
pub mod enums;
pub mod mask;
pub mod money;
pub mod names;
pub mod page;
pub mod status;
pub mod stream;
pub mod subject;
pub mod text;
pub mod time;
pub mod tokens;

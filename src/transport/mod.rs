//! Transport: accepts connections, plain or with TLS, bounds their number and age, and serves them
//! over HTTP/1.1 and HTTP/2.

mod connection;
mod opening;
mod places;
mod serve;
mod state;
mod tls;
mod unsent;

pub use connection::{ClientCertificate, Peer};
pub use serve::Server;
pub use state::{State, Upload};
pub use tls::{Error, RELOAD_INTERVAL, Tls};
pub use unsent::Reserve;

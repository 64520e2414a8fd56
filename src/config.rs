//! Configuration: defaults < TOML file < environment < flags, checked once.
//!
//! [`Config::load`] alone reads the environment and the file, so that every rule can be tested as a
//! table. No error repeats a value, and `Debug` redacts passwords.

mod database;
mod settings;
mod smtp;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use database::DatabaseUrl;
use settings::Given;
pub use settings::{SETTINGS, Setting};
pub use smtp::{Server as SmtpServer, Smtp, SmtpTls};

use crate::limits::Limits;

/// Beginning of the names of all variables of the environment that are ours.
const PREFIX: &str = "TOLLGATE_";

/// Variables that begin so belong to the test suite.
const TEST_PREFIX: &str = "TOLLGATE_TEST_";

/// Names the file, in the environment.
const FILE_VARIABLE: &str = "TOLLGATE_CONFIG";

/// Variables beside the settings: the file, and those of the clients, which may share their
/// environment with a server.
const OTHER_VARIABLES: [&str; 4] =
    [FILE_VARIABLE, "TOLLGATE_ADDRESS", "TOLLGATE_TOKEN", "TOLLGATE_WORKSPACE"];

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Address to serve on; 127.0.0.1:50051 at first.
    pub listen: SocketAddr,
    /// `sqlite:tollgate.db` at first.
    pub database: DatabaseUrl,
    /// Whether the database is created if it is not there; not at first, but for the default one.
    pub create: bool,
    /// How long this server may decide after it last wrote to a Postgres; 10 s at first.
    pub lease: Duration,
    /// Names the place where this server runs; empty at first.
    pub node_id: String,
    /// Where callers of another server are told that this one is; empty at first.
    pub advertise_address: String,
    /// Whether to wait until no other server owns the database; not at first.
    pub standby: bool,
    /// Whether to start also at a time that the log makes unlikely; not at first.
    pub accept_clock: bool,
    /// Whether `listen` may be another address than loopback; not at first.
    pub insecure: bool,
    /// Whether calls need credentials: where other machines can reach the address, unless it is
    /// insecure, or something else is set.
    pub auth: Auth,
    /// File with the secret of the first operator token, for a database without tokens.
    pub operator_token_file: Option<PathBuf>,
    /// File with the keys that secrets of webhooks are encrypted with; without it they are stored
    /// in plain text.
    pub encryption_key_file: Option<PathBuf>,
    /// Certificate and key of the server; without them connections are plain.
    pub tls: Option<TlsFiles>,
    /// Which client certificates and identity providers are accepted; none without it.
    pub identity_file: Option<PathBuf>,
    /// Where metrics and probes are; nowhere without it.
    pub metrics_listen: Option<SocketAddr>,
    /// Collector that spans are sent to; none without it.
    pub otlp_endpoint: Option<String>,
    /// Form of the log; for people at first.
    pub log_format: LogFormat,
    /// What is logged, by level or by directives of `tracing`; "info" at first.
    pub log_filter: String,
    /// Origins whose pages may call over gRPC-Web, or "*" alone for all. None at first: CORS is
    /// off.
    pub cors_allowed_origins: Vec<String>,
    /// Longest time from the signal to stop until the process ends; 20 s at first.
    pub shutdown_deadline: Duration,
    /// Threads that serve; as many as the machine has cores if absent.
    pub worker_threads: Option<NonZeroUsize>,
    /// Limits of connections and reports.
    pub limits: Limits,
    /// Whether webhooks may have loopback addresses, also over http; not at first.
    pub webhooks_allow_loopback: bool,
    /// Whether webhooks may have addresses of private networks; not at first.
    pub webhooks_allow_private: bool,
    /// Where mail goes, and whom it is from; without it there are no e-mail receivers.
    pub smtp: Option<Smtp>,
}

/// Whether calls need credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Off,
    Required,
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// With its chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities of client certificates. With them a client may give one, and need not.
    pub client_ca: Option<PathBuf>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    File,
    Environment,
    Flag,
}

/// Why the configuration is refused. Names keys and sources, never values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("unknown key {key:?} in the configuration file; known are {}", known_keys())]
    UnknownKey { key: String },
    #[error("{key} (from {given}): expected {expected}")]
    BadValue { key: &'static str, given: String, expected: &'static str },
    #[error("the configuration file is not TOML: line {line}: {message}")]
    NotToml { line: usize, message: String },
    #[error("the configuration file {} could not be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error(
        "listen (from {given}): {address} can be reached from other machines: serve there with \
         TLS and authentication (tls_certificate, tls_key, and auth = required, which is the \
         default there); to serve without give --insecure (or TOLLGATE_INSECURE=true, or insecure \
         = true in the file)"
    )]
    NotLoopback { address: SocketAddr, given: String },
    #[error("{missing}: expected as well, because {given} is set")]
    Missing { missing: &'static str, given: &'static str },
}

/// A setting on the command line, and the text of its value.
pub type Flag = (&'static Setting, String);

/// A configuration, and what was ignored on the way.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded {
    pub config: Config,
    /// Variables named like settings that are none. Not refused: Kubernetes sets variables such as
    /// TOLLGATE_PORT in every pod beside a service named tollgate.
    pub unknown_variables: Vec<String>,
    /// The file, where an address in it may have a password.
    pub secret_file: Option<PathBuf>,
}

impl Config {
    /// Reads the environment and the file, which `file` or else the environment names, and
    /// resolves them with `flags`.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Config::resolve`].
    pub fn load(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Loaded, Error> {
        // What is not Unicode keeps a replacement character, which no setting accepts.
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment: Vec<(String, String)> =
            std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        let named = environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        let path = file.or_else(|| named.map(|(_, value)| PathBuf::from(value)));
        let text = path.as_ref().map(|path| {
            std::fs::read_to_string(path)
                .map_err(|error| Error::Unreadable { path: path.clone(), cause: error.to_string() })
        });
        let text = text.transpose()?;
        let loaded = Config::resolve(flags, environment, text.as_deref())?;
        let is_secret = text.is_some_and(|text| may_have_password(&text));
        Ok(Loaded { secret_file: path.filter(|_| is_secret), ..loaded })
    }

    /// Applies the sources to the defaults, one after the other.
    ///
    /// # Errors
    /// At the first unknown key of the file, and at the first bad value, also where a later source
    /// would have replaced it: no mistake is passed over silently.
    pub fn resolve(
        flags: Vec<Flag>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&str>,
    ) -> Result<Loaded, Error> {
        let mut given = file.map(read_file).transpose()?.unwrap_or_default();
        let mut unknown_variables = Vec::new();
        for (name, text) in environment {
            let is_ours = name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX);
            match SETTINGS.iter().find(|setting| setting.variable() == name) {
                Some(setting) => {
                    given.push(Given { setting, source: Source::Environment, text: Some(text) });
                }
                None if is_ours && !OTHER_VARIABLES.contains(&name.as_str()) => {
                    unknown_variables.push(name);
                }
                None => {}
            }
        }
        given.extend(flags.into_iter().map(|(setting, text)| Given {
            setting,
            source: Source::Flag,
            text: Some(text),
        }));
        Ok(Loaded { config: settings::apply(&given)?, unknown_variables, secret_file: None })
    }
}

impl Config {
    /// Whether the database is created if it is not there: one that was chosen may have been lost,
    /// or its address may be wrong.
    pub fn may_create(&self) -> bool {
        self.create || self.database.is_default()
    }

    /// The files with secrets that it names, each with the name of its setting.
    pub fn secret_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let tls_key = self.tls.as_ref().map(|files| &files.key);
        let files = [
            ("operator_token_file", self.operator_token_file.as_ref()),
            ("encryption_key_file", self.encryption_key_file.as_ref()),
            ("tls_key", tls_key),
        ];
        files.into_iter().filter_map(|(key, file)| Some((key, file?.as_path())))
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            database: DatabaseUrl::default(),
            lease: Duration::from_secs(10),
            node_id: String::new(),
            advertise_address: String::new(),
            create: false,
            standby: false,
            accept_clock: false,
            insecure: false,
            auth: Auth::Off,
            operator_token_file: None,
            encryption_key_file: None,
            tls: None,
            identity_file: None,
            metrics_listen: None,
            otlp_endpoint: None,
            log_format: LogFormat::Human,
            log_filter: "info".to_owned(),
            cors_allowed_origins: Vec::new(),
            shutdown_deadline: Duration::from_secs(20),
            worker_threads: None,
            limits: Limits::default(),
            webhooks_allow_loopback: false,
            webhooks_allow_private: false,
            smtp: None,
        }
    }
}

fn read_file(text: &str) -> Result<Vec<Given>, Error> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // Only the message: the error's own text repeats the line, which may hold a password.
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::NotToml { line, message: error.message().to_owned() }
    })?;
    let mut given = Vec::new();
    for (key, value) in table {
        let setting = SETTINGS.iter().find(|setting| setting.key == key);
        let setting = setting.ok_or(Error::UnknownKey { key })?;
        given.push(Given { setting, source: Source::File, text: text_of(&value) });
    }
    Ok(given)
}

/// Errs on the strict side: an address may have a user alone.
fn may_have_password(file: &str) -> bool {
    let given = read_file(file).unwrap_or_default();
    given.iter().any(|value| {
        let text = value.text.as_deref().unwrap_or_default();
        matches!(value.setting.key, "database" | "smtp_url")
            && text.contains("://")
            && (text.contains('@') || text.contains("password"))
    })
}

/// A value of the file as a flag has it. None where it has another type than a flag could have, or
/// is quoted without need.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Boolean(value) => Some(value.to_string()),
        toml::Value::Integer(value) => Some(value.to_string()),
        toml::Value::String(text) => {
            let is_other_type = text.parse::<bool>().is_ok() || text.parse::<i64>().is_ok();
            (!is_other_type).then(|| text.clone())
        }
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

fn known_keys() -> String {
    SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

//! What the server is told at start: defaults < TOML file < environment < flags, checked once.
//!
//! Reads no file and no environment by itself, so that every rule stands in a table of tests;
//! [`Config::load`] is the only function that touches the outside. Never shows a secret: no
//! error repeats a value, and [`shown_database`] is the only way a database URL is printed.

mod smtp;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use toml::Value;
use tracing_subscriber::filter::LevelFilter;

pub use smtp::{Server as SmtpServer, Smtp, SmtpTls};

/// Keys, as they are named in the file. The environment has `TOLLGATE_` and the key in capitals,
/// the command line `--` and the key with dashes.
pub const KEYS: [&str; 12] = [
    "listen",
    "database",
    "insecure",
    "log_format",
    "log_filter",
    "cors_allowed_origins",
    "shutdown_deadline_seconds",
    "worker_threads",
    "webhooks_allow_loopback",
    "webhooks_allow_private",
    "smtp_url",
    "smtp_from",
];

/// Beginning of the names of all variables of the environment that are ours.
pub const ENVIRONMENT_PREFIX: &str = "TOLLGATE_";

/// Variables that begin so belong to the test suite and are not looked at.
const TEST_PREFIX: &str = "TOLLGATE_TEST_";

/// Variables of the clients, which may share their environment with a server.
const CLIENT_VARIABLES: [&str; 3] = ["TOLLGATE_ADDRESS", "TOLLGATE_TOKEN", "TOLLGATE_WORKSPACE"];

/// Names the file, in the environment.
pub const FILE_VARIABLE: &str = "TOLLGATE_CONFIG";

/// Longest time that a graceful stop may be given.
pub const SHUTDOWN_DEADLINE_SECONDS_MAX: u64 = 600;

/// Most worker threads.
pub const WORKER_THREADS_MAX: usize = 1024;

/// Most origins that may be allowed by name.
pub const CORS_ALLOWED_ORIGINS_MAX: usize = 100;

/// Everything that can be set.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Address to serve on; 127.0.0.1:50051 at first.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`; `sqlite:tollgate.db` at first. May hold a password: show
    /// it with [`shown_database`].
    pub database: String,
    /// Whether `listen` may be another address than loopback; not at first.
    pub insecure: bool,
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
    /// Whether webhooks may have loopback addresses, also over http; not at first.
    pub webhooks_allow_loopback: bool,
    /// Whether webhooks may have addresses of private networks; not at first.
    pub webhooks_allow_private: bool,
    /// Where mail goes, and whom it is from; without it there are no e-mail receivers.
    pub smtp: Option<Smtp>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Where a value comes from, and the name it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// Why the server cannot be started as it was told. Names keys and sources, never values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("unknown key {key:?} in the configuration file; known are {}", KEYS.join(", "))]
    UnknownKey { key: String },
    #[error("unknown variable {name} in the environment; known are {}", known_variables())]
    UnknownVariable { name: String },
    #[error("{key} ({}): expected {expected}", given.describe(key))]
    BadValue { key: &'static str, given: Source, expected: String },
    #[error("the configuration file is not TOML: line {line}: {message}")]
    NotToml { line: usize, message: String },
    #[error("the configuration file {} could not be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error(
        "listen ({}): {address} can be reached from other machines, and whoever reaches it can \
         do everything; to serve there all the same give --insecure \
         (or TOLLGATE_INSECURE=true, or insecure = true in the file)",
        given.describe("listen")
    )]
    NotLoopback { address: SocketAddr, given: Source },
    #[error("{missing}: expected as well, because {given} is set")]
    Missing { missing: &'static str, given: &'static str },
}

/// A value that was given on the command line: its key, and the text.
pub type Flag = (&'static str, String);

impl Config {
    /// Reads the environment, and the file that `file` or else the environment names, and
    /// resolves them with `flags`.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Config::resolve`].
    pub fn load(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Config, Error> {
        let environment = std::env::vars_os()
            .map(|(name, value)| (lossless_or_marked(name), lossless_or_marked(value)));
        let environment: Vec<(String, String)> = environment.collect();
        let named = environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        let path = file.or_else(|| named.map(|(_, value)| PathBuf::from(value)));
        let text = match path {
            None => None,
            Some(path) => Some(std::fs::read_to_string(&path).map_err(|error| {
                Error::Unreadable { path: path.clone(), cause: error.to_string() }
            })?),
        };
        Config::resolve(flags, environment, text.as_deref())
    }

    /// The configuration that these three say together, over the defaults.
    ///
    /// # Errors
    /// At the first key that is unknown or has a bad value, also where a later source would
    /// have replaced it: what is written wrong is never silently passed over.
    pub fn resolve(
        flags: Vec<Flag>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&str>,
    ) -> Result<Config, Error> {
        let mut config = Config::default();
        let mut listen_source = Source::Default;
        let mut mail = Mail::default();
        let mut settings = Vec::new();
        if let Some(text) = file {
            settings.extend(file_settings(text)?);
        }
        settings.extend(environment_settings(environment)?);
        for (key, text) in flags {
            settings.push(Setting { key, source: Source::Flag, value: Value::String(text) });
        }
        for setting in settings {
            if setting.key == "listen" {
                listen_source = setting.source.clone();
            }
            match setting.key {
                "smtp_url" => mail.url = Some(setting.smtp_url()?),
                "smtp_from" => mail.from = Some(setting.mailbox()?),
                _ => config.apply(&setting)?,
            }
        }
        config.smtp = mail.resolve()?;
        if !config.insecure && !config.listen.ip().to_canonical().is_loopback() {
            return Err(Error::NotLoopback { address: config.listen, given: listen_source });
        }
        Ok(config)
    }

    fn apply(&mut self, setting: &Setting) -> Result<(), Error> {
        match setting.key {
            "listen" => self.listen = setting.address()?,
            "database" => self.database = setting.database()?,
            "insecure" => self.insecure = setting.boolean()?,
            "log_format" => self.log_format = setting.log_format()?,
            "log_filter" => self.log_filter = setting.log_filter()?,
            "cors_allowed_origins" => self.cors_allowed_origins = setting.origins()?,
            "shutdown_deadline_seconds" => {
                let seconds = setting.integer(1, SHUTDOWN_DEADLINE_SECONDS_MAX)?;
                self.shutdown_deadline = Duration::from_secs(seconds);
            }
            "worker_threads" => {
                let count = setting.integer(1, WORKER_THREADS_MAX as u64)?;
                self.worker_threads = NonZeroUsize::new(count as usize);
            }
            "webhooks_allow_loopback" => self.webhooks_allow_loopback = setting.boolean()?,
            "webhooks_allow_private" => self.webhooks_allow_private = setting.boolean()?,
            key => unreachable!("{key} is not in KEYS"),
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            database: "sqlite:tollgate.db".to_owned(),
            insecure: false,
            log_format: LogFormat::Human,
            log_filter: "info".to_owned(),
            cors_allowed_origins: Vec::new(),
            shutdown_deadline: Duration::from_secs(20),
            worker_threads: None,
            webhooks_allow_loopback: false,
            webhooks_allow_private: false,
            smtp: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("database", &shown_database(&self.database))
            .field("insecure", &self.insecure)
            .field("log_format", &self.log_format)
            .field("log_filter", &self.log_filter)
            .field("cors_allowed_origins", &self.cors_allowed_origins)
            .field("shutdown_deadline", &self.shutdown_deadline)
            .field("worker_threads", &self.worker_threads)
            .field("webhooks_allow_loopback", &self.webhooks_allow_loopback)
            .field("webhooks_allow_private", &self.webhooks_allow_private)
            .field("smtp", &self.smtp)
            .finish()
    }
}

impl Source {
    fn describe(&self, key: &str) -> String {
        match self {
            Source::Default => "the default".to_owned(),
            Source::File => "from the configuration file".to_owned(),
            Source::Environment => format!("from {}", variable_of(key)),
            Source::Flag => format!("from --{}", key.replace('_', "-")),
        }
    }
}

/// The URL with every password in it replaced by `***`.
///
/// Errs on the strict side: a password may hold unescaped '@', '/' or '?', so everything from the
/// first ':' after the scheme to the last '@' counts as one.
pub fn shown_database(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (user, rest) = match rest.rsplit_once('@') {
        None => (String::new(), rest),
        Some((user, rest)) => match user.split_once(':') {
            None if user.contains(['/', '?']) => ("***@".to_owned(), rest),
            None => (format!("{user}@"), rest),
            Some((name, _password)) => (format!("{name}:***@"), rest),
        },
    };
    let Some((place, query)) = rest.split_once('?') else {
        return format!("{scheme}://{user}{rest}");
    };
    let shown: Vec<String> = query.split('&').map(shown_parameter).collect();
    format!("{scheme}://{user}{place}?{}", shown.join("&"))
}

fn shown_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => parameter.to_owned(),
    }
}

/// The two halves of [`Config::smtp`].
#[derive(Default)]
struct Mail {
    url: Option<smtp::Server>,
    from: Option<Mailbox>,
}

impl Mail {
    fn resolve(self) -> Result<Option<Smtp>, Error> {
        match (self.url, self.from) {
            (Some(server), Some(from)) => Ok(Some(server.with_sender(from))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(Error::Missing { missing: "smtp_from", given: "smtp_url" }),
            (None, Some(_)) => Err(Error::Missing { missing: "smtp_url", given: "smtp_from" }),
        }
    }
}

/// One value on its way into the configuration. From the file it has a type; elsewhere it is text.
struct Setting {
    key: &'static str,
    source: Source,
    value: Value,
}

impl Setting {
    fn address(&self) -> Result<SocketAddr, Error> {
        let expected = "an IP address and a port, for example 127.0.0.1:50051 or [::1]:50051";
        self.text(expected)?.parse().map_err(|_| self.bad(expected))
    }

    fn database(&self) -> Result<String, Error> {
        let expected = "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        let url = self.text(expected)?;
        let sqlite = url.strip_prefix("sqlite:").map(|path| path.trim_start_matches('/'));
        let postgres = ["postgres://", "postgresql://"].iter().find_map(|p| url.strip_prefix(p));
        // A database in memory could not keep the promise that an answered record is durable.
        let known = sqlite.is_some_and(|path| !path.is_empty() && !path.contains(":memory:"))
            || postgres.is_some_and(|rest| !rest.is_empty());
        if known { Ok(url.to_owned()) } else { Err(self.bad(expected)) }
    }

    fn log_format(&self) -> Result<LogFormat, Error> {
        let expected = "human or json";
        match self.text(expected)? {
            "human" => Ok(LogFormat::Human),
            "json" => Ok(LogFormat::Json),
            _ => Err(self.bad(expected)),
        }
    }

    fn log_filter(&self) -> Result<String, Error> {
        let expected = "off, error, warn, info, debug or trace, or directives, \
                        for example info,tollgate=debug";
        let filter = self.text(expected)?;
        // A bare word that is no level would be taken as the name of a module, and a misspelt
        // level would silence the log.
        let misspelt = filter.split(',').any(|directive| {
            !directive.contains(['=', '[']) && directive.trim().parse::<LevelFilter>().is_err()
        });
        let parsed = tracing_subscriber::EnvFilter::try_new(filter);
        if filter.is_empty() || misspelt || parsed.is_err() {
            return Err(self.bad(expected));
        }
        Ok(filter.to_owned())
    }

    fn origins(&self) -> Result<Vec<String>, Error> {
        let expected = "origins, for example https://panel.example.com: scheme, host and port \
                        without a path, or * alone";
        let origins: Vec<String> = match &self.value {
            Value::String(text) if self.source != Source::File => {
                text.split(',').map(|origin| origin.trim().to_owned()).collect()
            }
            Value::Array(items) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<String>>>().ok_or_else(|| self.bad(expected))?
            }
            _ => return Err(self.bad(expected)),
        };
        let any = origins.len() == 1 && origins[0] == "*";
        let valid = any || origins.iter().all(|origin| is_origin(origin));
        if !valid || origins.len() > CORS_ALLOWED_ORIGINS_MAX {
            return Err(self.bad(expected));
        }
        Ok(origins)
    }

    fn smtp_url(&self) -> Result<smtp::Server, Error> {
        let url = self.text(smtp::EXPECTED_URL)?;
        smtp::Server::read(url).ok_or_else(|| self.bad(smtp::EXPECTED_URL))
    }

    fn mailbox(&self) -> Result<Mailbox, Error> {
        self.text(smtp::EXPECTED_FROM)?.parse().map_err(|_| self.bad(smtp::EXPECTED_FROM))
    }

    fn boolean(&self) -> Result<bool, Error> {
        match (&self.value, &self.source) {
            (Value::Boolean(value), _) => Ok(*value),
            (Value::String(text), source) if *source != Source::File => {
                text.parse().map_err(|_| self.bad("true or false"))
            }
            _ => Err(self.bad("true or false, without quotes")),
        }
    }

    fn integer(&self, min: u64, max: u64) -> Result<u64, Error> {
        let number = match (&self.value, &self.source) {
            (Value::Integer(value), _) => u64::try_from(*value).ok(),
            (Value::String(text), source) if *source != Source::File => text.parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| self.bad(&format!("a whole number from {min} to {max}")))
    }

    fn text(&self, expected: &str) -> Result<&str, Error> {
        self.value.as_str().ok_or_else(|| self.bad(expected))
    }

    fn bad(&self, expected: &str) -> Error {
        let (key, given) = (self.key, self.source.clone());
        Error::BadValue { key, given, expected: expected.to_owned() }
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
    })
}

fn file_settings(text: &str) -> Result<Vec<Setting>, Error> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // Only the message: the error's own text repeats the line, which may hold a password.
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::NotToml { line, message: error.message().to_owned() }
    })?;
    let mut settings = Vec::new();
    for (name, value) in table {
        let Some(key) = known_key(&name) else {
            return Err(Error::UnknownKey { key: name });
        };
        settings.push(Setting { key, source: Source::File, value });
    }
    Ok(settings)
}

fn environment_settings(
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Setting>, Error> {
    let mut settings = Vec::new();
    for (name, text) in environment {
        let ours = name.starts_with(ENVIRONMENT_PREFIX) && !name.starts_with(TEST_PREFIX);
        if !ours || name == FILE_VARIABLE || CLIENT_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let Some(key) = KEYS.into_iter().find(|key| variable_of(key) == name) else {
            return Err(Error::UnknownVariable { name });
        };
        settings.push(Setting { key, source: Source::Environment, value: Value::String(text) });
    }
    Ok(settings)
}

fn known_key(name: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|key| *key == name)
}

fn variable_of(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.to_ascii_uppercase())
}

fn known_variables() -> String {
    let mut names = vec![FILE_VARIABLE.to_owned()];
    names.extend(KEYS.into_iter().map(variable_of));
    names.join(", ")
}

/// What is not Unicode keeps a replacement character, which no key accepts.
fn lossless_or_marked(text: std::ffi::OsString) -> String {
    text.into_string().unwrap_or_else(|text| text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;

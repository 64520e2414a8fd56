//! The settings: their names and flags, and what their values must be.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::{
    Auth, Config, DatabaseUrl, Error, LogFormat, PREFIX, Smtp, SmtpServer, Source, TlsFiles, smtp,
};
use crate::limits::{Limits, REPORTS_MAX};

/// Most origins that may be allowed by name.
const CORS_ALLOWED_ORIGINS_MAX: usize = 100;

/// Most characters of a name.
const NAME_MAX: usize = 255;

/// The name of a setting, and its flag.
#[derive(Debug)]
pub struct Setting {
    /// In the file. In the environment it is TOLLGATE_ and this in capitals; the flag has dashes.
    pub key: &'static str,
    /// Placeholder of the flag's value; empty where there is none.
    pub value_name: &'static str,
    pub help: &'static str,
}

pub static SETTINGS: [Setting; 34] = [
    value("listen", "ADDR", "Address to serve on"),
    value("database", "URL", "Where the data is: sqlite:PATH or postgres://…"),
    switch(
        "create",
        "Create the database if it is not there; the default one is created without it",
    ),
    value(
        "lease_seconds",
        "N",
        "How long this server may decide after it last wrote to a Postgres; a stand-by takes over \
         a second or two after that",
    ),
    value(
        "node_id",
        "NAME",
        "Names the place where this server runs, as the host of a StatefulSet: with it a restart \
         there need not wait for the lease of the process that ended",
    ),
    value("advertise_address", "ADDR", "Where callers of another server are told that this one is"),
    switch(
        "accept_clock",
        "Start also if the clock is more than an hour behind, or 31 days ahead of, the last record",
    ),
    switch("standby", "Wait until no other server owns the database, and take over then"),
    switch(
        "insecure",
        "Allow an address that other machines can reach: calls are not authenticated",
    ),
    value(
        "auth",
        "MODE",
        "Whether calls need credentials: required or off; required where other machines can reach \
         the address, unless it is insecure",
    ),
    value(
        "operator_token_file",
        "FILE",
        "Secret of the first operator token, where the database has no token yet",
    ),
    value(
        "encryption_key_file",
        "FILE",
        "Keys that secrets of webhooks are encrypted with in the database, one in each line; the \
         first one encrypts. `openssl rand -base64 32` makes one",
    ),
    value("tls_certificate", "FILE", "Certificate of the server with its chain, in PEM"),
    value("tls_key", "FILE", "Private key of the certificate, in PEM"),
    value(
        "tls_client_ca",
        "FILE",
        "Authorities whose client certificates are accepted, in PEM; who they are is said in \
         identity_file",
    ),
    value(
        "identity_file",
        "FILE",
        "Which client certificates and identity providers (OIDC) are accepted, in TOML",
    ),
    value(
        "metrics_listen",
        "ADDR",
        "Address of a port with metrics in the format of Prometheus and probes, without \
         authentication: one that only machines of yours can reach",
    ),
    value(
        "otlp_endpoint",
        "URL",
        "Collector of OpenTelemetry that spans of traced calls are sent to by OTLP over HTTP, for \
         example http://127.0.0.1:4318",
    ),
    value("log_format", "FORM", "Form of the log: human or json"),
    value("log_filter", "FILTER", "What is logged, for example \"info\""),
    value(
        "cors_allowed_origins",
        "ORIGINS",
        "Origins whose pages may call over gRPC-Web, separated by commas; \"*\" for all",
    ),
    value("shutdown_deadline_seconds", "N", "Longest time that a graceful stop may take"),
    value("worker_threads", "N", "Threads that serve; one for each core if not given"),
    value("connections_max", "N", "Most connections that are open"),
    value(
        "connections_per_address_max",
        "N",
        "Most of them from one address: raise it where all callers come through one proxy",
    ),
    value(
        "connection_idle_seconds",
        "N",
        "How long a connection may be without a call before its client is asked to close it",
    ),
    value(
        "connection_age_seconds",
        "N",
        "Age at which a connection gets a GOAWAY, once no call is in flight",
    ),
    value("reports_per_workspace_max", "N", "Most reports of one workspace at once"),
    value(
        "hold_bytes_per_workspace_max",
        "N",
        "Most bytes of memory for live holds of a workspace",
    ),
    value(
        "distinct_values_per_day_max",
        "N",
        "Most distinct values of a field of attributions, or of tags, that a workspace records on \
         a day; further ones are recorded as (other)",
    ),
    switch("webhooks_allow_loopback", "Allow webhooks at loopback addresses, also over http"),
    switch("webhooks_allow_private", "Allow webhooks at addresses of private networks"),
    value(
        "smtp_url",
        "URL",
        "Server for mail, for example smtps://USER:PASSWORD@HOST. Others on this machine can read \
         flags: prefer the environment or the file",
    ),
    value("smtp_from", "ADDRESS", "Whom mail is from"),
];

const LISTEN: &str = "an IP address and a port, for example 127.0.0.1:50051 or [::1]:50051";
const DATABASE: &str = "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
const LOG_FILTER: &str =
    "off, error, warn, info, debug or trace, or directives, for example info,tollgate=debug";
const ORIGINS: &str = "origins, for example https://panel.example.com: scheme, host and port \
                       without a path, or * alone";
const ENDPOINT: &str = "an address with http or https and without a query, for example \
                        http://127.0.0.1:4318; credentials are given by OTEL_EXPORTER_OTLP_HEADERS";
const CONNECTIONS: &str = "a whole number from 1 to 1000000";
const LASTING: &str = "a whole number from 1 to 86400";
const REPORTS: &str = "a whole number from 1 to 6";
const HOLD_BYTES: &str = "a whole number from 1 to 1099511627776";
const VALUES: &str = "a whole number from 1 to 10000000";
const NAME: &str = "1 to 255 visible ASCII characters";
const PATH: &str = "the path of a file";
const BOOLEAN: &str = "true or false, in the file without quotes";

const fn value(key: &'static str, value_name: &'static str, help: &'static str) -> Setting {
    Setting { key, value_name, help }
}

/// A setting whose flag has no value: it means true.
const fn switch(key: &'static str, help: &'static str) -> Setting {
    Setting { key, value_name: "", help }
}

impl Setting {
    /// Its name in the environment.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_ascii_uppercase())
    }

    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

/// A value as one source gives it.
pub(super) struct Given {
    pub setting: &'static Setting,
    pub source: Source,
    /// Absent where the file has a type that no flag could have.
    pub text: Option<String>,
}

/// The defaults with these values, of which later ones replace earlier ones.
pub(super) fn apply(given: &[Given]) -> Result<Config, Error> {
    let mut config = Config::default();
    let (mut smtp_server, mut smtp_from, mut auth) = (None, None, None);
    let (mut tls_certificate, mut tls_key, mut tls_client_ca) = (None, None, None);
    for value in given {
        match value.setting.key {
            "listen" => config.listen = value.parse(LISTEN, parsed)?,
            "database" => config.database = value.parse(DATABASE, DatabaseUrl::parse)?,
            "lease_seconds" => {
                let seconds = value.parse("a whole number from 2 to 60", number(2..=60))?;
                config.lease = Duration::from_secs(seconds);
            }
            "node_id" => config.node_id = value.parse(NAME, name)?,
            "advertise_address" => config.advertise_address = value.parse(NAME, name)?,
            "accept_clock" => config.accept_clock = value.parse(BOOLEAN, parsed)?,
            "create" => config.create = value.parse(BOOLEAN, parsed)?,
            "standby" => config.standby = value.parse(BOOLEAN, parsed)?,
            "insecure" => config.insecure = value.parse(BOOLEAN, parsed)?,
            "auth" => auth = Some(value.parse("required or off", auth_mode)?),
            "operator_token_file" => {
                config.operator_token_file = Some(value.parse(PATH, path)?);
            }
            "encryption_key_file" => {
                config.encryption_key_file = Some(value.parse(PATH, path)?);
            }
            "tls_certificate" => tls_certificate = Some(value.parse(PATH, path)?),
            "tls_key" => tls_key = Some(value.parse(PATH, path)?),
            "tls_client_ca" => tls_client_ca = Some(value.parse(PATH, path)?),
            "identity_file" => config.identity_file = Some(value.parse(PATH, path)?),
            "metrics_listen" => config.metrics_listen = Some(value.parse(LISTEN, parsed)?),
            "otlp_endpoint" => config.otlp_endpoint = Some(value.parse(ENDPOINT, endpoint)?),
            "log_format" => config.log_format = value.parse("human or json", log_format)?,
            "log_filter" => config.log_filter = value.parse(LOG_FILTER, log_filter)?,
            "cors_allowed_origins" => {
                config.cors_allowed_origins = value.parse(ORIGINS, origins)?;
            }
            "shutdown_deadline_seconds" => {
                let seconds = value.parse("a whole number from 1 to 600", number(1..=600))?;
                config.shutdown_deadline = Duration::from_secs(seconds);
            }
            "worker_threads" => {
                let count = value.parse("a whole number from 1 to 1024", number(1..=1024))?;
                config.worker_threads = NonZeroUsize::new(count as usize);
            }
            "webhooks_allow_loopback" => {
                config.webhooks_allow_loopback = value.parse(BOOLEAN, parsed)?;
            }
            "webhooks_allow_private" => {
                config.webhooks_allow_private = value.parse(BOOLEAN, parsed)?;
            }
            "smtp_url" => {
                smtp_server = Some(value.parse(smtp::EXPECTED_URL, SmtpServer::read)?);
            }
            "smtp_from" => smtp_from = Some(value.parse(smtp::EXPECTED_FROM, parsed)?),
            _ => apply_limit(&mut config.limits, value)?,
        }
    }
    config.smtp = mail(smtp_server, smtp_from)?;
    let is_local = config.listen.ip().to_canonical().is_loopback();
    let is_expected = !is_local && !config.insecure;
    config.auth = auth.unwrap_or(if is_expected { Auth::Required } else { Auth::Off });
    config.tls = tls_files(tls_certificate, tls_key, tls_client_ca)?;
    let is_secure = config.tls.is_some() && config.auth == Auth::Required;
    if !config.insecure && !is_local && !is_secure {
        let last = given.iter().rfind(|value| value.setting.key == "listen");
        let given = last.map_or_else(|| "the defaults".to_owned(), Given::origin);
        return Err(Error::NotLoopback { address: config.listen, given });
    }
    Ok(config)
}

fn apply_limit(limits: &mut Limits, value: &Given) -> Result<(), Error> {
    match value.setting.key {
        "connections_max" => {
            limits.connections_max = value.parse(CONNECTIONS, count(1_000_000))?;
        }
        "connections_per_address_max" => {
            limits.connections_per_address_max = value.parse(CONNECTIONS, count(1_000_000))?;
        }
        "connection_idle_seconds" => limits.connection_idle = value.parse(LASTING, lasting)?,
        "connection_age_seconds" => limits.connection_age = value.parse(LASTING, lasting)?,
        "reports_per_workspace_max" => {
            limits.reports_per_workspace_max = value.parse(REPORTS, count(REPORTS_MAX))?;
        }
        "hold_bytes_per_workspace_max" => {
            limits.hold_bytes_per_workspace_max = value.parse(HOLD_BYTES, count(1 << 40))?;
        }
        "distinct_values_per_day_max" => {
            limits.distinct_values_per_day_max = value.parse(VALUES, count(10_000_000))?;
        }
        key => unreachable!("{key} is in the table and not here"),
    }
    Ok(())
}

fn tls_files(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
) -> Result<Option<TlsFiles>, Error> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, client_ca })),
        (None, None) if client_ca.is_some() => {
            Err(Error::Missing { missing: "tls_certificate", given: "tls_client_ca" })
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::Missing { missing: "tls_key", given: "tls_certificate" }),
        (None, Some(_)) => Err(Error::Missing { missing: "tls_certificate", given: "tls_key" }),
    }
}

fn mail(server: Option<SmtpServer>, from: Option<Mailbox>) -> Result<Option<Smtp>, Error> {
    match (server, from) {
        (Some(server), Some(from)) => Ok(Some(server.with_sender(from))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::Missing { missing: "smtp_from", given: "smtp_url" }),
        (None, Some(_)) => Err(Error::Missing { missing: "smtp_url", given: "smtp_from" }),
    }
}

impl Given {
    fn parse<T>(
        &self,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let bad = || Error::BadValue { key: self.setting.key, given: self.origin(), expected };
        self.text.as_deref().and_then(parse).ok_or_else(bad)
    }

    /// Source, and name there.
    fn origin(&self) -> String {
        match self.source {
            Source::File => "the configuration file".to_owned(),
            Source::Environment => self.setting.variable(),
            Source::Flag => format!("--{}", self.setting.flag()),
        }
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn number(range: RangeInclusive<u64>) -> impl Fn(&str) -> Option<u64> {
    move |text| parsed(text).filter(|number| range.contains(number))
}

fn count(max: usize) -> impl Fn(&str) -> Option<usize> {
    move |text| parsed(text).filter(|number| (1..=max).contains(number))
}

/// Seconds of a connection.
fn lasting(text: &str) -> Option<Duration> {
    number(1..=86_400)(text).map(Duration::from_secs)
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn name(text: &str) -> Option<String> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_name && (1..=NAME_MAX).contains(&text.len())).then(|| text.to_owned())
}

fn endpoint(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_base = url.query().is_none() && url.fragment().is_none() && url.has_host();
    let is_http = ["http", "https"].contains(&url.scheme());
    (is_http && is_plain && is_base).then(|| text.to_owned())
}

fn auth_mode(text: &str) -> Option<Auth> {
    match text {
        "required" => Some(Auth::Required),
        "off" => Some(Auth::Off),
        _ => None,
    }
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "human" => Some(LogFormat::Human),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

fn log_filter(text: &str) -> Option<String> {
    // A bare word that is no level would be taken as the name of a module, and a misspelt level
    // would silence the log. So would nothing at all: it is parsed as the level of errors.
    let is_misspelt = text.split(',').any(|directive| {
        let directive = directive.trim();
        let is_level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
        !directive.contains(['=', '[']) && !is_level
    });
    // No name of a module has other characters, and the parser of directives panics at some.
    let is_filter = text.is_ascii() && !is_misspelt && EnvFilter::try_new(text).is_ok();
    is_filter.then(|| text.to_owned())
}

fn origins(text: &str) -> Option<Vec<String>> {
    let origins: Vec<String> = text.split(',').map(|origin| origin.trim().to_owned()).collect();
    let is_any = origins == ["*"];
    let are_origins = is_any || origins.iter().all(|origin| is_origin(origin));
    (are_origins && origins.len() <= CORS_ALLOWED_ORIGINS_MAX).then_some(origins)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
    })
}

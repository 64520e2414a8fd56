//! Configuration: a file, an environment, and flags.
//!
//! Texts are apart by zero bytes. The first is the file, each other one a variable `NAME=VALUE` or,
//! with two dashes before it, a flag `--NAME=VALUE`.

use http::HeaderValue;
use tollgate::config::{Auth, Config, Error, Flag, SETTINGS};

use super::texts;

/// What no error and no debug output may show, where it is a password.
const SECRET: &str = "hunter2hunter2";
/// An error is one line of a log.
const ERROR_BYTES_MAX: usize = 2_000;

pub fn run(bytes: &[u8]) {
    let texts = texts(bytes);
    let (file, others) = texts.split_first().expect("there is at least one text");
    let (mut environment, mut flags) = (Vec::new(), Vec::new());
    for text in others {
        let Some((name, value)) = text.split_once('=') else { continue };
        match name.strip_prefix("--") {
            Some(name) => flags.extend(flag(name, value)),
            None => environment.push((name.to_owned(), value.to_owned())),
        }
    }
    match Config::resolve(flags.clone(), environment.clone(), Some(file)) {
        Ok(loaded) => {
            assert!(loaded.unknown_variables.len() <= environment.len());
            check(&loaded.config);
        }
        Err(error) => check_error(&error, file),
    }
    check_sources(&environment, flags);
}

fn flag(name: &str, value: &str) -> Option<Flag> {
    let setting = SETTINGS.iter().find(|setting| setting.flag() == name)?;
    Some((setting, value.to_owned()))
}

/// What every accepted configuration keeps.
fn check(config: &Config) {
    assert!((1..=600).contains(&config.shutdown_deadline.as_secs()), "{config:?}");
    assert!(config.worker_threads.is_none_or(|threads| threads.get() <= 1_024), "{config:?}");
    let is_local = config.listen.ip().to_canonical().is_loopback();
    let is_secure = config.tls.is_some() && config.auth == Auth::Required;
    assert!(is_local || config.insecure || is_secure, "it can be reached: {config:?}");
    assert!(config.cors_allowed_origins.len() <= 100, "{config:?}");
    for origin in &config.cors_allowed_origins {
        assert!(HeaderValue::from_str(origin).is_ok(), "no header: {origin:?}");
    }
    for directive in config.log_filter.split(',') {
        assert!(!directive.is_empty(), "an empty directive: {config:?}");
    }
    // Where the password is not also another part of the value.
    let database = config.database.as_str();
    let is_password = database.matches(SECRET).count() == 1
        && database.contains("://")
        && (database.contains(&format!(":{SECRET}@"))
            || database.contains(&format!("?password={SECRET}")));
    let smtp = config.smtp.as_ref().and_then(|smtp| smtp.server.credentials.as_ref());
    if is_password {
        let shown = format!("{:?}", config.database);
        assert!(!shown.contains(SECRET), "{shown}");
    }
    if smtp.is_some_and(|(user, password)| password == SECRET && user != SECRET) {
        let shown = format!("{:?}", config.smtp.as_ref().map(|smtp| &smtp.server));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

/// An error names keys and sources, and no values.
fn check_error(error: &Error, file: &str) {
    let shown = error.to_string();
    match error {
        // Keys may be long.
        Error::UnknownKey { .. } => return,
        _ => assert!(shown.len() <= ERROR_BYTES_MAX, "{} bytes: {shown}", shown.len()),
    }
    // Where it is the name of a key, or a part of one, it is no value.
    let is_value = file.matches(SECRET).count() == file.matches(&format!("'{SECRET}'")).count();
    assert!(!is_value || !shown.contains(SECRET), "{shown}");
}

/// A text means the same from every source, and a later source wins.
fn check_sources(environment: &[(String, String)], flags: Vec<Flag>) {
    let ours = environment.iter().filter_map(|(name, value)| {
        let setting = SETTINGS.iter().find(|setting| setting.variable() == *name)?;
        Some((setting, value.clone()))
    });
    let mut all: Vec<Flag> = ours.collect();
    all.extend(flags.iter().cloned());
    let of = |flags: Vec<Flag>, environment: &[(String, String)]| {
        Config::resolve(flags, environment.iter().cloned(), None).map(|loaded| loaded.config)
    };
    let (mixed, flags_alone) = (of(flags, environment), of(all, &[]));
    assert_eq!(mixed.as_ref().ok(), flags_alone.as_ref().ok(), "{mixed:?} {flags_alone:?}");
}

//! The database URL. `Debug` redacts its passwords.

use std::fmt;
use std::path::Path;

/// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub(super) fn parse(url: &str) -> Option<DatabaseUrl> {
        let sqlite = url.strip_prefix("sqlite:").map(|path| path.trim_start_matches('/'));
        let postgres = ["postgres://", "postgresql://"].iter().find_map(|p| url.strip_prefix(p));
        // A database in memory could not keep the promise that an answered record is durable.
        let is_known = sqlite.is_some_and(|path| !path.is_empty() && !path.contains(":memory:"))
            || postgres.is_some_and(|rest| !rest.is_empty());
        is_known.then(|| DatabaseUrl(url.to_owned()))
    }

    /// A SQLite file.
    pub fn sqlite(path: &Path) -> DatabaseUrl {
        DatabaseUrl(format!("sqlite:{}", path.display()))
    }

    /// Whether it is the file of a server that was told nothing.
    pub(super) fn is_default(&self) -> bool {
        *self == DatabaseUrl::default()
    }

    /// With its password.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for DatabaseUrl {
    fn default() -> DatabaseUrl {
        DatabaseUrl("sqlite:tollgate.db".to_owned())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

/// The URL with every password replaced by `***`.
///
/// Errs on the strict side: a password may hold unescaped '@', '/' or '?', so everything from the
/// first ':' after the scheme to the last '@' counts as one.
fn redacted(url: &str) -> String {
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
    let shown: Vec<String> = query.split('&').map(redacted_parameter).collect();
    format!("{scheme}://{user}{place}?{}", shown.join("&"))
}

fn redacted_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn passwords_are_redacted() {
        for (url, expected) in [
            ("sqlite:tollgate.db", "sqlite:tollgate.db"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://user@host:5432/db", "postgres://user@host:5432/db"),
            ("postgres://user:secret@host/db", "postgres://user:***@host/db"),
            ("postgres://user:se/secret@host/db", "postgres://user:***@host/db"),
            ("postgres://user:se?secret@secret@host/db", "postgres://user:***@host/db"),
            ("postgres:///db?host=/run&password=secret", "postgres:///db?host=/run&password=***"),
            ("postgres://h/d?password=secret@x", "postgres://***@x"),
            ("postgres://h/d?sslpassword=secret&a=b", "postgres://h/d?sslpassword=***&a=b"),
        ] {
            assert_eq!(redacted(url), expected);
        }
    }
}

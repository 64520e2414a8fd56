//! `tollgate token`: access tokens.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use tollgate::admin::tokens::Tokens;
use tollgate::domain::Time;
use tollgate::domain::access::{AccessToken, Holder, Role};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::time::{
    MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, Micros,
};
use tollgate::engine::{Clock, NewToken, SystemClock};
use tollgate::grpc::role_table;

use super::{Database, Failure, failure, print, print_secret, runtime, tell};

/// Longest life of a token.
const EXPIRES_MAX: Micros = 3_650 * MICROS_PER_DAY;
/// Longest time for which the secret before a rotation is valid.
const OVERLAP_MAX: Micros = 30 * MICROS_PER_DAY;
const ID_CHARS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 200;
const WORKSPACE_CHARS_MAX: usize = 63;

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token, and print its secret: nothing shows it again.
    ///
    /// On the database of a running or stopped server: a running one accepts it within a second.
    Create(Create),
    /// List the tokens.
    List(Database),
    /// Give a token another secret, and print it. The one before stays valid for a while.
    Rotate(Rotate),
    /// Revoke a token: a running server refuses it within a second.
    Revoke(Revoke),
    /// Print which role may make which call, as a table in Markdown.
    Roles,
}

#[derive(Debug, Args)]
pub struct Create {
    /// What it may do.
    #[arg(long, value_enum)]
    role: RoleName,
    /// A workspace in which it is valid; may be given several times. An operator has all.
    #[arg(long = "workspace", value_name = "ID", value_parser = text::<WORKSPACE_CHARS_MAX>)]
    workspaces: Vec<String>,
    /// With the role holder: the user whose usage and limits it reads.
    #[arg(long, value_name = "ID", value_parser = text::<ID_CHARS_MAX>, conflicts_with = "key")]
    user: Option<String>,
    /// With the role holder: the API key whose usage and limits it reads.
    #[arg(long, value_name = "ID", value_parser = text::<ID_CHARS_MAX>)]
    key: Option<String>,
    /// When it expires, as a time from now: 90d, 12h, 30m. Never if absent.
    #[arg(long, value_name = "DURATION", value_parser = expires)]
    expires: Option<Micros>,
    /// Id of the token; made if absent.
    #[arg(long, value_name = "ID", value_parser = text::<ID_CHARS_MAX>)]
    id: Option<String>,
    /// Name for people.
    #[arg(long, value_name = "NAME", default_value = "", value_parser = name)]
    name: String,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Rotate {
    /// The token.
    id: String,
    /// How long the secret before stays valid: 24h, 30d at most, 0s for not at all.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = overlap)]
    overlap: Micros,
    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// The token.
    id: String,
    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Operator,
    Admin,
    Service,
    Viewer,
    Holder,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Operator => Role::Operator,
            RoleName::Admin => Role::Admin,
            RoleName::Service => Role::Service,
            RoleName::Viewer => Role::Viewer,
            RoleName::Holder => Role::Holder,
        }
    }
}

pub fn run(token: Token) -> Result<ExitCode, Failure> {
    let database = match &token {
        Token::Create(create) => &create.database,
        Token::List(database) => database,
        Token::Rotate(rotate) => &rotate.database,
        Token::Revoke(revoke) => &revoke.database,
        Token::Roles => {
            print(role_table())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let config = database.config()?;
    runtime(Some(1))?.block_on(async {
        let tokens =
            Tokens::open(config.database.as_str(), config.may_create()).await.map_err(failure)?;
        let done = perform(&tokens, token, SystemClock.now()).await;
        tokens.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn perform(tokens: &Tokens, token: Token, now: Time) -> Result<(), Failure> {
    match token {
        Token::Create(create) => {
            let new = create.into_new(now)?;
            let unknown = tokens.unknown(&new.workspace_ids).await.map_err(failure)?;
            let (made, secret) = tokens.create(new, now).await.map_err(failure)?;
            for id in unknown {
                tell(format_args!("there is no workspace \"{id}\" yet"));
            }
            tell(format_args!("token {} is created; this is its secret:", made.id));
            print_secret(&made.id, &secret)?;
        }
        Token::Rotate(Rotate { id, overlap, .. }) => {
            let (_, secret) = tokens.rotate(&id, overlap, now).await.map_err(failure)?;
            print_secret(&id, &secret)?;
        }
        Token::Revoke(Revoke { id, .. }) => {
            tokens.revoke(&id, now).await.map_err(failure)?;
            tell(format_args!("token {id} is revoked"));
        }
        Token::List(_) => {
            for token in tokens.list().await.map_err(failure)? {
                print(format_args!("{}\n", line(&token, now)))?;
            }
        }
        Token::Roles => {}
    }
    Ok(())
}

impl Create {
    fn into_new(self, now: Time) -> Result<NewToken, Failure> {
        let role = Role::from(self.role);
        let mut workspace_ids: Vec<Arc<str>> = self.workspaces.into_iter().map(Arc::from).collect();
        workspace_ids.sort_unstable();
        workspace_ids.dedup();
        if let Some(expected) = role.fault_of_workspaces(workspace_ids.len()) {
            return Err(format!("--workspace: {expected}"));
        }
        let holder = match (self.user, self.key) {
            (Some(id), _) => Some(Holder { kind: SubjectKind::User, id: id.into() }),
            (None, Some(id)) => Some(Holder { kind: SubjectKind::ApiKey, id: id.into() }),
            (None, None) => None,
        };
        if let Some(expected) = role.fault_of_subject(holder.as_ref().map(|holder| holder.kind)) {
            return Err(format!("--user, --key: {expected}"));
        }
        Ok(NewToken {
            id: self.id,
            display_name: self.name,
            role,
            workspace_ids,
            holder,
            expire_time: self.expires.map(|span| now + span),
        })
    }
}

/// A token in one line: id, role, workspaces, state, last use, name; tabs between them.
fn line(token: &AccessToken, now: Time) -> String {
    let state = match (token.revoke_time, token.expire_time) {
        (Some(at), _) => format!("revoked {}", at.to_rfc3339()),
        (None, Some(at)) if at <= now => format!("expired {}", at.to_rfc3339()),
        (None, Some(at)) => format!("valid until {}", at.to_rfc3339()),
        (None, None) => "valid".to_owned(),
    };
    let workspaces = match &*token.workspace_ids {
        [] => "all".to_owned(),
        ids => ids.join(","),
    };
    let used = token.last_use_time.map_or_else(|| "never used".to_owned(), used_at);
    let fields = [&*token.id, token.role.as_str(), &workspaces, &state, &used, &token.display_name];
    fields.join("\t")
}

fn used_at(time: Time) -> String {
    format!("used {}", time.to_rfc3339())
}

fn expires(text: &str) -> Result<Micros, String> {
    let span = duration(text).filter(|span| (1..=EXPIRES_MAX).contains(span));
    span.ok_or_else(|| "expected a time up to 3650d, such as 90d, 12h or 30m".to_owned())
}

fn overlap(text: &str) -> Result<Micros, String> {
    let span = duration(text).filter(|span| *span <= OVERLAP_MAX);
    span.ok_or_else(|| "expected a time up to 30d, such as 24h or 0s".to_owned())
}

/// A whole number with a unit.
fn duration(text: &str) -> Option<Micros> {
    let unit = match text.chars().last()? {
        's' => MICROS_PER_SECOND,
        'm' => MICROS_PER_MINUTE,
        'h' => MICROS_PER_HOUR,
        'd' => MICROS_PER_DAY,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<Micros>().ok().filter(|_| is_number)?.checked_mul(unit)
}

fn text<const MAX: usize>(text: &str) -> Result<String, String> {
    let is_valid = (1..=MAX).contains(&text.chars().count()) && is_plain(text);
    let expected =
        || format!("expected 1 to {MAX} characters without spaces or control characters");
    is_valid.then(|| text.to_owned()).ok_or_else(expected)
}

fn name(text: &str) -> Result<String, String> {
    let is_valid = text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control);
    let expected =
        || format!("expected at most {NAME_CHARS_MAX} characters, no control characters");
    is_valid.then(|| text.to_owned()).ok_or_else(expected)
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|it| it.is_control() || it.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("90d"), Some(90 * MICROS_PER_DAY));
        assert_eq!(duration("12h"), Some(12 * MICROS_PER_HOUR));
        assert_eq!(duration("0s"), Some(0));
        for text in ["", "d", "-1d", "+1d", "1.5h", "90", "1w", "1 d", "99999999999999d", "1ß"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert!(expires("0s").is_err() && expires("4000d").is_err() && overlap("31d").is_err());
    }
}

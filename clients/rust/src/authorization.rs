//! The token of each call: one that was given, or what a source gives before each.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use tonic::Status;

use crate::errors::ConnectError;

/// Why a source has no token.
pub type SourceError = Box<dyn Error + Send + Sync>;

type Source = dyn Fn() -> Result<String, SourceError> + Send + Sync;

/// What the header `authorization` of a call is.
#[derive(Clone)]
pub(crate) enum Authorization {
    Fixed(HeaderValue),
    Source(Arc<Source>),
}

impl Authorization {
    /// Of one token for all calls.
    pub(crate) fn fixed(token: &str) -> Result<Self, ConnectError> {
        header(token).map(Self::Fixed).ok_or(ConnectError::Token)
    }

    pub(crate) fn source<F>(source: F) -> Self
    where
        F: Fn() -> Result<String, SourceError> + Send + Sync + 'static,
    {
        Self::Source(Arc::new(source))
    }

    /// The header of one call; `UNAUTHENTICATED` if there is none.
    pub(crate) fn header(&self) -> Result<HeaderValue, Status> {
        let source = match self {
            Self::Fixed(header) => return Ok(header.clone()),
            Self::Source(source) => source,
        };
        let token = source().map_err(|error| {
            Status::unauthenticated(format!("the token cannot be had: {error}"))
        })?;
        header(&token).ok_or_else(|| {
            Status::unauthenticated("the token is empty, or not one that a header can carry")
        })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authorization")
    }
}

/// A token is one word of visible ASCII, without the space around it.
fn header(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let fixed = Authorization::fixed("secret").unwrap();
        let source = Authorization::source(|| Ok("secret\n".to_owned()));
        for authorization in [fixed, source] {
            assert_eq!(authorization.header().unwrap(), "Bearer secret");
            let shown = format!("{authorization:?} {:?}", authorization.header());
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn what_a_header_cannot_carry_is_no_token() {
        for token in ["", " ", "two words", "new\nline", "t\u{f6}ken"] {
            let refused = Authorization::fixed(token).unwrap_err();
            assert!(matches!(refused, ConnectError::Token), "{refused}");
            let source = Authorization::source(move || Ok(token.to_owned()));
            assert_eq!(source.header().unwrap_err().code(), tonic::Code::Unauthenticated);
        }
        let failing = Authorization::source(|| Err("no file".into()));
        assert!(failing.header().unwrap_err().message().contains("no file"));
    }
}

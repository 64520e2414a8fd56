//! A connection to a running server: flags, the environment, and contexts say to which one, and as
//! whom.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};
use url::{Host, Url};

use super::CallError;
use super::contexts::{Context, Contexts};
use crate::cli::{Failure, tell};

const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";
/// As the clients of other languages name them.
const SERVER_VARIABLE: &str = "TOLLGATE_ADDRESS";
const TOKEN_VARIABLE: &str = "TOLLGATE_TOKEN";
const WORKSPACE_VARIABLE: &str = "TOLLGATE_WORKSPACE";
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls with it have the credentials of the caller.
pub type Authorized = InterceptedService<Channel, Bearer>;

/// The credentials of a caller, if it has any.
#[derive(Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

/// The server that is called. What a flag does not say, the context of --context says, then the
/// environment, then the context in use.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct Connection {
    /// Address, for example 127.0.0.1:50051 or https://tollgate.example.com
    /// [env: TOLLGATE_ADDRESS] [default: http://127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// Secret of an access token [env: TOLLGATE_TOKEN]. Others on this machine can read flags:
    /// prefer the environment or a file.
    #[arg(long, value_name = "SECRET", conflicts_with = "token_file")]
    token: Option<String>,
    /// File with the secret of an access token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Authorities of the server's certificate, in PEM; those of the system without it.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name in the server's certificate, where it is another than that of the address.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Certificate to call with, in PEM.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// Private key of the certificate to call with, in PEM.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// Context to take the rest from; see `tollgate context`.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// What is known once flags, environment and contexts are put together.
#[derive(Debug, PartialEq, Eq)]
struct Resolved {
    server: String,
    token: Option<String>,
    workspace: Option<String>,
    ca: Option<PathBuf>,
}

impl Connection {
    /// Whether a flag names the server.
    pub fn is_named(&self) -> bool {
        self.server.is_some() || self.context.is_some()
    }

    /// # Errors
    /// If what is given contradicts itself, or no server answers.
    pub async fn open(&self) -> Result<Authorized, CallError> {
        let resolved = self.resolve()?;
        let url = url_of(&resolved.server)?;
        let authorization = match &resolved.token {
            None => None,
            Some(token) => {
                if url.scheme() == "http" && !is_loopback(&url) {
                    tell("the token is sent without encryption: use https");
                }
                let value = format!("Bearer {token}").parse();
                Some(value.map_err(|_| "the token has characters that no token has".to_owned())?)
            }
        };
        let channel = self.endpoint(&url, resolved.ca.as_deref())?.connect().await;
        let channel = channel.map_err(|cause| {
            Status::unavailable(format!("no server answers at {url}: {}", root(&cause)))
        })?;
        Ok(InterceptedService::new(channel, Bearer(authorization)))
    }

    /// The workspace of the environment or of a context.
    ///
    /// # Errors
    /// If the contexts cannot be read.
    pub fn workspace(&self) -> Result<Option<String>, Failure> {
        Ok(self.resolve()?.workspace)
    }

    fn resolve(&self) -> Result<Resolved, Failure> {
        let contexts = Contexts::load()?;
        let variable =
            |name: &str| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
        self.resolve_with(&contexts, variable)
    }

    fn resolve_with(
        &self,
        contexts: &Contexts,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Resolved, Failure> {
        let named = self.context.as_deref().map(|name| contexts.get(name)).transpose()?;
        let in_use = contexts.in_use();
        let context = named.or(in_use).cloned().unwrap_or_default();
        let of_environment = |name| named.is_none().then(|| variable(name)).flatten();
        let given = self.server.clone().or_else(|| of_environment(SERVER_VARIABLE));
        // The token of a context belongs to its server, and is sent to no other.
        let of_context = match given.is_none() {
            true => context.clone(),
            false => Context { workspace: context.workspace.clone(), ..Context::default() },
        };
        let Context { server, token_file, workspace, ca } = of_context;
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(read_token(file)?),
            (None, None) => match of_environment(TOKEN_VARIABLE) {
                Some(token) => Some(token),
                None => token_file.as_deref().map(read_token).transpose()?,
            },
        };
        Ok(Resolved {
            server: given.or(server).unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
            token,
            workspace: of_environment(WORKSPACE_VARIABLE).or(workspace),
            ca: self.ca.clone().or(ca),
        })
    }

    fn endpoint(&self, url: &Url, ca: Option<&Path>) -> Result<Endpoint, Failure> {
        let endpoint = Endpoint::from_shared(url.to_string());
        let endpoint = endpoint.map_err(|cause| format!("{url}: {cause}"))?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        let has_tls_flags =
            self.ca.is_some() || self.server_name.is_some() || self.client_certificate.is_some();
        if url.scheme() == "http" {
            return match has_tls_flags {
                true => Err(format!("{url}: expected https:// with flags about certificates")),
                false => Ok(endpoint),
            };
        }
        let mut tls = match ca {
            Some(file) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(file)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        endpoint.tls_config(tls).map_err(|cause| format!("certificates: {}", root(&cause)))
    }
}

/// An address of a server, with a scheme or without.
pub fn url_of(server: &str) -> Result<Url, Failure> {
    let text = match server.contains("://") {
        true => server.to_owned(),
        false => format!("http://{server}"),
    };
    let is_address = |url: &Url| {
        ["http", "https"].contains(&url.scheme())
            && url.host().is_some()
            && ["", "/"].contains(&url.path())
            && url.query().is_none()
            && url.username().is_empty()
    };
    Url::parse(&text).ok().filter(is_address).ok_or_else(|| {
        format!(
            "{server}: expected the address of a server, for example 127.0.0.1:50051 or \
             https://tollgate.example.com"
        )
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let text = read(path)?;
    let token = text.trim();
    match token.is_empty() || token.contains(char::is_whitespace) {
        true => Err(format!("{}: expected one secret in the file", path.display())),
        false => Ok(token.to_owned()),
    }
}

/// The cause that says most: the one at the bottom.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts() -> (tempfile::TempDir, Contexts) {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        fs::write(&token_file, "tg_context\n").unwrap();
        let mut contexts = Contexts::default();
        for name in ["prod", "test"] {
            let context = Context {
                server: Some(format!("https://{name}.example")),
                token_file: Some(token_file.clone()),
                workspace: Some(name.to_owned()),
                ca: None,
            };
            contexts.set(name, context);
        }
        contexts.take("prod").unwrap();
        (folder, contexts)
    }

    fn resolved(connection: &Connection, variables: &[(&str, &str)]) -> Resolved {
        let (_folder, contexts) = contexts();
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        connection.resolve_with(&contexts, find).unwrap()
    }

    #[test]
    fn a_flag_comes_before_a_named_context_before_the_environment_before_the_one_in_use() {
        let all = [(SERVER_VARIABLE, "env:1"), (TOKEN_VARIABLE, "e"), (WORKSPACE_VARIABLE, "w")];
        let in_use = resolved(&Connection::default(), &[]);
        assert_eq!(in_use.server, "https://prod.example");
        assert_eq!(in_use.token.as_deref(), Some("tg_context"));
        assert_eq!(in_use.workspace.as_deref(), Some("prod"));
        let of_environment = resolved(&Connection::default(), &all);
        assert_eq!(of_environment.server, "env:1");
        assert_eq!(of_environment.token.as_deref(), Some("e"));
        assert_eq!(of_environment.workspace.as_deref(), Some("w"));
        let named = Connection { context: Some("test".to_owned()), ..Connection::default() };
        let named = resolved(&named, &all);
        assert_eq!(named.server, "https://test.example");
        assert_eq!(named.token.as_deref(), Some("tg_context"));
        assert_eq!(named.workspace.as_deref(), Some("test"));
        let flags = Connection {
            server: Some("flag:1".to_owned()),
            token: Some("f".to_owned()),
            ..Connection::default()
        };
        let flags = resolved(&flags, &all);
        assert_eq!((&*flags.server, flags.token.as_deref()), ("flag:1", Some("f")));
        assert_eq!(flags.workspace.as_deref(), Some("w"));
    }

    #[test]
    fn the_token_of_a_context_goes_to_no_other_server() {
        let other = Connection { server: Some("flag:1".to_owned()), ..Connection::default() };
        assert_eq!(resolved(&other, &[]).token, None);
        assert_eq!(resolved(&Connection::default(), &[(SERVER_VARIABLE, "env:1")]).token, None);
    }

    #[test]
    fn a_context_that_is_not_there_is_refused() {
        let (_folder, contexts) = contexts();
        let connection = Connection { context: Some("none".to_owned()), ..Connection::default() };
        let refusal = connection.resolve_with(&contexts, |_| None).unwrap_err();
        assert!(refusal.contains("none") && refusal.contains("prod, test"), "{refusal}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for server in ["ftp://h", "a b", "http://", "http://h/path", "http://user@h", ""] {
            let refusal = url_of(server).unwrap_err();
            assert!(refusal.contains("expected the address of a server"), "{refusal}");
        }
        for server in ["127.0.0.1:1", "localhost", "https://h:443/", "[::1]:50051"] {
            url_of(server).unwrap();
        }
    }
}

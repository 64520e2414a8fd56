//! Who may call: every call of the protos with every role, foreign workspaces, and credentials that
//! are missing, malformed, expired or revoked; tokens; and who the audit log names.

mod connections;
mod identities;
pub mod raw;
mod tokens;
mod walk;

use std::path::Path;
use std::sync::Arc;

use tollgate::admin::tokens::Tokens;
use tollgate::config::{Auth, Config};
use tollgate::domain::access::{Holder, Role};
use tollgate::domain::attribution::SubjectKind;
use tollgate::domain::time::Micros;
use tollgate::engine::NewToken;
use tonic::Request;

use self::identities::{IDENTITIES, Provider, trust};
use crate::fixtures::{create_workspace, set_up};
use crate::server::{START, Server, TestClock, database};

/// A server that requires credentials, with the secrets of a token of each role.
pub struct Guarded {
    pub server: Server,
    pub folder: tempfile::TempDir,
    pub operator: String,
    pub admin: String,
    pub service: String,
    pub viewer: String,
    /// Of the user `ada`.
    pub holder: String,
    /// Whose tokens are accepted, too.
    pub provider: Provider,
}

impl Guarded {
    /// With the workspaces `acme`, of which the tokens are, and `rival`.
    pub async fn start() -> Guarded {
        let folder = tempfile::tempdir().unwrap();
        let open = Server::start_in(folder.path(), Arc::default(), Config::default()).await;
        set_up(&open).await;
        create_workspace(&open, "rival").await;
        open.stop().await.unwrap();
        let [operator, admin, service, viewer] = [
            (Role::Operator, &[][..]),
            (Role::Admin, &["acme"]),
            (Role::Service, &["acme"]),
            (Role::Viewer, &["acme"]),
        ]
        .map(|(role, workspaces)| token(role.as_str(), role, workspaces, None));
        let operator = create(folder.path(), operator).await;
        let admin = create(folder.path(), admin).await;
        let service = create(folder.path(), service).await;
        let viewer = create(folder.path(), viewer).await;
        let ada = Holder { kind: SubjectKind::User, id: "ada".into() };
        let holder = token("holder", Role::Holder, &["acme"], None);
        let holder = NewToken { holder: Some(ada), ..holder };
        let holder = create(folder.path(), holder).await;
        let provider = Provider::new("one");
        trust(folder.path(), &provider);
        let server = start(folder.path(), Arc::default()).await;
        Guarded { server, folder, operator, admin, service, viewer, holder, provider }
    }
}

pub async fn start(folder: &Path, clock: Arc<TestClock>) -> Server {
    let identity_file = Some(folder.join(IDENTITIES)).filter(|file| file.exists());
    let config = Config { auth: Auth::Required, identity_file, ..Config::default() };
    Server::start_in(folder, clock, config).await
}

pub fn token(id: &str, role: Role, workspaces: &[&str], life: Option<Micros>) -> NewToken {
    NewToken {
        id: Some(id.to_owned()),
        display_name: String::new(),
        role,
        workspace_ids: workspaces.iter().map(|id| Arc::from(*id)).collect(),
        holder: None,
        expire_time: life.map(|life| START + life),
    }
}

/// Creates a token beside a server, as the command line does, and returns its secret.
pub async fn create(folder: &Path, new: NewToken) -> String {
    let tokens = Tokens::open(&database(folder).await, true).await.unwrap();
    let (_, secret) = tokens.create(new, START).await.unwrap();
    tokens.close().await;
    secret.expose().to_owned()
}

/// A message with credentials.
pub fn with<M>(secret: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let value = format!("Bearer {secret}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

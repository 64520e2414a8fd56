//! The certificate of the server and the authorities of its clients, read again when their files
//! change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::TlsFiles;

/// How often the files are looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// gRPC, and gRPC-Web.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used. Never quotes the key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{}: expected certificates in PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{}: expected a private key in PEM, without a password", path.display())]
    NoKey { path: PathBuf },
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("{}: cannot verify certificates of clients: {cause}", path.display())]
    UnusableAuthorities { path: PathBuf, cause: VerifierBuilderError },
}

/// TLS 1.2 and 1.3 with a certificate from files.
pub struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
    /// What is in use.
    loaded: Mutex<Contents>,
}

#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// # Errors
    /// If the files cannot be used.
    pub fn load(files: TlsFiles) -> Result<Tls, Error> {
        let contents = Contents::read(&files)?;
        let config = ArcSwap::from_pointee(contents.config(&files)?);
        Ok(Tls { files, config, loaded: Mutex::new(contents) })
    }

    /// For the next connection.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Takes the files if they have changed. Files that cannot be used change nothing.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn reload(&self) -> Result<bool, Error> {
        // Before they are read: what is in use is never older than what was in use.
        let mut loaded = self.loaded.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let contents = Contents::read(&self.files)?;
        if *loaded == contents {
            return Ok(false);
        }
        // With sessions of its own: none that an authority before let in is resumed.
        self.config.store(Arc::new(contents.config(&self.files)?));
        *loaded = contents;
        Ok(true)
    }

    /// Looks at the files again and again, until `stop`.
    pub async fn watch(self: Arc<Tls>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            let tls = self.clone();
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(true)) => info!("the certificates of the server were read again"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => warn!(%error, "the certificates before stay in use"),
                Err(error) => warn!(%error, "the certificates could not be read again"),
            }
        }
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Contents, Error> {
        let read = |path: &PathBuf| {
            let unreadable = |cause| Error::Unreadable { path: path.clone(), cause };
            std::fs::read(path).map_err(unreadable)
        };
        Ok(Contents {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_ref().map(read).transpose()?,
        })
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, Error> {
        let chain = certificates(&self.certificate, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| Error::NoKey { path: files.key.clone() })?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(bytes), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(bytes, path)? {
                    roots.add(authority)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .allow_unauthenticated()
                    .build();
                let unusable = |cause| Error::UnusableAuthorities { path: path.clone(), cause };
                builder.with_client_cert_verifier(verifier.map_err(unusable)?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

/// At least one.
fn certificates(bytes: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(bytes).collect();
    let read = read.ok().filter(|read| !read.is_empty());
    read.ok_or_else(|| Error::NoCertificate { path: path.to_owned() })
}
